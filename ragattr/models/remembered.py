"""A verifier that is asked nothing twice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from ragattr.models.protocols import EntailmentModel, Judged, Pair, knows_pieces, shows_evidence
from ragattr.types import FloatArray, Span

KEPT = 20_000  # pairs


class Memory(Protocol):
    """Where it stands what a judge said of pairs."""

    def find(self, judge: str, pairs: Sequence[Pair]) -> dict[Pair, FloatArray]:
        """[3] of each pair that is known."""
        ...

    def keep(self, judge: str, figures: Mapping[Pair, FloatArray]) -> None:
        """[3] of each pair."""
        ...


@dataclass(frozen=True, eq=False)
class PairsInMind:
    """A memory of the last pairs."""

    known: dict[tuple[str, Pair], FloatArray] = field(default_factory=dict)

    def find(self, judge: str, pairs: Sequence[Pair]) -> dict[Pair, FloatArray]:
        """[3] of each pair that is known."""
        return {pair: self.known[judge, pair] for pair in pairs if (judge, pair) in self.known}

    def keep(self, judge: str, figures: Mapping[Pair, FloatArray]) -> None:
        """The oldest are forgotten first."""
        self.known.update({(judge, pair): row for pair, row in figures.items()})
        for key in list(self.known)[: max(len(self.known) - KEPT, 0)]:
            del self.known[key]


@dataclass(eq=False)
class Remembered:
    """Another verifier, with what it said before: the same in every figure."""

    verifier: EntailmentModel
    memory: Memory = field(default_factory=PairsInMind, repr=False)
    form: str = ""

    @property
    def name(self) -> str:
        return self.verifier.name

    @property
    def revision(self) -> str:
        return self.verifier.revision

    @property
    def threshold(self) -> float:
        return self.verifier.threshold

    @property
    def contradiction_threshold(self) -> float:
        return self.verifier.contradiction_threshold

    def reads(self, text: str) -> bool:
        """As the verifier."""
        return self.verifier.reads(text)

    def entails(self, pairs: Sequence[Pair]) -> FloatArray:
        """As the verifier, which is asked about new pairs alone, each once."""
        judge = f"{self.name} {self.revision} {self.form}"
        distinct = list(dict.fromkeys(pairs))
        known = self.memory.find(judge, distinct)
        if new := [pair for pair in distinct if pair not in known]:
            said = dict(zip(new, self.verifier.entails(new), strict=True))
            self.memory.keep(judge, said)
            known.update(said)
        return np.stack([known[pair] for pair in pairs]) if pairs else np.zeros((0, 3))

    def judge(self, pairs: Sequence[Pair]) -> Judged:
        """As the verifier, with the parts of the evidence that decided."""
        if shows_evidence(self.verifier):
            return self.verifier.judge(pairs)
        whole = tuple((Span(0, len(pair.premise)),) for pair in pairs)
        return Judged(self.entails(pairs), whole)

    def for_largest(self) -> "Remembered":
        """The verifier calibrated for the best of many; it shares the memory."""
        if not knows_pieces(self.verifier):
            return self
        return Remembered(self.verifier.for_largest(), self.memory, "for largest")
