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
    rf"|【\s*(?P<lenticular>{_NUMBERS})\s*(?:†[^】\n]*)?】"
    rf"|\^(?P<caret>{_NUMBERS})\^"
    rf"|\(\s*(?P<round>\d{{1,2}}(?:\s*[,;\-–—]\s*\d{{1,2}})*)\s*\)"
)
_PIECE = re.compile(r"(\d+)(?:\s*[-–—]\s*\^?(\d+))?")
_LONGEST_RANGE = 50


def find_markers(text: str, n_passages: int) -> tuple[Marker, ...]:
    """The markers of `text`, in order.

    Args:
        n_passages: how many passages there are; it decides whether `(7)` can be a citation.
    """
    matches = list(_MARKER.finditer(text))
    has_others = any(match["round"] is None for match in matches)
    return tuple(
        Marker(Span(*match.span()), numbers)
        for match in matches
        if (numbers := _numbers(match[match.lastgroup or 0]))
        and (
            match["round"] is None
            or (not has_others and _is_citation(text, match, numbers, n_passages))
        )
    )


@dataclass(frozen=True)
class Cut:
    """A text without its markers; `origin[i]` is where character i stood in the whole text."""

    text: str
    origin: tuple[int, ...]


def cut_markers(text: str, markers: Sequence[Marker]) -> Cut:
    """Take out each marker and the white space before it."""
    keep = bytearray(b"\x01") * len(text)
    for marker in markers:
        start = len(text[: marker.span.start].rstrip(" \t\u00a0\u202f"))
        keep[start : marker.span.end] = bytes(marker.span.end - start)
    origin = tuple(i for i, kept in enumerate(keep) if kept)
    return Cut("".join(text[i] for i in origin), origin)


def _numbers(written: str) -> tuple[int, ...]:
    numbers: list[int] = []
    for first, last in _PIECE.findall(written.replace("^", "")):
        low, high = sorted((int(first), int(last or first)))
        numbers.extend(range(low, high + 1) if high - low <= _LONGEST_RANGE else (low, high))
    return tuple(dict.fromkeys(numbers))


def _is_citation(
    text: str, match: re.Match[str], numbers: tuple[int, ...], n_passages: int
) -> bool:
    before, after = text[: match.start()], text[match.end() :]
    line_before = before.rpartition("\n")[2]
    if not line_before.strip():
        return False  # "(1) first item"
    if re.match(r"\s+[a-z]", after) and re.search(r"[:,;]\s*$|\b(?:and|or)\s*$", line_before):
        return False  # "parts: (1) the head, (2) the body"
    closes = re.match(r"\s*(?:[.!?;。！？]|$|\n|\(\d)", after) is not None
    return closes or all(1 <= number <= n_passages for number in numbers)
