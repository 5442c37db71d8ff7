"""A verifier that is asked nothing twice."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ragattr.models.protocols import EntailmentModel, Judged, Pair, knows_pieces, shows_evidence
from ragattr.types import FloatArray, Span

KEPT = 20_000  # pairs


@dataclass(eq=False)
class Remembered:
    """Another verifier, with what it said of the last pairs: the same in every figure."""

    verifier: EntailmentModel
    _known: dict[Pair, FloatArray] = field(default_factory=dict, repr=False)

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
        new = [pair for pair in dict.fromkeys(pairs) if pair not in self._known]
        if new:
            self._known.update(zip(new, self.verifier.entails(new), strict=True))
        found = np.stack([self._known[pair] for pair in pairs]) if pairs else np.zeros((0, 3))
        for pair in list(self._known)[: max(len(self._known) - KEPT, 0)]:
            del self._known[pair]
        return found

    def judge(self, pairs: Sequence[Pair]) -> Judged:
        """As the verifier, with the parts of the evidence that decided."""
        if shows_evidence(self.verifier):
            return self.verifier.judge(pairs)
        whole = tuple((Span(0, len(pair.premise)),) for pair in pairs)
        return Judged(self.entails(pairs), whole)

    def for_largest(self) -> "Remembered":
        """The verifier calibrated for the best of many, with a memory of its own."""
        return self._largest

    @cached_property
    def _largest(self) -> "Remembered":
        inner = self.verifier.for_largest() if knows_pieces(self.verifier) else self.verifier
        return Remembered(inner)
