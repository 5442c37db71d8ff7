"""One head's attention: where it looks hardest while it predicts the answer."""

from dataclasses import dataclass, field

from ragattr.attribution.inside import look_inside
from ragattr.attribution.measure import Measure, Measured
from ragattr.attribution.subject import Subject
from ragattr.models.protocols import Reading


@dataclass(frozen=True)
class AttributeHead(Measure):
    """AttnAttrib ("On Mechanistic Circuits for Extractive Question-Answering", section 4).

    The head comes from patching on counterfactual probes; a sentence is worth the most attention
    that one of its tokens gets, so that the place of the maximum is widened to its sentence.

    Attributes:
        head: layer and number in the layer, from 0.
    """

    head: tuple[int, int] = field(kw_only=True)

    @property
    def method(self) -> str:
        """As the command line names it."""
        return "head"

    def measure(self, subject: Subject, reading: Reading) -> Measured:
        """From the row that predicts each token."""
        layer, head = self.head
        inside = look_inside(reading, self.model.card)
        return Measured(
            scores=inside.peaks(subject.removals, layer=layer, head=head),
            unit="attention",
            decides=False,
            interventional=False,
        )
