"""The records of an audit as a table: a few plain columns, and the whole record as JSON."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ragattr.errors import InputError, MissingExtra
from ragattr.metrics.audit import count
from ragattr.metrics.tally import Questions, Tally
from ragattr.record import Row, dumps, loads
from ragattr.written import whole_file

RECORDS = "records.parquet"
_KEPT_TOGETHER = 500  # records in one group of the table


@contextmanager
def table_writer(path: Path) -> Iterator[Callable[[Row], None]]:
    """A writer of records; the table is there when the block ends well."""
    pyarrow = _pyarrow()
    text, number = pyarrow.string(), pyarrow.float64()
    figures = list(count({"claims": [], "passages": []}))
    schema = pyarrow.schema(
        [(name, text) for name in ("id", "question", "answer")]
        + [(name, number) for name in figures]
        + [("record", text)]
    )
    rows = list[Row]()
    with (
        whole_file(path) as unfinished,
        pyarrow.parquet.ParquetWriter(unfinished, schema, compression="zstd") as writer,
    ):

        def write(record: Row) -> None:
            counts = count(record)
            shares = {name: counts[name].share for name in figures}
            rows.append(
                {
                    **{name: _utf8(str(record.get(name, ""))) for name in schema.names[:3]},
                    **{name: None if np.isnan(v) else v for name, v in shares.items()},
                    "record": dumps(record),
                }
            )
            if len(rows) == _KEPT_TOGETHER:
                flush()

        def flush() -> None:
            writer.write_table(pyarrow.Table.from_pylist(rows, schema))
            rows.clear()

        yield write
        if rows:
            flush()


def _utf8(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _pyarrow() -> Any:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtra("local") from error
    return pyarrow


def read_questions(folder: Path) -> Questions:
    """The questions of an audit's records."""
    questions = Questions()
    for record in read_records(folder):
        questions.add(str(record["question"]))
    return questions


def read_tally(folder: Path, questions: Questions) -> Tally:
    """The counts of an audit's records that answer one of the questions."""
    tally = Tally()
    for record in read_records(folder):
        if (question := str(record["question"])) in questions:
            tally.add(count(record), question)
    return tally


def read_records(folder: Path) -> Iterator[Row]:
    """The records of an audit's folder.

    Raises:
        InputError: it holds none.
    """
    pyarrow = _pyarrow()
    try:
        file = pyarrow.parquet.ParquetFile(folder / RECORDS)
        for batch in file.iter_batches(batch_size=_KEPT_TOGETHER, columns=["record"]):
            yield from (loads(text) for text in batch.column(0).to_pylist())
    except (OSError, pyarrow.ArrowException) as error:
        raise InputError(f"{folder} holds no audit that can be read: {error}") from error
