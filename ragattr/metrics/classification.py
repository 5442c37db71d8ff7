"""Agreement of predicted and true labels."""

from collections.abc import Sequence

import numpy as np

from ragattr.errors import ConfigError
from ragattr.types import FloatArray


def macro_f1(truth: Sequence[bool], predicted: Sequence[bool]) -> float:
    """Mean of both classes' F1, 0..1 (AttributionBench, section 4); an absent class counts 0."""
    pairs = list(zip(truth, predicted, strict=True))
    return float(np.mean([_f1(pairs, label) for label in (True, False)]))


def balanced_accuracy(truth: Sequence[bool], predicted: Sequence[bool]) -> float:
    """Mean recall of the classes that are there, 0..1 (Brodersen et al. 2010).

    For rows of very unequal classes: always saying the frequent one is right in half.
    """
    pairs = list(zip(truth, predicted, strict=True))
    if not pairs:
        raise ConfigError("balanced accuracy needs at least one row, got none")
    return float(
        np.mean([np.mean([guess == y for y, guess in pairs if y == label]) for label in set(truth)])
    )


def source_weights(sources: Sequence[str], labels: Sequence[bool]) -> FloatArray:
    """Weights under which every source, and both classes within it, count the same; mean 1."""
    keys = list(zip(sources, labels, strict=True))
    counts = {key: keys.count(key) for key in set(keys)}
    weights = np.array([1 / counts[key] for key in keys])
    mean_one: FloatArray = weights / weights.mean()
    return mean_one


def _f1(pairs: Sequence[tuple[bool, bool]], label: bool) -> float:
    hits = sum(true == label and guess == label for true, guess in pairs)
    total = sum(int(true == label) + int(guess == label) for true, guess in pairs)
    return 2 * hits / total if total else 0.0
