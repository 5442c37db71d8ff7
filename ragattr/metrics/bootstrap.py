"""How sure a figure is: percentile intervals and paired comparisons, by drawing rows anew.

Rows of one question share its evidence and its difficulty, so they are drawn together: clusters
are drawn, with all their rows. A row without relatives is a cluster of its own.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ragattr.errors import ConfigError
from ragattr.types import FloatArray

Rows = NDArray[np.int64]
Figure = Callable[[Rows], float]
Numbers = Sequence[float] | FloatArray
Interval = tuple[float, float, float]


class Comparison(NamedTuple):
    """The difference of two figures of the same rows, its 95 % interval, and a two-sided p."""

    difference: float
    low: float
    high: float
    p: float


def bootstrap(figure: Figure, n: int, *, seed: int, n_resamples: int = 1000) -> Interval:
    """A figure of `n` rows and its 95 % percentile interval: (value, low, high).

    Args:
        figure: computes it from the rows with these indices, which may repeat.
    """
    return clustered_bootstrap(figure, range(n), seed=seed, n_resamples=n_resamples)


def clustered_bootstrap(
    figure: Figure, clusters: Sequence[Hashable], *, seed: int, n_resamples: int = 1000
) -> Interval:
    """A figure of rows and its 95 % percentile interval, clusters drawn anew: (value, low, high).

    Efron and Tibshirani 1993, section 13.3; whole clusters: Davison and Hinkley 1997, section 3.8.

    Args:
        figure: computes it from the rows with these indices, which may repeat.
        clusters: [rows], equal for rows that are drawn together, such as their question.

    Raises:
        ConfigError: no rows.
    """
    drawn = [figure(rows) for rows in _draws(clusters, seed, n_resamples)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(figure(np.arange(len(clusters)))), float(low), float(high)


def compare_paired(
    ours: Figure,
    theirs: Figure,
    clusters: Sequence[Hashable],
    *,
    seed: int,
    n_resamples: int = 1000,
) -> Comparison:
    """A figure of one system minus that of another, on the same draws (Koehn 2004, section 4).

    p is twice the part of the draws on the other side of 0, at least 2 / (n_resamples + 1)
    (Davison and Hinkley 1997, section 4.2): how often chance in the choice of questions alone
    would turn the difference round. It knows nothing of other seeds or other sets.

    Args:
        ours: computes the figure from rows with these indices, which may repeat.
        theirs: the same for the other system.
        clusters: [rows], equal for rows that are drawn together.

    Raises:
        ConfigError: no rows.
    """

    def difference(rows: Rows) -> float:
        return ours(rows) - theirs(rows)

    drawn = np.array([difference(rows) for rows in _draws(clusters, seed, n_resamples)])
    low, high = np.quantile(drawn, [0.025, 0.975])
    beyond = min((drawn <= 0).sum(), (drawn >= 0).sum())
    p = min(1.0, 2 * (1 + beyond) / (1 + n_resamples))
    return Comparison(
        float(difference(np.arange(len(clusters)))), float(low), float(high), float(p)
    )


def bootstrap_mean(values: Numbers, *, seed: int, n_resamples: int = 1000) -> Interval:
    """Mean of `values` [n], and the 95 % percentile interval around it: (mean, low, high).

    Efron and Tibshirani 1993, section 13.3; one value per question, questions drawn anew.
    """
    array = np.asarray(values, dtype=float)
    if not len(array):
        raise ConfigError("a mean needs at least one value, got none")
    drawn = np.random.default_rng(seed).integers(len(array), size=(n_resamples, len(array)))
    low, high = np.quantile(array[drawn].mean(axis=1), [0.025, 0.975])
    return float(array.mean()), float(low), float(high)


def paired_bootstrap(a: Numbers, b: Numbers, *, seed: int, n_resamples: int = 1000) -> Interval:
    """Mean of `a` [n] - `b` [n], and its 95 % percentile interval: (difference, low, high).

    Both methods' values of one question are drawn together (Koehn 2004, section 4).
    """
    if len(a) != len(b):
        raise ConfigError(f"pairs need as many values on both sides, got {len(a)} and {len(b)}")
    return bootstrap_mean(np.subtract(a, b), seed=seed, n_resamples=n_resamples)


def _draws(clusters: Sequence[Hashable], seed: int, n_resamples: int) -> Iterator[Rows]:
    """The rows of each draw: as many clusters as there are, with all their rows."""
    if not len(clusters):
        raise ConfigError("a bootstrap needs at least one row, got none")
    numbers = {cluster: number for number, cluster in enumerate(dict.fromkeys(clusters))}
    cluster_of = np.array([numbers[cluster] for cluster in clusters])
    rows, sizes = np.argsort(cluster_of, kind="stable"), np.bincount(cluster_of)
    starts = np.cumsum(sizes) - sizes
    rng = np.random.default_rng(seed)
    for _ in range(n_resamples):
        drawn = rng.integers(len(sizes), size=len(sizes))
        lengths = sizes[drawn]
        ends = np.cumsum(lengths)
        offsets = np.repeat(starts[drawn] - (ends - lengths), lengths)
        yield rows[np.arange(ends[-1]) + offsets]
