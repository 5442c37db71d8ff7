"""Scores to the best passages."""

from collections.abc import Sequence

import numpy as np

from ragattr.types import Context, FloatArray, Passage, Query


def best(query: Query, passages: Sequence[Passage], scores: FloatArray, k: int) -> Context:
    """The `k` passages with the highest scores, best first; ties keep the passages' order."""
    order = np.argsort(-scores, kind="stable")[:k]
    return Context(query, tuple(passages[i] for i in order), tuple(float(scores[i]) for i in order))
