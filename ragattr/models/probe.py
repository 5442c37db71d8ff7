"""The attention interface: one attention function for everything that looks inside a model.

transformers lets a library register an attention function and choose it by name. While `probing`,
a model runs through the one below. It keeps the keys and values of a sequence (`Memory`), and lets
*copies* of the sequence's end read that memory: each copy sees the part of it that it may see, and
itself. One mechanism serves deletion (a copy sees what stands before the cut) and knock-outs (a
copy sees all but a source), without a key-value cache of transformers, so grouped heads, sliding
windows and soft caps work in every architecture on the common interface.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol

from ragattr.errors import MissingExtra, ProbeError
from ragattr.models.attend import Call, Stretch

try:
    import torch
    from transformers import AttentionInterface
except ImportError as error:
    raise MissingExtra("local") from error

NAME = "ragattr"
_ONE_AT_A_TIME = threading.RLock()  # the implementation is a setting of the whole model


@dataclass
class Memory:
    """What each layer was asked in one sequence, by layer: all keys and values, the last queries.

    Attributes:
        n_asking: the last tokens of the sequence, whose queries are kept.
    """

    n_asking: int = 0
    calls: dict[int, Call] = field(default_factory=dict)

    def keep(self, layer: int, call: Call) -> None:
        """Keep a layer's call, without the queries that nobody asks for."""
        first = call.query.shape[2] - self.n_asking
        self.calls[layer] = replace(call, query=call.query[:, :, first:].clone())


@dataclass(frozen=True, eq=False)
class Rotary:
    """Rotary position embeddings: keys and queries can be turned to other positions.

    Attributes:
        frequencies: [turned width / 2]; the first half of the width is paired with the second.
    """

    frequencies: "torch.Tensor"

    def turn(self, states: "torch.Tensor", by: int) -> "torch.Tensor":
        """[..., tokens, width], `by` positions further on."""
        half = len(self.frequencies)
        angles = by * self.frequencies.float()
        first, second, rest = states.float().split(
            [half, half, states.shape[-1] - 2 * half], dim=-1
        )
        cos, sin = angles.cos(), angles.sin()
        turned = torch.cat([first * cos - second * sin, second * cos + first * sin, rest], dim=-1)
        return turned.to(states.dtype)


class Run(NamedTuple):
    """Tokens [start, stop) of the memory that a copy may see, `nearer` than they stand."""

    start: int
    stop: int
    nearer: int = 0


@dataclass(frozen=True)
class Recording:
    """An ordinary causal pass over one sequence that fills a memory.

    Attributes:
        windows: the sliding windows that layers asked for.
    """

    memory: Memory
    windows: set[int | None] = field(default_factory=set)

    def attend(self, layer: int, call: Call) -> "torch.Tensor":
        """[1, tokens, heads, value width]."""
        self.memory.keep(layer, call)
        self.windows.add(call.window)
        return call.causal(0, torch.arange(call.query.shape[2], device=call.query.device))[None]


@dataclass(frozen=True, eq=False)
class Copies:
    """Copies of the end of a sequence, each reading parts of the sequence's memory.

    Copies of different length are padded at their end, where no token of theirs looks.

    Attributes:
        runs: of each copy, what it sees of the memory.
        positions: [copies, tokens], what the model takes as their positions.
        rotary: turns queries towards runs that are nearer.
        log_gates: [tokens of the memory], added to the scores of their keys.
    """

    memory: Memory
    runs: Sequence[Sequence[Run]]
    positions: "torch.Tensor"
    rotary: Rotary | None = None
    log_gates: "torch.Tensor | None" = None

    def attend(self, layer: int, call: Call) -> "torch.Tensor":
        """[copies, tokens, heads, value width]."""
        copies = zip(self.runs, self.positions, strict=True)
        return torch.stack(
            [
                call.causal(i, positions, [self._stretch(layer, call, i, run) for run in runs])
                for i, (runs, positions) in enumerate(copies)
            ]
        )

    def _stretch(self, layer: int, call: Call, copy: int, run: Run) -> Stretch:
        tokens, query = slice(run.start, run.stop), None
        if run.nearer and self.rotary is not None:
            query = self.rotary.turn(call.query[copy], -run.nearer)
        return Stretch(
            self.memory.calls[layer].key[0, :, tokens],
            self.memory.calls[layer].value[0, :, tokens],
            torch.arange(run.start, run.stop, device=call.query.device) + run.nearer,
            query,
            None if self.log_gates is None else self.log_gates[tokens],
        )


@dataclass(frozen=True, eq=False)
class Cut:
    """Copies whose attention takes no gradient further back, so that only direct paths are left.

    Attributes:
        outputs: what each layer's heads gave, by layer: [copies, tokens, heads, value width].
    """

    copies: Copies
    outputs: dict[int, "torch.Tensor"] = field(default_factory=dict)

    def attend(self, layer: int, call: Call) -> "torch.Tensor":
        """[copies, tokens, heads, value width]."""
        self.outputs[layer] = self.copies.attend(layer, call).detach().requires_grad_()
        return self.outputs[layer]


class Probe(Protocol):
    """Answers the attention calls of a model's layers."""

    def attend(self, layer: int, call: Call) -> "torch.Tensor":
        """[copies, tokens, heads, value width]."""
        ...


class OtherAttention(ProbeError):
    """A layer attends with something that is not part of the common interface."""


_ACTIVE: ContextVar[Probe | None] = ContextVar("ragattr_probe", default=None)


@contextmanager
def probing(model: Any, probe: Probe) -> Iterator[None]:
    """Send the model's attention through `probe`; its own implementation is put back at the end."""
    token = _ACTIVE.set(probe)
    try:
        with implementation(model, NAME):
            yield
    finally:
        _ACTIVE.reset(token)


@contextmanager
def implementation(model: Any, name: str) -> Iterator[None]:
    """Let every layer attend by the function of this name; the setting before is put back."""
    with _ONE_AT_A_TIME:
        configs = {id(part.config): part.config for part in model.modules() if _has_config(part)}
        before = {key: config._attn_implementation_internal for key, config in configs.items()}
        try:
            for config in configs.values():
                config._attn_implementation_internal = name
            yield
        finally:
            for key, config in configs.items():
                config._attn_implementation_internal = before[key]


def _has_config(part: Any) -> bool:
    return hasattr(getattr(part, "config", None), "_attn_implementation_internal")


def _attention(
    module: Any,
    query: "torch.Tensor",
    key: "torch.Tensor",
    value: "torch.Tensor",
    attention_mask: "torch.Tensor | None",
    scaling: float | None = None,
    softcap: float | None = None,
    sliding_window: int | None = None,
    **others: Any,
) -> tuple["torch.Tensor", None]:
    probe = _ACTIVE.get()
    if probe is None:
        raise ProbeError(f"the attention function {NAME!r} works only inside `probing`")
    odd = [name for name in ("s_aux", "position_bias") if others.get(name) is not None]
    if odd or attention_mask is not None:
        raise OtherAttention(f"{type(module).__name__}: {odd or 'a mask of its own'}")
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    call = Call(query, key, value, scale, softcap, sliding_window)
    return probe.attend(module.layer_idx, call), None


AttentionInterface.register(NAME, _attention)
