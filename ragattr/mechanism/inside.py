"""Mechanism works on models that can be looked into."""

from typing import Any

from ragattr.errors import ProbeError
from ragattr.models.hf import HFModel


def look_inside(model: HFModel) -> Any:
    """The transformers model behind it.

    Raises:
        ProbeError: it does not attend through the common interface.
    """
    if model.interface is None:
        raise ProbeError(f"{model.card.name} does not attend through the common interface")
    return model.model
