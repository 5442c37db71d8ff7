"""Inline citation markers: `[1]`, `[1][2]`, `[1, 3]`, `[2-4]`, `(1)`, `【1】`, `^1^`.

Number n means the n-th passage, counted from 1. Square, lenticular and caret markers are taken
as they stand; round brackets also hold years, ages and list numbers, so they count only where a
citation would stand.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ragattr.types import Marker, Span

_NUMBERS = r"\^?\d{1,4}(?:\s*[,;、，\-–—]\s*\^?\d{1,4})*"
_MARKER = re.compile(
    rf"\[\s*(?P<square>{_NUMBERS})\s*\](?:\(https?://[^\s()]*\))?"
    rf"|【\s*(?P<lenticular>{_NUMBERS})\s*(?:†[^【】\n]*)?】"
    rf"|\^(?P<caret>{_NUMBERS})\^"
    rf"|\(\s*(?P<round>\d{{1,2}}(?:\s*[,;\-–—]\s*\d{{1,2}})*)\s*\)"
)
_PIECE = re.compile(r"(\d+)(?:\s*[-–—]\s*\^?(\d+))?")
_LONGEST_RANGE = 50
_JOINT = re.compile(r"[ \t]*(?:[,;]|and|&)?[ \t]*")
_STOPS = frozenset(".!?")
_SPACES = frozenset(" \t\u00a0\u202f")  # of one line


def find_markers(text: str, n_passages: int) -> tuple[Marker, ...]:
    """The markers of `text`, in order.

    Round brackets count only in a text without other markers, when their numbers name passages.

    Args:
        n_passages: how many passages there are.
    """
    matches = list(_MARKER.finditer(text))
    rounds = [match for match in matches if match["round"] is not None]
    if len(rounds) < len(matches) or _is_enumeration(text, rounds):
        rounds = []
    return tuple(
        Marker(Span(*match.span()), numbers)
        for match in matches
        if (numbers := _numbers(match[match.lastgroup or 0]))
        and (match["round"] is None or (rounds and _names(text, match, numbers, n_passages)))
    )


@dataclass(frozen=True)
class Cut:
    """A text without its markers; `origin[i]` is where character i stood in the whole text."""

    text: str
    origin: tuple[int, ...]


def cut_markers(text: str, markers: Sequence[Marker]) -> Cut:
    """Take out each marker and the white space before it.

    What only joins markers ("[1], [2]") or encloses them goes too. Where a sentence would run
    into the next ("one.[1]Two"), a space is left in the marker's place.
    """
    kept, cursor = list[tuple[str, int]](), 0
    for span, left in marker_cuts(text, markers):
        kept += [(text[i], i) for i in range(cursor, span.start)]
        kept += [(char, span.end - 1) for char in left]
        cursor = span.end
    kept += [(text[i], i) for i in range(cursor, len(text))]
    return Cut("".join(char for char, _ in kept), tuple(i for _, i in kept))


def marker_cuts(text: str, markers: Sequence[Marker]) -> list[tuple[Span, str]]:
    """What goes where markers are taken out, in order, and the space or nothing that is left."""
    cuts, cursor = list[tuple[Span, str]](), 0
    for group in _groups(text, markers):
        start = group.start
        while start > cursor and text[start - 1] in _SPACES:
            start -= 1
        runs_on = text[start - 1 : start] in _STOPS and text[group.end : group.end + 1].isalnum()
        cuts.append((Span(start, group.end), " " if runs_on else ""))
        cursor = group.end
    return cuts


def begins_line(text: str, at: int) -> bool:
    """Whether nothing but white space stands before this place on its line."""
    while at > 0 and text[at - 1] != "\n" and text[at - 1].isspace():
        at -= 1
    return at == 0 or text[at - 1] == "\n"


def _groups(text: str, markers: Sequence[Marker]) -> list[Span]:
    """Markers joined by no more than a comma or an "and", as one; with brackets around them."""
    groups = list[Span]()
    for marker in markers:
        if groups and _JOINT.fullmatch(text, groups[-1].end, marker.span.start):
            groups[-1] = Span(groups[-1].start, marker.span.end)
        else:
            groups.append(marker.span)
    return [
        Span(group.start - 1, group.end + 1)
        if text[max(group.start - 1, 0) : group.start] == "("
        and text[group.end : group.end + 1] == ")"
        else group
        for group in groups
    ]


def _numbers(written: str) -> tuple[int, ...]:
    numbers: list[int] = []
    for first, last in _PIECE.findall(written.replace("^", "")):
        low, high = sorted((int(first), int(last or first)))
        numbers.extend(range(low, high + 1) if high - low <= _LONGEST_RANGE else (low, high))
    return tuple(dict.fromkeys(numbers))


def _is_enumeration(text: str, matches: Sequence[re.Match[str]]) -> bool:
    """Whether the brackets count parts: "(1) mix the flour, then (2) bake the bread"."""
    written = [match["round"] for match in matches]
    counted = [str(number) for number in range(1, len(matches) + 1)]
    goes_on = all(re.match(r"\s+[a-z]", text[match.end() : match.end() + 9]) for match in matches)
    return len(matches) > 1 and written == counted and goes_on


def _names(text: str, match: re.Match[str], numbers: tuple[int, ...], n_passages: int) -> bool:
    """Whether the bracket names passages and does not number a line."""
    return not begins_line(text, match.start()) and all(
        1 <= number <= n_passages for number in numbers
    )
