"""The question of a chat: the text of its last user turn that has any."""

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict

from ragattr.errors import InputError
from ragattr.schema import check

_TEXT = ("text", "input_text")


class TurnFields(TypedDict):
    """One turn, or another item of a request's input; its content is text or a list of parts."""

    role: NotRequired[str | None]


def turns(row: Mapping[str, Any], *names: str) -> tuple[list[Any], str]:
    """The turns of a request, and their path; under `request` or in the row itself.

    A request that is one string is one user turn.

    Args:
        names: the fields that may hold them, the first that is there counts.
    """
    request = row.get("request")
    held, prefix = (request, "request.") if isinstance(request, Mapping) else (row, "")
    name = next((name for name in names if held.get(name) is not None), names[0])
    given = held.get(name)
    if isinstance(given, str):
        return [{"role": "user", "content": given}], prefix + name
    found = [] if given is None else given
    check(found, list[TurnFields], prefix + name)
    return list(found), prefix + name


def question(row: Mapping[str, Any], chat: list[Any], path: str) -> str:
    """The row's own question, else what the last user turn with text asks."""
    given = row.get("question")
    if given is not None:
        check(given, str, "question")
        return str(given)
    for turn in reversed(chat):
        text = _text(turn.get("content")) if turn.get("role") == "user" else ""
        if text.strip():
            return text
    raise InputError(f"{path}: no user turn has text, and there is no field 'question'")


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = [
        part["text"]
        for part in parts
        if isinstance(part, Mapping)
        and part.get("type") in _TEXT
        and isinstance(part.get("text"), str)
    ]
    return "\n".join(texts)
