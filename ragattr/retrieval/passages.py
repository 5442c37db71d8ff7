"""A long text to passages of about 120 words, cut where sentences end."""

import re
from collections.abc import Iterator

from ragattr.text.sentences import sentence_spans
from ragattr.text.words import UNSPACED
from ragattr.types import Span

PASSAGE_WORDS = 120
UNSPACED_CHARACTERS = 400  # a passage of a script that writes no spaces
_LONGEST_WORD = 30  # characters; a longer run counts as several words
_HAS_LETTER = re.compile(r"[^\W_]")
_LONGEST = 2.0  # passages; a sentence beyond that is cut at a space


def cut_passages(text: str, within: Span, *, n_words: int = PASSAGE_WORDS) -> list[Span]:
    """Passages of about `n_words` words; each starts and ends with a sentence.

    A short rest joins the passage before it, so that no passage is only a few words long.
    """
    passages = list[Span]()
    size = 0.0
    for sentence in _pieces(text, within, n_words):
        weight = _words(sentence.of(text))
        if passages and size + weight / 2 <= n_words:
            passages[-1] = Span(passages[-1].start, sentence.end)
            size += weight
        else:
            passages.append(sentence)
            size = weight
    if len(passages) > 1 and size < n_words / 4:
        rest = passages.pop()
        passages[-1] = Span(passages[-1].start, rest.end)
    return passages


def _pieces(text: str, within: Span, n_words: int) -> Iterator[Span]:
    """The sentences; one that is longer than two passages is cut at spaces, or anywhere without."""
    for sentence in sentence_spans(within.of(text)):
        span = sentence.shift(within.start)
        if _words(span.of(text)) <= _LONGEST * n_words:
            yield span
            continue
        start, size = span.start, 0.0
        for match in re.finditer(r"\S{1,30}\s*", span.of(text)):
            size += _words(match.group())
            if size >= n_words or span.start + match.end() == span.end:
                end = span.start + match.start() + len(match.group().rstrip())
                yield Span(start, end)
                start, size = span.start + match.end(), 0.0


def _words(text: str) -> float:
    """Length in words; a character of a script without spaces counts as a fraction of one."""
    n_unspaced = len(UNSPACED.findall(text))
    spaced = (UNSPACED.sub(" ", text) if n_unspaced else text).split()
    n_spaced = sum(max(1.0, len(run) / _LONGEST_WORD) for run in spaced if _HAS_LETTER.search(run))
    return n_spaced + n_unspaced * PASSAGE_WORDS / UNSPACED_CHARACTERS
