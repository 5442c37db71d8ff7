"""kill -9 at random points and at every named fault point of a batch run, then resume.

Finished rows are not lost and not doubled, and the output is that of a run that was left alone.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest

from ragattr.batch import rows as rows_module
from ragattr.batch.state import RunState
from ragattr.record import dumps, loads
from tests.reliability.batch_run import Doubling, batch_run
from tests.reliability.figures import SEED, Shown, sizes

TOGETHER = 64  # rows of a group: those at work when a run is killed are done again
ROOT = Path(__file__).parent.parent.parent


def given(folder: Path, n: int) -> None:
    folder.mkdir(exist_ok=True)
    rows = (dumps({"id": f"r{i}", "n": i}) for i in range(n))
    (folder / "in.jsonl").write_text("".join(row + "\n" for row in rows))


def is_as_if_left_alone(folder: Path, n: int) -> bool:
    found = [loads(line) for line in (folder / "out.jsonl").read_text().splitlines()]
    return found == [{"id": f"r{i}", "n": 2 * i} for i in range(n)]


def n_done_twice(folder: Path) -> int:
    asked = (folder / "log").read_text().split()
    return len(asked) - len(set(asked))


@sizes(quick=20, full=200)
def test_a_killed_run_ends_as_one_that_was_left_alone(n: int, tmp_path: Path, shown: Shown) -> None:
    """Killed `n` times at random moments, each time begun again."""
    rng, n_killed, n_rows = random.Random(SEED), 0, 960 * n
    given(tmp_path, n_rows)
    while n_killed < n and not (tmp_path / "out.jsonl").exists():
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.reliability.batch_run", str(tmp_path)], cwd=ROOT
        )
        time.sleep(rng.uniform(0.2, 0.8))
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            n_killed += 1
        process.wait()
    batch_run(tmp_path)
    is_right, n_twice = is_as_if_left_alone(tmp_path, n_rows), n_done_twice(tmp_path)
    shown(n_killed, int(not is_right), rows=n_rows, done_again_at_work=n_twice)
    assert is_right
    assert n_killed > n / 2
    assert n_twice <= n_killed * TOGETHER


When = Literal["before", "after"]
POINTS: dict[str, tuple[object, str, When]] = {
    "before a row is worked on": (Doubling, "together", "before"),
    "after a row was worked on": (Doubling, "together", "after"),
    "before a row is kept": (RunState, "keep", "before"),
    "after a row was kept": (RunState, "keep", "after"),
    "before the commit": (RunState, "commit", "before"),
    "after the commit, before the sink": (RunState, "commit", "after"),
    "before a row is written": (rows_module, "dumps", "before"),
    "before the output is put on the disk": (os, "fsync", "before"),
    "after the output was put on the disk": (os, "fsync", "after"),
    "before the rename": (os, "replace", "before"),
    "after the rename": (os, "replace", "after"),
    "before the end": (rows_module, "put", "after"),
}


def killing(call: Callable[..., Any], when: When, nth: int) -> Callable[..., Any]:
    """The call, which ends the process the `nth` time."""
    n_called = 0

    def called(*arguments: Any, **options: Any) -> Any:
        nonlocal n_called
        n_called += 1
        if when == "before" and n_called == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        result = call(*arguments, **options)
        if n_called == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return called


def killed_at(folder: Path, point: str, nth: int) -> bool:
    """Whether a run in a process of its own came to the point and was killed there."""
    owner, name, when = POINTS[point]
    child = os.fork()
    if not child:
        try:
            setattr(owner, name, killing(getattr(owner, name), when, nth))
            batch_run(folder)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


@sizes(quick=2, full=25)
@pytest.mark.parametrize("point", POINTS)
def test_a_run_killed_at_a_point_is_resumed_whole(
    point: str, n: int, tmp_path: Path, shown: Shown
) -> None:
    """500 rows; the first time that it comes to the point, and at random later times."""
    rng, n_killed, wrong = random.Random(f"{SEED} {point}"), 0, list[int]()
    for nth in [1, *(rng.choice((2, 3, 5, rng.randint(2, 500))) for _ in range(n - 1))]:
        folder = tmp_path / f"{n_killed} {len(wrong)} {rng.random()}"
        given(folder, 500)
        n_killed += killed_at(folder, point, nth)
        batch_run(folder)
        if not is_as_if_left_alone(folder, 500) or n_done_twice(folder) > TOGETHER:
            wrong.append(nth)
    shown(n_killed, len(wrong))
    assert n_killed > 0
    assert wrong == []
