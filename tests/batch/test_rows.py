import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ragattr.batch.engine import Here
from ragattr.batch.rows import Failure, Outcome, jsonl_writer, read_lines, run_rows
from ragattr.errors import InputError
from ragattr.record import Row, dumps


def _work(row: Row) -> Row:
    """Doubles `n`; -1 is a row that is wrong, 0 one that meets a bug."""
    if row["n"] == -1:
        raise InputError("n: is negative")
    return {"id": row["id"], "n": 2 * row["n"], "share": 1 / row["n"]}


def _numbered(*lines: str) -> list[tuple[int, str]]:
    return list(enumerate(lines, start=1))


# Rows


def test_a_bad_row_is_reported_with_line_and_id_and_the_others_are_done() -> None:
    done: list[Row] = []
    lines = _numbered('{"id": "a", "n": 1}', '{"id": "b", "n": -1}', '{"id": "c", "n": 2}')
    outcome = run_rows(lines, Here(_work), done.append)
    assert [row["id"] for row in done] == ["a", "c"]
    assert outcome == Outcome(2, (Failure(2, "b", "n: is negative"),))
    assert str(outcome.failures[0]) == "line 2 (id 'b'): n: is negative"


def test_a_line_that_is_no_json_is_reported_without_an_id() -> None:
    done: list[Row] = []
    outcome = run_rows(_numbered('{"n": 1', '{"n": 1}'), Here(_work), done.append)
    assert str(outcome.failures[0]).startswith("line 1: not JSON")
    assert [row["n"] for row in done] == [2]


def test_an_unexpected_exception_in_one_row_does_not_lose_the_others() -> None:
    done: list[Row] = []
    outcome = run_rows(_numbered('{"n": 0}', '{"n": 1}'), Here(_work), done.append)
    assert [row["n"] for row in done] == [2]
    assert str(outcome.failures[0]) == "line 1: unexpected ZeroDivisionError('division by zero')"


def test_a_row_without_an_id_gets_its_line_number() -> None:
    done: list[Row] = []
    run_rows([(3, '{"n": 1}'), (7, '{"id": "x", "n": 1}')], Here(_work), done.append)
    assert [row["id"] for row in done] == ["3", "x"]


@pytest.mark.parametrize(
    ("numbers", "code"), [((1, 2), 0), ((1, -1), 3), ((-1, 0), 2), ((-1, 1, 0), 3)]
)
def test_the_exit_code_tells_whether_all_some_or_no_rows_were_done(
    numbers: tuple[int, ...], code: int
) -> None:
    done: list[Row] = []
    lines = _numbered(*(f'{{"n": {n}}}' for n in numbers))
    assert run_rows(lines, Here(_work), done.append).exit_code == code


class Doubling:
    """Goes together, and counts how often it was asked."""

    def __init__(self) -> None:
        self.sizes = list[int]()

    def __call__(self, row: Row) -> Row:
        return self.together([row])[0]

    def together(self, rows: Sequence[Row]) -> list[Row]:
        self.sizes.append(len(rows))
        return [_work(row) for row in rows]


def test_work_that_goes_together_is_asked_once_for_many_rows() -> None:
    work, done = Doubling(), list[Row]()
    outcome = run_rows(
        _numbered(*(f'{{"n": {n}}}' for n in range(1, 101))), Here(work), done.append
    )
    assert work.sizes == [64, 36]
    assert [row["n"] for row in done] == [2 * n for n in range(1, 101)]
    assert outcome == Outcome(100, ())


def test_a_bad_row_among_many_fails_alone() -> None:
    work, done = Doubling(), list[Row]()
    outcome = run_rows(_numbered('{"n": 1}', '{"n": -1}', "{", '{"n": 3}'), Here(work), done.append)
    assert [row["n"] for row in done] == [2, 6]
    assert [failure.line for failure in outcome.failures] == [2, 3]


def test_an_input_without_rows_is_an_error() -> None:
    with pytest.raises(InputError, match="holds no rows"):
        run_rows([], Here(_work), print)


def test_an_error_of_the_sink_is_not_swallowed() -> None:
    def full(row: Row) -> None:
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        run_rows(_numbered('{"n": 1}'), Here(_work), full)


def test_a_result_is_handed_on_before_the_next_row_is_begun() -> None:
    events: list[object] = []

    def work(row: Row) -> Row:
        events.append(row["n"])
        return row

    run_rows(_numbered('{"n": 1}', '{"n": 2}'), Here(work), lambda row: events.append("done"))
    assert events == [1, "done", 2, "done"]


def test_an_interrupt_stops_the_run() -> None:
    def interrupted(row: Row) -> Row:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_rows(_numbered('{"n": 1}', '{"n": 2}'), Here(interrupted), print)


@pytest.mark.parametrize("bad", ['{"id": "b", "n": 1e999}', '{"id": "b", "n": NaN}'])
def test_a_row_that_cannot_be_written_does_not_lose_the_rows_after_it(
    tmp_path: Path, bad: str
) -> None:
    path = tmp_path / "out.jsonl"
    lines = _numbered('{"id": "a", "n": 1}', bad, '{"id": "c", "n": 2}')
    with jsonl_writer(path) as write:
        outcome = run_rows(lines, Here(lambda row: row), write)
    assert path.read_text() == '{"id": "a", "n": 1}\n{"id": "c", "n": 2}\n'
    assert [(failure.line, failure.id) for failure in outcome.failures if failure.line == 2]


def test_a_result_that_cannot_be_written_does_not_lose_the_rows_after_it(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"

    def work(row: Row) -> Row:
        return {"id": row["id"], "score": float("nan") if row["id"] == "b" else 1}

    lines = _numbered('{"id": "a"}', '{"id": "b"}', '{"id": "c"}')
    with jsonl_writer(path) as write:
        outcome = run_rows(lines, Here(work), write)
    assert path.read_text() == '{"id": "a", "score": 1}\n{"id": "c", "score": 1}\n'
    assert [(failure.line, failure.id) for failure in outcome.failures] == [(2, "b")]


# Lines


def test_lines_are_numbered_from_1_and_blank_ones_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes('\ufeff{"a": 1}\r\n\n  \n{"b": "x\u2028y"}'.encode())
    assert [(n, line.strip()) for n, line in read_lines(path)] == [
        (1, '{"a": 1}'),
        (4, '{"b": "x\u2028y"}'),
    ]


def test_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stdin:
        buffer = io.BytesIO(b'{"a": 1}\n')

    monkeypatch.setattr(sys, "stdin", Stdin())
    assert list(read_lines(Path("-"))) == [(1, '{"a": 1}\n')]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"cannot read .*in\.jsonl: No such file"),
        ('{"a": "é"}'.encode("utf-16"), r"in\.jsonl is in UTF-16"),
    ],
)
def test_an_input_that_cannot_be_read_is_named(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    path = tmp_path / "in.jsonl"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        list(read_lines(path))


def test_a_line_that_is_not_utf8_fails_alone(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_bytes(b'{"n": 1}\n{"n": 2, "a": "caf\xe9"}\n{"n": 3}\n')
    done = list[Row]()
    outcome = run_rows(read_lines(tmp_path / "in.jsonl"), Here(_work), done.append)
    assert [row["n"] for row in done] == [2, 6]
    assert [str(failure) for failure in outcome.failures] == [
        "line 2: not UTF-8 (byte 18 of the line): convert it first"
    ]


# Output


def test_rows_lie_in_the_partial_file_until_the_end(tmp_path: Path) -> None:
    path, partial = tmp_path / "out.jsonl", tmp_path / "out.jsonl.partial"
    with jsonl_writer(path) as write:
        write({"n": 1})
        assert (path.exists(), partial.read_text()) == (False, '{"n": 1}\n')
    assert (path.read_text(), partial.exists()) == ('{"n": 1}\n', False)


def test_nothing_is_left_when_no_row_was_written(tmp_path: Path) -> None:
    with jsonl_writer(tmp_path / "out.jsonl"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_an_older_output_stays_when_no_row_was_written(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text("old\n")
    with jsonl_writer(path):
        pass
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [
        ("out.jsonl", "old\n")
    ]


def test_a_crash_keeps_the_rows_that_were_done(tmp_path: Path) -> None:
    def work(row: Row) -> Row:
        if row["n"] == 2:
            raise KeyboardInterrupt
        return {"n": row["n"]}

    with pytest.raises(KeyboardInterrupt), jsonl_writer(tmp_path / "out.jsonl") as write:
        run_rows(_numbered('{"n": 1}', '{"n": 2}'), Here(work), write)
    (left,) = tmp_path.iterdir()
    assert (left.name, left.read_text()) == ("out.jsonl.partial", '{"n": 1}\n')


def test_a_crash_before_the_first_row_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), jsonl_writer(tmp_path / "out.jsonl"):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["missing/out.jsonl", "folder"])
def test_an_output_that_cannot_be_written_is_named_before_any_work(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / "folder").mkdir()
    with (
        pytest.raises(InputError, match=f"cannot write {tmp_path / name}"),
        jsonl_writer(tmp_path / name),
    ):
        pytest.fail("work was begun")


def test_a_device_stays_a_device(tmp_path: Path) -> None:
    path = tmp_path / "null"
    path.symlink_to("/dev/null")
    with jsonl_writer(path) as write:
        write({"n": 1})
    assert path.is_char_device()


def test_rows_are_written_in_the_one_serialisation(tmp_path: Path) -> None:
    row: dict[str, Any] = {"text": "é \ud83d 😀\u2028", "n": 0.1}
    with jsonl_writer(tmp_path / "out.jsonl") as write:
        write(row)
    assert (tmp_path / "out.jsonl").read_text("utf-8") == dumps(row) + "\n"
