"""Training of what looks inside a model: examples first, which both heads and explainer share."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ragattr.errors import NoAttention
from ragattr.learn.examples import Example, measure_examples
from ragattr.learn.explainer import fit_explainer, kept_fields
from ragattr.learn.heads import fit_heads
from ragattr.mechanism.counterfactual import fair, read_counterfactuals
from ragattr.mechanism.locate import locate, most_concentrated
from ragattr.models.hf import HFModel
from ragattr.models.learned import Kind, find_learned, keep_learned
from ragattr.models.protocols import Encoder
from ragattr.prompt import Prompt
from ragattr.types import Context

N_PROBES = 16  # that find the one head, some seconds each


def train(
    kind: Kind,
    model: HFModel,
    prompt: Prompt,
    encoder: Encoder,
    contexts: Sequence[tuple[Context, str | None]],
    *,
    data: Sequence[str],
    work: Path,
    seed: int = 0,
    path: Path | None = None,
    progress: Callable[[int], None] = lambda n: None,
) -> tuple[Path, dict[str, Any]]:
    """Train for a model and keep it; returns the file and figures on held-out examples.

    A second call with the same work folder goes on where the first one stopped.

    Args:
        contexts: to learn on, each with an answer of the data or without.
        data: what to call them.
        path: where to write, if not into the user's cache.
    """
    if model.interface is None:
        raise NoAttention(model.card.name)
    examples = measure_examples(
        model, prompt, encoder, contexts, work=work, seed=seed, progress=progress
    )
    fields, figures = _fitted(kind, model, examples)
    said = {"data": [*data], "seed": seed, **figures}
    return keep_learned(kind, model, {**fields, "trained": said}, path=path), figures


def _fitted(
    kind: Kind, model: HFModel, examples: Sequence[Example]
) -> tuple[dict[str, Any], dict[str, Any]]:
    if kind == "heads":
        weights, figures = fit_heads(examples)
        probes = fair(read_counterfactuals())[:N_PROBES]
        located = locate(model, probes)
        head = most_concentrated(model, probes, located.context_heads)
        fields = {"weights": np.round(weights, 6).tolist(), "head": [*head]}
        return fields, {**figures, "head": str(head), "probes": str(located.stability)}
    heads = find_learned("heads", model)
    explainer, figures = fit_explainer(examples, np.array(heads["weights"]))
    return {**kept_fields(explainer), "heads": heads["trained"]}, figures
