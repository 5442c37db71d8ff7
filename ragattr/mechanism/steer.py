"""Steering: chosen heads' outputs, or their attention to a source, scaled while a model writes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ragattr.errors import ConfigError
from ragattr.mechanism.counterfactual import Counterfactual, Encoded, batches, encode_all
from ragattr.mechanism.inside import inner_model
from ragattr.models.hf import HFModel
from ragattr.models.patching import Head, Reweighed, Scaled, check_heads, size, write
from ragattr.models.probe import Probe, probing
from ragattr.prompt import Chat
from ragattr.types import Span

FACTORS = (0.0, 0.5, 1.0, 2.0, 3.0, 5.0)
Target = Literal["output", "attention"]


@dataclass(frozen=True)
class Rates:
    """How often an answer from the context, or from memory, was written; the rest is neither.

    Attributes:
        n: probes.
    """

    heads: tuple[Head, ...]
    factor: float
    context: float
    memory: float
    n: int


@contextmanager
def steered(model: HFModel, heads: Sequence[Head], factor: float) -> Iterator[None]:
    """Whatever the model writes meanwhile, it writes with these heads' outputs scaled."""
    own = inner_model(model)
    check_heads(own, heads)
    with probing(own, Scaled(tuple(heads), factor)):
        yield


@contextmanager
def turned(
    model: HFModel,
    chat: Chat,
    source: Sequence[Span],
    heads: Sequence[Head],
    factor: float,
    *,
    renormalise: bool = False,
) -> Iterator[None]:
    """The reply to this chat is written with these heads' attention to a source scaled.

    Args:
        source: spans of the chat's text.
    """
    own, prompted = inner_model(model), model.prompted(chat)
    check_heads(own, heads)
    columns = sorted(prompted.tokens_of(source))
    with probing(own, Reweighed(tuple(heads), [columns], factor, renormalise)):
        yield


def rates(
    model: HFModel,
    probes: Sequence[Counterfactual],
    heads: Sequence[Head],
    factor: float,
    *,
    target: Target = "output",
    renormalise: bool = False,
) -> Rates:
    """What is written after the probes when some heads are scaled; factor 1 steers nothing.

    Args:
        target: the heads' outputs at every position, or the last position's attention to the
            statement's answer.
    """
    check_heads(inner_model(model), heads)
    rows, found = encode_all(model, probes), list[tuple[bool, bool]]()
    for batch in ([rows[i] for i in places] for places in batches(rows)):
        probe: Probe = Scaled(tuple(heads), factor)
        if target == "attention":
            columns = [tuple(row.places) for row in batch]
            probe = Reweighed(tuple(heads), columns, factor, renormalise)
        found += _written(model, batch, probe)
    context, memory = np.mean(found, axis=0)
    return Rates(tuple(heads), factor, float(context), float(memory), len(rows))


def curve(
    model: HFModel,
    probes: Sequence[Counterfactual],
    heads: Sequence[Head],
    factors: Sequence[float] = FACTORS,
    *,
    target: Target = "output",
) -> list[Rates]:
    """The rates at each factor."""
    return [rates(model, probes, heads, factor, target=target) for factor in factors]


def tune(
    model: HFModel,
    probes: Sequence[Counterfactual],
    candidates: Sequence[Head],
    factors: Sequence[float] = FACTORS,
    *,
    wanted: Literal["context", "memory"] = "context",
    target: Target = "output",
) -> Rates:
    """The one head and factor under which most answers come from where they are wanted.

    Test it on other subjects: this rate is of the probes that it was chosen on.
    """
    tried = [
        row for head in candidates for row in curve(model, probes, [head], factors, target=target)
    ]
    if not tried:
        raise ConfigError("no head or no factor to choose from")
    return max(tried, key=lambda row: row.context if wanted == "context" else row.memory)


def random_heads(
    model: HFModel, n: int, *, seed: int, without: Sequence[Head] = ()
) -> tuple[Head, ...]:
    """Other heads, the control of every steering."""
    n_layers, n_heads = size(inner_model(model))
    others = [Head(i, k) for i in range(n_layers) for k in range(n_heads) if (i, k) not in without]
    if n > len(others):
        raise ConfigError(f"there are {len(others)} other heads, {n} were wanted")
    chosen = np.random.default_rng(seed).choice(len(others), size=n, replace=False)
    return tuple(others[i] for i in chosen)


def _written(model: HFModel, batch: Sequence[Encoded], probe: Probe) -> list[tuple[bool, bool]]:
    """Whether the context answer, and whether the memorised one, is what follows each probe."""
    answers = [(row.probe.context_answer, row.probe.memory_answer) for row in batch]
    longest = max(len(model.tokenizer(text)["input_ids"]) for pair in answers for text in pair)
    new = write(model.model, [row.ids for row in batch], probe, n_tokens=longest + 1)
    texts = [model.tokenizer.decode(ids) for ids in new]
    return [
        (_begins(text, context), _begins(text, memory))
        for text, (context, memory) in zip(texts, answers, strict=True)
    ]


def _begins(text: str, answer: str) -> bool:
    """Whether the text begins with this answer, as whole words."""
    found, wanted = text.strip().casefold(), answer.strip().casefold()
    return found.startswith(wanted) and not found[len(wanted) : len(wanted) + 1].isalnum()
