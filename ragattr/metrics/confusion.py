"""Rows counted by subset, truth and prediction: macro-F1 that a bootstrap can ask for quickly."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ragattr.types import FloatArray

Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Confusion:
    """The cell of every row: [rows], 4 * subset + 2 * truth + prediction."""

    cells: Counts
    n_subsets: int

    @classmethod
    def of(
        cls, subsets: Sequence[str], truth: Sequence[bool], predicted: Sequence[bool]
    ) -> "Confusion":
        """The rows' cells; subsets are numbered in the order in which they first come."""
        numbers = {name: number for number, name in enumerate(dict.fromkeys(subsets))}
        places = np.array([numbers[name] for name in subsets], dtype=np.int64)
        labels, guesses = np.array(truth, dtype=bool), np.array(predicted, dtype=bool)
        return cls(4 * places + 2 * labels + guesses, len(numbers))

    def mean_macro_f1(self, rows: NDArray[np.int64]) -> float:
        """Mean over the subsets, 0..1, of the rows with these indices, which may repeat."""
        counts = np.bincount(self.cells[rows], minlength=4 * self.n_subsets)
        return float(macro_f1_of(counts.reshape(-1, 2, 2)).mean())


def macro_f1_of(counts: Counts) -> FloatArray:
    """[tables], 0..1, of counts [tables, truth, prediction]; an absent class counts 0."""
    hits = counts.diagonal(axis1=1, axis2=2)
    totals = counts.sum(axis=1) + counts.sum(axis=2)
    f1: FloatArray = (2 * hits / np.maximum(totals, 1)).mean(axis=1)
    return f1
