"""Divergence from what a server shows: the likeliest tokens of each distribution, not all.

What was not shown is merged into a rest bucket (merging outcomes never raises a divergence) or
given the least that it can add, so the value is a lower bound whatever was hidden.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ragattr.errors import ModelReplyError
from ragattr.types import FloatArray

LN2 = float(np.log(2))
TOP_LOGPROBS = 20  # what vLLM shows at most unless it is told otherwise


@dataclass(frozen=True, eq=False)
class Shown:
    """What was shown of the distribution that predicts one token.

    Attributes:
        chosen: the token that stands there.
        probabilities: by token, of the likeliest ones and of `chosen`; they add up to 1 at most.
        logprob: of `chosen`, nats: it may be too small for its probability to be more than 0.
    """

    chosen: Hashable
    probabilities: Mapping[Hashable, float]
    logprob: float

    @classmethod
    def of(cls, chosen: Hashable, logprobs: Mapping[Hashable, float]) -> "Shown":
        """From log-probabilities; a ModelReplyError when they are none."""
        if chosen not in logprobs:
            raise ModelReplyError("the reply's own token has no log-probability")
        values = np.array([*logprobs.values()], dtype=np.float64)
        if np.isnan(values).any() or (values > 1e-3).any():
            raise ModelReplyError("the numbers that were given are no log-probabilities")
        shown = np.exp(np.minimum(values, 0.0))
        shown /= max(1.0, float(shown.sum()))  # rounding may carry it beyond 1
        return cls(
            chosen,
            dict(zip(logprobs, shown.tolist(), strict=True)),
            max(float(logprobs[chosen]), -1e4),
        )

    @property
    def mass(self) -> float:
        """The probability of what was shown, 0..1."""
        return min(1.0, sum(self.probabilities.values()))

    @property
    def most_unseen(self) -> float:
        """No token that was not shown has more: they stand below the least of the likeliest."""
        likeliest = [p for token, p in self.probabilities.items() if token != self.chosen]
        return min(min(likeliest, default=1.0), 1 - self.mass)


def jsd_bound(p: Shown, q: Shown) -> float:
    """A lower bound of the Jensen-Shannon divergence, nats, 0 .. ln 2; exact when all is shown.

    The larger of two: what both show, token by token, and the rest as one bucket; or, where only
    one side shows a token, the least that it can add when the other side gives it at most what
    its own list leaves room for.
    """
    both = p.probabilities.keys() & q.probabilities.keys()
    p_both = np.array([p.probabilities[token] for token in both])
    q_both = np.array([q.probabilities[token] for token in both])
    seen = float(_terms(p_both, q_both).sum())
    rest = _terms(np.array([1 - p_both.sum()]), np.array([1 - q_both.sum()]))
    alone = _least(p, both, q.most_unseen) + _least(q, both, p.most_unseen)
    return float(np.clip(seen + max(float(rest.sum()), alone), 0.0, LN2))


def jsd_bounds(full: Sequence[Shown], ablated: Sequence[Shown]) -> FloatArray:
    """[tokens], the bound of each."""
    return np.array([jsd_bound(p, q) for p, q in zip(full, ablated, strict=True)])


def _least(shown: Shown, both: "set[Hashable]", most: float) -> float:
    """What tokens that only this side shows add at least."""
    alone = np.array([p for token, p in shown.probabilities.items() if token not in both])
    return float(_terms(alone, np.minimum(alone, most)).sum())


def _terms(p: FloatArray, q: FloatArray) -> FloatArray:
    """What each outcome adds to the divergence."""
    p, q = np.maximum(p, 0.0), np.maximum(q, 0.0)
    middle = (p + q) / 2
    safe = np.where(middle > 0, middle, 1.0)

    def half(x: FloatArray) -> FloatArray:
        return np.where(x > 0, x * np.log(np.where(x > 0, x, safe) / safe), 0.0)

    terms: FloatArray = (half(p) + half(q)) / 2
    return terms
