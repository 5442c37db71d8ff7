"""The fewest sentences that alone give the same answer, found greedily."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ragattr.attribution.budget import Purse
from ragattr.attribution.measure import Measure, Measured
from ragattr.attribution.subject import Subject, measured_claims
from ragattr.models.protocols import Reading
from ragattr.types import FloatArray, Subset

TOLERANCE = 0.05  # nats per token that may be lost
MOST = 5  # sentences
CANDIDATES = 24  # of a longer context those that matter most when hidden
SUFFICIENCY, NECESSITY = 20.0, 1.0  # LiMA's weights of consistency and collaboration


@dataclass(frozen=True)
class AttributeSubset(Measure):
    """Forwards: the sentence that makes the set most sufficient and necessary. Then trimmed.

    With exp(mean log-probability) as the score of an answer, a set is worth 20 times the score on
    it alone, plus 1 minus the score with it hidden: LiMA's weights of consistency and
    collaboration ("Less is More: Efficient Black-box Attribution via Minimal Interpretable Subset
    Selection"). Its order from the unimportant end is not needed for a small set.
    """

    @property
    def method(self) -> str:
        """As the command line names it."""
        return "subset"

    def measure(self, subject: Subject, reading: Reading) -> Measured:
        """A member's score is what it adds to each token's log-probability when it joins."""
        search = _Search(subject, reading, self.budget.open(reading))
        chosen = search.trimmed(search.grown())
        steps = search.alone([chosen[:k] for k in range(len(chosen) + 1)])
        scores = np.zeros((len(subject.sources), len(reading.tokens)))
        scores[chosen] = steps[1:] - steps[:-1]
        return Measured(
            scores=scores,
            decides=False,
            subset=search.found(chosen),
            partial=search.purse.was_short,
        )


@dataclass(frozen=True)
class _Search:
    subject: Subject
    reading: Reading
    purse: Purse

    @cached_property
    def columns(self) -> list[int]:
        """The tokens of the claims; markers are none."""
        claims = measured_claims(self.subject.answer, self.reading.tokens)
        return sorted({column for claim in claims for column in claim})

    def alone(self, sets: Sequence[Sequence[int]]) -> FloatArray:
        """[sets, tokens], log-probability when only the set's sources stay."""
        everything = range(len(self.subject.sources))
        gone = [self.subject.together([i for i in everything if i not in kept]) for kept in sets]
        return self.reading.logprobs - self.reading.delete(gone).drops

    def mean(self, logprobs: FloatArray) -> FloatArray:
        """[sets], over the tokens of the claims."""
        mean: FloatArray = logprobs[..., self.columns].mean(axis=-1)
        return mean

    def loss(self, sources: Sequence[int]) -> float:
        """Nats per token that are lost when only these sources stay."""
        return float(self.mean(self.reading.logprobs - self.alone([sources])[0]))

    def grown(self) -> list[int]:
        """Sources in the order of joining, until they suffice; none where none is needed."""
        chosen, left = list[int](), self._candidates()
        loss = self._loss_without_any()
        while loss > TOLERANCE and left and len(chosen) < MOST and self._affords(len(left)):
            sets = [[*chosen, i] for i in left]
            alone = self.mean(self.alone(sets))
            without = self.mean(self._without(sets))
            best = int(np.argmax(SUFFICIENCY * np.exp(alone) - NECESSITY * np.exp(without)))
            chosen.append(left.pop(best))
            loss = float(self.mean(self.reading.logprobs) - alone[best])
        return chosen

    def trimmed(self, chosen: list[int]) -> list[int]:
        """Without the sources that turn out not to be needed."""
        for i in chosen[:-1]:
            fewer = [k for k in chosen if k != i]
            if self.loss(fewer) <= TOLERANCE:
                chosen = fewer
        return chosen

    def found(self, chosen: list[int]) -> Subset:
        """The set, and what it does alone and when it is gone."""
        loss = self.loss(chosen)
        drop = self.mean(self.reading.delete([self.subject.together(chosen)]).drops[0])
        return Subset(tuple(chosen), loss, float(drop), loss <= TOLERANCE)

    def _loss_without_any(self) -> float:
        """As `loss`, but no token that gains makes up for another that loses."""
        lost = self.reading.logprobs - self.alone([()])[0]
        return float(self.mean(np.maximum(lost, 0.0)))

    def _affords(self, n_sets: int) -> bool:
        """About: what stays of a prompt is read once for each set, and what follows once more."""
        return self.purse.affords(2 * n_sets * self.subject.knock_out_passes)

    def _candidates(self) -> list[int]:
        n_sources = len(self.subject.sources)
        if n_sources <= CANDIDATES:
            return [*range(n_sources)]
        drops = self.reading.logprobs - self._without([[i] for i in range(n_sources)])
        best = np.argsort(-self.mean(drops), kind="stable")[:CANDIDATES]
        return sorted(int(i) for i in best)

    def _without(self, sets: Sequence[Sequence[int]]) -> FloatArray:
        """[sets, tokens], log-probability without the set's sources: hidden where that works."""
        removals = [self.subject.together(sources) for sources in sets]
        reading = self.reading
        ablate = reading.knock_out if reading.can_knock_out else reading.delete
        return reading.logprobs - ablate(removals).drops
