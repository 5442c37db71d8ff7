"""What attention heads look at while they predict the answer: one reading, nothing taken away."""

from dataclasses import dataclass, field

import numpy as np

from ragattr.attribution.inside import look_inside
from ragattr.attribution.measure import Measure, Measured
from ragattr.attribution.subject import Subject
from ragattr.errors import ConfigError
from ragattr.models.protocols import Reading
from ragattr.types import FloatArray


@dataclass(frozen=True)
class AttributeHeads(Measure):
    """A learned mixture of heads (AT2, section 3 of the paper); attention alone is no cause.

    Attributes:
        weights: [layers, heads], learned for this model; None gives every head the same.
    """

    weights: FloatArray | None = field(default=None, repr=False)

    @property
    def method(self) -> str:
        """As the command line names it."""
        return "attention" if self.weights is None else "heads"

    def measure(self, subject: Subject, reading: Reading) -> Measured:
        """Each head's attention from the row that predicts a token, summed over a source."""
        attention = look_inside(reading, self.model.card).attention(subject.removals)
        return Measured(
            scores=mixed(attention, self.weights),
            unit="attention",
            decides=False,
            interventional=False,
        )


def mixed(attention: FloatArray, weights: FloatArray | None) -> FloatArray:
    """[sources, ...]: the weighted sum over layers and heads, or their mean.

    Args:
        attention: [layers, heads, sources, ...].
    """
    if weights is None:
        mean: FloatArray = attention.mean(axis=(0, 1))
        return mean
    if weights.shape != attention.shape[:2]:
        raise ConfigError(
            f"weights for {weights.shape} layers and heads, the model has {attention.shape[:2]}"
        )
    return np.asarray(np.tensordot(weights, attention, axes=2), dtype=np.float64)
