"""The plain definition of the Jensen-Shannon divergence."""

import numpy as np

from ragattr.errors import ModelReplyError
from ragattr.types import FloatArray

_TINY = np.finfo(np.float64).tiny  # half of what is smaller may be 0


def jensen_shannon(p: FloatArray, q: FloatArray) -> FloatArray:
    """Jensen-Shannon divergence between matching rows of `p` and `q`.

    Args:
        p: [tokens, vocab], probabilities; each row sums to 1.
        q: [tokens, vocab], the same model under the other context.

    Returns:
        [tokens], in nats, from 0 (same) to ln 2 (nothing in common).

    Raises:
        ModelReplyError: there is no figure, of probabilities that are not finite.
    """
    middle = (p + q) / 2
    found = (_kl(p, middle) + _kl(q, middle)) / 2
    if not np.isfinite(found).all():
        raise ModelReplyError("a divergence of probabilities that are not finite")
    return np.clip(found, 0.0, np.log(2))


def _kl(p: FloatArray, q: FloatArray) -> FloatArray:
    """Kullback-Leibler divergence, nats; where p is 0 nothing is added."""
    safe_p, safe_q = np.where(p > 0, p, 1.0), np.where(p > 0, np.maximum(q, _TINY), 1.0)
    terms: FloatArray = p * (np.log(safe_p) - np.log(safe_q))
    total: FloatArray = terms.sum(axis=-1)
    return total
