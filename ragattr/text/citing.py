"""Markers written in the style that an answer has: other numbers, fewer, more, none."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

from ragattr.text.markers import marker_cuts
from ragattr.types import Claim, Edit, Marker, Span

T = TypeVar("T")
_STOPS = ".!?…。！？"
_CLOSING = "\"”’'»)]*_"
_SHAPE = re.compile(
    r"(?P<open>\D*)(?P<numbers>\d+(?:\s*[,;、，\-–—]\s*\^?\d+)*)(?P<close>.*)", re.DOTALL
)
_NAMED = re.compile(r"\(https?://.*\)|†(?!source】)[^】]*")  # the source itself, by link or name
_RANGE = re.compile(r"\d\s*[-–—]\s*\^?\d")
_SEPARATOR = re.compile(r"\d(\s*[,;、，]\s*\^?)\d")


@dataclass(frozen=True)
class MarkerStyle:
    """How an answer writes its markers.

    Attributes:
        open, close: around the numbers.
        separator: between numbers of one marker; None where each has a marker of its own.
        space: before a marker.
        is_after_stop: whether it stands behind the full stop.
    """

    open: str = "["
    close: str = "]"
    separator: str | None = None
    space: str = " "
    is_after_stop: bool = False

    @classmethod
    def of(cls, text: str, markers: Sequence[Marker]) -> "MarkerStyle":
        """That of most markers; `[1][2]` before the full stop where there are none."""
        if not markers:
            return cls()
        shapes = [_shape(marker.span.of(text)) for marker in markers]
        opening, closing = _most([(shape[0], _NAMED.sub("", shape[2])) for shape in shapes])
        separators = [s for shape in shapes if (s := _SEPARATOR.search(shape[1]))]
        before = [text[: marker.span.start] for marker in markers]
        return cls(
            opening,
            closing,
            separators[0][1] if separators else None,
            _most(
                [b[len(b.rstrip(" \u00a0")) :] for b in before if b[-1:] not in closing[-1:]]
                or [" "]
            ),
            _most([b.rstrip(" \u00a0").rstrip(_CLOSING)[-1:] in (*_STOPS,) for b in before]),
        )

    def write(self, numbers: Sequence[int]) -> str:
        """One marker, or one for each number."""
        if self.separator is not None:
            return f"{self.open}{self.separator.join(map(str, numbers))}{self.close}"
        return "".join(f"{self.open}{number}{self.close}" for number in numbers)


def cite_claim(
    text: str,
    claim: Claim,
    markers: Sequence[Marker],
    wanted: Sequence[int],
    style: MarkerStyle,
    reason: str = "",
) -> list[Edit]:
    """The edits after which the claim cites just these numbers.

    Markers whose numbers are all wanted stay as they are. New numbers take the place of wrong ones,
    join the last marker, or stand where the answer puts its markers.

    Args:
        markers: those of the claim, in order.
    """
    kept = [[n for n in marker.numbers if n in wanted] for marker in markers]
    said = {n for numbers in kept for n in numbers}
    missing = [n for n in wanted if n not in said]
    if missing and markers:
        home = next((i for i, row in enumerate(kept) if len(row) < len(markers[i].numbers)), -1)
        kept[home] += missing
    edits = [*_dropped(text, markers, [bool(numbers) for numbers in kept], reason)]
    edits += [
        _rewritten(text, marker, numbers, style, reason)
        for marker, numbers in zip(markers, kept, strict=True)
        if numbers and tuple(numbers) != marker.numbers
    ]
    if missing and not markers:
        at = _end(text, claim, style)
        edits.append(Edit(Span(at, at), "", style.space + style.write(missing), reason))
    return sorted(edits, key=lambda edit: edit.span)


def renumbered(
    text: str, markers: Sequence[Marker], numbers: Mapping[int, int], reason: str = ""
) -> list[Edit]:
    """The edits after which every marker has other numbers; those not told stay."""
    edits = list[Edit]()
    for marker in markers:
        new = tuple(numbers.get(n, n) for n in marker.numbers)
        if new == marker.numbers:
            continue
        opening, written, closing = _shape(marker.span.of(text))
        after = (
            ", ".join(map(str, new))
            if _RANGE.search(written)
            else re.sub(r"\d+", lambda said: str(numbers.get(int(said[0]), int(said[0]))), written)
        )
        edits.append(Edit(marker.span, marker.span.of(text), opening + after + closing, reason))
    return edits


def _dropped(
    text: str, markers: Sequence[Marker], stays: Sequence[bool], reason: str
) -> Iterator[Edit]:
    """The edits that take out markers, with the space before them or what joins them to others."""
    for span, left in marker_cuts(text, markers):
        joined = [
            (marker.span, kept)
            for marker, kept in zip(markers, stays, strict=True)
            if span.holds(marker.span.start)
        ]
        first = next((own.start for own, kept in joined if kept), None)
        if first is None:
            starts_line = text[: span.start][-1:] in ("", "\n")
            rest = text[span.end :]
            end = span.end + (len(rest) - len(rest.lstrip(" \t")) if starts_line else 0)
            gone = Span(span.start, end)
            yield Edit(gone, gone.of(text), left, reason)
            continue
        start = joined[0][0].start
        if start < first:
            yield Edit(Span(start, first), text[start:first], "", reason)
        for (before, _), (own, kept) in pairwise(joined):
            if own.start > first and not kept:
                gone = Span(before.end, own.end)
                yield Edit(gone, gone.of(text), "", reason)


def _rewritten(
    text: str, marker: Marker, numbers: Sequence[int], style: MarkerStyle, reason: str
) -> Edit:
    opening, written, closing = _shape(marker.span.of(text))
    if not set(numbers) <= set(marker.numbers):
        closing = _NAMED.sub("", closing)
    if len(marker.numbers) == 1 and style.separator is None:
        return Edit(marker.span, marker.span.of(text), style.write(numbers), reason)
    found = _SEPARATOR.search(written)
    separator = found[1] if found else style.separator or ", "
    after = f"{opening}{separator.join(map(str, numbers))}{closing}"
    return Edit(marker.span, marker.span.of(text), after, reason)


def _end(text: str, claim: Claim, style: MarkerStyle) -> int:
    """Where a claim without markers gets one."""
    end = claim.span.end
    if style.is_after_stop:
        return end
    said = text[claim.span.start : end].rstrip(_CLOSING)
    bare = said.rstrip(_STOPS + ":;,")
    return claim.span.start + len(bare) if len(bare) < len(said) else end


def _shape(marker: str) -> tuple[str, str, str]:
    match = _SHAPE.fullmatch(marker)
    return (match["open"], match["numbers"], match["close"]) if match else ("[", marker, "]")


def _most(values: Sequence[T]) -> T:
    return max(values, key=values.count)
