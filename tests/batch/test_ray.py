"""Ray Data as an engine, on a cluster of several nodes: what comes out is as it is here."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ragattr.attribution.unmeasured import Unmeasured
from ragattr.auditing import AuditRows
from ragattr.batch.engine import Done, Here
from ragattr.batch.evaluate import METRICS, evaluate_rows
from ragattr.batch.rows import run_rows
from ragattr.batch.state import open_state
from ragattr.batch.table import read_records
from ragattr.citation.join import Cite
from ragattr.errors import ConfigError, InputError
from ragattr.models.fake import FakeVerifier
from ragattr.record import Row, dumps
from ragattr.verification.gold import CompareWithGold
from ragattr.verification.passages import VerifyPassages

pytestmark = [pytest.mark.ray, pytest.mark.filterwarnings("default")]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Three nodes of one core each."""
    import ray
    from ray.cluster_utils import Cluster

    found = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    for _ in range(2):
        found.add_node(num_cpus=1)
    found.wait_for_nodes()
    yield found
    ray.shutdown()
    found.shutdown()


def on_ray(start: Callable[[], Any], cluster: Any, workers: int = 2, **options: int) -> Any:
    from ragattr.batch.ray import OnRay

    return OnRay(start, workers, cluster.address, **options)


@dataclass(frozen=True)
class Doubling:
    """Doubles `n`, slowly; where a file says so, the process ends at a row for the first time."""

    folder: Path
    dies_at: int | None = None
    seconds: float = 0.0

    def __call__(self, row: Row) -> Row:
        return self.together([row])[0]

    def together(self, rows: Sequence[Row]) -> list[Row]:
        time.sleep(self.seconds)
        with (self.folder / "asked").open("a") as file:
            file.write("".join(f"{row['n']}\n" for row in rows))
        if self.dies_at in [row["n"] for row in rows]:
            try:
                (self.folder / "died").touch(exist_ok=False)
            except FileExistsError:
                pass
            else:
                os._exit(9)
        if any(row["n"] < 0 for row in rows):
            raise InputError("n: is negative")
        return [{"id": row["id"], "n": 2 * row["n"]} for row in rows]


def groups(numbers: Sequence[int], size: int = 4) -> Iterator[list[Row]]:
    for start in range(0, len(numbers), size):
        yield [{"id": str(n), "n": n} for n in numbers[start : start + size]]


def doubled(numbers: Sequence[int]) -> list[Done]:
    return [Done({"id": str(n), "n": 2 * n}) for n in numbers]


ENDED = """
import sys
from ragattr.batch.ray import OnRay

def start():
    return lambda row: row

for done in OnRay(start, 2, rows_together=1)([{"id": str(n)}] for n in range(1000)):
    print(done[0].record["id"], flush=True)
    if done[0].record["id"] == "5":
        sys.exit(7)
"""


def _ran(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)


def test_a_run_that_is_given_up_ends_as_it_was_told() -> None:
    done = _ran("-c", ENDED)
    assert done.stdout.split() == ["0", "1", "2", "3", "4", "5"]
    assert done.returncode == 7


def test_a_cluster_that_is_not_there_is_named(tmp_path: Path) -> None:
    row = {"id": "1", "claim": "Bees fly.", "evidence": ["Bees fly."]}
    (tmp_path / "in.jsonl").write_text(dumps(row))
    given = ("verify", "--input", tmp_path / "in.jsonl", "--engine", "ray:127.0.0.1:1")
    done = _ran("-m", "ragattr.cli", *given)
    assert done.returncode == 2
    assert "no Ray cluster at 127.0.0.1:1" in done.stderr


def test_results_come_in_the_order_of_the_groups(cluster: Any, tmp_path: Path) -> None:
    numbers = list(range(100))
    engine = on_ray(lambda: Doubling(tmp_path, seconds=0.01), cluster, workers=3)
    assert [d for group in engine(groups(numbers)) for d in group] == doubled(numbers)


def test_a_group_without_rows_is_answered_in_its_place(cluster: Any, tmp_path: Path) -> None:
    given: list[list[Row]] = [[], [{"id": "1", "n": 1}], [], []]
    engine = on_ray(lambda: Doubling(tmp_path), cluster)
    assert list(engine(given)) == [[], doubled([1]), [], []]


def test_a_worker_that_dies_is_started_again_and_nothing_is_lost(
    cluster: Any, tmp_path: Path
) -> None:
    numbers = list(range(60))
    engine = on_ray(lambda: Doubling(tmp_path, dies_at=21, seconds=0.02), cluster)
    assert [d for group in engine(groups(numbers)) for d in group] == doubled(numbers)
    assert (tmp_path / "died").exists()


def test_a_node_that_is_lost_takes_no_row_with_it(cluster: Any, tmp_path: Path) -> None:
    numbers, extra = list(range(80)), cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    engine, found = on_ray(lambda: Doubling(tmp_path, seconds=0.2), cluster, workers=3), []
    for group in engine(groups(numbers)):
        found += group
        if extra is not None and len(found) >= 12:
            cluster.remove_node(extra, allow_graceful=False)
            extra = None
    assert extra is None
    assert found == doubled(numbers)


def test_a_bad_row_fails_alone_in_a_worker(cluster: Any, tmp_path: Path) -> None:
    engine = on_ray(lambda: Doubling(tmp_path), cluster)
    (done,) = engine(groups([1, -1, 2]))
    assert done == [*doubled([1]), Done(None, "n: is negative"), *doubled([2])]


def test_no_more_groups_are_under_way_than_the_workers_need(cluster: Any, tmp_path: Path) -> None:
    n_taken = 0

    def counted() -> Iterator[list[Row]]:
        nonlocal n_taken
        for group in groups(list(range(400))):
            n_taken += 1
            yield group

    engine = on_ray(lambda: Doubling(tmp_path, seconds=0.01), cluster)
    for n_given, _ in enumerate(engine(counted()), start=1):
        assert n_taken - n_given <= 8  # four for each of two workers


def test_a_run_that_was_stopped_goes_on_with_any_engine(cluster: Any, tmp_path: Path) -> None:
    lines = [(n, dumps({"id": str(n), "n": n})) for n in range(40)]
    done = list[Row]()

    def full(row: Row) -> None:
        done.append(row)
        if len(done) == 20:
            raise OSError("no space left")

    engine = on_ray(lambda: Doubling(tmp_path, seconds=0.01), cluster, rows_together=4)
    with (
        pytest.raises(OSError, match="no space left"),
        open_state(tmp_path / "run", {}) as state,
    ):
        run_rows(lines, engine, full, state=state)
    (tmp_path / "asked").unlink()
    again = list[Row]()
    with open_state(tmp_path / "run", {}) as state:
        run_rows(lines, Here(Doubling(tmp_path)), again.append, state=state)
    assert [row["n"] for row in again] == [2 * n for n in range(40)]
    assert (tmp_path / "asked").read_text().split() == [str(n) for n in range(20, 40)]


def _audit_rows() -> AuditRows:
    verifier = FakeVerifier()
    judge = VerifyPassages(verifier) >> Cite()
    return AuditRows(Unmeasured(), judge, CompareWithGold(verifier))


def test_an_audit_is_equal_row_for_row(cluster: Any, tmp_path: Path) -> None:
    passages = ["Bees make honey in hives. Ants dig.", "Wasps sting."]
    lines = [
        (n, dumps({"id": f"r{n}", "question": f"What is {n % 50}?", "passages": passages,
                   "answer": f"Bees make honey [1]. It is {n} [2]. Ants dig [{1 + n % 3}]."}))
        for n in range(1, 301)
    ]  # fmt: skip
    lines[70] = (71, '{"id": "bad"')
    found = list[Any]()
    for name, engine in (("here", Here(_audit_rows())), ("ray", on_ray(_audit_rows, cluster))):
        (tmp_path / name).mkdir()
        _, outcome = evaluate_rows(lines, tmp_path / name, engine)
        metrics = json.loads((tmp_path / name / METRICS).read_text())
        metrics.pop("seconds")
        found.append((outcome, metrics, list(read_records(tmp_path / name))))
    assert found[0] == found[1]
    assert found[0][0].n_done == 299


@pytest.mark.parametrize("name", ["workers", "cores", "rows_together"])
def test_there_is_at_least_one_of_each(name: str) -> None:
    from ragattr.batch.ray import OnRay

    with pytest.raises(ConfigError, match=f"{name} is at least 1, got 0"):
        OnRay(lambda: Doubling(Path()), **{name: 0})
