"""The plain definition of the Jensen-Shannon divergence."""

import numpy as np

from ragattr.types import FloatArray


def jensen_shannon(p: FloatArray, q: FloatArray) -> FloatArray:
    """Jensen-Shannon divergence between matching rows of `p` and `q`.

    Args:
        p: [tokens, vocab], probabilities; each row sums to 1.
        q: [tokens, vocab], the same model under the other context.

    Returns:
        [tokens], in nats, from 0 (same) to ln 2 (nothing in common).
    """
    middle = (p + q) / 2
    return np.clip((_kl(p, middle) + _kl(q, middle)) / 2, 0.0, np.log(2))


def _kl(p: FloatArray, q: FloatArray) -> FloatArray:
    """Kullback-Leibler divergence, nats; where p is 0 nothing is added."""
    safe_p, safe_q = np.where(p > 0, p, 1.0), np.where(p > 0, q, 1.0)
    terms: FloatArray = p * (np.log(safe_p) - np.log(safe_q))
    total: FloatArray = terms.sum(axis=-1)
    return total
