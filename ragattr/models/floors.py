"""Floors that were measured for a model, kept in the user's cache and tied to its weights."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ragattr.models.embedded import cache_folder
from ragattr.models.identity import weights_digest
from ragattr.types import FilterError, Floors, ModelCard
from ragattr.written import make_folder, write_whole


def kept_floors(card: ModelCard, model: Any) -> tuple[Floors, FilterError] | None:
    """What `keep_floors` has kept for these weights in this dtype, None when nobody measured."""
    path = _path(card, model)
    if not path.is_file():
        return None
    kept = json.loads(path.read_text("utf-8"))
    return Floors(**kept["floors"]), FilterError(**kept["filter_error"])


def keep_floors(card: ModelCard, model: Any, floors: Floors, filter_error: FilterError) -> Path:
    """Write the figures where `kept_floors` finds them; returns the file."""
    path = _path(card, model)
    make_folder(path.parent)
    kept = {"model": asdict(card), "floors": asdict(floors), "filter_error": asdict(filter_error)}
    write_whole(path, json.dumps(kept, indent=1) + "\n")
    return path


def _path(card: ModelCard, model: Any) -> Path:
    """A file for each set of weights and dtype; names and folders may repeat."""
    return cache_folder() / "floors" / f"{weights_digest(model, card.dtype)[:32]}.json"
