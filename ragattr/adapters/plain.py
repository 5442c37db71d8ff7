"""Values of any SDK as plain dicts and lists."""

from collections.abc import Mapping
from typing import Any

from ragattr.errors import InputError


def plain(value: Any) -> Any:
    """The value with what has a `model_dump()` dumped, at every depth.

    Example: `{"response": Message(...)}` becomes `{"response": {"id": ..., "content": [...]}}`.

    Raises:
        InputError: it is nested too deeply.
    """
    try:
        return _plain(value)
    except RecursionError as error:
        raise InputError("row: cannot be read, it is nested too deeply") from error


def plain_row(value: Any) -> dict[str, Any]:
    """The value as one plain object.

    Raises:
        InputError: it is neither a mapping nor anything that dumps to one.
    """
    row = plain(value)
    if not isinstance(row, dict):
        raise InputError(f"row: wanted an object, got {type(value).__name__}")
    return row


def without_none(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that are known."""
    return {name: value for name, value in fields.items() if value is not None}


def others(row: Mapping[str, Any], names: frozenset[str]) -> dict[str, Any]:
    """The fields of a row that a format does not know; they go with the case."""
    return {name: value for name, value in row.items() if name not in names}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(held) for name, held in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(held) for held in value]
    return _plain(value.model_dump()) if hasattr(value, "model_dump") else value
