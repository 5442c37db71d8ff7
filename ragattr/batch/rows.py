"""Rows in, rows out: a bad row is reported with its line and id, and the others are done."""

import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Protocol, TypeGuard

from ragattr.batch.state import Kept, RunState
from ragattr.errors import InputError, RagattrError
from ragattr.record import Row, dumps, loads
from ragattr.written import put

logger = logging.getLogger(__name__)

Sink = Callable[[Row], None]
ROWS_TOGETHER = 64


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
    """The numbered lines of a file, or of standard input for `-`; blank lines are skipped."""
    with _opened(path) as file:
        for number, raw in enumerate(file, start=1):
            try:
                line = raw.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise InputError(
                    f"{path} is not UTF-8 (line {number}, byte {error.start}): convert it first"
                ) from error
            if line.strip():
                yield number, line


class Together(Protocol):
    """Work that is quicker on many rows at once."""

    def __call__(self, row: Row) -> Row: ...

    def together(self, rows: Sequence[Row]) -> list[Row]:
        """What it does to each of the rows, in their order."""
        ...


def as_it_is(row: Row) -> Row:
    """The row, whose fields have our names already."""
    return row


def run_rows(
    lines: Iterable[tuple[int, str]],
    work: Callable[[Row], Row],
    sink: Sink,
    *,
    read: Callable[[Row], Row] = as_it_is,
    state: RunState | None = None,
) -> Outcome:
    """Do the work on each row and hand the result on at once.

    A row without an id gets its line number. Work that goes together is done on `ROWS_TOGETHER`
    rows, and where that fails on each of them alone.

    Args:
        read: makes a case of a row in somebody else's shape.
        state: where finished rows stand, and those of this run are put before they are handed on.
    """
    failures, n_done = list[Failure](), 0
    for group in _groups(lines, ROWS_TOGETHER if _goes_together(work) else 1):
        for done in _finished(group, work, read, state):
            if isinstance(done, Failure):
                failures.append(done)
            else:
                sink(done)
                n_done += 1
    if not failures and not n_done:
        raise InputError("the input holds no rows")
    return Outcome(n_done, tuple(failures))


def _groups(lines: Iterable[tuple[int, str]], size: int) -> Iterator[tuple[tuple[int, str], ...]]:
    left = iter(lines)
    while group := tuple(islice(left, size)):
        yield group


def _goes_together(work: Callable[[Row], Row]) -> TypeGuard[Together]:
    return hasattr(work, "together")


def _finished(
    group: Sequence[tuple[int, str]],
    work: Callable[[Row], Row],
    read: Callable[[Row], Row],
    state: RunState | None,
) -> Iterable[Row | Failure]:
    """The results of a group, in its order: those that the state has are not done again."""
    given = [_Given.of(number, line, read) for number, line in group]
    if state is None:
        return _worked(given, work)
    keys = [state.key(row.name) for row in given]
    known = [state.find(key) for key in keys]
    new = iter(_worked([g for g, k in zip(given, known, strict=True) if k is None], work))
    done = list[Row | Failure]()
    for row, key, kept in zip(given, keys, known, strict=True):
        if kept is not None:
            done.append(row.failure(str(kept.error)) if kept.record is None else kept.record)
            continue
        result = next(new)
        state.keep(
            key, Kept(None, result.message) if isinstance(result, Failure) else Kept(result, None)
        )
        done.append(result)
    state.commit()
    return done


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

    def failure(self, message: str) -> Failure:
        return Failure(self.number, self.id, message)


def _worked(given: Sequence[_Given], work: Callable[[Row], Row]) -> Iterable[Row | Failure]:
    if len(given) > 1 and _goes_together(work) and not any(row.error for row in given):
        with suppress(Exception):  # whose fault it is shows when each is done alone
            done = work.together([row.row for row in given])
            for row in done:
                dumps(row)
            return done
    return (_worked_alone(row, work) for row in given)


def _worked_alone(given: _Given, work: Callable[[Row], Row]) -> Row | Failure:
    try:
        if given.error is not None:
            raise given.error
        done = work(given.row)
        dumps(done)  # a result that is no JSON is this row's failure, not the sink's
    except Exception as error:  # one row must not take the finished ones with it
        message = str(error) if isinstance(error, RagattrError) else f"unexpected {error!r}"
        logger.debug("line %d", given.number, exc_info=True)
        return given.failure(message)
    return done


@contextmanager
def jsonl_writer(path: Path) -> Iterator[Sink]:
    """Write rows to PATH.partial and rename it at the end; without a row, no file is left.

    A device or a pipe is written to as it is.

    Raises:
        InputError: the file cannot be written; before any work is done where that can be known.
    """
    target = path.resolve()
    is_special = target.exists() and not target.is_file()
    partial = target if is_special else target.with_name(target.name + ".partial")
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
