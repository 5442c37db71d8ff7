"""Whether a guaranteed precision holds, and how much it accepts, over random halves.

    python -m eval.guarantee --data DATA/attribution/*.jsonl --predictions WORK/out_of_fold.jsonl

Every source is split in halves a hundred times, the rows of one question together (of one first
evidence text where the question is empty). The threshold is chosen on one half; on the other the
precision of what it accepts is checked, beside the oracle: the most that any threshold could
accept there at that precision, chosen with its labels in hand. A half on which nothing can be
guaranteed accepts nothing, and holds; `found_and_held` counts the others alone. Rows that the
verifier was trained on say nothing: give probabilities of models that had not seen them.
"""

import argparse
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from eval.attribution_judging import given, judged
from eval.attribution_sets import AttributionRow, group_of, read_attribution
from eval.results import write_result
from ragattr.errors import InputError
from ragattr.metrics.calibration import adaptive_calibration_error, auroc
from ragattr.metrics.calibration import expected_calibration_error as ece
from ragattr.setup import Setup
from ragattr.verification.guarantee import choose_threshold


class Judged(NamedTuple):
    """A labelled row with the verifier's probability; `group` are the rows that stay together."""

    source: str
    group: str
    label: bool
    probability: float


class Trial(NamedTuple):
    """What a threshold did on the other half: how many it accepted, and how many were right."""

    found: bool
    accepted: int
    right: int
    oracle: int


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", nargs="+", required=True, help="labelled JSON Lines")
    parser.add_argument("--verifier", default="embedded", help="as --verifier of ragattr verify")
    parser.add_argument(
        "--work", type=Path, default=Path("work/guarantee"), help="what is judged so far"
    )
    parser.add_argument("--predictions", type=Path, help="probabilities by id, in place of both")
    parser.add_argument("--precision", type=float, default=0.95)
    parser.add_argument("--splits", type=int, default=100)
    parser.add_argument("--name", default="guarantee", help="of the result file")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    read = read_attribution(options.data)
    rows = labelled(
        read,
        given(read, options.predictions)
        if options.predictions
        else judged(read, Setup(verifier=options.verifier).entailment_model(), options.work),
    )
    figures = {
        source: figures_of(
            [row for row in rows if row.source == source],
            options.precision,
            options.splits,
            options.seed,
        )
        for source in sorted({row.source for row in rows})
    }
    _print(figures)
    verifier = options.predictions.name if options.predictions else options.verifier
    result = {"verifier": verifier, "precision": options.precision, "sources": figures}
    print(write_result(options.name, result, seed=options.seed))


def labelled(rows: Sequence[AttributionRow], probabilities: Sequence[float | None]) -> list[Judged]:
    """The rows with their probabilities; rows that were not judged are left out."""
    return [
        Judged(row["source"], group_of(row), row["label"] == "attributable", p)
        for row, p in zip(rows, probabilities, strict=True)
        if p is not None
    ]


def figures_of(rows: Sequence[Judged], precision: float, n_splits: int, seed: int) -> Any:
    """How often the precision holds, and what is accepted beside the oracle."""
    labels, probabilities = [row.label for row in rows], [row.probability for row in rows]
    rng = np.random.default_rng(seed)
    trials = [_trial(rows, halves(rows, rng), precision) for _ in range(n_splits)]
    oracle = np.mean([trial.oracle for trial in trials])
    accepted = np.mean([trial.accepted for trial in trials])
    return {
        "rows": len(rows),
        "base_rate": round(float(np.mean(labels)), 4),
        "auroc": round(auroc(labels, probabilities), 4) if len(set(labels)) == 2 else None,
        "ece": round(ece(labels, probabilities), 4),
        "adaptive_ece": round(adaptive_calibration_error(labels, probabilities), 4),
        "found": sum(trial.found for trial in trials),
        "found_and_held": sum(trial.found and _holds(trial, precision) for trial in trials),
        "holds": sum(_holds(trial, precision) for trial in trials),
        "splits": n_splits,
        "accepted": round(float(accepted), 1),
        "oracle": round(float(oracle), 1),
        "accepted_of_oracle": round(float(accepted / oracle), 4) if oracle else None,
    }


def halves(rows: Sequence[Judged], rng: np.random.Generator) -> NDArray[np.bool_]:
    """[rows], True in the half to calibrate on: groups in random order until it holds half."""
    names, members, sizes = np.unique(
        [row.group for row in rows], return_inverse=True, return_counts=True
    )
    order = rng.permutation(len(names))
    before = np.cumsum(sizes[order]) - sizes[order]
    return np.isin(members, order[before < len(rows) / 2])


def oracle_accepts(labels: NDArray[np.bool_], p: NDArray[np.float64], precision: float) -> int:
    """The most rows that one threshold accepts at that precision."""
    order = np.argsort(-p, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(p[order]) != 0, True))
    good = ends[np.cumsum(labels[order])[ends] >= precision * (ends + 1)]
    return int(good[-1]) + 1 if len(good) else 0


def _trial(rows: Sequence[Judged], inside: NDArray[np.bool_], precision: float) -> Trial:
    labels = np.array([row.label for row in rows])
    p = np.array([row.probability for row in rows])
    threshold = np.inf
    with suppress(InputError):
        threshold = choose_threshold(
            labels[inside].tolist(), p[inside].tolist(), precision=precision
        ).threshold
    accepted = ~inside & (p >= threshold)
    return Trial(
        found=bool(threshold <= 1),
        accepted=int(accepted.sum()),
        right=int((accepted & labels).sum()),
        oracle=oracle_accepts(labels[~inside], p[~inside], precision),
    )


def _holds(trial: Trial, precision: float) -> bool:
    return trial.right >= precision * trial.accepted


def _print(figures: dict[str, Any]) -> None:
    columns = ("rows", "base_rate", "auroc", "ece", "found", "holds", "accepted", "oracle")
    print(f"{'source':24}" + "".join(f"{name:>11}" for name in (*columns, "share")))
    for source, row in figures.items():
        cells = [row[name] for name in (*columns, "accepted_of_oracle")]
        print(f"{source:24}" + "".join(f"{'-' if c is None else c:>11}" for c in cells))


if __name__ == "__main__":
    main()
