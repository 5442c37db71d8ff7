"""Direct logit attribution: what heads carry from each source straight into the answer."""

from dataclasses import dataclass

from ragattr.attribution.inside import look_inside
from ragattr.attribution.measure import Measure, Measured
from ragattr.attribution.subject import Subject
from ragattr.models.protocols import Reading


@dataclass(frozen=True)
class AttributeDirect(Measure):
    """All heads together; a fact that was first moved elsewhere counts for where it was moved."""

    @property
    def method(self) -> str:
        """As the command line names it."""
        return "dla"

    def measure(self, subject: Subject, reading: Reading) -> Measured:
        """Contributions to each token's logit over the mean of the vocabulary."""
        direct = look_inside(reading, self.model.card).direct(subject.removals)
        return Measured(
            scores=direct.sum(axis=(0, 1)), unit="logits", decides=False, interventional=False
        )
