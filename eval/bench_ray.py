"""Audits on Ray: two workers beside one, both beside none, and what the driver can take in.

    python -m eval.bench_ray --cases 384

Every worker has one core and one thread, and the real verifier. Rates are of groups after the
first of each worker, when models are loaded. What the driver does for each row (read, keep, count,
write) is timed on records that are judged already: no more workers help beyond that.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

import torch

from eval.audit_cases import audit_cases
from eval.results import write_result
from ragattr.auditing import audit_rows
from ragattr.batch.engine import Done, Engine, Here
from ragattr.batch.evaluate import STATE, evaluate_rows
from ragattr.batch.ray import OnRay
from ragattr.batch.state import open_state
from ragattr.record import Row, dumps
from ragattr.setup import Setup

TOGETHER = 16
DRIVER_ROWS = 20_000


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=384)
    parser.add_argument("--data", type=Path, nargs="*", default=[])
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    cases, start = [*audit_cases(options.cases, options.data)], partial(audit_rows, Setup())
    rates, found = dict[str, float](), list[list[Done]]()
    for name, engine, n_warming in (
        ("one worker", OnRay(start, 1, rows_together=TOGETHER), 1),
        ("two workers", OnRay(start, 2, rows_together=TOGETHER), 2),
        ("here, one thread", Here(start()), 1),
    ):
        rate, done = _rate(engine, cases, n_warming)
        rates[name] = round(rate, 2)
        found.append(done)
        print(f"{name:18} {rate:.2f} cases a second")
    figures = {
        "cases": options.cases,
        "cases_a_second": rates,
        "two_workers_over_one": round(rates["two workers"] / rates["one worker"], 2),
        "equal_records": sum(one == two == here for one, two, here in zip(*found, strict=True)),
        "driver_rows_a_second": round(_driver_rate([d.record for d in found[0] if d.record])),
    }
    print(figures)
    write_result("bench_ray", figures, seed=options.seed)


def _rate(engine: Engine, cases: Sequence[Row], n_warming: int) -> tuple[float, list[Done]]:
    """Cases a second once the first groups have come, and what became of all."""
    results = engine(_groups(cases))
    found = [done for group in islice(results, n_warming) for done in group]
    started, n_before = time.perf_counter(), len(found)
    found += [done for group in results for done in group]
    return (len(found) - n_before) / (time.perf_counter() - started), found


def _groups(cases: Sequence[Row]) -> Iterator[list[Row]]:
    for first in range(0, len(cases), TOGETHER):
        yield [*cases[first : first + TOGETHER]]


def _driver_rate(records: Sequence[Row]) -> float:
    """Rows a second of all that is no judging."""

    def lines() -> Iterator[tuple[int, str]]:
        for number in range(DRIVER_ROWS):
            yield number, dumps({**records[number % len(records)], "id": f"row {number}"})

    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        with open_state(Path(folder) / STATE, {}) as state:
            evaluate_rows(lines(), Path(folder), Here(audit_rows(Setup())), state=state)
        return DRIVER_ROWS / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
