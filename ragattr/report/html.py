"""Records as one self-contained HTML page: no script, nothing loaded, the style held by its hash."""

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Generic, TypeVar

import numpy as np
from jinja2 import Environment, StrictUndefined, Template
from numpy.typing import NDArray

from ragattr import __version__
from ragattr.record import Row
from ragattr.report.summary import (
    MARKS,
    claim_class,
    contradicts,
    figure,
    measured_by,
    passage_numbers,
    readable,
    row_class,
    verdict_word,
)
from ragattr.text.offsets import positions

T = TypeVar("T")

# A line end inside a paragraph that was wrapped at a fixed width, but not one before a list item.
_WRAPPED = re.compile(r"(?<=[^\n]{60})\r?\n(?=[^\s*•#|>+\-\d])")


def render_html(records: Sequence[Row]) -> str:
    """One page with a section for each record.

    Its content security policy lets through the one style block, by hash, and nothing else.
    """
    sections = [_section(record, number) for number, record in enumerate(records, start=1)]
    view = {
        "sections": sections,
        "n_claims": max((len(section["claims"]) for section in sections), default=0),
        "marks": MARKS,
        "version": __version__,
    }
    template = _template()
    style = "".join(template.blocks["style"](template.new_context(view)))
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return readable(template.render(view, style_hash=f"sha256-{digest}"))


@dataclass(frozen=True)
class Piece(Generic[T]):
    """A stretch of text with the tags of the spans that cover, begin with and end with it."""

    start: int
    text: str
    inside: tuple[T, ...]
    opens: tuple[T, ...]
    closes: tuple[T, ...]


def split(text: str, spans: Sequence[tuple[int, int, T]]) -> list[Piece[T]]:
    """Cut a text wherever a span begins or ends, so that overlapping spans can all be shown.

    Example: `split("abc", [(0, 2, "x"), (1, 3, "y")])` has the pieces a (x), b (x, y), c (y).
    """
    length = len(text)
    inner = [(max(start, 0), min(end, length), tag) for start, end, tag in spans]
    inner = [(start, end, tag) for start, end, tag in inner if start < end]
    edges = sorted({0, length, *(edge for start, end, _ in inner for edge in (start, end))})
    return [
        Piece(
            start=left,
            text=text[left:right],
            inside=tuple(tag for start, end, tag in inner if start <= left and right <= end),
            opens=tuple(tag for start, _, tag in inner if start == left),
            closes=tuple(tag for _, end, tag in inner if end == right),
        )
        for left, right in zip(edges, edges[1:], strict=False)
    ]


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
    )
    environment.filters["figure"] = figure
    source = files("ragattr.report").joinpath("report.html.j2").read_text("utf-8")
    return environment.from_string(source)


def _section(record: Row, number: int) -> Row:
    record = _complete(record)
    classes = [claim_class(claim) for claim in record["claims"]]
    labels = _labels(record)
    return {
        "id": f"r{number}",
        "record": record,
        "measured": measured_by(record),
        "tally": [(name, n) for name in MARKS if (n := Counter(classes)[name]) and name != "none"],
        "answer": _answer(record, classes),
        "claims": [
            {
                "number": i,
                "claim": claim,
                "class": name,
                "verdict": verdict_word(claim, record["verifier"]),
                "rows": [_row(record, row, labels) for row in claim["citations"]],
            }
            for i, (claim, name) in enumerate(zip(record["claims"], classes, strict=True), start=1)
        ],
        "passages": [
            _passage(record, passage, number, labels)
            for number, passage in enumerate(record["passages"], start=1)
        ],
    }


def _complete(record: Row) -> Row:
    """The record with the fields that a case may leave out, so that a missing one means a mistake."""
    absent = {"title": None, "source": None, "page": None}
    passages = [{**absent, **passage} for passage in record["passages"]]
    return {"answer": None, "generator": None, **record, "passages": passages}


def _labels(record: Row) -> dict[tuple[str, int, int], str]:
    """A number for each sentence that a claim points to: "2.1" is the first one in passage 2."""
    found = {
        (row["passage"], row["start"], row["end"])
        for claim in record["claims"]
        for row in claim["citations"]
        if row["origin"] == "found"
    }
    numbers, labels = passage_numbers(record), dict[tuple[str, int, int], str]()
    n_seen = Counter[str]()
    for place in sorted(found, key=lambda place: (numbers[place[0]], *place[1:])):
        n_seen[place[0]] += 1
        labels[place] = f"{numbers[place[0]]}.{n_seen[place[0]]}"
    return labels


def _answer(record: Row, classes: Sequence[str]) -> list[Row]:
    """The answer in pieces, each with its claim; within a claim, its markers are pieces too."""
    text = record["answer"] or ""
    places = positions(text, record["offsets"])
    claims = [(*_span(places, claim), i) for i, claim in enumerate(record["claims"], start=1)]
    markers = [
        (*_span(places, row["marker"]), "dangling" if row["problem"] else "marker")
        for claim in record["claims"]
        for row in claim["citations"]
        if row["marker"]
    ]
    return [
        {
            "claim": piece.inside[0] if piece.inside else None,
            "class": classes[piece.inside[0] - 1] if piece.inside else "none",
            "ends": bool(piece.inside) and piece.inside[0] in piece.closes,
            "parts": split(
                piece.text, [(a - piece.start, b - piece.start, m) for a, b, m in markers]
            ),
        }
        for piece in split(text, claims)
    ]


def _row(record: Row, row: Row, labels: dict[tuple[str, int, int], str]) -> Row:
    number = passage_numbers(record).get(row["passage"])
    return {
        "row": row,
        "class": row_class(row, record["verifier"]),
        "contradicts": contradicts(row, record["verifier"]),
        "number": number,
        "label": labels.get((row["passage"], row["start"], row["end"])),
        "passage": record["passages"][number - 1] if number else None,
    }


def _passage(
    record: Row, passage: Row, number: int, labels: dict[tuple[str, int, int], str]
) -> Row:
    """A passage with its evidence; a marker's row spans it all and is shown at its border."""
    places = positions(passage["text"], record["offsets"])
    cited, found = list[Row](), list[tuple[int, int, Row]]()
    for i, claim in enumerate(record["claims"], start=1):
        for row in claim["citations"]:
            if row["passage"] != passage["id"]:
                continue
            label = labels.get((row["passage"], row["start"], row["end"]))
            tag = {"claim": i, "class": row_class(row, record["verifier"]), "label": label}
            if row["origin"] == "found":
                found.append((*_span(places, row), tag))
            elif i not in [other["claim"] for other in cited]:
                cited.append(tag)
    return {
        "number": number,
        "passage": passage,
        "cited": cited,
        "pieces": split(_unwrapped(passage["text"]), found),
    }


def _span(places: NDArray[np.int64], fields: Row) -> tuple[int, int]:
    """Code points for offsets in the record's own unit."""
    start, end = np.searchsorted(places, [fields["start"], fields["end"]])
    return int(start), int(end)


def _unwrapped(text: str) -> str:
    """The text with the line ends of hard-wrapped paragraphs as spaces; no offset moves."""
    return _WRAPPED.sub(lambda match: " " * len(match.group()), text)
