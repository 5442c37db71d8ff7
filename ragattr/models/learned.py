"""What was trained for a model: shipped for the embedded one, kept in the cache for others.

Each file is tied to the weights and the chat template that it was trained with: attention heads
mean something else in another model, and in another template too.
"""

import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from ragattr.errors import ConfigError
from ragattr.models.embedded import cache_folder
from ragattr.models.hf import HFModel
from ragattr.models.identity import weights_digest
from ragattr.written import make_folder, write_whole

Kind = Literal["heads", "explainer"]


def find_learned(kind: Kind, model: HFModel) -> dict[str, Any]:
    """What was trained for this model; the user's own training before what is shipped.

    Raises:
        ConfigError: nobody trained it for these weights in this chat template.
    """
    own = identity(model)
    shipped = Path(str(files("ragattr.models") / f"{kind}.json"))
    for path in (_kept(kind, own), shipped):
        if path.is_file():
            found: dict[str, Any] = json.loads(path.read_text("utf-8"))
            if found["identity"] == own:
                return found
    raise ConfigError(
        f"nobody trained {kind} for {model.card.name} with these weights and this chat template: "
        f"ragattr train {kind} --model {model.card.name} --data FILE"
    )


def keep_learned(
    kind: Kind, model: HFModel, figures: Mapping[str, Any], *, path: Path | None = None
) -> Path:
    """Write what was trained where `find_learned` finds it, or to `path`; returns the file."""
    own = identity(model)
    path = path or _kept(kind, own)
    make_folder(path.parent)
    card = {"name": model.card.name, "revision": model.card.revision}
    write_whole(path, json.dumps({"identity": own, "model": card, **figures}) + "\n")
    return path


def _kept(kind: Kind, own: str) -> Path:
    return cache_folder() / "learned" / f"{own[:32]}-{kind}.json"


def identity(model: HFModel) -> str:
    """Of weights and template, in whatever precision."""
    return weights_digest(model.model, str(model.tokenizer.chat_template))
