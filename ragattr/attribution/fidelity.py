"""How well an attribution predicts what the model does when other sentences go."""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from ragattr.attribution.subject import Subject, measured_claims
from ragattr.metrics.bootstrap import Interval, bootstrap
from ragattr.metrics.ranking import linear_datamodelling_score, top_k
from ragattr.models.protocols import Reading
from ragattr.types import FloatArray

KEEP_RATES = (0.5, 0.9)
TOP = (1, 3, 5)


def fidelity(
    subject: Subject, reading: Reading, scores: FloatArray, *, n_masks: int, seed: int
) -> dict[str, object]:
    """Held-out figures of this one attribution, each with a 95 % interval.

    The linear datamodelling score (ContextCite, section 2): the rank correlation of the summed
    scores of the kept sentences with the answer's log-probability, over fresh random masks at
    each keep rate. And the log-probability drop when the best k sentences go. Intervals are by
    bootstrap, over masks and over the answer's tokens.

    Args:
        scores: [sources, tokens].
        n_masks: at each keep rate; a deletion each.
    """
    passes_before = reading.passes
    claims = measured_claims(subject.answer, reading.tokens)
    columns = sorted({column for claim in claims for column in claim})
    totals, full = scores[:, columns].sum(axis=1), reading.logprobs[columns].sum()
    rng = np.random.default_rng(seed)
    found: dict[str, object] = {"n_masks": n_masks}
    for keep in KEEP_RATES:
        masks = rng.random((n_masks, len(totals))) < keep
        removals = [subject.together(np.flatnonzero(~mask).tolist()) for mask in masks]
        outputs = full - reading.delete(removals).drops[:, columns].sum(axis=1)
        correlation = partial(_correlation, totals, masks, outputs)
        found[f"lds@{keep}"] = _rounded(bootstrap(correlation, n_masks, seed=seed))
    best = [k for k in TOP if k <= len(totals)]
    removals = [subject.together(top_k(totals, k=k)) for k in best]
    drops = reading.delete(removals).drops[:, columns]
    for k, row in zip(best, drops, strict=True):
        found[f"top_k_drop@{k}"] = _rounded(bootstrap(partial(_sum, row), len(row), seed=seed))
    found["passes"] = round(reading.passes - passes_before, 3)
    return found


def _correlation(
    totals: FloatArray, masks: NDArray[np.bool_], outputs: FloatArray, rows: NDArray[np.int64]
) -> float:
    return linear_datamodelling_score(totals, masks[rows], outputs[rows])


def _sum(values: FloatArray, rows: NDArray[np.int64]) -> float:
    return float(values[rows].sum())


def _rounded(interval: Interval) -> list[float]:
    return [round(value, 6) for value in interval]
