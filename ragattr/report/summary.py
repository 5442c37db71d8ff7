"""What both reports say of a record: the class of a claim, its best row, who measured, safe text."""

import re
from typing import Any, NamedTuple

from ragattr.record import Row

CONTRADICTION_THRESHOLD = 0.5  # where the record names no verifier threshold

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
        "✕", "unsupported", "The source neither supports the statement nor was used for it."
    ),
    "contradicted": Mark("≠", "contradicted", "A source says otherwise."),
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
    enough = (verifier or {}).get("threshold", 1.0)
    supports = row["supports"] is not None and row["supports"] >= enough
    return "supported" if supports or row["jointly"] else "unclear"


def contradicts(row: Row, verifier: Row | None) -> bool:
    """Whether the row's `contradicts` is high enough to be shown as a contradiction."""
    limit = (verifier or {}).get("contradiction_threshold", CONTRADICTION_THRESHOLD)
    return row["contradicts"] is not None and bool(row["contradicts"] >= limit)


def best_row(claim: Row) -> Row | None:
    """The row that decides: the one that contradicts, else the highest support.

    On equal figures a sentence comes before a whole passage, as it says the same in fewer words.
    """
    figure = "contradicts" if claim["verdict"] == "contradicted" else "supports"
    rows = [row for row in claim["citations"] if row["passage"] is not None]

    def rank(row: Row) -> tuple[float, bool]:
        return (-1.0 if row[figure] is None else row[figure], row["origin"] == "found")

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
    name = (record["model"] or {}).get("name", "an unnamed model")
    if attribution["proxy"] is False:
        return f"measured in {name}, which wrote this answer"
    return f"as read by {name}"


def passage_numbers(record: Row) -> dict[Any, int]:
    """The number that a marker uses for each passage id, from 1."""
    return {passage["id"]: number for number, passage in enumerate(record["passages"], start=1)}


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
