"""A run that is stopped goes on: nothing finished is lost, nothing is done twice."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from ragattr.batch.engine import Done, Here
from ragattr.batch.rows import Failure, jsonl_writer, run_rows
from ragattr.batch.state import open_state
from ragattr.errors import InputError
from ragattr.models.fake import FakeVerifier
from ragattr.models.protocols import Pair
from ragattr.models.remembered import Remembered
from ragattr.record import Row, dumps
from ragattr.types import FloatArray

LINES = [(n, dumps({"id": str(n), "n": n})) for n in range(1, 8)]


class Counting:
    """Doubles `n`, and notes what it was asked; 3 is refused."""

    def __init__(self) -> None:
        self.asked = list[int]()

    def __call__(self, row: Row) -> Row:
        self.asked.append(row["n"])
        if row["n"] == 3:
            raise InputError("n: is three")
        return {"id": row["id"], "n": 2 * row["n"]}


def _run(
    path: Path, lines: Sequence[tuple[int, str]], **options: object
) -> tuple[list[Row], Counting]:
    work, done = Counting(), list[Row]()
    settings = {"threshold": options.get("threshold")}
    with open_state(path, settings, retries=bool(options.get("retries"))) as state:
        run_rows(lines, Here(work), done.append, state=state)
    return done, work


def test_a_second_run_does_nothing_again_and_hands_on_the_same_rows(tmp_path: Path) -> None:
    first, _ = _run(tmp_path / "run", LINES)
    again, work = _run(tmp_path / "run", LINES)
    assert again == first
    assert [row["n"] for row in again] == [2, 4, 8, 10, 12, 14]
    assert work.asked == []


def test_only_new_rows_are_done_wherever_they_stand(tmp_path: Path) -> None:
    _run(tmp_path / "run", LINES[1:4])
    again, work = _run(tmp_path / "run", [LINES[6], *LINES[:4]])
    assert work.asked == [7, 1]
    assert [row["id"] for row in again] == ["7", "1", "2", "4"]


def test_other_settings_are_another_run(tmp_path: Path) -> None:
    _run(tmp_path / "run", LINES)
    _, work = _run(tmp_path / "run", LINES, threshold=0.7)
    assert work.asked == [1, 2, 3, 4, 5, 6, 7]


def test_failed_rows_are_told_again_and_done_again_only_when_asked(tmp_path: Path) -> None:
    _run(tmp_path / "run", LINES)
    with open_state(tmp_path / "run", {"threshold": None}) as state:
        outcome = run_rows(LINES, Here(Counting()), lambda row: None, state=state)
    assert outcome.failures == (Failure(3, "3", "n: is three"),)
    _, work = _run(tmp_path / "run", LINES, retries=True)
    assert work.asked == [3]


def test_rows_without_an_id_are_known_by_their_number_too(tmp_path: Path) -> None:
    _run(tmp_path / "run", [(1, '{"n": 1}'), (2, '{"n": 1}')])
    done, work = _run(tmp_path / "run", [(2, '{"n": 1}'), (3, '{"n": 1}')])
    assert work.asked == [1]
    assert [row["id"] for row in done] == ["2", "3"]


def test_two_runs_cannot_share_a_state(tmp_path: Path) -> None:
    with open_state(tmp_path / "run", {}):
        with (
            pytest.raises(InputError, match="another run is at work"),
            open_state(tmp_path / "run", {}),
        ):
            pass


def test_a_file_that_is_no_state_is_named(tmp_path: Path) -> None:
    (tmp_path / "run").write_text(
        "this is a letter, and it is long enough to be no database at all"
    )
    with pytest.raises(InputError, match="cannot keep the run"), open_state(tmp_path / "run", {}):
        pass


def test_what_was_not_committed_is_not_there(tmp_path: Path) -> None:
    with open_state(tmp_path / "run", {}) as state:
        state.keep(state.key("a"), Done({"n": 1}, None))
        state.commit()
        state.keep(state.key("b"), Done({"n": 2}, None))
    with open_state(tmp_path / "run", {}) as state:
        assert state.find(state.key("a")) == Done({"n": 1}, None)
        assert state.find(state.key("b")) is None


class Asked(FakeVerifier):
    """Notes how many pairs it is asked about."""

    n = 0

    def entails(self, pairs: Sequence[Pair]) -> FloatArray:
        Asked.n += len(pairs)
        return super().entails(pairs)


def test_pairs_are_remembered_over_runs_in_every_bit(tmp_path: Path) -> None:
    pairs = [Pair("Bees make honey \ud800.", "Bees make honey."), Pair("Ants dig.", "Bees dig.")]
    with open_state(tmp_path / "run", {}) as state:
        first = Remembered(Asked(), state.pairs()).entails(pairs)
        state.commit()
    n = Asked.n
    with open_state(tmp_path / "run", {"threshold": 0.9}) as state:
        again = Remembered(Asked(), state.pairs()).entails(pairs[::-1])
        other = Remembered(Asked(revision="2"), state.pairs())
        assert Asked.n == n
        other.entails(pairs)
        assert Asked.n == n + 2
    assert np.array_equal(again, first[::-1])


MEASURED = """
import sys
from pathlib import Path
from ragattr.attribution.unmeasured import Unmeasured
from ragattr.auditing import AuditRows
from ragattr.batch.engine import Here
from ragattr.batch.evaluate import evaluate_rows
from ragattr.batch.state import open_state
from ragattr.citation.join import Cite
from ragattr.models.fake import FakeVerifier
from ragattr.models.remembered import Remembered
from ragattr.record import dumps
from ragattr.verification.gold import CompareWithGold
from ragattr.verification.passages import VerifyPassages

def lines(n):
    for i in range(n):
        passages = [f"Fact {i} of {k} is long. Bees make honey in hive {i}. " * 4 for k in range(5)]
        yield i, dumps({"id": str(i), "question": f"What is {i}?", "passages": passages,
                        "answer": f"Bees make honey in hive {i} [1]. Ants dig [2]. It is {i} [9]."})

folder = Path(sys.argv[2])
with open_state(folder / "run.sqlite", {}) as state:
    verify = VerifyPassages(Remembered(FakeVerifier(), state.pairs()))
    work = AuditRows(Unmeasured(), verify >> Cite(), CompareWithGold(FakeVerifier()))
    evaluate_rows(lines(int(sys.argv[1])), folder, Here(work), state=state)
# Not ru_maxrss: that begins with what the process that started this one took.
print(next(row.split()[1] for row in open("/proc/self/status") if row.startswith("VmHWM")))
"""


def _peak(folder: Path, n_rows: int) -> int:
    """Kilobytes at most, of an audit by a fake verifier."""
    folder.mkdir()
    command = [sys.executable, "-c", MEASURED, str(n_rows), str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(done.stdout)


@pytest.mark.hard
def test_memory_does_not_grow_with_the_number_of_rows(tmp_path: Path) -> None:
    few, many = _peak(tmp_path / "few", 1_000), _peak(tmp_path / "many", 20_000)
    assert many < 1.1 * few


def test_an_output_that_a_killed_run_left_unfinished_is_not_taken_for_it(tmp_path: Path) -> None:
    (tmp_path / "out.jsonl.partial").write_text('{"id": "torn", "n"')
    with jsonl_writer(tmp_path / "out.jsonl") as write:
        write({"id": "1"})
    assert (tmp_path / "out.jsonl").read_text() == '{"id": "1"}\n'
