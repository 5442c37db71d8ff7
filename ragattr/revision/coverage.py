"""The few pieces of evidence that speak to all questions (RARR, attribution report)."""

from itertools import combinations

import numpy as np

from ragattr.errors import ConfigError
from ragattr.types import FloatArray

EXACT_UP_TO = 20  # snippets; all choices of at most 5 of them are 21,699
_CHUNK = 2048  # choices that are looked at together
_SAME = 1e-12


def coverage(relevance: FloatArray, chosen: tuple[int, ...]) -> float:
    """The sum over questions of the best relevance among the chosen; nothing chosen gives 0.

    Args:
        relevance: [questions, snippets], not negative.
    """
    return float(relevance[:, list(chosen)].max(axis=1).sum()) if chosen else 0.0


def choose(
    relevance: FloatArray, *, most: int = 5, exact_up_to: int = EXACT_UP_TO
) -> tuple[int, ...]:
    """At most `most` snippets whose coverage is largest, no more than it takes; best first.

    Greedy above `exact_up_to` snippets: coverage is monotone and submodular, so that finds at
    least 1 - 1/e of the largest.

    Args:
        relevance: [questions, snippets], not negative.
    """
    if most < 1:
        raise ConfigError(f"a report of at most {most} snippets shows nothing: wanted 1 or more")
    if (relevance < 0).any():
        raise ConfigError("relevance must not be negative")
    n_snippets = relevance.shape[1]
    if n_snippets > exact_up_to:
        return greedy(relevance, range(n_snippets), most)
    return greedy(relevance, exact(relevance, most), most)


def exact(relevance: FloatArray, most: int) -> tuple[int, ...]:
    """The best choice of all, the smallest one of equals."""
    best, chosen = 0.0, tuple[int, ...]()
    for size in range(1, min(most, relevance.shape[1]) + 1):
        rows = np.array(list(combinations(range(relevance.shape[1]), size)))
        for start in range(0, len(rows), _CHUNK):
            part = rows[start : start + _CHUNK]
            totals = relevance[:, part].max(axis=2).sum(axis=0)
            first = int(totals.argmax())
            if totals[first] > best + _SAME:
                best, chosen = float(totals[first]), tuple(part[first].tolist())
    return chosen


def greedy(relevance: FloatArray, among: range | tuple[int, ...], most: int) -> tuple[int, ...]:
    """One after the other the snippet that adds most, while one adds anything."""
    covered, chosen = np.zeros(relevance.shape[0]), list[int]()
    left = list(among)
    while left and len(chosen) < most:
        gains = np.maximum(relevance[:, left], covered[:, None]).sum(axis=0) - covered.sum()
        first = int(gains.argmax())
        if gains[first] <= _SAME:
            break
        chosen.append(left.pop(first))
        covered = np.maximum(covered, relevance[:, chosen[-1]])
    return tuple(chosen)
