"""ARC-JSD: how far the answer's distribution moves when a sentence goes, exactly."""

from dataclasses import dataclass, field
from typing import Literal

from ragattr.attribution.groups import find_groups
from ragattr.attribution.known import Known
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
        known = Known(subject, reading, purse)
        known.delete(
            range(len(subject.sources)) if self.budget.is_unlimited else subject.by_overlap
        )
        groups = find_groups(known, floor=self.noise_floor, encoder=self.encoder)
        by_divergence = self.score == "jsd"
        return Measured(
            scores=known.jsd if by_divergence else known.drops,
            decides=by_divergence,
            drops=known.drops,
            context=context,
            groups=groups.members,
            group_scores=groups.joint.jsd if by_divergence else groups.joint.drops,
            verified=known.verified,
            confidence=1.0 if known.is_exact.all() else None,
            partial=purse.was_short,
        )
