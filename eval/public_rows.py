"""Rows of a public benchmark, from its own files or from the Hugging Face hub.

A hub name is REPOSITORY, REPOSITORY:CONFIG or REPOSITORY:CONFIG:SPLIT. A file is JSON Lines, or
JSON: a list of rows, or an object that holds it as "data". Each row knows where it stands, so
that what is wrong in it can be said.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ragattr.errors import InputError, MissingExtra

LINES = (".jsonl", ".ndjson")

_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+(?::[^:/]*){0,2}")
_T = TypeVar("_T")


@dataclass(frozen=True)
class PublicRow:
    """The fields of a row, and where it stands: "response.jsonl, line 3"."""

    place: str
    fields: Mapping[str, Any]

    def take(self, name: str, kind: type[_T]) -> _T:
        """A field of this type.

        Raises:
            InputError: it is absent or of another type.
        """
        value = self.fields.get(name)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise self.error(name, kind.__name__, value)
        return value

    def name(self, name: str) -> str:
        """An id, which some releases write as a number."""
        value = self.fields.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        return self.take(name, str)

    def rows(self, name: str) -> list["PublicRow"]:
        """The objects in a list, each with its own place."""
        inner = self.take(name, list)
        for item in inner:
            if not isinstance(item, Mapping):
                raise self.error(name, "a list of objects", item)
        return [PublicRow(f"{self.place}, {name}[{i}]", item) for i, item in enumerate(inner)]

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts that is not empty."""
        found = self.take(name, list)
        if not found or not all(isinstance(text, str) for text in found):
            raise self.error(name, "a list of texts", found)
        return tuple(found)

    def error(self, name: str, wanted: str, value: object) -> InputError:
        """What is wrong with a field, in one sentence."""
        got = "nothing" if value is None else f"{str(value)[:60]!r}"
        return InputError(f"{self.place}: the field {name!r} has to be {wanted}, got {got}")


def read_public(name: str, *, split: str) -> Iterator[PublicRow]:
    """The rows of a file or of a hub repository.

    Args:
        split: of a repository, where its name says none.

    Raises:
        InputError: it cannot be read.
        MissingExtra: a hub name without the `datasets` package.
    """
    path = Path(name)
    if path.is_file():
        return _lines(path) if path.suffix in LINES else _whole(path)
    if path.suffix in (".json", *LINES) or not _HUB_NAME.fullmatch(name):
        raise InputError(f"{name}: no such file")
    return _hub(name, split)


def _lines(path: Path) -> Iterator[PublicRow]:
    for number, line in enumerate(_text(path).split("\n"), start=1):
        if line.strip():
            yield _row(f"{path.name}, line {number}", _parsed(path, line, number))


def _whole(path: Path) -> Iterator[PublicRow]:
    found = _parsed(path, _text(path), 1)
    rows = found.get("data") if isinstance(found, dict) else found
    if not isinstance(rows, list):
        raise InputError(f"{path.name}: wanted a list of rows, or an object with one as 'data'")
    for number, row in enumerate(rows, start=1):
        yield _row(f"{path.name}, row {number}", row)


def _hub(name: str, split: str) -> Iterator[PublicRow]:
    try:
        from datasets import load_dataset
    except ImportError as error:
        raise MissingExtra("eval") from error
    repository, config, own = (*name.split(":"), "", "")[:3]
    try:
        rows = load_dataset(repository, config or None, split=own or split)
    except Exception as error:
        raise InputError(f"cannot read the data set {name}: {error}") from error
    for number, row in enumerate(rows, start=1):
        yield _row(f"{repository}, row {number}", row)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {path}: {error}") from error


def _parsed(path: Path, text: str, first_line: int) -> Any:
    try:
        return json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        line = first_line + getattr(error, "lineno", 1) - 1
        said = getattr(error, "msg", "it is too deep")
        raise InputError(f"{path.name}, line {line}: not JSON: {said}") from error


def _row(place: str, row: object) -> PublicRow:
    if not isinstance(row, Mapping):
        raise InputError(f"{place}: wanted an object, got {str(row)[:60]!r}")
    return PublicRow(place, row)
