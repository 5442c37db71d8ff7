"""What the full forms of the reliability rows showed, and the two sizes of every row.

A row of the table is a file, `test_rNN_*.py`; the first line of its docstring is the risk. Each of
its tests comes in two sizes: the quick one runs by default, the full one is marked `hard`.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from eval.results import read_result, write_result

SEED = 20_260
NAME = "hard"


def sizes(quick: int, full: int) -> pytest.MarkDecorator:
    """The test takes `n`: the quick number by default, the full one by `make hard`."""
    return pytest.mark.parametrize(
        "n",
        [pytest.param(quick, id="quick"), pytest.param(full, id="full", marks=pytest.mark.hard)],
    )


@dataclass
class Shown:
    """What one test of a row showed.

    Attributes:
        row: of the table, such as "R3".
        part: the test, in a few words.
        more: figures beside the number of cases and of failures.
    """

    row: str
    risk: str
    part: str
    cases: int = 0
    failures: int = 0
    seconds: float = 0.0
    more: dict[str, Any] = field(default_factory=dict)

    def __call__(self, cases: int, failures: int = 0, **more: Any) -> None:
        """Note the number of cases tried and of those that failed; asserting is the test's."""
        self.cases, self.failures = cases, failures
        self.more |= more


def write_shown(shown: list[Shown]) -> Path:
    """Write results/hard.json; what was not run now keeps what it showed before."""
    rows = dict[str, Any](read_result(NAME).get("rows", {}))
    for one in shown:
        before = rows.get(one.row, {}).get("parts", {})
        rows[one.row] = _row(one.risk, {**before, one.part: _part(one)})
    ordered = {row: rows[row] for row in sorted(rows, key=lambda row: int(row[1:]))}
    return write_result(NAME, {"rows": ordered}, seed=SEED, command="make hard")


def _part(shown: Shown) -> dict[str, Any]:
    """A test that was stopped before it noted anything has failed."""
    return {
        "cases": shown.cases,
        "failures": shown.failures if shown.cases else 1,
        **shown.more,
        "seconds": round(shown.seconds, 1),
    }


def _row(risk: str, parts: dict[str, Any]) -> dict[str, Any]:
    totals = {name: sum(part[name] for part in parts.values()) for name in ("cases", "failures")}
    seconds = round(sum(part["seconds"] for part in parts.values()), 1)
    return {"risk": risk, **totals, "seconds": seconds, "parts": parts}
