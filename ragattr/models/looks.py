"""What attention heads look at when they predict a reply: reduced to sources, head by head."""

from typing import Any

from ragattr.errors import MissingExtra, ProbeError
from ragattr.models.attend import Call
from ragattr.models.probe import Memory

try:
    import torch
except ImportError as error:
    raise MissingExtra("local") from error

_ROWS_AT_ONCE = 64  # [heads, rows, columns] in fp32: a small part of what one pass takes
_PROJECTIONS = ("o_proj", "c_proj", "dense", "out_proj")  # as architectures name them


def attention(memory: Memory, members: "torch.Tensor") -> "torch.Tensor":
    """[layers, heads, sources, rows]: the share of attention that each row gives to a source.

    Args:
        members: [columns, sources], fp32: 1 where a token belongs to a source; other values weigh
            its tokens.
    """
    return torch.stack([_reduced(call, members) for _, call in sorted(memory.calls.items())])


def attention_by_value(model: Any, memory: Memory, members: "torch.Tensor") -> "torch.Tensor":
    """As `attention`, each weight times the length of what the token's value adds to the residual.

    Kobayashi et al. 2020, "Attention is Not Only a Weight", section 3.2: ||A_tj v_j W_O||.
    """
    return torch.stack(
        [
            _reduced(call, members, _value_lengths(call, output_projection(model, layer)))
            for layer, call in sorted(memory.calls.items())
        ]
    )


def peaks(memory: Memory, members: "torch.Tensor", *, layer: int, head: int) -> "torch.Tensor":
    """[sources, rows]: the most attention that one head gives to a single token of a source."""
    call = memory.calls[layer]
    weights = call.weights(slice(0, call.query.shape[2]))[head]
    inside = members.bool()[: weights.shape[-1]].T
    return torch.stack([weights[:, tokens].amax(dim=1) for tokens in inside])


def output_projection(model: Any, layer: int) -> Any:
    """The module that turns the outputs of a layer's heads into what the residual gets."""
    for part in model.modules():
        if getattr(part, "layer_idx", None) == layer:
            found = [getattr(part, name) for name in _PROJECTIONS if hasattr(part, name)]
            if found:
                return found[0]
    raise ProbeError(f"{type(model).__name__} has no output projection of a known name")


def _reduced(
    call: Call, members: "torch.Tensor", lengths: "torch.Tensor | None" = None
) -> "torch.Tensor":
    """[heads, sources, rows]."""
    weighed = members if lengths is None else lengths[:, :, None] * members
    pieces = []
    for first in range(0, call.query.shape[2], _ROWS_AT_ONCE):
        weights = call.weights(slice(first, first + _ROWS_AT_ONCE))
        pieces.append((weights @ weighed[..., : weights.shape[-1], :]).transpose(1, 2))
    return torch.cat(pieces, dim=2)


def _value_lengths(call: Call, projection: Any) -> "torch.Tensor":
    """[heads, columns], how long the projection makes each head's value."""
    value = call.values_by_head()
    n_heads, _, width = value.shape
    by_head = _matrix(projection).view(n_heads, width, -1)
    lengths: torch.Tensor = torch.linalg.vector_norm(value @ by_head, dim=-1)
    return lengths


def _matrix(projection: Any) -> "torch.Tensor":
    """[inputs, outputs], fp32, of a linear module without its bias."""
    weight: torch.Tensor = projection.weight.float()
    return weight.T if isinstance(projection, torch.nn.Linear) else weight
