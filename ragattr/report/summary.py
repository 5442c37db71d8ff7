"""What both reports say of a record: classes, best rows, who measured, and text cut at spans."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from ragattr.record import Row
from ragattr.text.hidden import visible

T = TypeVar("T")

CONTRADICTION_THRESHOLD = 0.5  # where the record names no verifier threshold
_ALARM_TEXT = 100  # characters

# Whatever could steer a terminal, turn the reading order of a page, or not be written as UTF-8.
_UNREADABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


class Mark(NamedTuple):
    """How a class is shown: never by colour alone."""

    glyph: str
    word: str
    meaning: str


MARKS = {
    "grounded": Mark("●", "grounded", "The source supports the statement and was used for it."),
    "post_rationalised": Mark(
        "○", "post-rationalised", "The source supports the statement but was not used for it."
    ),
    "misgrounded": Mark(
        "▲", "misgrounded", "The source was used for the statement but does not support it."
    ),
    "unsupported": Mark(
        "✕", "unsupported", "The source does not support the statement, and no use of it was seen."
    ),
    "contradicted": Mark("◆", "contradicted", "A source says otherwise."),
    "supported": Mark("✓", "supported", "Judged supported, where no use was measured."),
    "unclear": Mark("?", "unclear", "Could not be judged."),
    "none": Mark("", "no support needed", "A greeting, a question, a refusal."),
}
_BEST_FIRST = ("grounded", "post_rationalised", "misgrounded", "unsupported")
_BY_VERDICT = {"supported": "supported", "not_enough_information": "unsupported"}


def claim_class(claim: Row) -> str:
    """The one class that gives a claim its mark: a key of `MARKS`."""
    if not claim["needs_support"]:
        return "none"
    if claim["verdict"] == "contradicted":
        return "contradicted"
    classes = {row["class"] for row in claim["citations"]}
    for name in _BEST_FIRST:
        if name in classes:
            return name
    return _BY_VERDICT.get(claim["verdict"], "unclear")


def row_class(row: Row, verifier: Row | None) -> str:
    """The mark of one row: its class, unless it contradicts; without a class, what was judged."""
    if contradicts(row, verifier):
        return "contradicted"
    if row["class"] is not None:
        return str(row["class"])
    if row["supports"] is None:
        return "unclear"
    enough = (verifier or {}).get("threshold", 1.0)
    return "supported" if row["supports"] >= enough or row["jointly"] else "unsupported"


def contradicts(row: Row, verifier: Row | None) -> bool:
    """Whether the row's `contradicts` is high enough to be shown as a contradiction."""
    limit = (verifier or {}).get("contradiction_threshold", CONTRADICTION_THRESHOLD)
    return row["contradicts"] is not None and bool(row["contradicts"] >= limit)


def best_row(claim: Row) -> Row | None:
    """The row that decides: the one that contradicts, else the highest support.

    Among rows that support, sentences come before whole passages: they say it in fewer words.
    """
    figure = "contradicts" if claim["verdict"] == "contradicted" else "supports"
    rows = [row for row in claim["citations"] if row["passage"] is not None]

    def rank(row: Row) -> tuple[bool, bool, float]:
        supports = row["class"] in ("grounded", "post_rationalised")
        return supports, row["origin"] == "found", -1.0 if row[figure] is None else row[figure]

    return max(rows, key=rank, default=None)


def dangling(claim: Row) -> list[str]:
    """The markers of the claim that point to no passage, as the answer wrote them."""
    rows = [row for row in claim["citations"] if row["problem"] == "dangling" and row["marker"]]
    return list(dict.fromkeys(row["marker"]["text"] for row in rows))


def verdict_word(claim: Row, verifier: Row | None) -> str:
    """The verdict in words; "unclear" without a verifier means that nobody judged."""
    if verifier is None and claim["verdict"] == "unclear":
        return "not judged"
    return str(claim["verdict"]).replace("_", " ")


def measured_by(record: Row) -> str:
    """Whose use of the context the figures show; a reader is never passed off as the writer."""
    attribution = record["attribution"]
    if attribution is None:
        return "not measured"
    if attribution.get("interventional") is False:
        return f"not measured: ranked by {attribution['method']}"
    name = (record["model"] or {}).get("name", "an unnamed model")
    if attribution["proxy"] is False:
        return f"measured in {name}, which wrote this answer"
    return f"as read by {name}"


def alarm_words(record: Row, alarm: Row) -> str:
    """An alarm for people, on one line.

    Example: "passage 2 (Hives) moved statement 1 most (used 0.91) and supports nothing of it".
    """
    number = passage_numbers(record).get(alarm["passage"], 0)
    name = passage_name(record["passages"][number - 1], number) if number else ""
    claims = ", ".join(str(claim) for claim in alarm["claims"])
    moved = (
        f"passage {number or alarm['passage']}{f' ({name})' if name else ''} moved "
        f"statement{'s' if len(alarm['claims']) > 1 else ''} {claims} most "
        f"(used {figure(alarm['used'])})"
    )
    if alarm["text"] is None:
        return f"{moved} and supports nothing of it"
    seen = " ".join(visible(alarm["text"]).text.split())
    shown = f"“{seen[:_ALARM_TEXT]}{'…' if len(seen) > _ALARM_TEXT else ''}”" if seen else ""
    hidden = f"{len(alarm['text'])} characters that nobody sees"
    return f"{moved} and holds text that addresses the model: {shown or hidden}"


def passage_numbers(record: Row) -> dict[Any, int]:
    """The number that a marker uses for each passage id, from 1."""
    return {passage["id"]: number for number, passage in enumerate(record["passages"], start=1)}


def passage_name(passage: Row, number: int) -> str:
    """Its title, else an id that says more than its number, else its source, which may be empty."""
    own_id = passage["id"] if passage["id"] != str(number) else None
    return str(passage.get("title") or own_id or passage.get("source") or "")


def figure(value: float) -> str:
    """Two digits; a probability close to 0 or 1 is not rounded to a certainty."""
    if 0 < value < 0.005:
        return "<0.01"
    if 0.995 <= value < 1:
        return ">0.99"
    return f"{value:.2f}"


def readable(text: str) -> str:
    """The text with every control, bidi override and lone surrogate replaced by U+FFFD."""
    return _UNREADABLE.sub("\ufffd", text)


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


def code_points(places: NDArray[np.int64], fields: Row) -> tuple[int, int]:
    """A record's `start` and `end`, in its own unit, as code points.

    Args:
        places: [code points + 1], where each begins in the record's unit (see `positions`).
        fields: what carries the offsets: a claim, a row, a marker.
    """
    start, end = np.searchsorted(places, [fields["start"], fields["end"]])
    return int(start), int(end)
