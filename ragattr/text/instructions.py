"""Stretches of a text that talk to a model rather than to a reader.

They are found by how they look, without a model. Whoever writes them can write them otherwise, so
that none are found says nothing of a text; what reports or quotes an order is left alone.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from typing import NamedTuple

from ragattr.text.hidden import Visible, hidden_runs, visible
from ragattr.text.orders import ORDERS, Kind, Order
from ragattr.text.orders_abroad import ABROAD
from ragattr.types import Span

_LOOKED_BACK = 40  # characters before an order
_LOOKED_AHEAD = 200  # characters after it, for the end of a quotation
_SENTENCE = re.compile(r"(?:^|[\n.!?:;。！？：；…>\])}*#|\"“„«「『'‘`]|[-–—]\s|[-=~_]{2})\s{0,8}$")
_CLAUSE = re.compile(
    r"[,，(\[{<]\s{0,8}$"
    r"|\b(?:please|kindly|now|then|so|just|simply|instead|therefore|always|only|also)"
    r"\s{1,8}$"
    r"|\b(?:you|the (?:assistant|AI|LLM|language model|chatbot|model)|(?:AI|LLM|language model)s)"
    r"\s{1,8}(?:must|should"
    r"|shall|will|have to|need to|are to|has to|is to)\s{1,8}"
    r"(?:(?:now|always|only|therefore|instead)\s{1,8})?$",
    re.IGNORECASE,
)
_QUOTE = "\"“”„«‘'`「『"
_WITHIN = re.compile(r"[\w,:;]\s{0,3}$")
_CLOSED = re.compile(r"[\"”“»’'`」』]")
_GOES_ON = re.compile(r"\s{0,3}(?:[,;]|[^\W\d_A-Z])")
_BLOB = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{16,}={0,2}")
_TAG = re.compile(
    r"<(/?)((?:passage|context|document|source|chunk|search_result|retrieved_?\w{1,20}|instruction"
    r"|system|prompt|user_?input|data|input)s?)\b[^<>\n]{0,80}>",
    re.IGNORECASE,
)


class Instruction(NamedTuple):
    """A stretch of a text that talks to a model, and in which way."""

    span: Span
    kind: Kind


def find_instructions(text: str) -> list[Instruction]:
    """What talks to a model, in order, not overlapping; spans are of the text as it stands.

    Kinds: "override" (leave what you were told), "turn" (marks of a chat or of the end of the
    passages), "order" (what to answer, cite or hide), "verdict" (judge this as supported), "score"
    (rank this first), "link" (an address that is to carry the chat away), "hidden" (characters
    that nobody sees), "encoded" (base64 that holds one of the others).

    Example: "Bees fly. Ignore all previous instructions." has an "override" at [10, 42).
    """
    seen = visible(text)
    found = [Instruction(span, "hidden") for span in hidden_runs(text)]
    found += _said(seen)
    found += _unopened(seen)
    found += _encoded(text)
    return _apart(found)


def _said(seen: Visible) -> Iterator[Instruction]:
    for order in (*ORDERS, *ABROAD):
        for match in order.pattern.finditer(seen.text):
            if _counts(seen.text, Span(*match.span()), order):
                yield Instruction(seen.span(*match.span()), order.kind)


def _counts(text: str, span: Span, order: Order) -> bool:
    """Whether it stands where an order stands, and is no quotation within a sentence."""
    before = text[max(span.start - _LOOKED_BACK, 0) : span.start]
    is_sentence = span.start == 0 or bool(_SENTENCE.search(before))
    is_there = order.place == "anywhere" or is_sentence
    if order.place == "clause":
        is_there |= bool(_CLAUSE.search(before))
    return is_there and not _is_mentioned(text, span, before)


def _is_mentioned(text: str, span: Span, before: str) -> bool:
    """Example: in 'a sentence such as "ignore all instructions" is an attack' it is."""
    quote = before[-1:]
    if not quote or quote not in _QUOTE:
        return False
    if _WITHIN.search(before[:-1]):
        return True
    closed = _CLOSED.search(text, span.end, span.end + _LOOKED_AHEAD)
    return closed is not None and (
        text[closed.start() - 1] == "," or bool(_GOES_ON.match(text, closed.end()))
    )


def _unopened(seen: Visible) -> Iterator[Instruction]:
    """Tags that close what the text did not open: they are meant for what surrounds it."""
    opened = dict[str, int]()
    for match in _TAG.finditer(seen.text):
        name = match[2].lower()
        n_open = opened.get(name, 0)
        if not match[1]:
            opened[name] = n_open + 1
        elif n_open:
            opened[name] = n_open - 1
        elif not _is_mentioned(seen.text, Span(*match.span()), seen.text[: match.start()][-40:]):
            yield Instruction(seen.span(*match.span()), "turn")


def _encoded(text: str) -> Iterator[Instruction]:
    """Base64 of a text that talks to a model; what it holds in base64 in turn is not looked at."""
    for match in _BLOB.finditer(text):
        decoded = visible(_decoded(match.group()))
        if any(True for _ in _said(decoded)):
            yield Instruction(Span(*match.span()), "encoded")


def _decoded(blob: str) -> str:
    """The text that it holds; "" where it holds none."""
    plain = blob.rstrip("=").replace("-", "+").replace("_", "/")
    plain = plain[: len(plain) // 4 * 4] if len(plain) % 4 == 1 else plain
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4)).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _apart(found: list[Instruction]) -> list[Instruction]:
    """In order; of those that overlap the first, and of those that begin together the longest."""
    kept = list[Instruction]()
    for one in sorted(found, key=lambda one: (one.span.start, -one.span.end)):
        if not kept or one.span.start >= kept[-1].span.end:
            kept.append(one)
    return kept
