"""What is searched of a passage, and scores to the best passages."""

from collections.abc import Sequence

import numpy as np

from ragattr.types import Context, FloatArray, Passage, Query


def searched(passage: Passage) -> str:
    """A passage's title and its text."""
    return f"{passage.title}\n{passage.text}" if passage.title else passage.text


def best(query: Query, passages: Sequence[Passage], scores: FloatArray, k: int) -> Context:
    """The `k` passages with the highest scores, best first; ties keep the passages' order."""
    k = min(k, len(scores))
    bar = np.partition(scores, len(scores) - k)[len(scores) - k] if k else np.inf
    likely = np.flatnonzero(scores >= bar)
    order = likely[np.argsort(-scores[likely], kind="stable")[:k]]
    return Context(query, tuple(passages[i] for i in order), tuple(float(scores[i]) for i in order))
