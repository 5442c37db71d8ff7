"""The one table of formats by name, and which of them a row is in."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ragattr.adapters import anthropic, footnotes, llamaindex, openai, ragas
from ragattr.adapters.plain import plain
from ragattr.record import Row


class Format(NamedTuple):
    """How a format is read, written and known."""

    read: Callable[[Any], Row]
    write: Callable[[Mapping[str, Any]], Row]
    matches: Callable[[Mapping[str, Any]], bool]


FORMATS = {
    "ragas": Format(ragas.read, ragas.write, ragas.matches),
    "anthropic": Format(anthropic.read, anthropic.write, anthropic.matches),
    "openai": Format(openai.read, openai.write, openai.matches),
    "llamaindex": Format(llamaindex.read, llamaindex.write, llamaindex.matches),
    "footnotes": Format(footnotes.read, footnotes.write, footnotes.matches),
}


def detect(value: Any) -> str | None:
    """The name of the format that a row is in; None for a case or record, and for others."""
    if llamaindex.matches(value):
        return "llamaindex"
    row = plain(value)
    if not isinstance(row, dict):
        return None
    return next((name for name, form in FORMATS.items() if form.matches(row)), None)
