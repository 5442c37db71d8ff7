"""An answer in pieces, each with what it cites: between markers and other people's citations.

`joined` turns pieces into an answer with markers, `cut_answer` an answer into pieces. An answer
whose markers are written `one [1][2]. Two.` comes back as it was.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NotRequired, TypedDict

from ragattr.adapters.places import Places
from ragattr.errors import InputError
from ragattr.record import Row, read_case
from ragattr.schema import check
from ragattr.text.claims import read_claims
from ragattr.text.markers import marker_cuts
from ragattr.text.offsets import OffsetUnit
from ragattr.types import Marker, Span

_SUPPORTING = ("grounded", "post_rationalised")


# What is read of a record's citation. `class` is a keyword, so this one is written as a call.
RowFields = TypedDict(
    "RowFields",
    {
        "origin": str,
        "passage": str | None,
        "start": int | None,
        "end": int | None,
        "text": str | None,
        "used": float | None,
        "supports": float | None,
        "class": str | None,
        "jointly": bool,
    },
)


class ClaimFields(TypedDict):
    """What is read of a record's claim."""

    start: int
    end: int
    text: str
    citations: list[RowFields]


class VerifierFields(TypedDict):
    """What is read of a record's verifier."""

    threshold: float


class RecordFields(TypedDict):
    """What is read of a record beyond its case."""

    offsets: OffsetUnit
    claims: list[ClaimFields]
    verifier: NotRequired[VerifierFields | None]


@dataclass(frozen=True)
class Cite:
    """A passage by its number, from 1; `span` is the part that is cited, None all of it."""

    number: int
    span: Span | None = None


@dataclass(frozen=True)
class Piece:
    """A part of an answer, without its markers, and what it cites."""

    text: str
    cites: tuple[Cite, ...] = ()

    @property
    def numbers(self) -> tuple[int, ...]:
        """The passages that are cited, each once."""
        return tuple(dict.fromkeys(cite.number for cite in self.cites))


def joined(pieces: Iterable[Piece]) -> str:
    """The answer with `[n]` at the end of each piece that cites, before its trailing space.

    Example: `the grass is green` citing 1, then ` today.`, is `the grass is green [1] today.`
    """
    text = ""
    for piece in snug(pieces):
        text += piece.text
        if piece.cites:
            text += " " * bool(text) + "".join(f"[{number}]" for number in piece.numbers)
    return text


def snug(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """The pieces, with the white space at the end of one that cites given to the next."""
    left = ""
    for piece in pieces:
        text = left + piece.text
        body = text.rstrip() if piece.cites else text
        left = text[len(body) :]
        yield Piece(body, piece.cites)
    if left:
        yield Piece(left)


def answered(row: Mapping[str, Any]) -> Row:
    """A case or record that can be written: its fields checked, its passages with ids.

    Raises:
        InputError: a field is missing or of the wrong type; the message has its path.
    """
    case = read_case(row, default_id="1", answered=True)
    if "claims" in case:
        check(case, RecordFields)
    return case


def cut_answer(case: Mapping[str, Any]) -> tuple[Piece, ...]:
    """The answer of a case or record in pieces.

    A piece ends where a marker stood, and where a claim that cites begins. A record's claims also
    cite the sentences that were found to support them. A marker with a number that points
    nowhere stays in the text.
    """
    text, passages = case["answer"], case["passages"]
    claims, markers = read_claims(text, len(passages))
    known = [m for m in markers if all(1 <= number <= len(passages) for number in m.numbers)]
    found = _found(case) if "claims" in case else [(claim.span, ()) for claim in claims]
    return tuple(snug(_pieces(text, _stops(text, known, found))))


@dataclass(frozen=True)
class _Stop:
    """Where a piece ends; `span` is left out of the answer, but for the space in `left`."""

    span: Span
    cites: tuple[Cite, ...] = ()
    left: str = ""


def _stops(
    text: str, markers: Sequence[Marker], claims: Sequence[tuple[Span, tuple[Cite, ...]]]
) -> list[_Stop]:
    """The stops of markers and claims, in order; what was found stands with the last marker."""
    starts = [marker.span.start for marker in markers]
    stops = list[_Stop]()
    for span, left in marker_cuts(text, markers):
        inside = markers[bisect_left(starts, span.start) : bisect_left(starts, span.end)]
        cites = tuple(Cite(number) for marker in inside for number in marker.numbers)
        stops.append(_Stop(span, cites, left))
    edges, more = [stop.span.start for stop in stops], list[_Stop]()
    for span, found in claims:
        last = bisect_left(edges, span.end) - 1
        is_marked = last >= 0 and edges[last] >= span.start
        if is_marked or found:
            more.append(_Stop(Span(span.start, span.start)))
        if is_marked:
            stops[last] = replace(stops[last], cites=stops[last].cites + found)
        elif found:
            more.append(_Stop(Span(span.end, span.end), found))
    return sorted([*stops, *more], key=lambda stop: stop.span)


def _pieces(text: str, stops: Sequence[_Stop]) -> list[Piece]:
    """The text between the stops; what a blank piece cites goes to the next, which it labels."""
    pieces, cites, left, cursor = list[Piece](), tuple[Cite, ...](), "", 0
    for stop in [*stops, _Stop(Span(len(text), len(text)))]:
        piece, cites = left + text[cursor : stop.span.start], cites + stop.cites
        if piece.strip():
            pieces.append(Piece(piece, cites))
            cites, left = (), stop.left
        else:
            left = piece + stop.left
        cursor = max(cursor, stop.span.end)
    if left or cites:
        last = pieces.pop() if pieces else Piece("")
        pieces.append(Piece(last.text + left, last.cites + cites))
    return pieces


def _found(record: Mapping[str, Any]) -> list[tuple[Span, tuple[Cite, ...]]]:
    """Each claim of a record, and the sentences that were found to support it."""
    unit: OffsetUnit = record["offsets"]
    answer = Places(record["answer"], unit)
    numbers = {passage["id"]: i for i, passage in enumerate(record["passages"], start=1)}
    places = [Places(passage["text"], unit) for passage in record["passages"]]
    threshold = (record.get("verifier") or {}).get("threshold", 1.0)
    claims = list[tuple[Span, tuple[Cite, ...]]]()
    for i, claim in enumerate(record["claims"]):
        cites = list[Cite]()
        for j, row in enumerate(claim["citations"]):
            if row["origin"] == "found" and _supports(row, threshold):
                path = f"claims[{i}].citations[{j}]"
                if row["passage"] not in numbers:
                    raise InputError(f"{path}.passage: no passage has the id {row['passage']!r}")
                number = numbers[row["passage"]]
                cites.append(Cite(number, _where(row, places[number - 1], path)))
        claims.append((_where(claim, answer, f"claims[{i}]"), tuple(cites)))
    return claims


def _supports(row: Mapping[str, Any], threshold: float) -> bool:
    """Whether a row counts as supporting: its class says it, where it has one."""
    if row["class"] is not None:
        return row["class"] in _SUPPORTING
    return row["jointly"] or (row["supports"] is not None and row["supports"] >= threshold)


def _where(row: Mapping[str, Any], places: Places, path: str) -> Span:
    """Where the row's text stands.

    Raises:
        InputError: it does not stand at the row's offsets.
    """
    start, end = (None if row[name] is None else places.at(row[name]) for name in ("start", "end"))
    if start is None or end is None or start > end or places.text[start:end] != row["text"]:
        raise InputError(f"{path}: its text does not stand at [{row['start']}, {row['end']})")
    return Span(start, end)
