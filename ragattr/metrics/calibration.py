"""What probabilities are worth: whether they mean what they say, and whether they rank.

Two questions that one figure never answers together. Calibration (diagram, ECE, Brier) asks
whether "0.8" is right in 80 of 100 rows; ranking (AUROC, AUPRC) asks whether right rows stand
above wrong ones, and would not notice if every probability were squared.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ragattr.errors import ConfigError
from ragattr.metrics.ranking import area_under_roc
from ragattr.types import FloatArray


class Bin(NamedTuple):
    """Rows of a like probability: how many, their mean probability, and the share that is true."""

    n_rows: int
    probability: float
    frequency: float


def reliability_diagram(
    truth: Sequence[bool], probabilities: Sequence[float], *, n_bins: int = 10
) -> tuple[Bin, ...]:
    """The bins of equal width that hold rows, lowest first (DeGroot and Fienberg 1983).

    May be used to see where probabilities are too high or too low. A bin of n rows is uncertain
    by some 1 / sqrt(n): a gap within that is no finding.
    """
    y, p = _columns(truth, probabilities)
    return _binned(y, p, _bins(p, n_bins), n_bins)


def expected_calibration_error(
    truth: Sequence[bool], probabilities: Sequence[float], *, n_bins: int = 10
) -> float:
    """Mean gap between probability and frequency over equal-width bins, weighted by size, 0..1.

    ECE: Naeini et al. 2015, section 3. May be used to compare calibrations of the same rows. On
    few rows it is biased upwards: 10 bins of 10 rows show about 0.1 for perfect probabilities.
    It is small for a verifier that says the base rate of everything, so AUROC stands beside it.
    0 without rows.
    """
    y, p = _columns(truth, probabilities)
    return _mean_gap(_binned(y, p, _bins(p, n_bins), n_bins))


def adaptive_calibration_error(
    truth: Sequence[bool], probabilities: Sequence[float], *, n_bins: int = 10
) -> float:
    """The same over bins that hold about as many rows each, 0..1.

    Adaptive ECE: Nguyen and O'Connor 2015, section 3; equal probabilities stay together. May be
    used where probabilities crowd near 0 and 1, which leaves equal-width bins nearly empty. As
    ECE it is biased upwards on few rows.
    """
    y, p = _columns(truth, probabilities)
    ordered = np.sort(p)
    middle = (np.searchsorted(ordered, p, "left") + np.searchsorted(ordered, p, "right")) / 2
    return _mean_gap(_binned(y, p, _bins(middle / max(len(p), 1), n_bins), n_bins))


def brier_score(truth: Sequence[bool], probabilities: Sequence[float]) -> float:
    """Mean squared distance of probability and truth, 0..1, lower is better (Brier 1950).

    A proper score: no other probabilities than the true ones do better in the mean. It depends
    on the base rate (b (1 - b) for always saying b), so it compares verifiers on the same rows
    and never sets of rows.
    """
    y, p = _columns(truth, probabilities)
    if not len(y):
        raise ConfigError("a Brier score needs at least one row, got none")
    return float(np.mean((p - y) ** 2))


def auroc(truth: Sequence[bool], probabilities: Sequence[float]) -> float:
    """Probability that a random true row is above a random false one, ties half, 0..1.

    Hanley and McNeil 1982, by ranks. May be used to compare rankings, also over sets of
    different balance. Says nothing about thresholds or calibration: any rising function of the
    probabilities has the same value, and a verifier that is useless at its threshold may have
    0.9. Pooling sources mixes their base rates in: take it per source.

    Raises:
        ConfigError: rows of one class alone, for which it is not defined.
    """
    y, p = _columns(truth, probabilities)
    if not 0 < y.sum() < len(y):
        raise ConfigError(f"AUROC needs rows of both classes, got {int(y.sum())} true of {len(y)}")
    return area_under_roc(p[y == 1], p[y == 0])


def auprc(truth: Sequence[bool], probabilities: Sequence[float]) -> float:
    """Mean precision over recall as the threshold falls, 0..1; equal probabilities at once.

    Average precision (Davis and Goadrich 2006: without interpolation, which is optimistic). May
    be used where true rows are rare and the best of the ranking matters. Chance is the base
    rate, so it never compares sets, or subsets, of different balance.

    Raises:
        ConfigError: no true row, for which it is not defined.
    """
    y, p = _columns(truth, probabilities)
    if not y.sum():
        raise ConfigError(f"AUPRC needs a true row, got 0 of {len(y)}")
    order = np.argsort(-p, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(p[order]) != 0, True))
    hits = np.cumsum(y[order])[ends]
    return float(np.diff(hits, prepend=0) @ (hits / (ends + 1)) / y.sum())


def _columns(
    truth: Sequence[bool], probabilities: Sequence[float]
) -> tuple[FloatArray, FloatArray]:
    """[rows] of 0 and 1, [rows] of 0..1."""
    y, p = np.asarray(truth, dtype=float), np.asarray(probabilities, dtype=float)
    if y.shape != p.shape:
        raise ConfigError(f"every row has a truth and a probability: got {len(y)} and {len(p)}")
    if not ((p >= 0) & (p <= 1)).all():
        raise ConfigError("probabilities lie between 0 and 1, and none of them is NaN")
    return y, p


def _bins(shares: FloatArray, n_bins: int) -> NDArray[np.int64]:
    return np.minimum((shares * n_bins).astype(np.int64), n_bins - 1)


def _binned(y: FloatArray, p: FloatArray, bins: NDArray[np.int64], n_bins: int) -> tuple[Bin, ...]:
    members = [bins == number for number in range(n_bins)]
    return tuple(
        Bin(int(inside.sum()), float(p[inside].mean()), float(y[inside].mean()))
        for inside in members
        if inside.any()
    )


def _mean_gap(bins: Sequence[Bin]) -> float:
    n_all = sum(found.n_rows for found in bins)
    gaps = sum(found.n_rows * abs(found.probability - found.frequency) for found in bins)
    return gaps / n_all if n_all else 0.0
