"""What a run has done, in one SQLite file: killed at any moment, it loses nothing finished.

A row is found again by its own content and the settings it was done with, and what a verifier
said of a pair by the pair and the verifier: with other settings only what they touch is done anew.
"""

import hashlib
import sqlite3
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ragattr.batch.engine import Done
from ragattr.errors import InputError
from ragattr.models.protocols import Pair
from ragattr.record import dumps, loads
from ragattr.types import FloatArray

_TABLES = """
CREATE TABLE IF NOT EXISTS rows (key BLOB PRIMARY KEY, record BLOB, error TEXT);
CREATE TABLE IF NOT EXISTS pairs (key BLOB PRIMARY KEY, figures BLOB NOT NULL) WITHOUT ROWID;
"""
_TOGETHER = 500  # keys in one question


@dataclass(frozen=True, eq=False)
class RunState:
    """The rows and pairs of one run; what was kept is on the disk after `commit`.

    Attributes:
        path: of its file.
        settings: everything that a record hangs on beside its row.
        retries: whether rows that failed are done again.
    """

    path: Path
    connection: sqlite3.Connection
    settings: str
    retries: bool = False

    def key(self, line: str) -> bytes:
        """The name of a row: of its text and the settings."""
        return _digest(self.settings, line)

    def find(self, key: bytes) -> Done | None:
        """What became of a row; None when it is still to be done."""
        found = self.connection.execute(
            "SELECT record, error FROM rows WHERE key = ?", (key,)
        ).fetchone()
        if found is None or (found[0] is None and self.retries):
            return None
        record, error = found
        return Done(None if record is None else loads(_unpacked(record)), error)

    def keep(self, key: bytes, done: Done) -> None:
        """What became of a row."""
        packed = None if done.record is None else _packed(dumps(done.record))
        self.connection.execute(
            "INSERT OR REPLACE INTO rows VALUES (?, ?, ?)", (key, packed, done.error)
        )

    def commit(self) -> None:
        """Put on the disk what was kept."""
        self.connection.commit()

    @property
    def is_empty(self) -> bool:
        """Whether no row has been finished yet."""
        found = self.connection.execute("SELECT 1 FROM rows WHERE record IS NOT NULL LIMIT 1")
        return found.fetchone() is None

    def pairs(self) -> "PairsOnDisk":
        """What verifiers said."""
        return PairsOnDisk(self.connection)


@dataclass(frozen=True, eq=False)
class PairsOnDisk:
    """A memory for `Remembered` that outlives the process."""

    connection: sqlite3.Connection

    def find(self, judge: str, pairs: Sequence[Pair]) -> dict[Pair, FloatArray]:
        """[3] of each pair that is known."""
        pair_of = {_digest(judge, pair.premise, pair.hypothesis): pair for pair in pairs}
        keys, found = list(pair_of), dict[Pair, FloatArray]()
        for start in range(0, len(keys), _TOGETHER):
            some = keys[start : start + _TOGETHER]
            marks = ",".join("?" * len(some))
            for key, figures in self.connection.execute(
                f"SELECT key, figures FROM pairs WHERE key IN ({marks})", some
            ):
                found[pair_of[key]] = np.frombuffer(figures, dtype="<f8")
        return found

    def keep(self, judge: str, figures: Mapping[Pair, FloatArray]) -> None:
        """They are on the disk when the rows are that they were asked for."""
        self.connection.executemany(
            "INSERT OR REPLACE INTO pairs VALUES (?, ?)",
            (
                (_digest(judge, pair.premise, pair.hypothesis), row.astype("<f8").tobytes())
                for pair, row in figures.items()
            ),
        )


@contextmanager
def open_state(
    path: Path, settings: Mapping[str, object], *, retries: bool = False
) -> Iterator[RunState]:
    """The state of a run; nobody else can open it meanwhile.

    Raises:
        InputError: another run has it open, it is no such file, or it cannot be written.
    """
    try:
        with closing(sqlite3.connect(path, timeout=0.2)) as connection:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.executescript(_TABLES)
            connection.execute("BEGIN IMMEDIATE")
            connection.commit()
            yield RunState(path, connection, dumps(dict(settings)), retries)
    except sqlite3.Error as error:
        if "locked" in str(error):
            raise InputError(f"another run is at work on {path}: wait for it") from error
        raise InputError(f"cannot keep the run in {path}: {error}") from error


def _digest(*texts: str) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for text in texts:
        raw = text.encode("utf-8", "surrogatepass")
        digest.update(len(raw).to_bytes(8, "little") + raw)
    return digest.digest()


def _packed(text: str) -> bytes:
    return zlib.compress(text.encode(), 1)


def _unpacked(packed: bytes) -> str:
    return zlib.decompress(packed).decode()
