"""The answers of JSON Lines, to be read, and to be changed while all else keeps its bytes."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from ragattr.batch.rows import Failure
from ragattr.errors import InputError, RagattrError
from ragattr.record import ALIASES, Row, loads
from ragattr.schema import PassageFields, check
from ragattr.text.edits import edits_between
from ragattr.written import whole_file

_ESCAPED = re.compile(  # one code point of a JSON string; a pair of surrogates is one
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.|[^\\]",
    re.DOTALL,
)
_SPACE = re.compile(r"[ \t\r\n]*")
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class WrittenAnswer:
    """An answer where it stands in a file.

    Attributes:
        field: under which its row has it: "answer" or an alias.
        passages: their texts; None where the row has none.
        has_offsets: whether the row is a record, with offsets into this answer.
    """

    line: int
    id: str
    text: str
    field: str
    passages: tuple[str, ...] | None
    has_offsets: bool


def read_answers(lines: Iterable[tuple[int, str]]) -> Iterator[WrittenAnswer | Failure]:
    """The answer of each row, or why it cannot be read. Nothing but the answer must be there."""
    for number, line in lines:
        row: Row = {}
        try:
            row = loads(line)
            yield _answer_of(number, row)
        except RagattrError as error:
            given = row.get("id")
            yield Failure(number, None if given is None else str(given), str(error))


def change_answers(path: Path, change: Callable[[WrittenAnswer], str]) -> int:
    """Change the answers of a file; every other byte stays, and the file is whole at any time.

    Rows that cannot be read and records stay as they are.

    Returns:
        how many answers were changed.

    Raises:
        InputError: the file cannot be read or written.
    """
    try:
        with path.open("rb") as file:
            old = list(file)
        new = [_changed(number, line, change) for number, line in enumerate(old, start=1)]
        n_changed = sum(one != other for one, other in zip(old, new, strict=True))
        if n_changed:
            with whole_file(path) as unfinished:
                unfinished.write_bytes(b"".join(new))
    except OSError as error:
        raise InputError(f"cannot change {path}: {error.strerror}") from error
    return n_changed


def _answer_of(number: int, row: Row) -> WrittenAnswer:
    field, given = _field(row, "answer"), _field(row, "passages")
    if row.get(field) is None:
        raise InputError("answer: this field is missing")
    check(row[field], str, field)
    if not row[field].strip():
        raise InputError("answer: is empty")
    check(row.get(given), list[str | PassageFields] | None, given)
    texts = (p if isinstance(p, str) else p["text"] for p in row.get(given) or ())
    return WrittenAnswer(
        line=number,
        id=str(row.get("id", number)),
        text=row[field],
        field=field,
        passages=tuple(texts) or None,
        has_offsets="claims" in row,
    )


def _field(row: Mapping[str, Any], name: str) -> str:
    """The name under which the row has a field: its own, else the first alias that is there."""
    return name if name in row else next((n for n in row if ALIASES.get(n) == name), name)


def _changed(number: int, line: bytes, change: Callable[[WrittenAnswer], str]) -> bytes:
    start = len(_BOM) if number == 1 and line.startswith(_BOM) else 0
    try:
        text = line[start:].decode("utf-8")
        answer = _answer_of(number, loads(text))
    except (UnicodeDecodeError, RagattrError):
        return line
    if answer.has_offsets:
        return line
    after = change(answer)
    if after == answer.text:
        return line
    return line[:start] + _with_answer(text, answer, after).encode("utf-8")


def _with_answer(line: str, answer: WrittenAnswer, after: str) -> str:
    """The row's line with another answer: only the words that changed are written anew."""
    start, end = _string_of(line, answer.field)
    raw = line[start:end]
    places = [0, *accumulate(len(match.group()) for match in _ESCAPED.finditer(raw))]
    pieces, cursor = list[str](), 0
    for edit in edits_between(answer.text, after):
        said = json.dumps(edit.after, ensure_ascii=raw.isascii())[1:-1]
        pieces += [raw[cursor : places[edit.span.start]], said]
        cursor = places[edit.span.end]
    return line[:start] + "".join([*pieces, raw[cursor:]]) + line[end:]


def _string_of(line: str, field: str) -> tuple[int, int]:
    """Where the string value of a row's own field stands, without its quotation marks."""
    decoder, found = json.JSONDecoder(), (0, 0)
    at = _after_space(line, line.index("{") + 1)
    while line[at] != "}":
        name, at = decoder.raw_decode(line, at)
        value = _after_space(line, _after_space(line, at) + 1)
        _, at = decoder.raw_decode(line, value)
        if name == field:  # of two fields with one name, JSON keeps the last
            found = (value + 1, at - 1)
        at = _after_space(line, at)
        at = _after_space(line, at + 1) if line[at] == "," else at
    return found


def _after_space(line: str, at: int) -> int:
    match = _SPACE.match(line, at)
    return match.end() if match else at
