"""Which sources are still to be measured exactly, and how sure the ranking is.

A quick filter estimates every source; exact measurement corrects some of them. One stops when it
is unlikely that a source which was only estimated belongs among the best (handbook section 29.5).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ragattr.types import FilterError, FloatArray


@dataclass(frozen=True)
class Stopping:
    """When to stop.

    Attributes:
        error: how far exact scores are from their estimates.
        floor: nats per token; what lies below is not used and need not be ranked.
        doubt: how likely a wrong best source, and a wrong second or third one, may stay.
        most: sources that are measured exactly for one claim's sake at most: while its best one
            is in doubt, and while just the second or third is.
    """

    error: FilterError
    floor: float
    doubt: tuple[float, float] = (0.01, 0.1)
    most: tuple[int, int] = (16, 8)

    def next(
        self, scores: FloatArray, is_exact: NDArray[np.bool_], n_measured: int = 0
    ) -> int | None:
        """The source to measure next for one claim, or None when its ranking is sure enough.

        Args:
            scores: [sources], nats per token of the claim: exact or estimated.
            is_exact: [sources].
            n_measured: how many were measured for this claim's sake.
        """
        if is_exact.all():
            return None
        for rank, doubt, most in zip((1, 3), self.doubt, self.most, strict=True):
            if n_measured < most and 1 - self.sureness(scores, is_exact, rank) > doubt:
                return int(np.argmax(np.where(is_exact, -np.inf, scores)))
        return None

    def confidence(self, scores: FloatArray, is_exact: NDArray[np.bool_]) -> float:
        """How likely the best source is the exact measurement's too, outliers counted, 0..1."""
        n_estimated = int((~is_exact).sum())
        return self.sureness(scores, is_exact) * (1 - self.error.outliers) ** n_estimated

    def sureness(self, scores: FloatArray, is_exact: NDArray[np.bool_], rank: int = 1) -> float:
        """How likely no estimated source belongs among the `rank` best above the floor, 0..1."""
        exact = np.sort(scores[is_exact])[::-1]
        bar = max(float(exact[rank - 1]) if len(exact) >= rank else 0.0, self.floor)
        estimates = scores[~is_exact]
        distance = np.log(bar + self.error.offset) - np.log(estimates + self.error.offset)
        below = 1 / (1 + np.exp(-(distance - self.error.middle) / self.error.scale))
        return float(np.prod(below))
