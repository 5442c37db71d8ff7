"""Mechanism works on models that can be looked into."""

from typing import Any

from ragattr.errors import NoAttention
from ragattr.models.hf import HFModel


def inner_model(model: HFModel) -> Any:
    """The transformers model behind it.

    Raises:
        NoAttention: it does not attend through the common interface.
    """
    if model.interface is None:
        raise NoAttention(model.card.name)
    return model.model
