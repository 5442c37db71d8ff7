"""The attention interface: one attention function for everything that looks inside a model.

transformers lets a library register an attention function and choose it by name. While `probing`,
a model runs through the one below. It keeps the keys and values of a sequence (`Memory`), and lets
*copies* of the sequence's end read that memory: each copy sees the part of it that it may see, and
itself. One mechanism serves deletion (a copy sees what stands before the cut) and knock-outs (a
copy sees all but a source), without a key-value cache of transformers, so grouped heads, sliding
windows and soft caps work in every architecture on the common interface.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ragattr.errors import MissingExtra, ProbeError
from ragattr.models.attend import Call, below

try:
    import torch
    from transformers import AttentionInterface
except ImportError as error:
    raise MissingExtra("local") from error

NAME = "ragattr"
_ONE_AT_A_TIME = threading.RLock()  # the implementation is a setting of the whole model


@dataclass
class Memory:
    """Keys and values of one sequence, by layer: [1, key-value heads, tokens, head width]."""

    keys: dict[int, "torch.Tensor"] = field(default_factory=dict)
    values: dict[int, "torch.Tensor"] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Rotary:
    """Rotary position embeddings: keys and queries can be turned to other positions.

    Attributes:
        frequencies: [turned width / 2]; the first half of the width is paired with the second.
    """

    frequencies: "torch.Tensor"

    def turn(self, states: "torch.Tensor", by: "torch.Tensor") -> "torch.Tensor":
        """[batch, heads, tokens, width], each of the batch `by` [batch] positions further on."""
        half = len(self.frequencies)
        angles = (by[:, None].float() * self.frequencies.float())[:, None, None]
        first, second, rest = states.float().split(
            [half, half, states.shape[-1] - 2 * half], dim=-1
        )
        cos, sin = angles.cos(), angles.sin()
        turned = torch.cat([first * cos - second * sin, second * cos + first * sin, rest], dim=-1)
        return turned.to(states.dtype)


@dataclass(frozen=True, eq=False)
class View:
    """A stretch of the memory that copies may see.

    Attributes:
        start, stop: memory tokens [start, stop).
        seen: [copies, stop - start], bool: which of them each copy sees.
        nearer: [copies], how many positions nearer than they stand the copy finds them; None
            where they stand.
    """

    start: int
    stop: int
    seen: "torch.Tensor"
    nearer: "torch.Tensor | None" = None

    @cached_property
    def masks(self) -> "dict[tuple[int, int, Any], torch.Tensor | None]":
        """Additive masks by query heads per key head, rows and dtype."""
        return {}


@dataclass(frozen=True)
class Recording:
    """An ordinary causal pass over one sequence that fills a memory.

    Attributes:
        windows: the sliding windows that layers asked for.
    """

    memory: Memory
    windows: set[int | None] = field(default_factory=set)

    def attend(self, layer: int, call: Call) -> "torch.Tensor":
        """[1, heads, tokens, head width]."""
        self.memory.keys[layer], self.memory.values[layer] = call.key, call.value
        n_tokens = call.query.shape[2]
        self.windows.add(call.window)
        if call.is_plain and not call.window_cuts(n_tokens):
            return call.causal()
        places = torch.arange(n_tokens, device=call.query.device)[None]
        may_see = below(n_tokens, call.query.device)[None]
        return call.explicit(call.key, call.value, rows=places, columns=places, may_see=may_see)


@dataclass(frozen=True, eq=False)
class Copies:
    """Copies of the end of a sequence, each reading parts of the sequence's memory.

    Copies of different length are padded at their end, where no token of theirs looks.

    Attributes:
        views: disjoint stretches of the memory.
        positions: [copies, tokens], what the model takes as their positions.
        rotary: turns queries and keys for views that are nearer.
    """

    memory: Memory
    views: tuple[View, ...]
    positions: "torch.Tensor"
    rotary: Rotary | None = None

    def attend(self, layer: int, call: Call) -> "torch.Tensor":
        """[copies, heads, tokens, head width]."""
        plain = call.is_plain and not call.window_cuts(self._n_positions)
        if plain and not self.views:
            return call.causal()
        if plain and call.can_merge:
            return self._merged(layer, call)
        return self._explicit(layer, call)

    def _merged(self, layer: int, call: Call) -> "torch.Tensor":
        """Each copy itself, then view after view; joined by their log-sum-exps.

        A view is one product for all copies: the memory is not copied, and copies need no mask
        among each other (the merge trick of the handbook's section 29.3).
        """
        output, lse = call.own()
        for view in self.views:
            query = call.query
            if view.nearer is not None and self.rotary is not None:
                query = self.rotary.turn(query, -view.nearer)
            keys = self.memory.keys[layer][:, :, view.start : view.stop]
            values = self.memory.values[layer][:, :, view.start : view.stop]
            found, found_lse = call.shared(query, keys, values, self._hidden(view, call))
            output = torch.lerp(
                output, found, torch.sigmoid(found_lse - lse)[..., None].to(output.dtype)
            )
            lse = torch.logaddexp(lse, found_lse)
        return output

    def _explicit(self, layer: int, call: Call) -> "torch.Tensor":
        """The same by one mask over the copied memory and the copies themselves."""
        n_copies, n_tokens = self.positions.shape
        keys, values, places, seen = list[Any](), list[Any](), list[Any](), list[Any]()
        for view in self.views:
            part = self.memory.keys[layer][:, :, view.start : view.stop]
            part = part.expand(n_copies, -1, -1, -1)
            at = torch.arange(view.start, view.stop, device=self.positions.device)
            at = at.expand(n_copies, -1)
            if view.nearer is not None and self.rotary is not None:
                part, at = self.rotary.turn(part, view.nearer), at + view.nearer[:, None]
            keys.append(part)
            values.append(
                self.memory.values[layer][:, :, view.start : view.stop].expand(n_copies, -1, -1, -1)
            )
            places.append(at)
            seen.append(view.seen[:, None].expand(-1, n_tokens, -1))
        own = below(n_tokens, self.positions.device).expand(n_copies, -1, -1)
        return call.explicit(
            torch.cat([*keys, call.key], dim=2),
            torch.cat([*values, call.value], dim=2),
            rows=self.positions,
            columns=torch.cat([*places, self.positions], dim=1),
            may_see=torch.cat([*seen, own], dim=2),
        )

    @cached_property
    def _n_positions(self) -> int:
        return int(self.positions.max()) + 1

    def _hidden(self, view: View, call: Call) -> "torch.Tensor | None":
        """The additive mask of what is not seen, a row for each query row of `Call.shared`."""
        key = (call.groups, self.positions.shape[1], call.query.dtype)
        if key not in view.masks:
            bias = torch.zeros(view.seen.shape, dtype=call.query.dtype)
            # Finite: a copy that sees nothing of a view gets no weight there, and no NaN.
            unseen = torch.finfo(bias.dtype).min / 4
            bias = bias.masked_fill(~view.seen, unseen)[None, :, None]
            rows = (call.groups, *self.positions.shape, view.seen.shape[1])
            is_needed = not bool(view.seen.all())
            view.masks[key] = bias.expand(rows).flatten(0, 2)[None, None] if is_needed else None
        return view.masks[key]


class OtherAttention(ProbeError):
    """A layer attends with something that is not part of the common interface."""


_ACTIVE: ContextVar[Recording | Copies | None] = ContextVar("ragattr_probe", default=None)


@contextmanager
def probing(model: Any, probe: Recording | Copies) -> Iterator[None]:
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
    return probe.attend(module.layer_idx, call).transpose(1, 2).contiguous(), None


AttentionInterface.register(NAME, _attention)
