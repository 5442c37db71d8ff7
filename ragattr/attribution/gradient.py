"""First-order attribution: how each claim hangs on gates in front of the sources."""

from dataclasses import dataclass

import numpy as np

from ragattr.attribution.inside import look_inside
from ragattr.attribution.measure import Measure, Measured
from ragattr.attribution.subject import Subject, measured_claims
from ragattr.errors import ConfigError
from ragattr.models.protocols import Reading


@dataclass(frozen=True)
class AttributeGradient(Measure):
    """Integrated gradients of a claim's log-probability; a backward pass serves all sources.

    Question and reply alone are pushed, over the memory of the context: what the context's own
    tokens took from each other stays, as it does when a source is hidden.

    Attributes:
        n_steps: from all gates closed to all open; fewer when the budget is small.
    """

    n_steps: int = 4

    def __post_init__(self) -> None:
        if self.n_steps < 1:
            raise ConfigError(f"gradient needs at least one step, got {self.n_steps}")

    @property
    def method(self) -> str:
        """As the command line names it."""
        return "gradient"

    def measure(self, subject: Subject, reading: Reading) -> Measured:
        """Each claim's figures stand evenly spread over its tokens, so that their sum is theirs."""
        claims = measured_claims(subject.answer, reading.tokens)
        inside = look_inside(reading, self.model.card)
        purse, n_steps = self.budget.open(reading), self.n_steps
        while n_steps > 1 and not purse.affords(self._passes(subject, len(claims), n_steps)):
            n_steps -= 1
        found = inside.gradient(subject.removals, claims, n_steps=n_steps)
        scores = np.zeros((len(subject.sources), len(reading.tokens)))
        for column, claim in zip(found.T, claims, strict=True):
            scores[:, claim] = column[:, None] / len(claim)
        return Measured(
            scores=scores, decides=False, interventional=False, partial=n_steps < self.n_steps
        )

    @staticmethod
    def _passes(subject: Subject, n_claims: int, n_steps: int) -> float:
        """Forwards once, backwards for each claim, at every step; backwards costs twice."""
        return n_steps * (1 + 2 * n_claims) * subject.knock_out_passes
