"""Quotations: where an answer quotes, and whether a passage has those words.

Case, white space, the kind of quotation marks and dashes, and numbers of notes do not matter.
Where the quotation leaves something out ("...", "[it]"), its parts must follow one another.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rapidfuzz import fuzz
from rapidfuzz.distance import ScoreAlignment

from ragattr.text.edits import edits_between
from ragattr.text.words import UNSPACED, words
from ragattr.types import Span

FEWEST_WORDS = 4  # shorter ones are names, titles and words held at arm's length
NEAR = 70.0  # per cent of characters that agree: one word in four or five is another
_LONGEST = 1_000  # characters
_REACH = 16  # characters; how far an alignment may cut into words
_SHOWN = 3  # differences


def _between(opener: str, closer: str, others: str) -> str:
    """A pattern: marks with text between them that holds none of the others and no blank line."""
    return rf"{opener}((?:[^{others}\n]|\n(?!\s*\n)){{1,{_LONGEST}}}?){closer}"


_QUOTED = re.compile(
    "|".join(
        (
            _between("“", "”", "“”"),
            _between("„", "[“”]", "„“”"),
            _between("«", "»", "«»"),
            _between("「", "」", "「」"),
            _between(r"(?<!\w)‘", r"’(?!\w)", "‘"),
            _between(r'(?<![\w"])"(?=\S)', r'(?<=\S)"(?!\w)', '"'),
        )
    )
)
_MARKS = "\"“”„«»「」‘’'"
_PLAIN = str.maketrans(
    dict.fromkeys('“”„‟«»「」‘’‚‛`´"', "'")
    | dict.fromkeys("‐‑‒–—―−", "-")
    | dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff*")
    | {"…": "..."}
)
_NOTE = re.compile(r"\s*\[\^?\d{1,3}(?:\s*[,–-]\s*\d{1,3})*\]")
_SPACED = re.compile(r"\s+(?=[,.;:!?])|(?<=-)\s+|\s+(?=-)|(?<=-)-+")
_GAP = re.compile(r"\[[^\[\]]{0,80}\]|\(?\.{3,}\)?|\.(?: \.){2,}")
_EDGES = " .,;:!?'-()"


class Likeness(NamedTuple):
    """The piece of a passage that is most like a quotation; its score is from 0 to 100."""

    score: float
    passage: int
    differences: tuple[str, ...]


def find_quotes(text: str) -> list[Span]:
    """What stands between quotation marks and has at least `FEWEST_WORDS` words, in order.

    In a script without spaces two characters count as a word. Inch signs and apostrophes open
    nothing.
    """
    if not any(mark in text for mark in _MARKS):
        return []
    spans = (Span(*match.span(match.lastindex or 0)) for match in _QUOTED.finditer(text))
    return [span for span in spans if _n_words(_NOTE.sub("", span.of(text))) >= FEWEST_WORDS]


def plain(text: str) -> str:
    """The text with one kind of space, quotation mark and dash, and without numbers of notes."""
    return _SPACED.sub("", " ".join(_NOTE.sub("", text).translate(_PLAIN).split()))


def is_quoted(quote: str, passage: str) -> bool:
    """Whether a passage has the words of a quotation; what only looks otherwise must be plain."""
    passage, at = _folded(passage), 0
    for part in _parts(quote):
        at = _find(_folded(part), passage, at)
        if at < 0:
            return False
    return True


def most_like(quote: str, passages: Sequence[str]) -> Likeness | None:
    """The passage whose words are most like a quotation's. All are plain.

    Returns:
        the likeness of the part of the quotation that is least like it; None below `NEAR`.
    """
    best: Likeness | None = None
    for number, passage in enumerate(passages):
        parts = [_part_likeness(part, passage) for part in _parts(quote)]
        score = min((score for score, _ in parts), default=0.0)
        if score >= NEAR and (best is None or score > best.score):
            differences = [said for _, piece in parts for said in piece]
            best = Likeness(score, number, tuple(differences[:_SHOWN]))
    return best


def _n_words(text: str) -> int:
    unspaced = len(UNSPACED.findall(text))
    return unspaced // 2 + len(words(UNSPACED.sub(" ", text) if unspaced else text))


def _parts(quote: str) -> list[str]:
    parts = (part.strip(_EDGES) for part in _GAP.split(quote))
    return [part for part in parts if part]


def _folded(text: str) -> str:
    """In lower case, character by character, so that places stay what they are."""
    lower = text.lower()
    return lower if len(lower) == len(text) else "".join(min(c.lower(), c, key=len) for c in text)


def _find(part: str, passage: str, start: int) -> int:
    """Where the part ends in the passage as whole words, from `start` on; -1 where it does not."""
    at = passage.find(part, start)
    while at >= 0:
        end = at + len(part)
        if _is_edge(passage, at) and _is_edge(passage, end):
            return end
        at = passage.find(part, at + 1)
    return -1


def _is_edge(text: str, at: int) -> bool:
    """Whether no word goes on at this place; a script without spaces has an edge everywhere."""
    around = text[max(at - 1, 0) : at + 1]
    return len(around) < 2 or at == 0 or not around.isalnum() or bool(UNSPACED.search(around))


def _part_likeness(part: str, passage: str) -> tuple[float, tuple[str, ...]]:
    """How like a passage a part is, 0 to 100, and in what they differ."""
    one, other = _folded(part), _folded(passage)
    if len(one) > len(other):
        return fuzz.ratio(one, other, score_cutoff=NEAR), tuple(_differences(passage, part))
    found = fuzz.partial_ratio_alignment(one, other, score_cutoff=NEAR)
    if found is None:
        return 0.0, ()
    return found.score, tuple(_differences(_fitted(part, passage, found), part))


def _fitted(part: str, passage: str, found: ScoreAlignment) -> str:
    """The whole words of the passage around an alignment that are most like the part."""
    starts, ends = _edges(passage, found.dest_start), _edges(passage, found.dest_end)
    start = max(starts, key=lambda start: fuzz.ratio(passage[start : found.dest_end], part))
    end = max(ends, key=lambda end: fuzz.ratio(passage[start:end], part))
    return passage[start:end].strip(_EDGES)


def _edges(text: str, at: int) -> list[int]:
    """The edges of words near a place."""
    near = range(max(at - _REACH, 0), min(at + _REACH, len(text)) + 1)
    return [place for place in near if _is_edge(text, place)] or [at]


def _differences(piece: str, part: str) -> Iterator[str]:
    """Where the passage and the quotation differ, in words."""
    for edit in edits_between(piece, part):
        if not edit.after:
            yield f"“{edit.before.strip()}” is left out"
        elif not edit.before:
            yield f"“{edit.after.strip()}” is added"
        elif edit.before.lower() != edit.after.lower():
            yield f"“{edit.before}” became “{edit.after}”"
