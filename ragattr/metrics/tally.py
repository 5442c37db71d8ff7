"""Figures of many records with their intervals, in memory that does not grow with their number.

Every question weighs in each of 1,000 draws as its own name says: Poisson with mean 1, which is
what drawing questions anew comes to (Chamandy, Muralidharan, Najmi and Naidu 2012, "Estimating
Uncertainty for Massive Data Streams", section 3). So the answers to one question are drawn
together wherever they stand, two runs are drawn alike, and sums are all that is kept.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ragattr.types import FloatArray

DRAWS = 1000
_TOGETHER = 64  # records that are added to the sums of all draws at once
_NAMES_TOGETHER = 4_096


class Meaning(NamedTuple):
    """A figure in words: what it is a share of, and whether more of it is better."""

    title: str
    what: str
    more_is_better: bool | None


class Counted(NamedTuple):
    """How much of how much; nothing of nothing where a record has no such thing."""

    part: float
    whole: float

    @property
    def share(self) -> float:
        """0..1; NaN of nothing."""
        return self.part / self.whole if self.whole else math.nan


@dataclass(frozen=True)
class Figure:
    """A figure of many records: 0..1, its 95 % interval, and of how many it is.

    Attributes:
        n: statements, citations, passages or answers, whatever it is a share of.
    """

    value: float
    low: float
    high: float
    n: float


@dataclass(frozen=True)
class Difference:
    """One run's figure minus another's, its 95 % interval, and a two-sided p."""

    value: float
    low: float
    high: float
    p: float


class Questions:
    """A set of questions, eight bytes for each."""

    def __init__(self) -> None:
        self._sorted = np.zeros(0, dtype=np.uint64)
        self._new = set[int]()

    def add(self, question: str) -> None:
        """One more, or one that is there already."""
        self._new.add(_number(question))
        if len(self._new) == _NAMES_TOGETHER:
            self._merge()

    def __contains__(self, question: str) -> bool:
        self._merge()
        number = np.uint64(_number(question))
        place = int(np.searchsorted(self._sorted, number))
        return place < len(self._sorted) and bool(self._sorted[place] == number)

    def __len__(self) -> int:
        self._merge()
        return len(self._sorted)

    def _merge(self) -> None:
        if self._new:
            new = np.fromiter(self._new, dtype=np.uint64)
            self._sorted = np.union1d(self._sorted, new)
            self._new.clear()


class Tally:
    """The sums of many records, and what they would be in each draw of questions."""

    def __init__(self, *, seed: int = 0, n_draws: int = DRAWS) -> None:
        self.questions = Questions()
        self._seed, self._n_draws = seed, n_draws
        self._names = dict[str, int]()
        self._n_records = 0
        self._total = np.zeros((0, 2))
        self._drawn = np.zeros((n_draws, 0, 2))
        self._lines = list[tuple[FloatArray, str]]()

    def add(self, counts: Mapping[str, Counted], question: str) -> None:
        """One record; those of one question are drawn together."""
        for name in counts:
            self._names.setdefault(name, len(self._names))
        line = np.zeros((len(self._names), 2))
        for name, counted in counts.items():
            line[self._names[name]] = counted
        self.questions.add(question)
        self._n_records += 1
        self._lines.append((line, question))
        if len(self._lines) == _TOGETHER:
            self._sum_up()

    def __len__(self) -> int:
        return self._n_records

    @property
    def names(self) -> list[str]:
        """Of the figures."""
        return list(self._names)

    def shares(self) -> dict[str, tuple[float, FloatArray]]:
        """Each figure and what it is in each draw; NaN of nothing."""
        self._sum_up()
        values, drawn = _shares(self._total[None], self.names), _shares(self._drawn, self.names)
        return {name: (float(values[name][0]), drawn[name]) for name in values}

    def figures(self) -> dict[str, Figure]:
        """Every figure that there is something of, and citation F1; percentile intervals."""
        shares = self.shares()
        sizes = dict(zip(self.names, self._total[:, 1].tolist(), strict=True))
        found = dict[str, Figure]()
        for name, (value, drawn) in shares.items():
            if not math.isnan(value):
                low, high = np.nanquantile(drawn, [0.025, 0.975])
                n = sizes.get(name, sizes.get("citation_recall", 0.0))
                found[name] = Figure(value, float(low), float(high), n)
        return found

    def _sum_up(self) -> None:
        lines, n = self._lines, len(self._names)
        if not lines:
            return
        self._total = _widened(self._total, n)
        self._drawn = _widened(self._drawn, n)
        counts = np.stack([_widened(line, n) for line, _ in lines])
        weights = np.stack([_weights(self._seed, question) for _, question in lines])
        self._total += counts.sum(axis=0)
        self._drawn += np.tensordot(weights[:, : self._n_draws].T.astype(float), counts, axes=1)
        lines.clear()


def compare(ours: Tally, theirs: Tally) -> dict[str, Difference]:
    """The figures of two runs on the same questions, in the same draws (Koehn 2004)."""
    a, b = ours.shares(), theirs.shares()
    found = dict[str, Difference]()
    for name in a:
        if name not in b or math.isnan(value := a[name][0] - b[name][0]):
            continue
        drawn = a[name][1] - b[name][1]
        drawn = drawn[~np.isnan(drawn)]
        low, high = np.quantile(drawn, [0.025, 0.975])
        beyond = min((drawn <= 0).sum(), (drawn >= 0).sum())
        p = min(1.0, 2 * (1 + float(beyond)) / (1 + len(drawn)))
        found[name] = Difference(value, float(low), float(high), p)
    return found


def _number(question: str) -> int:
    digest = blake2b(question.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little")


@lru_cache(maxsize=256)  # answers to one question mostly stand together
def _weights(seed: int, question: str) -> NDArray[np.uint8]:
    """[draws]: how often the question is drawn in each."""
    rng = np.random.Generator(np.random.SFC64([seed, _number(question)]))
    return rng.poisson(1.0, DRAWS).astype(np.uint8)


def _widened(sums: FloatArray, n_figures: int) -> FloatArray:
    """[..., figures, 2], with nothing of the figures that it did not have."""
    missing = n_figures - sums.shape[-2]
    if not missing:
        return sums
    return np.concatenate([sums, np.zeros((*sums.shape[:-2], missing, 2))], axis=-2)


def _shares(sums: FloatArray, names: Sequence[str]) -> dict[str, FloatArray]:
    """[draws] of each figure, NaN of nothing; F1 is the harmonic mean of recall and precision."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found = {name: sums[:, i, 0] / sums[:, i, 1] for i, name in enumerate(names)}
        if {"citation_recall", "citation_precision"} <= set(found):
            recall, precision = found["citation_recall"], found["citation_precision"]
            total = recall + precision
            found["citation_f1"] = np.where(total > 0, 2 * recall * precision / total, 0 * total)
    return found
