"""The attention interface: one attention function for everything that looks inside a model.

transformers lets a library register an attention function and choose it by name. While `probing`,
a model runs through the one below. It keeps the keys and values of a sequence (`Memory`), and lets
*copies* of the sequence's end read that memory: each copy sees the part of it that it may see, and
itself. One mechanism serves deletion (a copy sees what stands before the cut) and knock-outs (a
copy sees all but a source), without a key-value cache of transformers, so grouped heads, sliding
windows and soft caps work in every architecture on the common interface.
"""

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
_CHECKED_TOKENS = 24
# Mean error of the logits over their spread: what rounding may do. bfloat16 was seen to do 0.04 on
# the embedded model, where a mask that is off does 0.3.
_TOLERANCE = {torch.float32: 1e-3, torch.float64: 1e-6, torch.bfloat16: 0.1, torch.float16: 0.03}


@dataclass
class Memory:
    """Keys and values of one sequence, by layer: [1, key-value heads, tokens, head width]."""

    keys: dict[int, "torch.Tensor"] = field(default_factory=dict)
    values: dict[int, "torch.Tensor"] = field(default_factory=dict)


@dataclass(frozen=True)
class Recording:
    """An ordinary causal pass over one sequence that fills a memory."""

    memory: Memory

    def attend(self, layer: int, call: "_Call") -> "torch.Tensor":
        """[1, heads, tokens, head width]."""
        self.memory.keys[layer], self.memory.values[layer] = call.key, call.value
        n_tokens = call.query.shape[2]
        if call.softcap is None and not call.window_cuts(n_tokens):
            return call.causal()
        places = torch.arange(n_tokens, device=call.query.device)[None]
        may_see = _below(n_tokens, call.query.device)[None]
        return call.explicit(call.key, call.value, rows=places, columns=places, may_see=may_see)


@dataclass(frozen=True, eq=False)
class Copies:
    """Copies of the end of a sequence, each reading a part of the sequence's memory.

    Copies of different length are padded at their end, where no token of theirs looks.

    Attributes:
        memory: of the full sequence; only its first `seen.shape[1]` tokens are read.
        seen: [copies, memory tokens], bool: which of them each copy may see; no row is all False
            unless there are no columns.
        positions: [copies, tokens], what the model takes as their positions.
    """

    memory: Memory
    seen: "torch.Tensor"
    positions: "torch.Tensor"

    def attend(self, layer: int, call: "_Call") -> "torch.Tensor":
        """[copies, heads, tokens, head width]."""
        n_seen = self.seen.shape[1]
        keys = self.memory.keys[layer][:, :, :n_seen]
        values = self.memory.values[layer][:, :, :n_seen]
        plain = call.softcap is None and not call.window_cuts(self._n_positions)
        if plain and n_seen == 0:
            return call.causal()
        if plain and _FLASH_WITH_LSE is not None and call.query.device.type == "cpu":
            return call.merged(keys, values, self._hidden(call))
        n_copies, n_tokens = self.positions.shape
        own = _below(n_tokens, self.seen.device).expand(n_copies, -1, -1)
        places = torch.arange(n_seen, device=self.positions.device).expand(n_copies, -1)
        return call.explicit(
            torch.cat([keys.expand(n_copies, -1, -1, -1), call.key], dim=2),
            torch.cat([values.expand(n_copies, -1, -1, -1), call.value], dim=2),
            rows=self.positions,
            columns=torch.cat([places, self.positions], dim=1),
            may_see=torch.cat([self.seen[:, None].expand(-1, n_tokens, -1), own], dim=2),
        )

    @cached_property
    def _n_positions(self) -> int:
        return int(self.positions.max()) + 1

    @cached_property
    def _masks(self) -> dict[tuple[int, Any], "torch.Tensor | None"]:
        return {}

    def _hidden(self, call: "_Call") -> "torch.Tensor | None":
        """The additive mask of what is not seen, a row for each query row of `_Call.merged`."""
        key = (call.groups, call.query.dtype)
        if key not in self._masks:
            bias = torch.zeros(self.seen.shape, dtype=call.query.dtype)
            bias = bias.masked_fill(~self.seen, float("-inf"))[None, :, None]
            rows = (call.groups, *self.positions.shape, self.seen.shape[1])
            is_needed = not bool(self.seen.all())
            self._masks[key] = bias.expand(rows).flatten(0, 2)[None, None] if is_needed else None
        return self._masks[key]


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

    def merged(
        self, keys: "torch.Tensor", values: "torch.Tensor", hidden: "torch.Tensor | None"
    ) -> "torch.Tensor":
        """A memory that all copies share, and each copy itself; joined by their log-sum-exps.

        The shared part is one product for all copies: no copy of the memory, no mask among
        copies. Section 29.3 of the handbook calls it the merge trick.
        """
        n_copies, _, n_tokens, width = self.query.shape
        heads = (-1, self.groups, n_copies, n_tokens)
        folded = self.query.view(n_copies, -1, self.groups, n_tokens, width).permute(1, 2, 0, 3, 4)
        folded = folded.reshape(1, self.key.shape[1], -1, width)
        assert _FLASH_WITH_LSE is not None
        shared, shared_lse = _FLASH_WITH_LSE(
            folded, keys, values, 0.0, False, attn_mask=hidden, scale=self.scale
        )
        own, own_lse = _FLASH_WITH_LSE(
            self.query,
            self.key.repeat_interleave(self.groups, 1),
            self.value.repeat_interleave(self.groups, 1),
            0.0,
            True,
            scale=self.scale,
        )
        shared = shared.reshape(*heads, width).permute(2, 0, 1, 3, 4).reshape(own.shape)
        shared_lse = shared_lse.reshape(heads).permute(2, 0, 1, 3).reshape(own.shape[:3])
        share = torch.sigmoid(shared_lse - own_lse.reshape(own.shape[:3]))[..., None].to(own.dtype)
        return torch.lerp(own, shared, share)

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
    configs = {id(part.config): part.config for part in model.modules() if hasattr(part, "config")}
    before = {key: config._attn_implementation_internal for key, config in configs.items()}
    try:
        for config in configs.values():
            config._attn_implementation_internal = name
        yield
    finally:
        for key, config in configs.items():
            config._attn_implementation_internal = before[key]


def has_interface(model: Any) -> bool:
    """Whether every layer of the model attends through the common interface, causally."""
    config = model.config.get_text_config()
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    return (
        bool(getattr(type(model), "_supports_attention_backend", False))
        and not model.config.is_encoder_decoder
        and kinds <= {"full_attention", "sliding_attention"}
        and not hasattr(config, "attention_chunk_size")
    )


def check_probe(model: Any) -> None:
    """Compare readings through the interface with the model's own eager attention.

    A few tokens are read, then again with some of them deleted, then with some of them hidden
    from the last ones. What differs by more than rounding is a ProbeError: better no number than
    a wrong one.
    """
    window = getattr(model.config.get_text_config(), "sliding_window", None)
    n = min(_CHECKED_TOKENS, window or _CHECKED_TOKENS)
    cut, end = slice(n // 4, n // 2), 2 * n // 3
    n_words = model.get_input_embeddings().num_embeddings
    ids = torch.randperm(n_words, generator=torch.Generator().manual_seed(0))[:n].to(model.device)
    places, memory = torch.arange(n, device=model.device), Memory()
    deleted = torch.cat([ids[: cut.start], ids[cut.stop :]])
    seen = torch.ones(1, end, dtype=torch.bool, device=model.device)
    seen[:, cut] = False
    below = _below(n, model.device).clone()
    below[end:, cut] = False
    kept = places[: len(deleted)]
    with torch.inference_mode():
        found = [
            _logits(model, ids, places, Recording(memory)),
            _logits(
                model,
                deleted[cut.start :],
                kept[cut.start :],
                Copies(memory, seen[:, : cut.start], kept[None, cut.start :]),
            ),
            _logits(model, ids[end:], places[end:], Copies(memory, seen, places[None, end:])),
        ]
        wanted = [
            _eager(model, ids, _below(n, model.device)),
            _eager(model, deleted, _below(len(deleted), model.device)),
            _eager(model, ids, below),
        ]
    for reading, own in zip(found, wanted, strict=True):
        if not torch.isfinite(own).all():
            raise ModelReplyError(f"{type(model).__name__} gives logits that are not finite")
        error = float((reading - own[-len(reading) :]).abs().mean() / own.std().clamp_min(1e-6))
        if not error < _TOLERANCE[model.dtype]:
            raise ProbeError(
                f"{type(model).__name__} cannot be read through the attention interface: its "
                f"logits differ from those of eager attention by {error:.2g} of their spread"
            )


def _logits(
    model: Any, ids: "torch.Tensor", positions: "torch.Tensor", probe: Recording | Copies
) -> "torch.Tensor":
    with probing(model, probe):
        output = model(input_ids=ids[None], position_ids=positions[None], use_cache=False)
    logits: torch.Tensor = output.logits[0].float()
    return logits


def _eager(model: Any, ids: "torch.Tensor", may_see: "torch.Tensor") -> "torch.Tensor":
    lowest = torch.finfo(model.dtype).min
    mask = torch.zeros(may_see.shape, dtype=model.dtype, device=ids.device)
    with _implementation(model, "eager"):
        output = model(
            input_ids=ids[None],
            attention_mask=mask.masked_fill(~may_see, lowest)[None, None],
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
        raise ProbeError(f"{type(module).__name__} attends with {odd or 'a mask of its own'}")
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    call = _Call(query, key, value, scale, softcap, sliding_window)
    return probe.attend(module.layer_idx, call).transpose(1, 2).contiguous(), None


AttentionInterface.register(NAME, _attention)
