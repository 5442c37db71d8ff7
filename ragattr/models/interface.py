"""Which models attend through the common interface, found out by asking them."""

from dataclasses import dataclass
from typing import Any

from ragattr.errors import MissingExtra, ModelReplyError, ProbeError
from ragattr.models.attend import below
from ragattr.models.probe import (
    Copies,
    Memory,
    OtherAttention,
    Recording,
    Rotary,
    Run,
    implementation,
    probing,
)

try:
    import torch
except ImportError as error:
    raise MissingExtra("local") from error

_CHECKED_TOKENS, _CHECKED_AT_LEAST, _CHECKED_TURN = 24, 8, 7
# Mean error of the logits over their spread: what rounding may do. bfloat16 was seen to do 0.04 on
# the embedded model, where a mask that is off does 0.3.
_TOLERANCE = {torch.float32: 1e-3, torch.float64: 1e-6, torch.bfloat16: 0.1, torch.float16: 0.03}


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
    except OtherAttention:
        return None


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
    hiding = below(n, model.device).clone()
    hiding[end:, cut] = False
    before, behind = Run(0, cut.start), Run(cut.stop, end)
    kept = places[: len(deleted)]
    recording = Recording(memory)
    with torch.inference_mode():
        found = [
            _logits(model, ids, places, recording),
            _logits(
                model,
                deleted[cut.start :],
                kept[cut.start :],
                Copies(memory, [[before]], kept[None, cut.start :]),
            ),
            _logits(
                model,
                ids[end:],
                places[end:],
                Copies(memory, [[before, behind]], places[None, end:]),
            ),
        ]
        wanted = [
            _eager(model, ids),
            _eager(model, deleted),
            _eager(model, ids, hiding),
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
    if len(found) != 1 or 2 * len(found[0]) > memory.calls[0].key.shape[-1]:
        return None
    rotary, elsewhere = Rotary(found[0]), Memory()
    further = torch.arange(len(ids), device=ids.device) + _CHECKED_TURN
    _logits(model, ids, further, Recording(elsewhere))
    for layer, call in memory.calls.items():
        turned = rotary.turn(call.key, _CHECKED_TURN)
        error = (turned - elsewhere.calls[layer].key).abs().mean()
        if not error < _TOLERANCE[model.dtype] * call.key.float().std():
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
    with implementation(model, "eager"):
        output = model(
            input_ids=ids[None],
            attention_mask=mask,
            position_ids=torch.arange(len(ids), device=ids.device)[None],
            use_cache=False,
        )
    logits: torch.Tensor = output.logits[0].float()
    return logits
