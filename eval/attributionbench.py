"""The verifier on labelled claims: macro-F1 per source beside plain baselines.

    python -m eval.attributionbench --data ../shared/data/attribution/*.jsonl --cv

Without --cv the shipped weights judge the rows; with it they are fitted anew on four fifths and
judge the rest, questions kept together (first evidence texts where the question is empty). The
baselines are fitted in the same folds: every single feature, and the majority label.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from eval.results import write_result
from ragattr.learn.verifier import Table, cross_validate, platt, read_rows, tabulate
from ragattr.metrics.classification import (
    expected_calibration_error,
    macro_f1,
    source_weights,
)
from ragattr.models import embedded
from ragattr.models.entailment import FeatureVerifier, sigmoid
from ragattr.models.features import FEATURES
from ragattr.types import FloatArray

ATTRIBUTIONBENCH = ("AttributedQA", "ExpertQA", "Stanford-GenSearch")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--data", nargs="+", type=Path, required=True, help="JSON Lines of the attribution schema"
    )
    parser.add_argument(
        "--cv", action="store_true", help="refit per fold instead of the shipped weights"
    )
    options = parser.parse_args()
    table = tabulate(read_rows(options.data), embedded.encoder())
    probabilities = _refitted(table) if options.cv else _shipped(table)
    verifier = _scores(table, probabilities)
    single = {
        name: _scores(table, sigmoid(cross_validate(table, _one_feature(i))))
        for i, name in enumerate(FEATURES)
    }
    best = max(single, key=lambda name: np.mean(list(single[name]["macro_f1"].values())))
    majority = _scores(table, np.full(len(table.rows), float(table.labels.mean() >= 0.5)))
    _print({"verifier": verifier, f"best single ({best})": single[best], "majority": majority})
    figures = {
        "verifier": verifier,
        "best_single_feature": best,
        "single_features": single,
        "majority": majority,
    }
    print(
        write_result("attributionbench_cv" if options.cv else "attributionbench", figures, seed=0)
    )


def _shipped(table: Table) -> FloatArray:
    model = FeatureVerifier.embedded(embedded.encoder())
    slope, intercept = model.calibration
    return sigmoid(slope * table.largest(model.support(table.figures)) + intercept)


def _refitted(table: Table) -> FloatArray:
    logits = cross_validate(table)
    weights = source_weights(
        [row.source for row in table.rows], [row.attributable for row in table.rows]
    )
    slope, intercept = platt(logits, table.labels, weights)
    return sigmoid(slope * logits + intercept)


def _one_feature(index: int) -> Callable[..., Callable[[FloatArray], FloatArray]]:
    """A logistic regression on one column of the joined evidence."""

    def fit(
        figures: FloatArray, labels: FloatArray, weights: FloatArray
    ) -> Callable[[FloatArray], FloatArray]:
        model = LogisticRegression().fit(figures[:, [index]], labels, sample_weight=weights)
        return lambda rows: model.decision_function(rows[:, [index]])

    return fit


def _scores(table: Table, probabilities: FloatArray) -> dict[str, Any]:
    per_source, false_positives, false_negatives, errors = {}, {}, {}, {}
    for source in sorted({row.source for row in table.rows}):
        rows = [i for i, row in enumerate(table.rows) if row.source == source]
        truth = [table.rows[i].attributable for i in rows]
        guess = [bool(probabilities[i] >= 0.5) for i in rows]
        per_source[source] = macro_f1(truth, guess)
        false_positives[source] = float(
            np.mean([g and not t for g, t in zip(guess, truth, strict=True)])
        )
        false_negatives[source] = float(
            np.mean([t and not g for g, t in zip(guess, truth, strict=True)])
        )
        errors[source] = expected_calibration_error(truth, probabilities[rows].tolist())
    bench = [per_source[source] for source in ATTRIBUTIONBENCH if source in per_source]
    return {
        "macro_f1": per_source,
        "mean": float(np.mean(list(per_source.values()))),
        "attributionbench_mean": float(np.mean(bench)) if bench else None,
        "false_positives": false_positives,
        "false_negatives": false_negatives,
        "calibration_error": errors,
    }


def _print(columns: dict[str, dict[str, Any]]) -> None:
    print(f"{'source':22}" + "".join(f"{name:>34}" for name in columns))
    sources = next(iter(columns.values()))["macro_f1"]
    for source in sources:
        print(
            f"{source:22}"
            + "".join(f"{100 * c['macro_f1'][source]:34.1f}" for c in columns.values())
        )
    print(f"{'mean of sources':22}" + "".join(f"{100 * c['mean']:34.1f}" for c in columns.values()))
    if all(c["attributionbench_mean"] is not None for c in columns.values()):
        print(
            f"{'AttributionBench mean':22}"
            + "".join(f"{100 * c['attributionbench_mean']:34.1f}" for c in columns.values())
        )


if __name__ == "__main__":
    main()
