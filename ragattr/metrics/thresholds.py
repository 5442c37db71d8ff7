"""A threshold for each length of evidence, tuned on rows that are not scored.

Most verifiers say "supported" too often of long evidence; at one fixed threshold that shows as
false positives there (AttributionBench, Li et al. 2024, section 5).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ragattr.metrics.confusion import macro_f1_of
from ragattr.types import FloatArray

LENGTH_EDGES = (100, 250, 500)  # words of evidence: a bucket ends with each of them
_UNTUNED = 0.5
_FEWEST_ROWS = 20


def tune_thresholds(
    truth: Sequence[bool], probabilities: Sequence[float], n_words: Sequence[int]
) -> tuple[float, ...]:
    """The threshold of the best macro-F1 for each bucket of `LENGTH_EDGES`, shortest first.

    A bucket of fewer than 20 rows, or of one class, keeps 0.5.

    Args:
        truth: [rows].
        probabilities: [rows], 0..1.
        n_words: [rows], of the evidence.
    """
    y, p, bucket = np.array(truth, dtype=bool), np.array(probabilities), _buckets(n_words)
    return tuple(
        _best_threshold(y[bucket == number], p[bucket == number])
        for number in range(len(LENGTH_EDGES) + 1)
    )


def apply_thresholds(
    thresholds: Sequence[float], probabilities: Sequence[float], n_words: Sequence[int]
) -> list[bool]:
    """[rows], whether each reaches the threshold of its bucket."""
    wanted = np.array(thresholds)[_buckets(n_words)]
    return [bool(reached) for reached in np.array(probabilities) >= wanted]


def _best_threshold(truth: NDArray[np.bool_], probabilities: FloatArray) -> float:
    """Halfway between two neighbouring probabilities; of equally good ones the nearest to 0.5."""
    n, n_true = len(truth), int(truth.sum())
    if n < _FEWEST_ROWS or n_true in (0, n):
        return _UNTUNED
    order = np.argsort(probabilities)
    p = probabilities[order]
    cuts = np.flatnonzero(np.diff(p)) + 1
    thresholds = np.append((p[cuts - 1] + p[cuts]) / 2, _UNTUNED)
    below = np.append(cuts, np.searchsorted(p, _UNTUNED))
    true_below = np.append(0, np.cumsum(truth[order]))[below]
    false_below = below - true_below
    counts = np.array([[false_below, n - n_true - false_below], [true_below, n_true - true_below]])
    f1 = macro_f1_of(counts.transpose(2, 0, 1))
    best = thresholds[np.isclose(f1, f1.max())]
    return float(best[np.abs(best - _UNTUNED).argmin()])


def _buckets(n_words: Sequence[int]) -> NDArray[np.int64]:
    return np.searchsorted(LENGTH_EDGES, np.array(n_words, dtype=np.int64), side="left")
