"""Rows in, rows out: a bad row is reported with its line and id, and the others are done."""

import sys
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice, tee
from pathlib import Path
from typing import IO

from ragattr.batch.engine import Done, Engine, message_of
from ragattr.batch.state import RunState
from ragattr.errors import InputError
from ragattr.record import Row, dumps, loads
from ragattr.written import put

Sink = Callable[[Row], None]


@dataclass(frozen=True)
class Failure:
    """A row that could not be done."""

    line: int
    id: str | None
    message: str

    def __str__(self) -> str:
        named = f" (id {self.id!r})" if self.id is not None else ""
        return f"line {self.line}{named}: {self.message}"


@dataclass(frozen=True)
class Outcome:
    """How many rows were done, and what happened to the others."""

    n_done: int
    failures: tuple[Failure, ...]

    @property
    def exit_code(self) -> int:
        """0 done; 3 some rows failed; 2 every row failed."""
        if not self.failures:
            return 0
        return 3 if self.n_done else 2


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The numbered lines of a file, or of standard input for `-`; blank lines are skipped.

    Bytes that are not UTF-8 come as lone surrogates (PEP 383), which `loads` refuses: that line
    alone is lost.
    """
    with _opened(path) as file:
        for number, raw in enumerate(file, start=1):
            if number == 1 and raw.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
                raise InputError(f"{path} is in UTF-16: convert it to UTF-8 first")
            line = raw.decode("utf-8-sig" if number == 1 else "utf-8", "surrogateescape")
            if line.strip():
                yield number, line


def as_it_is(row: Row) -> Row:
    """The row, whose fields have our names already."""
    return row


def run_rows(
    lines: Iterable[tuple[int, str]],
    engine: Engine,
    sink: Sink,
    *,
    read: Callable[[Row], Row] = as_it_is,
    state: RunState | None = None,
) -> Outcome:
    """Have the rows worked on, and hand each result on at once, in the order of the rows.

    A row without an id gets its line number.

    Args:
        read: makes a case of a row in somebody else's shape.
        state: where finished rows stand, and those of this run are put before they are handed on.
    """
    failures, n_done = list[Failure](), 0
    groups, ahead = tee(_groups(lines, engine.rows_together, read, state))
    with closing(engine(group.new for group in ahead)) as done:
        for group, new in zip(groups, done, strict=True):
            for result in group.finished(new, state):
                if isinstance(result, Failure):
                    failures.append(result)
                else:
                    sink(result)
                    n_done += 1
    if not failures and not n_done:
        raise InputError("the input holds no rows")
    return Outcome(n_done, tuple(failures))


def _groups(
    lines: Iterable[tuple[int, str]],
    size: int,
    read: Callable[[Row], Row],
    state: RunState | None,
) -> "Iterator[_Group]":
    left = iter(lines)
    while some := list(islice(left, size)):
        given = [_Given.of(number, line, read) for number, line in some]
        yield _Group(given, [_known(row, state) for row in given])


def _known(given: "_Given", state: RunState | None) -> Done | None:
    if given.error is not None:
        return Done(None, message_of(given.error))
    return None if state is None else state.find(state.key(given.name))


@dataclass(frozen=True)
class _Group:
    """Rows that are worked on together, and what is known of them before."""

    given: "Sequence[_Given]"
    known: Sequence[Done | None]

    @property
    def new(self) -> list[Row]:
        """The rows that are still to be done."""
        return [row.row for row, known in zip(self.given, self.known, strict=True) if not known]

    def finished(self, new: Sequence[Done], state: RunState | None) -> Iterator[Row | Failure]:
        """The results of all, those of the new rows kept first."""
        left = iter(new)
        done = [next(left) if known is None else known for known in self.known]
        if state is not None:
            for row, known, result in zip(self.given, self.known, done, strict=True):
                if known is None:
                    state.keep(state.key(row.name), result)
            state.commit()
        for row, result in zip(self.given, done, strict=True):
            if result.record is None:
                yield Failure(row.number, row.id, str(result.error))
            else:
                yield result.record


@dataclass(frozen=True)
class _Given:
    """A line, read as far as it can be; `row` is empty where there is an error.

    Attributes:
        id: the row's own, if it has one.
    """

    number: int
    line: str
    row: Row
    id: str | None
    error: Exception | None

    @classmethod
    def of(cls, number: int, line: str, read: Callable[[Row], Row]) -> "_Given":
        id: object = None
        try:
            row = loads(line)
            id = row.get("id")
            row = read(row)
            id = row.get("id")
        except Exception as error:  # reported with the row
            return cls(number, line, {}, None if id is None else str(id), error)
        return cls(number, line, {"id": str(number), **row}, None if id is None else str(id), None)

    @property
    def name(self) -> str:
        """What it is known by in a state: its number too, where it has no id of its own."""
        return self.line.strip() if self.id is not None else f"{self.number} {self.line.strip()}"


@contextmanager
def jsonl_writer(path: Path) -> Iterator[Sink]:
    """Write rows to PATH.partial and rename it at the end; without a row, no file is left.

    A device or a pipe is written to as it is.

    Raises:
        InputError: the file cannot be written; before any work is done where that can be known.
    """
    target = path.resolve()
    is_special = path.exists() and not path.is_file()
    partial = path if is_special else target.with_name(target.name + ".partial")
    n_written = 0
    try:
        with partial.open("w", encoding="utf-8") as file:

            def write(row: Row) -> None:
                nonlocal n_written
                file.write(dumps(row) + "\n")
                file.flush()
                n_written += 1

            yield write
        if n_written and not is_special:
            put(partial, target)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error
    finally:
        if not n_written and not is_special:
            partial.unlink(missing_ok=True)


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    if str(path) == "-":
        yield sys.stdin.buffer
        return
    try:
        file = path.open("rb")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    with file:
        yield file
