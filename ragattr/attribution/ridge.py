"""Ridge regression on figures and their products."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from ragattr.types import FloatArray


@dataclass(frozen=True, eq=False)
class Ridge:
    """A linear regression on standardised figures and every product of two of them.

    Attributes:
        means, scales: [figures], of the training rows.
        coefficients: [1 + figures + products], the constant first.
    """

    means: FloatArray
    scales: FloatArray
    coefficients: FloatArray

    @classmethod
    def fit(cls, table: FloatArray, wanted: FloatArray, *, penalty: float) -> Self:
        """Least squares with a penalty on all but the constant."""
        means, scales = table.mean(axis=0), np.maximum(table.std(axis=0), 1e-6)
        columns = _products((table - means) / scales)
        penalties = penalty * np.eye(columns.shape[1])
        penalties[0, 0] = 0.0
        found = np.linalg.solve(columns.T @ columns + penalties, columns.T @ wanted)
        return cls(means, scales, np.asarray(found, dtype=np.float64))

    def predict(self, table: FloatArray) -> FloatArray:
        """[rows]."""
        found: FloatArray = _products((table - self.means) / self.scales) @ self.coefficients
        return found


def _products(standard: FloatArray) -> FloatArray:
    rows, columns = np.triu_indices(standard.shape[1])
    one = np.ones((len(standard), 1))
    return np.concatenate([one, standard, standard[:, rows] * standard[:, columns]], axis=1)
