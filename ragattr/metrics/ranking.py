"""How good an attribution is: against gold sources, against the model, against another method.

Ties between scores go to the lower index everywhere but in rank correlations, where tied values
share the mean of their ranks.
"""

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from ragattr.errors import ConfigError
from ragattr.types import FloatArray

Numbers = Sequence[float] | FloatArray


def top_k(scores: Numbers, *, k: int) -> tuple[int, ...]:
    """The indices of the `k` best of `scores` [n], best first; all of them when n < k."""
    order = np.argsort(-np.asarray(scores, dtype=float), kind="stable")
    return tuple(int(index) for index in order[:k])


def hit_at_k(scores: Numbers, gold: Collection[int], *, k: int) -> float:
    """1 when one of the `k` best of `scores` [n] is in `gold`, else 0.

    With k = 1 this is ARC-JSD's top-1 accuracy.
    """
    return float(any(index in gold for index in top_k(scores, k=k)))


def recall_at_k(scores: Numbers, gold: Collection[int], *, k: int) -> float:
    """The part of `gold` among the `k` best of `scores` [n], 0..1; 0 without gold.

    Manning, Raghavan and Schütze 2008, section 8.4.
    """
    wanted = set(gold)
    return len(wanted.intersection(top_k(scores, k=k))) / len(wanted) if wanted else 0.0


def average_precision(scores: Numbers, gold: Collection[int]) -> float:
    """Mean over `gold` of the precision at its rank among `scores` [n], 0..1; 0 without gold.

    Its mean over questions is mAP (Manning, Raghavan and Schütze 2008, section 8.4).
    """
    wanted = set(gold)
    ranking = top_k(scores, k=len(scores))
    ranks = [rank for rank, index in enumerate(ranking, start=1) if index in wanted]
    precisions = [n_found / rank for n_found, rank in enumerate(ranks, start=1)]
    return sum(precisions) / len(wanted) if wanted else 0.0


def spearman(x: Numbers, y: Numbers) -> float:
    """Correlation of the ranks of `x` [n] and `y` [n], -1..1; 0 when either is constant.

    Spearman 1904, with tied values sharing their mean rank. A constant says nothing about order,
    so it counts as no correlation and never as NaN.
    """
    first, second = _ranks(x), _ranks(y)
    if len(first) != len(second):
        raise ConfigError(f"ranks of {len(first)} and of {len(second)} values cannot be compared")
    if len(np.unique(first)) < 2 or len(np.unique(second)) < 2:
        return 0.0
    first, second = first - first.mean(), second - second.mean()
    return float(np.clip(first @ second / np.sqrt((first @ first) * (second @ second)), -1, 1))


def linear_datamodelling_score(
    scores: Numbers, masks: NDArray[np.bool_], outputs: Numbers
) -> float:
    """Rank correlation of what `scores` predict under ablations with what the model did, -1..1.

    LDS: ContextCite (Cohen-Wang et al. 2024), after TRAK (Park et al. 2023).

    Args:
        scores: [n], one per source; the prediction is the sum over the kept ones.
        masks: [m, n], True where a source was kept. The same masks for every method.
        outputs: [m], the model's own figure under each mask, such as a log-probability.
    """
    return spearman(masks.astype(float) @ np.asarray(scores, dtype=float), outputs)


def area_under_curve(values: Numbers) -> float:
    """Mean of a curve's points [steps], in their own unit and range.

    For insertion and deletion (RISE: Petsiuk et al. 2018, section 4.2): the model's score after
    each source put in, or taken out, in the attribution's order.
    """
    return float(_filled(values).mean())


def area_under_roc(positives: Numbers, negatives: Numbers) -> float:
    """Probability that a random positive [p] is above a random negative [n], ties half, 0..1.

    The Mann-Whitney form of AUROC (Hanley and McNeil 1982).
    """
    above, below = _filled(positives), _filled(negatives)
    ranks = _ranks(np.concatenate([above, below]))[: len(above)]
    n_won = float(ranks.sum()) - len(above) * (len(above) + 1) / 2
    return n_won / (len(above) * len(below))


def _ranks(values: Numbers) -> FloatArray:
    """[n], counted from 1; tied values share the mean of their ranks."""
    _, places, counts = np.unique(
        np.asarray(values, dtype=float), return_inverse=True, return_counts=True
    )
    ranks: FloatArray = (np.cumsum(counts) - (counts - 1) / 2)[places]
    return ranks


def _filled(values: Numbers) -> FloatArray:
    array = np.asarray(values, dtype=float)
    if not len(array):
        raise ConfigError("a mean needs at least one value, got none")
    return array
