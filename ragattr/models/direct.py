"""Direct logit attribution: what each head moves from each source straight into the logits."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ragattr.errors import MissingExtra, ProbeError
from ragattr.models.attend import Call
from ragattr.models.probe import Copies, Cut, probing

try:
    import torch
except ImportError as error:
    raise MissingExtra("local") from error


def direct_effects(
    model: Any,
    copies: Copies,
    ids: "torch.Tensor",
    reply_ids: "torch.Tensor",
    members: "torch.Tensor",
) -> "torch.Tensor":
    """[layers, heads, sources, rows]: contributions to each reply token's logit over the mean.

    A head's output is a sum over the tokens it reads; each part goes through the output projection,
    the residual and the final norm, whose scale is frozen at its actual value, to the unembedding
    (handbook section 22); a soft cap on the logits is taken as its slope there. Other layers'
    attention and the MLPs are not followed.

    Args:
        copies: one copy, of the rows that predict the reply; the memory keeps their queries.
        ids: [rows], the tokens of the copy.
        reply_ids: [rows], what each predicts.
        members: [columns, sources], 1 where a token of the sequence belongs to a source.
    """
    cut = Cut(copies)
    with torch.enable_grad(), _frozen(model), probing(model, cut):
        logits = (
            model(input_ids=ids[None], position_ids=copies.positions, use_cache=False)
            .logits[0]
            .float()
        )
        chosen = logits.gather(1, reply_ids[:, None]).sum() - logits.mean(dim=1).sum()
        outputs = [output for _, output in sorted(cut.outputs.items())]
        slopes = torch.autograd.grad(chosen, outputs)
    calls = [call for _, call in sorted(copies.memory.calls.items())]
    return torch.stack(
        [_by_source(call, slope[0], members) for call, slope in zip(calls, slopes, strict=True)]
    )


def _by_source(call: Call, slopes: "torch.Tensor", members: "torch.Tensor") -> "torch.Tensor":
    """[heads, sources, rows].

    Args:
        slopes: [rows, heads, value width], of the chosen logit of each row.
    """
    value, weights = call.values_by_head(), call.weights(slice(0, call.query.shape[2]))
    worth = slopes.float().transpose(0, 1) @ value.transpose(1, 2)  # [heads, rows, columns]
    return ((weights * worth[..., : weights.shape[-1]]) @ members).transpose(1, 2)


@contextmanager
def _frozen(model: Any) -> Iterator[None]:
    """Let gradients pass norms as fixed scales, and stop at what follows attention in a layer."""
    hooks = [
        *(part.register_forward_pre_hook(_detached) for part in _beside_attention(model)),
        *(part.register_forward_hook(_linear) for part in model.modules() if _is_norm(part)),
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _beside_attention(model: Any) -> list[Any]:
    """In each layer, what has weights and is neither its attention nor a norm: MLPs, experts."""
    found = [
        part
        for layer in model.modules()
        if any(hasattr(child, "layer_idx") for child in layer.children())
        for part in layer.children()
        if not (hasattr(part, "layer_idx") or _is_norm(part))
        and any(True for _ in part.parameters())
    ]
    if not found:
        raise ProbeError(f"{type(model).__name__} has layers of an unknown build")
    return found


def _is_norm(module: Any) -> bool:
    return "Norm" in type(module).__name__ and not list(module.children())


def _detached(module: Any, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(part.detach() if torch.is_tensor(part) else part for part in inputs)


def _linear(module: Any, inputs: tuple["torch.Tensor", ...], output: "torch.Tensor") -> Any:
    """The same output, as a fixed multiple of the input (centred where the norm centres).

    A norm is bias + gain * x / scale of x; nothing, a wave and a constant show which one it is.
    """
    if output.dim() > 3:  # of queries and keys: attention takes no gradient further back
        return output.detach()
    shown = torch.ones(3, output.shape[-1], dtype=output.dtype, device=output.device)
    shown[0], shown[1, 1::2] = 0.0, -1.0
    with torch.no_grad():
        bias, wave, constant = module.forward(shown).float()
    gain = (wave - bias) * shown[1].float()
    centres = (constant - bias).abs().mean() < gain.abs().mean() / 2
    came = inputs[0].float()
    passed = gain * (came - came.mean(dim=-1, keepdim=True) if centres else came)
    fixed = passed.detach()
    scale = ((output.detach().float() - bias) * fixed).sum(-1, keepdim=True)
    scale = scale / fixed.square().sum(-1, keepdim=True).clamp_min(torch.finfo(torch.float32).tiny)
    return output.detach() + (scale * (passed - fixed)).to(output.dtype)
