"""What was found of what is there, over all responses together: RAGTruth's two levels.

At the response level a response is found or not; at the span level characters are (Niu et al.
2024; the span level as the authors' released evaluation counts it).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ragattr.types import Span

Counts = NDArray[np.int64]


class Detection(NamedTuple):
    """Precision, recall and their harmonic mean, 0..1; 0 of nothing."""

    precision: float
    recall: float
    f1: float


def detection(counts: Counts) -> Detection:
    """Of the sums of the counts: long responses weigh more than short ones (micro average).

    Args:
        counts: [responses, 3], how much is both predicted and gold, predicted, and gold.
    """
    shared, predicted, gold = counts.sum(axis=0).tolist()
    precision = shared / predicted if predicted else 0.0
    recall = shared / gold if gold else 0.0
    total = precision + recall
    return Detection(precision, recall, 2 * precision * recall / total if total else 0.0)


def response_counts(predicted: Sequence[bool], gold: Sequence[bool]) -> Counts:
    """[responses, 3], each 0 or 1."""
    guess, truth = np.array(predicted, dtype=bool), np.array(gold, dtype=bool)
    return np.stack([guess & truth, guess, truth], axis=1).astype(np.int64)


def character_counts(predicted: Sequence[Sequence[Span]], gold: Sequence[Sequence[Span]]) -> Counts:
    """[responses, 3], of characters; one that lies in two spans counts once."""
    counts = []
    for found, wanted in zip(predicted, gold, strict=True):
        ours, theirs = _characters(found), _characters(wanted)
        counts.append((len(ours & theirs), len(ours), len(theirs)))
    return np.array(counts, dtype=np.int64).reshape(-1, 3)


def _characters(spans: Sequence[Span]) -> set[int]:
    return {place for span in spans for place in range(span.start, span.end)}
