"""The same seed in many processes, with 1 or 2 threads, shuffled, in other batches.

Equal batches give equal JSON, apart from seconds; otherwise verdicts are the same, and
probabilities differ by rounding.
"""

import json
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ragattr.api import cite_rows, verify_rows
from ragattr.learn.floors import read_facts
from ragattr.models import embedded
from ragattr.models.fake import FakeEncoder, FakeModel, FakeVerifier
from ragattr.record import dumps
from ragattr.setup import Setup
from tests.reliability.figures import SEED, Shown, sizes

Row = dict[str, Any]
ROOT = Path(__file__).parent.parent.parent
ROUNDING = 1e-4  # of probabilities, in bfloat16 and other batches
BATCH = 8
RUN = "from tests.reliability.test_r12_same_results import run; run()"


def pairs() -> list[Row]:
    """Sentences that their passage has, and that another passage has not."""
    facts = read_facts()[:12]
    own = [{"claim": f["gold"], "evidence": [f["passage"]]} for f in facts]
    others = zip(facts, [*facts[1:], facts[0]], strict=True)
    other = [{"claim": f["gold"], "evidence": [o["passage"]]} for f, o in others]
    return [{"id": f"p{i:02}", **row} for i, row in enumerate([*own, *other])]


def cases() -> list[Row]:
    """Answers with a right and a wrong citation."""
    facts = read_facts()[:2]
    passages = [fact["passage"] for fact in facts]
    return [
        {
            "id": f"c{i}",
            "question": fact["question"],
            "passages": passages,
            "answer": f"{fact['gold']} [{i + 1}] {facts[0]['gold']} [2]",
        }
        for i, fact in enumerate(facts)
    ]


def run() -> None:
    """One process: judge and measure in the given order and batches, print the rows by id."""
    kind, batch, order = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    given, answered = pairs(), cases()
    if order:
        random.Random(order).shuffle(given)
        random.Random(order).shuffle(answered)
    setup = Setup()
    if kind == "fake":
        embedded.encoder = FakeEncoder
        setup = Setup(model=FakeModel(), verifier=FakeVerifier(), method="contextcite")
    verify, cite = verify_rows(setup), cite_rows(setup)
    batches = [given[at : at + batch] for at in range(0, len(given), batch)]
    done = [row for some in batches for row in verify.together(some)]
    done += [cite(row) for row in answered]
    for row in sorted(done, key=lambda row: row["id"]):
        (row.get("attribution") or {}).pop("seconds", None)
        sys.stdout.write(dumps(row) + "\n")


def ran(kind: str, *, batch: int = BATCH, order: int = 0, threads: int = 1) -> list[str]:
    """The lines of a process with a hash seed of its own."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONHASHSEED": "random"}
    done = subprocess.run(
        [sys.executable, "-c", RUN, kind, str(batch), str(order)],
        capture_output=True, text=True, check=True, cwd=ROOT, env=environment,
    )  # fmt: skip
    return done.stdout.splitlines()


def verdicts(lines: Sequence[str]) -> list[tuple[str, Any]]:
    """What was decided: labels and classes, by row."""
    rows = [json.loads(line) for line in lines]
    return [
        (
            row["id"],
            row["predicted"]
            if "predicted" in row
            else [
                (claim["verdict"], [found["class"] for found in claim["citations"]])
                for claim in row["claims"]
            ],
        )
        for row in rows
    ]


def probabilities(lines: Sequence[str]) -> list[float]:
    rows = [json.loads(line) for line in lines]
    return [row["probability"] for row in rows if row.get("probability") is not None]


def check_processes(kind: str, n: int, shown: Shown) -> None:
    """N processes alike, half of them with two threads; then other orders and batches."""
    alike = [ran(kind, threads=1 + i % 2) for i in range(n)]
    unequal = sum(lines != alike[i % 2] for i, lines in enumerate(alike))
    others = [ran(kind, order=SEED, batch=5), ran(kind, batch=1, threads=2), alike[1]]
    moved = [lines for lines in others if verdicts(lines) != verdicts(alike[0])]
    pairs = zip(others, [alike[0]] * len(others), strict=True)
    apart = [
        abs(a - b)
        for one, first in pairs
        for a, b in zip(probabilities(one), probabilities(first), strict=True)
    ]
    shown(
        n + 2,
        unequal + len(moved),
        largest_difference=max(apart),
        threads_change_json=alike[0] != alike[1],
    )
    assert unequal == 0
    assert moved == []
    assert max(apart) <= ROUNDING


@sizes(quick=3, full=20)
def test_processes_agree(n: int, shown: Shown) -> None:
    check_processes("fake", n, shown)


@pytest.mark.model
@pytest.mark.hard
def test_processes_with_the_embedded_models_agree(shown: Shown) -> None:
    check_processes("embedded", 20, shown)
