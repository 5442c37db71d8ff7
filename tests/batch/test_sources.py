"""The same rows from every kind of source, and one clear sentence where there are none."""

import datetime
import gzip
import json
from pathlib import Path
from typing import Any

import fsspec
import pytest

from ragattr.adapters.reading import columns_of, reading
from ragattr.batch.sources import count_rows, read_rows
from ragattr.errors import ConfigError, InputError

ROWS: list[dict[str, Any]] = [
    {
        "id": "a",
        "question": "What is it?",
        "passages": ["One.", "Two, “three”."],
        "answer": "It.\nIt!",
    },
    {"id": "b", "question": "Who?", "passages": [{"id": "p", "text": "Ü"}], "answer": "Me [1]."},
]


def _read(source: Path | str) -> list[dict[str, Any]]:
    return [json.loads(line) for _, line in read_rows(str(source))]


def _lines(rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_json_lines_plain_and_packed_and_from_a_url(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text(_lines(ROWS))
    with gzip.open(tmp_path / "in.jsonl.gz", "wt") as file:
        file.write(_lines(ROWS))
    assert _read(tmp_path / "in.jsonl") == ROWS
    assert _read(tmp_path / "in.jsonl.gz") == ROWS
    assert _read(f"file://{tmp_path}/in.jsonl") == ROWS
    assert count_rows(str(tmp_path / "in.jsonl")) == 2
    assert count_rows(str(tmp_path / "in.jsonl.gz")) is None


def test_a_table_of_parquet_with_lists_dates_and_bytes(tmp_path: Path) -> None:
    import pyarrow.parquet

    rows = [
        {"id": 7, "question": b"Who?", "passages": ["Ü"], "day": datetime.date(2024, 2, 29)},
        {"id": 8, "question": None, "passages": None, "day": None},
    ]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "in.parquet")
    assert _read(tmp_path / "in.parquet") == [
        {"id": 7, "question": "Who?", "passages": ["Ü"], "day": "2024-02-29"},
        {"id": 8, "question": None, "passages": None, "day": None},
    ]
    assert count_rows(str(tmp_path / "in.parquet")) == 2


@pytest.mark.parametrize("written", ['["One.", "Two"]', "['One.', 'Two']"])
def test_a_cell_of_csv_may_hold_a_list_as_json_or_as_python(tmp_path: Path, written: str) -> None:
    quoted = written.replace('"', '""')
    (tmp_path / "in.csv").write_text(f'question,passages,answer\nWho?,"{quoted}","It,\nit"\n')
    assert _read(tmp_path / "in.csv") == [
        {"question": "Who?", "passages": ["One.", "Two"], "answer": "It,\nit"}
    ]


def test_a_cell_that_only_looks_like_a_list_stays_text(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("question,answer\nWho?,[1] says so\n")
    assert _read(tmp_path / "in.csv") == [{"question": "Who?", "answer": "[1] says so"}]


def test_a_pattern_or_a_folder_may_lie_on_a_path_of_fsspec() -> None:
    system = fsspec.filesystem("memory")
    for name in ("b", "a", "c"):
        system.pipe(f"/logs/{name}.jsonl", json.dumps({"id": name}).encode())
    system.pipe("/logs/read.me", b"no rows")
    for source in ("memory://logs", "memory://logs/*.jsonl"):
        assert [line for _, line in read_rows(source)] == [
            '{"id": "a"}', '{"id": "b"}', '{"id": "c"}',
        ]  # fmt: skip


def test_a_pattern_names_files_here(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps({"id": name}))
    found = [line for _, line in read_rows(f"{tmp_path}/*.jsonl")]
    assert found == ['{"id": "a"}', '{"id": "b"}']


def test_a_folder_is_its_files_one_after_the_other(tmp_path: Path) -> None:
    (tmp_path / "b.jsonl").write_text(_lines(ROWS[1:]))
    (tmp_path / "a.csv").write_text("id,question\na,What?\n")
    (tmp_path / "notes.txt").write_text("no rows")
    assert [(n, json.loads(line)["id"]) for n, line in read_rows(str(tmp_path))] == [
        (1, "a"), (2, "b"),
    ]  # fmt: skip
    empty = tmp_path / "nothing"
    empty.mkdir()
    with pytest.raises(InputError, match="holds no file of"):
        read_rows(str(empty))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("in.parquet", b"PAR1 and no more", "cannot read .*in.parquet"),
        ("in.csv", b"a,b\n1,2,3\n", "line 2: more fields than the header names"),
        ("in.csv", b"a,b\n\xff\xfe,2\n", "cannot read .*in.csv"),
        ("in.jsonl.gz", b"no gzip", "cannot read .*in.jsonl.gz"),
    ],
)
def test_a_source_that_cannot_be_read_is_named(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=said):
        _read(tmp_path / name)


def test_columns_get_our_names_and_what_they_replace_goes() -> None:
    read = reading(columns_of(["question=query", "answer=text"]))
    row = {"query": "Who?", "text": "Me.", "question": "an older column", "k": 3}
    assert read(row) == {"question": "Who?", "answer": "Me.", "k": 3}
    with pytest.raises(InputError, match="query: this field is missing"):
        read({"text": "Me."})
    with pytest.raises(ConfigError, match="OURS=THEIRS"):
        columns_of(["question"])


def test_shapes_are_told_by_their_fields_or_by_name() -> None:
    ragas = {"user_input": "Who?", "retrieved_contexts": ["It is me."], "response": "Me [1]."}
    assert reading({})(ragas)["question"] == "Who?"
    assert reading({}, "ragas")(ragas)["answer"] == "Me [1]."
    assert reading({})(ROWS[0]) == ROWS[0]
    with pytest.raises(ConfigError, match="--from is one of auto, ragas"):
        reading({}, "excel")
