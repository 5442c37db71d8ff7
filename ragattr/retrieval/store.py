"""What an index keeps of every file: its passages and their vectors, in one SQLite file.

Each file's passages are one transaction, each batch of vectors another: a build that is killed
goes on where it stopped.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from ragattr.errors import InputError
from ragattr.types import Passage, Span

NAME = "passages.sqlite"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS files (
    path TEXT PRIMARY KEY, size INTEGER, mtime_ns INTEGER, sha256 TEXT, problem TEXT);
CREATE TABLE IF NOT EXISTS passages (
    number INTEGER PRIMARY KEY, path TEXT NOT NULL, place INTEGER NOT NULL, id BLOB UNIQUE,
    text BLOB, title BLOB, source TEXT, page INTEGER, start INTEGER, end INTEGER, vector BLOB);
CREATE INDEX IF NOT EXISTS passages_by_file ON passages (path, place);
CREATE INDEX IF NOT EXISTS passages_to_encode ON passages (number) WHERE vector IS NULL;
CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value TEXT);
"""
_FIELDS = "id, text, title, source, page, start, end"


class FileState(NamedTuple):
    """A file as it was when it was read; `problem` says why it gave no passages."""

    size: int
    mtime_ns: int
    sha256: str
    problem: str | None


class Store:
    """The SQLite file of one index folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        with self._connected() as db:
            db.executescript(_SCHEMA)

    @staticmethod
    def is_in(folder: Path) -> bool:
        """Whether the folder has one."""
        return (folder / NAME).is_file()

    def state(self, name: str) -> str | None:
        """A value that `set_state` kept."""
        with self._connected() as db:
            row = db.execute("SELECT value FROM state WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def set_state(self, name: str, value: str) -> None:
        """Keep a value."""
        with self._connected() as db:
            db.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (name, value))

    def files(self) -> dict[str, FileState]:
        """All files by path."""
        with self._connected() as db:
            rows = db.execute("SELECT path, size, mtime_ns, sha256, problem FROM files").fetchall()
        return {path: FileState(*fields) for path, *fields in rows}

    def touch(self, path: str, size: int, mtime_ns: int) -> None:
        """A file was written again and says the same."""
        with self._connected() as db:
            db.execute(
                "UPDATE files SET size = ?, mtime_ns = ? WHERE path = ?", (size, mtime_ns, path)
            )

    def put(self, path: str, state: FileState, passages: Sequence[Passage]) -> None:
        """A file that the store does not hold, and its passages."""
        with self._connected() as db:
            db.execute("INSERT INTO files VALUES (?, ?, ?, ?, ?)", (path, *state))
            try:
                db.executemany(
                    f"INSERT INTO passages (path, place, {_FIELDS}) VALUES ({', '.join('?' * 9)})",
                    [(path, place, *_row(passage)) for place, passage in enumerate(passages)],
                )
            except sqlite3.IntegrityError as error:
                raise InputError(f"{path}: a passage has the id of another one: {error}") from error

    def drop(self, path: str) -> None:
        """Forget a file."""
        with self._connected() as db:
            db.execute("DELETE FROM passages WHERE path = ?", (path,))
            db.execute("DELETE FROM files WHERE path = ?", (path,))

    def forget_vectors(self) -> None:
        """Every passage is to be encoded again."""
        with self._connected() as db:
            db.execute("UPDATE passages SET vector = NULL")

    def n_passages(self, *, without_vector: bool = False) -> int:
        """How many passages there are, or still lack a vector."""
        where = " WHERE vector IS NULL" if without_vector else ""
        with self._connected() as db:
            return int(db.execute(f"SELECT count(*) FROM passages{where}").fetchone()[0])

    def to_encode(self, n: int) -> list[tuple[int, Passage]]:
        """Up to `n` passages without a vector, by number."""
        with self._connected() as db:
            rows = db.execute(
                f"SELECT number, {_FIELDS} FROM passages WHERE vector IS NULL "
                "ORDER BY number LIMIT ?",
                (n,),
            ).fetchall()
        return [(number, _passage(fields)) for number, *fields in rows]

    def put_vectors(self, numbers: Sequence[int], vectors: NDArray[np.float32]) -> None:
        """The vectors of some passages."""
        with self._connected() as db:
            db.executemany(
                "UPDATE passages SET vector = ? WHERE number = ?",
                [
                    (vector.astype("<f4").tobytes(), number)
                    for number, vector in zip(numbers, vectors, strict=True)
                ],
            )

    def rows(self) -> Iterator[tuple[int, Passage, NDArray[np.float32]]]:
        """Every passage with its number and vector, in order of files and places."""
        with self._connected() as db:
            for number, *fields, vector in db.execute(
                f"SELECT number, {_FIELDS}, vector FROM passages ORDER BY path, place"
            ):
                yield number, _passage(fields), np.frombuffer(vector, dtype="<f4")

    def passages(self, numbers: Sequence[int]) -> list[Passage]:
        """The passages of these numbers, in this order."""
        marks = ", ".join("?" * len(numbers))
        with self._connected() as db:
            found = {
                number: _passage(fields)
                for number, *fields in db.execute(
                    f"SELECT number, {_FIELDS} FROM passages WHERE number IN ({marks})",
                    [int(number) for number in numbers],
                )
            }
        return [found[int(number)] for number in numbers]

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        """One transaction on a connection of this thread's own.

        Raises:
            InputError: it cannot be written, or is damaged.
        """
        try:
            with closing(sqlite3.connect(self._path, timeout=30)) as db:
                db.execute("PRAGMA journal_mode = WAL")
                db.execute("PRAGMA synchronous = FULL")
                with db:
                    yield db
        except sqlite3.OperationalError as error:
            raise InputError(f"cannot write {self._path}: {error}") from error
        except sqlite3.DatabaseError as error:
            folder = self._path.parent
            raise InputError(f"{self._path} is damaged ({error}): delete {folder}") from error


@dataclass(frozen=True)
class StoredPassages(Sequence[Passage]):
    """The passages of an index by row, read when they are asked for.

    Attributes:
        numbers: [rows], the store's number of each.
    """

    store: Store
    numbers: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.numbers)

    @overload
    def __getitem__(self, row: int) -> Passage: ...
    @overload
    def __getitem__(self, row: slice) -> list[Passage]: ...
    def __getitem__(self, row: int | slice) -> Passage | list[Passage]:
        if isinstance(row, slice):
            return self.store.passages(self.numbers[row].tolist())
        return self.at([row])[0]

    def at(self, rows: Sequence[int]) -> list[Passage]:
        """The passages of these rows, in this order, by one query."""
        return self.store.passages(self.numbers[list(rows)].tolist())


def _row(passage: Passage) -> tuple[object, ...]:
    start, end = (passage.span.start, passage.span.end) if passage.span else (None, None)
    strings = [_bytes(text) for text in (passage.id, passage.text, passage.title)]
    return (*strings, passage.source, passage.page, start, end)


def _passage(fields: Sequence[object]) -> Passage:
    id, text, title, source, page, start, end = fields
    return Passage(
        text=_text(text) or "",
        id=_text(id) or "",
        title=_text(title),
        source=None if source is None else str(source),
        page=page if isinstance(page, int) else None,
        span=Span(start, end) if isinstance(start, int) and isinstance(end, int) else None,
    )


def _bytes(text: str | None) -> bytes | None:
    """UTF-8 that keeps what JSON can hold and UTF-8 cannot: lone surrogates."""
    return None if text is None else text.encode("utf-8", "surrogatepass")


def _text(kept: object) -> str | None:
    return kept.decode("utf-8", "surrogatepass") if isinstance(kept, bytes) else None
