"""The fewest sentences that alone give the same answer, found greedily from both sides."""

from dataclasses import dataclass

import numpy as np

from ragattr.attribution.measure import Measure, Measured
from ragattr.attribution.subject import Subject
from ragattr.models.protocols import Reading
from ragattr.types import FloatArray, Subset

TOLERANCE = 0.05  # nats per token that may be lost
MOST = 5  # sentences
CANDIDATES = 24  # of a longer context those that matter most when hidden
SUFFICIENCY, NECESSITY = 20.0, 1.0  # LiMA's weights of consistency and collaboration


@dataclass(frozen=True)
class AttributeSubset(Measure):
    """Forward: the sentence that makes the set most sufficient and necessary. Backward: trimmed.

    SMDL and LiMA ("Less is More: Efficient Black-box Attribution via Minimal Interpretable Subset
    Selection"), with exp(mean log-probability) as the score of the answer: 20 times that on the
    set alone, plus 1 minus that with the set hidden.
    """

    @property
    def method(self) -> str:
        """As the command line names it."""
        return "subset"

    def measure(self, subject: Subject, reading: Reading) -> Measured:
        """A member's score is what it adds to each token's log-probability when it joins."""
        search = _Search(subject, reading)
        chosen = search.trimmed(search.grown())
        steps = search.alone([chosen[:k] for k in range(len(chosen) + 1)])
        scores = np.zeros((len(subject.sources), len(reading.tokens)))
        scores[chosen] = steps[1:] - steps[:-1]
        return Measured(scores=scores, decides=False, subset=search.found(chosen))


@dataclass(frozen=True)
class _Search:
    subject: Subject
    reading: Reading

    def alone(self, sets: list[list[int]]) -> FloatArray:
        """[sets, tokens], log-probability when only the set's sources stay."""
        everything = range(len(self.subject.sources))
        gone = [self.subject.together([i for i in everything if i not in kept]) for kept in sets]
        return self.reading.logprobs - self.reading.delete(gone).drops

    def loss(self, sources: list[int]) -> float:
        """Nats per token that are lost when only these sources stay."""
        return float((self.reading.logprobs - self.alone([sources])[0]).mean())

    def grown(self) -> list[int]:
        """Sources in the order of joining, until they suffice."""
        chosen, left = list[int](), self._candidates()
        while left and len(chosen) < MOST:
            sets = [[*chosen, i] for i in left]
            alone, without = self.alone(sets), self._without(sets)
            worth = SUFFICIENCY * np.exp(alone.mean(axis=1)) - NECESSITY * np.exp(
                without.mean(axis=1)
            )
            best = int(np.argmax(worth))
            chosen.append(left.pop(best))
            if (self.reading.logprobs - alone[best]).mean() <= TOLERANCE:
                break
        return chosen

    def trimmed(self, chosen: list[int]) -> list[int]:
        """Without the sources that turn out not to be needed."""
        for i in chosen[:-1]:
            fewer = [k for k in chosen if k != i]
            if len(chosen) > 1 and self.loss(fewer) <= TOLERANCE:
                chosen = fewer
        return chosen

    def found(self, chosen: list[int]) -> Subset:
        """The set, and what it does alone and when it is gone."""
        loss = self.loss(chosen)
        drop = self.reading.delete([self.subject.together(chosen)]).drops.mean()
        return Subset(tuple(chosen), loss, float(drop), loss <= TOLERANCE)

    def _candidates(self) -> list[int]:
        n_sources = len(self.subject.sources)
        if n_sources <= CANDIDATES:
            return [*range(n_sources)]
        drops = self.reading.logprobs - self._without([[i] for i in range(n_sources)])
        return sorted(np.argsort(-drops.sum(axis=1), kind="stable")[:CANDIDATES].tolist())

    def _without(self, sets: list[list[int]]) -> FloatArray:
        """[sets, tokens], log-probability without the set's sources: hidden where that works."""
        removals = [self.subject.together(sources) for sources in sets]
        reading = self.reading
        ablate = reading.knock_out if reading.can_knock_out else reading.delete
        return reading.logprobs - ablate(removals).drops
