"""Agreement of predicted and true labels."""

from collections.abc import Sequence

import numpy as np

from ragattr.types import FloatArray


def macro_f1(truth: Sequence[bool], predicted: Sequence[bool]) -> float:
    """Mean of both classes' F1, 0..1 (AttributionBench, section 4); an absent class counts 0."""
    pairs = list(zip(truth, predicted, strict=True))
    return float(np.mean([_f1(pairs, label) for label in (True, False)]))


def expected_calibration_error(
    truth: Sequence[bool], probabilities: Sequence[float], *, n_bins: int = 10
) -> float:
    """Mean gap between probability and frequency over equal-width bins, weighted by size, 0..1."""
    p, y = np.asarray(probabilities, dtype=float), np.asarray(truth, dtype=float)
    bins = np.minimum((p * n_bins).astype(int), n_bins - 1)
    gaps = [abs(p[bins == b].sum() - y[bins == b].sum()) for b in range(n_bins)]
    return float(sum(gaps) / len(p)) if len(p) else 0.0


def source_weights(sources: Sequence[str], labels: Sequence[bool]) -> FloatArray:
    """Weights under which every source, and both classes within it, count the same; mean 1."""
    keys = list(zip(sources, labels, strict=True))
    counts = {key: keys.count(key) for key in set(keys)}
    weights = np.array([1 / counts[key] for key in keys])
    mean_one: FloatArray = weights / weights.mean()
    return mean_one


def _f1(pairs: Sequence[tuple[bool, bool]], label: bool) -> float:
    hits = sum(true == label and guess == label for true, guess in pairs)
    total = sum((true == label) + (guess == label) for true, guess in pairs)
    return 2 * hits / total if total else 0.0
