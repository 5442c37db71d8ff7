"""Methods that look into the model need a model that can be looked into."""

from typing import TYPE_CHECKING, cast

from ragattr.errors import NoAttention
from ragattr.models.protocols import InsideReading, Reading

if TYPE_CHECKING:
    from ragattr.types import ModelCard


def look_inside(reading: Reading, model: "ModelCard") -> InsideReading:
    """The same reading, as one of a model with the attention interface.

    Raises:
        NoAttention: the model has none.
    """
    if not (reading.can_knock_out and hasattr(reading, "attention")):
        raise NoAttention(model.name)
    return cast("InsideReading", reading)
