"""An answer as it is linted: its sentences with their markers, its notes, and what it quotes.

Code is not read: what stands between back quotes cites and quotes nothing.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

from ragattr.text.claims import read_claims
from ragattr.text.quotes import find_quotes
from ragattr.types import Claim, Marker, Span

_ASSUMED_PASSAGES = 9  # where none are known: "(3)" is a marker, "(45)" is an age
_FENCED = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]+`", re.DOTALL)
_HIDDEN = str.maketrans(dict.fromkeys('[](){}【】［］^"“”„«»「」‘’', "_"))
_NOTE = re.compile(r"^[ \t]*\[\^([^\]\s]+)\]:.*$", re.MULTILINE)
# A marker, the full stop, a capital: one sentence has ended, whatever the word before it is.
_ENDED = re.compile(r"[.!?]+[\"”’)»*_]*\s+(?=[^\W\d_a-zß-ÿ])")
_BEGINS = re.compile(r"\s*(?=[\"“«(]?[^\W\d_a-zß-ÿ])")
_STOPPED = re.compile(r"(?:[^\W\d_]{4}|\d)[.!?]+[\"”’)»*_]*\s*$")


class Sentence(NamedTuple):
    """A sentence of an answer and the markers that are read as its own."""

    claim: Claim
    markers: tuple[Marker, ...]


class Note(NamedTuple):
    """A footnote's text: its label, where the label stands with its brackets, and its line."""

    label: str
    mark: Span
    line: Span


@dataclass(frozen=True)
class Reading:
    """What is checked.

    Attributes:
        text: of the answer, without the brackets and quotation marks of code; as long as it was.
        passages: the texts that numbers count, from 1; None where they are not known.
        markers: those of the sentences; notes have none.
        quotes: without their quotation marks.
    """

    text: str
    passages: Sequence[str] | None
    markers: tuple[Marker, ...]
    sentences: tuple[Sentence, ...]
    notes: tuple[Note, ...]
    quotes: tuple[Span, ...]

    def holding(self, quote: Span) -> list[Sentence]:
        """The sentences that a quotation is part of."""
        return [
            sentence
            for sentence in self.sentences
            if sentence.claim.span.start < quote.end and quote.start < sentence.claim.span.end
        ]


def read_answer(written: str, passages: Sequence[str] | None) -> Reading:
    """Read an answer; sentences that hold a marker, a stop and a capital are cut there."""
    text = _CODE.sub(lambda m: m.group().translate(_HIDDEN), written) if "`" in written else written
    claims, markers = read_claims(text, _ASSUMED_PASSAGES if passages is None else len(passages))
    notes = _notes(text)
    apart = [note.line for note in notes]
    apart += [Span(*m.span()) for m in _FENCED.finditer(text)] if "```" in text else []
    lies_apart = _reaching(apart)
    kept = [marker for marker in markers if not lies_apart(marker.span)]
    starts = [marker.span.start for marker in kept]
    sentences = list[Sentence]()
    for claim in claims:
        if lies_apart(claim.span):
            continue
        first, last = bisect_left(starts, claim.span.start), bisect_left(starts, claim.span.end)
        sentences += _sentences(text, claim, kept[first:last])
    return Reading(text, passages, tuple(kept), tuple(sentences), notes, tuple(find_quotes(text)))


def _reaching(spans: Sequence[Span]) -> Callable[[Span], bool]:
    """A function that says whether a span reaches into any of these."""
    starts = sorted(span.start for span in spans)
    ends = [*accumulate(sorted(spans), lambda last, span: max(last, span.end), initial=0)]

    def reaches(span: Span) -> bool:
        n_begun = bisect_left(starts, span.end)
        return ends[n_begun] > span.start

    return reaches


def _notes(text: str) -> tuple[Note, ...]:
    if "]:" not in text:
        return ()
    return tuple(
        Note(match[1], Span(match.start(1) - 2, match.end(1) + 1), Span(*match.span()))
        for match in _NOTE.finditer(text)
    )


def _sentences(text: str, claim: Claim, markers: Sequence[Marker]) -> Iterator[Sentence]:
    """The claim, or its parts where it surely has several."""
    start, own = claim.span.start, list[Marker]()
    for i, marker in enumerate(markers):
        own.append(marker)
        following = markers[i + 1].span.start if i + 1 < len(markers) else claim.span.end
        end = _end(text, marker, start)
        if end is None or end > following or not text[end : claim.span.end].strip():
            continue
        span = Span(start, start + len(text[start:end].rstrip()))
        yield Sentence(Claim(span.of(text), span, claim.needs_support), tuple(own))
        start, own = end, []
    span = Span(start, claim.span.end)
    yield Sentence(Claim(span.of(text), span, claim.needs_support), tuple(own))


def _end(text: str, marker: Marker, start: int) -> int | None:
    """Where the next sentence begins, if one has ended at this marker."""
    if match := _ENDED.match(text, marker.span.end):
        return match.end()
    match = _BEGINS.match(text, marker.span.end)
    return match.end() if match and _STOPPED.search(text, start, marker.span.start) else None
