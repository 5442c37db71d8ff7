"""ARC-JSD: how far the answer's distribution moves when a sentence goes, exactly."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from ragattr.attribution.groups import find_groups
from ragattr.attribution.measure import Measure, Measured, without_context
from ragattr.attribution.subject import Subject
from ragattr.models.protocols import Encoder, Reading


@dataclass(frozen=True)
class AttributeJSD(Measure):
    """Exact leave-one-sentence-out divergence, token by token (ARC-JSD, section 1.1 of the paper).

    What stands before a sentence is kept from the full reading; what follows is read again. One
    more removal takes all passages away, and sentences that say the same go together as well.

    Attributes:
        encoder: proposes sentences that say the same; without one, their words do.
        score: "jsd", or "drop", the log-probability with the sentence minus without.
    """

    encoder: Encoder | None = field(default=None, repr=False)
    score: Literal["jsd", "drop"] = "jsd"

    @property
    def method(self) -> str:
        """As the command line names it."""
        return self.score

    def measure(self, subject: Subject, reading: Reading) -> Measured:
        """One deletion per sentence; under a budget, those first that share the answer's words."""
        purse = self.budget.open(reading)
        context = without_context(subject, reading, purse)
        n_sources = len(subject.sources)
        order = list(range(n_sources)) if self.budget.is_unlimited else subject.by_overlap
        removals = [subject.removals[i] for i in order]
        effects = purse.spend(
            reading.delete, removals, [subject.deletion_passes(removal) for removal in removals]
        )
        verified = order[: len(effects.jsd)]
        jsd, drops = np.zeros((2, n_sources, len(reading.tokens)))
        jsd[verified], drops[verified] = effects.jsd, effects.drops
        groups = find_groups(
            subject, reading, jsd, floor=self.noise_floor, encoder=self.encoder, purse=purse
        )
        by_divergence = self.score == "jsd"
        return Measured(
            scores=jsd if by_divergence else drops,
            decides=by_divergence,
            drops=drops,
            context=context,
            groups=groups.members,
            group_scores=groups.joint.jsd if by_divergence else groups.joint.drops,
            verified=tuple(sorted(verified)),
            confidence=1.0 if len(verified) == n_sources else None,
            partial=purse.was_short,
        )
