"""What is searched of a passage, and scores to the best passages."""

from collections.abc import Sequence

import numpy as np

from ragattr.retrieval.store import StoredPassages
from ragattr.types import Context, FloatArray, Passage, Query


def searched(passage: Passage) -> str:
    """A passage's title and its text."""
    return f"{passage.title}\n{passage.text}" if passage.title else passage.text


def best(query: Query, passages: Sequence[Passage], scores: FloatArray, k: int) -> Context:
    """The `k` passages with the highest scores, best first; ties keep the passages' order."""
    k = min(k, len(scores))
    likely = np.flatnonzero(scores > 0)  # most passages share no word with a question
    if len(likely) < k:
        likely = np.arange(len(scores))
    if k < len(likely):
        bar = np.partition(scores[likely], len(likely) - k)[len(likely) - k] if k else np.inf
        likely = likely[scores[likely] >= bar]
    order = likely[np.argsort(-scores[likely], kind="stable")[:k]]
    return Context(query, taken(passages, order.tolist()), tuple(scores[order].tolist()))


def taken(passages: Sequence[Passage], rows: Sequence[int]) -> tuple[Passage, ...]:
    """The passages of these rows; those of an index are read in one go."""
    if isinstance(passages, StoredPassages):
        return tuple(passages.at(rows))
    return tuple(passages[row] for row in rows)
