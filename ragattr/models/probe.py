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

from ragattr.errors import MissingExtra, ModelReplyError, ProbeError

try:
    import torch
    from torch.nn.functional import scaled_dot_product_attention
    from transformers import AttentionInterface
except ImportError as error:
    raise MissingExtra("local") from error

NAME = "ragattr"
_ROWS_AT_ONCE = 1024  # query rows of an explicit mask
_FLASH_WITH_LSE = getattr(torch.ops.aten, "_scaled_dot_product_flash_attention_for_cpu", None)
_CHECKED_TOKENS, _CHECKED_AT_LEAST, _CHECKED_TURN = 24, 8, 7
_ONE_AT_A_TIME = threading.RLock()  # the implementation is a setting of the whole model
# Mean error of the logits over their spread: what rounding may do. bfloat16 was seen to do 0.04 on
# the embedded model, where a mask that is off does 0.3.
_TOLERANCE = {torch.float32: 1e-3, torch.float64: 1e-6, torch.bfloat16: 0.1, torch.float16: 0.03}


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

    def attend(self, layer: int, call: "_Call") -> "torch.Tensor":
        """[1, heads, tokens, head width]."""
        self.memory.keys[layer], self.memory.values[layer] = call.key, call.value
        n_tokens = call.query.shape[2]
        self.windows.add(call.window)
        if call.is_plain and not call.window_cuts(n_tokens):
            return call.causal()
        places = torch.arange(n_tokens, device=call.query.device)[None]
        may_see = _below(n_tokens, call.query.device)[None]
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

    def attend(self, layer: int, call: "_Call") -> "torch.Tensor":
        """[copies, heads, tokens, head width]."""
        plain = call.is_plain and not call.window_cuts(self._n_positions)
        if plain and not self.views:
            return call.causal()
        if plain and _FLASH_WITH_LSE is not None and call.query.device.type == "cpu":
            return self._merged(layer, call)
        return self._explicit(layer, call)

    def _merged(self, layer: int, call: "_Call") -> "torch.Tensor":
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

    def _explicit(self, layer: int, call: "_Call") -> "torch.Tensor":
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
        own = _below(n_tokens, self.positions.device).expand(n_copies, -1, -1)
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

    def _hidden(self, view: View, call: "_Call") -> "torch.Tensor | None":
        """The additive mask of what is not seen, a row for each query row of `_Call.shared`."""
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


@dataclass(frozen=True, eq=False)
class _Call:
    """What a layer hands to its attention function: [batch, heads, tokens, head width]."""

    query: "torch.Tensor"
    key: "torch.Tensor"
    value: "torch.Tensor"
    scale: float
    softcap: float | None
    window: int | None

    @property
    def is_plain(self) -> bool:
        """Whether the fast kernels can do it: no soft cap, keys as wide as values."""
        return self.softcap is None and self.key.shape[-1] == self.value.shape[-1]

    @property
    def groups(self) -> int:
        """How many query heads share a key-value head."""
        return int(self.query.shape[1] // self.key.shape[1])

    def window_cuts(self, n_positions: int) -> bool:
        """Whether a sliding window hides something of so many positions."""
        return self.window is not None and self.window < n_positions

    def causal(self) -> "torch.Tensor":
        """Each token sees itself and those before it, nothing else."""
        return scaled_dot_product_attention(
            self.query,
            self.key,
            self.value,
            is_causal=True,
            scale=self.scale,
            enable_gqa=self.groups > 1,
        )

    def own(self) -> tuple["torch.Tensor", "torch.Tensor"]:
        """`causal`, and the log-sum-exp of each row: [batch, heads, tokens]."""
        assert _FLASH_WITH_LSE is not None
        output, lse = _FLASH_WITH_LSE(
            self.query,
            self.key.repeat_interleave(self.groups, 1),
            self.value.repeat_interleave(self.groups, 1),
            0.0,
            True,
            scale=self.scale,
        )
        return output, lse.reshape(output.shape[:3])

    def shared(
        self,
        query: "torch.Tensor",
        keys: "torch.Tensor",
        values: "torch.Tensor",
        hidden: "torch.Tensor | None",
    ) -> tuple["torch.Tensor", "torch.Tensor"]:
        """Attention of all copies to keys that they share, and the log-sum-exp of each row.

        Copies, and query heads of one key head, are folded into rows of one product.
        """
        assert _FLASH_WITH_LSE is not None
        n_copies, _, n_tokens, width = query.shape
        heads = (-1, self.groups, n_copies, n_tokens)
        folded = query.view(n_copies, -1, self.groups, n_tokens, width).permute(1, 2, 0, 3, 4)
        folded = folded.reshape(1, keys.shape[1], -1, width)
        output, lse = _FLASH_WITH_LSE(
            folded, keys, values, 0.0, False, attn_mask=hidden, scale=self.scale
        )
        output = output.reshape(*heads, width).permute(2, 0, 1, 3, 4).reshape(query.shape)
        return output, lse.reshape(heads).permute(2, 0, 1, 3).reshape(query.shape[:3])

    def explicit(
        self,
        keys: "torch.Tensor",
        values: "torch.Tensor",
        *,
        rows: "torch.Tensor",
        columns: "torch.Tensor",
        may_see: "torch.Tensor",
    ) -> "torch.Tensor":
        """By a mask of [batch, rows, columns], cut to the window around each row's position."""
        pieces = []
        for query, at, seen in zip(
            self.query.split(_ROWS_AT_ONCE, 2),
            rows.split(_ROWS_AT_ONCE, 1),
            may_see.split(_ROWS_AT_ONCE, 1),
            strict=True,
        ):
            if self.window is not None:
                seen = seen & (at[:, :, None] - columns[:, None] < self.window)
            pieces.append(self._masked(query, keys, values, seen))
        return torch.cat(pieces, 2)

    def _masked(
        self,
        query: "torch.Tensor",
        keys: "torch.Tensor",
        values: "torch.Tensor",
        seen: "torch.Tensor",
    ) -> "torch.Tensor":
        batch, heads, n_rows, width = query.shape
        folded = query.reshape(batch, -1, self.groups * n_rows, width)
        mask = seen[:, None].repeat(1, 1, self.groups, 1)
        if self.softcap is None:
            found = scaled_dot_product_attention(
                folded, keys, values, attn_mask=mask, scale=self.scale
            )
        else:
            scores = torch.matmul(folded, keys.transpose(2, 3)) * self.scale
            scores = self.softcap * torch.tanh(scores / self.softcap)
            scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
            found = torch.softmax(scores, dim=-1, dtype=torch.float32).to(query.dtype) @ values
        return found.reshape(batch, heads, n_rows, -1)


_ACTIVE: ContextVar[Recording | Copies | None] = ContextVar("ragattr_probe", default=None)


@contextmanager
def probing(model: Any, probe: Recording | Copies) -> Iterator[None]:
    """Send the model's attention through `probe`; its own implementation is put back at the end."""
    token = _ACTIVE.set(probe)
    try:
        with _implementation(model, NAME):
            yield
    finally:
        _ACTIVE.reset(token)


@contextmanager
def _implementation(model: Any, name: str) -> Iterator[None]:
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


def _attends_by_interface(model: Any) -> bool:
    """Whether every layer of the model attends through the common interface, causally."""
    config = model.config.get_text_config()
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    return (
        bool(getattr(type(model), "_supports_attention_backend", False))
        and not model.config.is_encoder_decoder
        and kinds <= {"full_attention", "sliding_attention"}
        and not hasattr(config, "attention_chunk_size")
        and not _turns_by_length(config)
    )


def _turns_by_length(config: Any) -> bool:
    """Whether positions mean something else in a longer prompt: then no memory can be shared."""
    rope = getattr(config, "rope_parameters", None) or {}
    parts = [rope, *(part for part in rope.values() if isinstance(part, dict))]
    return any(part.get("rope_type") in ("dynamic", "longrope") for part in parts)


@dataclass(frozen=True)
class Interface:
    """A model that was checked: it attends through the common interface.

    Attributes:
        rotary: how its positions turn, None when it has other positions.
    """

    rotary: Rotary | None = None


def find_interface(model: Any) -> Interface | None:
    """The model's interface, or None when it attends in a way of its own.

    A few tokens are read through the interface, then again with some of them deleted, then with
    some of them hidden from the last ones. What differs from the model's own eager attention by
    more than rounding is a ProbeError: better no number than a wrong one.
    """
    if not _attends_by_interface(model):
        return None
    try:
        return _checked(model)
    except _OtherAttention:
        return None


class _OtherAttention(ProbeError):
    """A layer attends with something that is not part of the common interface."""


def _checked(model: Any) -> Interface | None:
    window = getattr(model.config.get_text_config(), "sliding_window", None)
    n = min(_CHECKED_TOKENS, window or _CHECKED_TOKENS)
    if n < _CHECKED_AT_LEAST:
        return None
    cut, end = slice(n // 4, n // 2), 2 * n // 3
    n_words = model.get_input_embeddings().num_embeddings
    ids = torch.randperm(n_words, generator=torch.Generator().manual_seed(0))[:n].to(model.device)
    places, memory = torch.arange(n, device=model.device), Memory()
    deleted = torch.cat([ids[: cut.start], ids[cut.stop :]])
    seen = torch.ones(1, end, dtype=torch.bool, device=model.device)
    seen[:, cut] = False
    below = _below(n, model.device).clone()
    below[end:, cut] = False
    before = View(0, cut.start, seen[:, : cut.start])
    kept = places[: len(deleted)]
    recording = Recording(memory)
    with torch.inference_mode():
        found = [
            _logits(model, ids, places, recording),
            _logits(
                model,
                deleted[cut.start :],
                kept[cut.start :],
                Copies(memory, (before,), kept[None, cut.start :]),
            ),
            _logits(
                model,
                ids[end:],
                places[end:],
                Copies(memory, (View(0, end, seen),), places[None, end:]),
            ),
        ]
        wanted = [
            _eager(model, ids),
            _eager(model, deleted),
            _eager(model, ids, below),
        ]
        for reading, own in zip(found, wanted, strict=True):
            _compare(model, reading, own[-len(reading) :])
        if _has_window(model) and recording.windows == {None}:
            return None  # its window stands in masks that the interface does not see
        return Interface(_find_rotary(model, ids, memory))


def _compare(model: Any, reading: "torch.Tensor", own: "torch.Tensor") -> None:
    name = type(model).__name__
    if not torch.isfinite(own).all():
        raise ModelReplyError(f"{name} gives logits that are not finite")
    error = float((reading - own).abs().mean() / own.std().clamp_min(1e-6))
    if not error < _TOLERANCE[model.dtype]:
        raise ProbeError(
            f"{name} cannot be read through the attention interface: its logits differ from those "
            f"of eager attention by {error:.2g} of their spread"
        )


def _find_rotary(model: Any, ids: "torch.Tensor", memory: Memory) -> Rotary | None:
    """The model's one set of frequencies, if its keys really turn by them."""
    found = [part.inv_freq for part in model.modules() if hasattr(part, "inv_freq")]
    if len(found) != 1 or 2 * len(found[0]) > memory.keys[0].shape[-1]:
        return None
    rotary, elsewhere = Rotary(found[0]), Memory()
    by = torch.tensor([_CHECKED_TURN], device=ids.device)
    _logits(model, ids, torch.arange(len(ids), device=ids.device) + by, Recording(elsewhere))
    for layer, keys in memory.keys.items():
        error = (rotary.turn(keys, by) - elsewhere.keys[layer]).abs().mean()
        if not error < _TOLERANCE[model.dtype] * keys.float().std():
            return None
    return rotary


def _logits(
    model: Any, ids: "torch.Tensor", positions: "torch.Tensor", probe: Recording | Copies
) -> "torch.Tensor":
    with probing(model, probe):
        output = model(input_ids=ids[None], position_ids=positions[None], use_cache=False)
    logits: torch.Tensor = output.logits[0].float()
    return logits


def _has_window(model: Any) -> bool:
    config = model.config.get_text_config()
    kinds = getattr(config, "layer_types", None) or ["sliding_attention"]
    return (
        bool(getattr(config, "sliding_window", None))
        and getattr(config, "use_sliding_window", True) is not False
        and "sliding_attention" in kinds
    )


def _eager(
    model: Any, ids: "torch.Tensor", may_see: "torch.Tensor | None" = None
) -> "torch.Tensor":
    mask = None
    if may_see is not None:
        mask = torch.zeros(may_see.shape, dtype=model.dtype, device=ids.device)
        mask = mask.masked_fill(~may_see, torch.finfo(model.dtype).min)[None, None]
    with _implementation(model, "eager"):
        output = model(
            input_ids=ids[None],
            attention_mask=mask,
            position_ids=torch.arange(len(ids), device=ids.device)[None],
            use_cache=False,
        )
    logits: torch.Tensor = output.logits[0].float()
    return logits


def _below(n_tokens: int, device: Any) -> "torch.Tensor":
    return torch.ones(n_tokens, n_tokens, dtype=torch.bool, device=device).tril()


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
        raise _OtherAttention(f"{type(module).__name__}: {odd or 'a mask of its own'}")
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    call = _Call(query, key, value, scale, softcap, sliding_window)
    return probe.attend(module.layer_idx, call).transpose(1, 2).contiguous(), None


AttentionInterface.register(NAME, _attention)
