"""Rows of files, folders, tables and data sets, one after the other, as lines of JSON."""

import ast
import csv
import heapq
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from glob import glob
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any

from ragattr.batch.rows import read_lines
from ragattr.errors import InputError, MissingExtra

DATASET = "hf:"  # before the name of a data set of the hub: hf:NAME or hf:NAME:SPLIT
READ_TOGETHER = 256  # rows of a table
_KINDS = (".jsonl", ".ndjson", ".json", ".parquet", ".csv", ".tsv", ".jsonl.gz")
_LONGEST_FIELD = 100_000_000  # characters of a CSV field

Lines = Iterator[tuple[int, str]]


def read_rows(source: str) -> Lines:
    """The numbered rows of a source.

    Args:
        source: a file of JSON Lines, Parquet (.parquet) or CSV (.csv, .tsv), a folder of such
            files or a pattern with *, anything of that on a path that fsspec knows ("s3://..."),
            a data set of the hub after `hf:`, or - for standard input. Rows are counted on from
            file to file.

    Raises:
        InputError: it cannot be read; the message says where.
        MissingExtra: reading it needs a package that is not here.
    """
    if source.startswith(DATASET):
        return _numbered(_dataset(source.removeprefix(DATASET)))
    if source == "-":
        return read_lines(Path(source))
    files = _files(source)
    if len(files) == 1:
        return _file(files[0])
    rows = (line for file in files for _, line in _file(file))
    return enumerate(rows, start=1)


def count_rows(source: str) -> int | None:
    """How many rows a source has, where that is quickly known."""
    if source == "-" or "://" in source or source.startswith(DATASET):
        return None
    n = 0
    for file in _files(source):
        if file.endswith(".parquet"):
            n += _parquet(file).metadata.num_rows
        elif file.endswith((".csv", ".tsv", ".gz")):
            return None
        else:
            with Path(file).open("rb") as lines:
                n += sum(bool(line.strip()) for line in lines)
    return n


def sampled(lines: Iterable[tuple[int, str]], n: int, *, seed: int = 0) -> list[tuple[int, str]]:
    """N of the rows, in their order; the same n of the same rows for the same seed."""

    def lot(row: tuple[int, str]) -> bytes:
        return blake2b(f"{seed} {row[1].strip()}".encode("utf-8", "surrogatepass")).digest()

    return sorted(heapq.nsmallest(n, lines, key=lot))


def _files(source: str) -> list[str]:
    """The files of a folder, or those that a pattern with * names; or the one file."""
    if "*" not in source and source.endswith((*_KINDS, ".gz")) and not Path(source).is_dir():
        return [source]
    found = _listed(source)
    if found is None:
        return [source]
    found = sorted(name for name in found if name.endswith(_KINDS))
    if not found:
        raise InputError(f"{source} holds no file of {', '.join(_KINDS)}")
    return found


def _listed(source: str) -> list[str] | None:
    """The names that a pattern or a folder stands for; None for a file."""
    if "://" not in source:
        if "*" in source:
            return glob(source)
        path = Path(source)
        return [str(one) for one in path.iterdir()] if path.is_dir() else None
    try:
        system, path_there = _fsspec().core.url_to_fs(source)
        if "*" not in source and not system.isdir(path_there):
            return None
        names = system.glob(path_there) if "*" in source else system.ls(path_there, detail=False)
    except (OSError, ValueError, ImportError) as error:
        raise InputError(f"cannot read {source}: {error}") from error
    return [system.unstrip_protocol(name) for name in names]


def _file(source: str) -> Lines:
    if source.endswith(".parquet"):
        return _numbered(_table_rows(source))
    if source.endswith((".csv", ".tsv")):
        return _numbered(_separated(source))
    if "://" in source or source.endswith(".gz"):
        return _remote_lines(source)
    return read_lines(Path(source))


def _numbered(rows: Iterator[Mapping[str, Any]]) -> Lines:
    for number, row in enumerate(rows, start=1):
        yield number, json.dumps(row, ensure_ascii=False, default=_plain)


def _plain(value: object) -> object:
    """What a table has and JSON has not."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return str(value)


def _table_rows(source: str) -> Iterator[Mapping[str, Any]]:
    file = _parquet(source)
    try:
        for batch in file.iter_batches(batch_size=READ_TOGETHER):
            yield from batch.to_pylist()
    except Exception as error:  # a damaged table raises whatever it leads Arrow to
        raise InputError(f"cannot read {source}: {' '.join(str(error).split())}") from error


def _parquet(source: str) -> Any:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtra("local") from error
    try:
        if "://" not in source:
            return pyarrow.parquet.ParquetFile(source)
        return pyarrow.parquet.ParquetFile(_fsspec().open(source, "rb").open())
    except Exception as error:  # as above
        raise InputError(f"cannot read {source}: {' '.join(str(error).split())}") from error


def _separated(source: str) -> Iterator[Mapping[str, Any]]:
    csv.field_size_limit(_LONGEST_FIELD)
    delimiter = "\t" if source.endswith(".tsv") else ","
    with _text(source) as file:
        try:
            rows = csv.DictReader(file, delimiter=delimiter)
            for row in rows:
                if None in row:
                    raise InputError(
                        f"{source}, line {rows.line_num}: more fields than the header names"
                    )
                yield {name: _cell(value) for name, value in row.items()}
        except (csv.Error, UnicodeDecodeError) as error:
            raise InputError(f"cannot read {source}: {error}") from error


def _cell(written: str | None) -> object:
    """A list or an object where a cell holds one, as JSON or as Python writes it."""
    if written is None or written[:1] not in "[{" or not written:
        return written or None
    for read in (json.loads, ast.literal_eval):
        try:
            return read(written)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
    return written


def _remote_lines(source: str) -> Lines:
    with _text(source) as file:
        try:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield number, line
        except (UnicodeDecodeError, OSError, EOFError) as error:
            raise InputError(f"cannot read {source}: {error}") from error


@contextmanager
def _text(source: str) -> Iterator[IO[str]]:
    try:
        if "://" in source or source.endswith(".gz"):
            opened = (
                _fsspec()
                .open(source, "rt", encoding="utf-8-sig", newline="", compression="infer")
                .open()
            )
        else:
            opened = Path(source).open(encoding="utf-8-sig", newline="")
    except (OSError, ValueError, ImportError) as error:
        raise InputError(f"cannot read {source}: {error}") from error
    with opened as file:
        yield file


def _fsspec() -> Any:
    try:
        import fsspec
    except ImportError as error:
        raise MissingExtra("local") from error
    return fsspec


def _dataset(name: str) -> Iterator[Mapping[str, Any]]:
    try:
        import datasets
    except ImportError as error:
        raise MissingExtra("eval") from error
    path, _, split = name.partition(":")
    try:
        yield from datasets.load_dataset(path, split=split or "train", streaming=True)
    except Exception as error:
        raise InputError(f"cannot read the data set {name}: {error}") from error
