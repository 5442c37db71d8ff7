"""`ragattr lint` from outside: what it prints, writes and returns."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ragattr.batch.answers import change_answers

CLEAN: dict[str, Any] = {
    "id": "bees",
    "question": "What do bees make?",
    "passages": ["Bees make honey.", {"id": 7, "text": "Iron rusts."}],
    "answer": "Bees make honey [1]. Iron rusts [2].",
}
WRONG = CLEAN | {"id": "wrong", "answer": "Bees make honey [1][1. Iron rusts [3]."}


def run(*args: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ragattr.cli", "lint", *map(str, args)],
        input=stdin, capture_output=True, text=True, encoding="utf-8", check=False,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "COLUMNS": "120"},
    )  # fmt: skip


def lines(*rows: dict[str, Any] | str) -> str:
    return "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)


def test_nothing_found_is_0_and_something_found_is_1() -> None:
    clean, wrong = run("-", stdin=lines(CLEAN)), run("-", stdin=lines(CLEAN, WRONG))
    assert (clean.returncode, clean.stdout) == (0, "0 findings in 1 answer\n")
    assert wrong.returncode == 1
    assert "-:2:19 (wrong) malformed: [1 is not closed" in wrong.stdout
    assert wrong.stdout.endswith("2 findings in 2 answers; --fix mends 1\n")


def test_a_row_that_cannot_be_read_is_named_and_wins_over_what_is_found(tmp_path: Path) -> None:
    one, other = tmp_path / "one.jsonl", tmp_path / "other.jsonl"
    one.write_text(lines(WRONG), "utf-8")
    other.write_text(lines(CLEAN, "{broken", {"id": "x", "answer": 5}), "utf-8")
    done = run(one, other, "--format", "json")
    assert done.returncode == 3
    assert f"{other}, line 2: not JSON" in done.stderr
    assert f"{other}, line 3 (id 'x'): answer: wanted a string, got a number" in done.stderr
    assert {json.loads(line)["file"] for line in done.stdout.splitlines()} == {str(one)}


def test_only_rows_that_cannot_be_read_and_a_file_that_is_not_there_are_2(tmp_path: Path) -> None:
    assert run("-", stdin=lines({"id": "x", "passages": ["a"]})).returncode == 2
    done = run(tmp_path / "none.jsonl")
    assert (done.returncode, done.stdout) == (2, "")
    assert "cannot read" in done.stderr


def test_aliases_hold_and_a_question_is_not_needed() -> None:
    row = {"contexts": ["Bees make honey."], "response": "Bees make honey [2]."}
    done = run("-", "--format", "json", stdin=lines(row))
    found = json.loads(done.stdout)
    assert (found["rule"], found["id"], found["start"], found["end"]) == (
        "out-of-range",
        "1",
        16,
        19,
    )


def test_rules_are_chosen_by_name() -> None:
    rows = lines(WRONG)
    only = run("-", "--rule", "out-of-range", "--format", "json", stdin=rows)
    assert [json.loads(line)["rule"] for line in only.stdout.splitlines()] == ["out-of-range"]
    assert run("-", "--ignore", "out-of-range", "--ignore", "malformed", stdin=rows).returncode == 0
    assert run("-", "--rule", "no-such-rule", stdin=rows).returncode == 2


def test_a_fix_leaves_every_other_byte_and_is_done_once(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    before = (
        b'\xef\xbb\xbf {"n": 1.50,  '
        b'"response": "Bees \\u00fc\\ud83d\\udc1d \\/ fly [1. Iron rusts [2][2].",'
        b' "contexts": ["Bees fly.", "Iron rusts."], "answer_note": "[1"}\r\n\n{broken\n'
        + json.dumps(CLEAN).encode()
    )
    path.write_bytes(before)
    path.chmod(0o640)
    assert run(path, "--fix").returncode == 3  # the broken line
    after = path.read_bytes()
    assert after == before.replace(b"fly [1.", b"fly [1].").replace(b"[2][2]", b"[2]")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert run(path, "--fix").returncode == 3
    assert path.read_bytes() == after
    assert [p.name for p in tmp_path.iterdir()] == ["cases.jsonl"]


def test_what_was_fixed_is_not_found_and_records_are_not_rewritten(tmp_path: Path) -> None:
    cases, records = tmp_path / "cases.jsonl", tmp_path / "records.jsonl"
    row = CLEAN | {"answer": "Bees make honey [1][1]."}
    cases.write_text(lines(row), "utf-8")
    records.write_text(lines(row | {"claims": []}), "utf-8")
    assert run(cases, "--fix").returncode == 0
    assert run(records, "--fix").returncode == 1
    assert json.loads(records.read_text("utf-8"))["answer"] == row["answer"]


def test_standard_input_cannot_be_fixed() -> None:
    done = run("-", "--fix", stdin=lines(WRONG))
    assert (done.returncode, done.stderr) == (
        2,
        "ragattr: --fix changes files: standard input is none\n",
    )


def test_no_heavy_package_is_loaded() -> None:
    shown = (
        "import sys\nfrom ragattr.cli import app\n"
        "sys.argv = ['ragattr', 'lint', '-']\n"
        "try: app()\nexcept SystemExit: pass\nprint(*sys.modules, sep='\\n')"
    )
    done = subprocess.run(
        [sys.executable, "-c", shown],
        input=lines(WRONG),
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "rapidfuzz" in loaded
    assert loaded.isdisjoint({"torch", "pyarrow", "sklearn", "transformers", "scipy"})


@pytest.mark.parametrize("ascii_only", [True, False])
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(before=st.text(min_size=1), after=st.text())
def test_a_changed_answer_is_read_back_with_all_else_as_it_was(
    tmp_path: Path, before: str, after: str, ascii_only: bool
) -> None:
    surrogates = any("\ud800" <= char <= "\udfff" for char in before + after)
    if not before.strip() or (surrogates and not ascii_only):
        return
    path, row = (
        tmp_path / "row.jsonl",
        {"a": ["}", '"answer"'], "answer": before, "z": {"answer": 1}},
    )
    path.write_text(json.dumps(row, ensure_ascii=ascii_only), "utf-8")
    change_answers(path, lambda answer: after)
    assert json.loads(path.read_text("utf-8")) == row | {"answer": after}
