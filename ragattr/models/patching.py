"""Heads whose outputs are replaced, scaled or turned elsewhere, and estimates of what that does."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from ragattr.errors import ConfigError, MissingExtra, ProbeError
from ragattr.models.attend import Call
from ragattr.models.probe import Memory, Probe, Recording, probing
from ragattr.models.streams import Heard, attended, check_finite, last_norm, layers_of, numbers
from ragattr.types import FloatArray

try:
    import torch
    from transformers import GenerationConfig
except ImportError as error:
    raise MissingExtra("local") from error


Ids = Sequence[int]


class Head(NamedTuple):
    """An attention head; both numbers count from 0."""

    layer: int
    head: int

    def __str__(self) -> str:
        return f"L{self.layer}H{self.head}"


@dataclass(frozen=True, eq=False)
class Replaced:
    """Some heads give at the last rows what they gave in another run (activation patching).

    Attributes:
        heads: those of each copy.
        outputs: by layer, [rows, heads, value width], of the other run.
    """

    heads: Sequence[Sequence[Head]]
    outputs: Mapping[int, "torch.Tensor"]

    def attend(self, layer: int, call: Call) -> "torch.Tensor":
        """[copies, tokens, heads, value width]."""
        output, other = attended(call).clone(), self.outputs[layer]
        for copy, heads in enumerate(self.heads):
            for head in (h.head for h in heads if h.layer == layer):
                output[copy, -len(other) :, head] = other[:, head]
        return output


@dataclass(frozen=True, eq=False)
class Scaled:
    """Some heads' outputs are multiplied at every row; the same as scaling their values."""

    heads: Sequence[Head]
    factor: float

    def attend(self, layer: int, call: Call) -> "torch.Tensor":
        """[copies, tokens, heads, value width]."""
        output = attended(call).clone()
        output[:, :, [h.head for h in self.heads if h.layer == layer]] *= self.factor
        return output


@dataclass(frozen=True, eq=False)
class Reweighed:
    """In some heads, the last row's attention to some positions is multiplied, after the softmax.

    Attributes:
        columns: the positions, for each copy.
        renormalise: whether the weights then sum to 1 again.
    """

    heads: Sequence[Head]
    columns: Sequence[Sequence[int]]
    factor: float
    renormalise: bool = False

    def attend(self, layer: int, call: Call) -> "torch.Tensor":
        """[copies, tokens, heads, value width]."""
        output = attended(call).clone()
        chosen = [h.head for h in self.heads if h.layer == layer]
        if chosen and _forgets(call):
            raise ProbeError("a sliding window's cache forgot which positions were chosen")
        for copy, columns in enumerate(self.columns if chosen else ()):
            row = _last_row(call, copy)
            gates = torch.ones(call.key.shape[2], device=call.key.device)
            gates[list(columns)] = self.factor
            weights = _weights(row) * gates
            if self.renormalise:
                weights = weights / weights.sum(-1, keepdim=True).clamp_min(1e-12)
            moved = _moved(row, weights).to(output.dtype)
            output[copy, -1, chosen] = moved[chosen]
        return output


@dataclass(frozen=True, eq=False)
class Traced:
    """Ordinary attention; calls and outputs are kept, with what hangs on them."""

    calls: dict[int, Call] = field(default_factory=dict)
    outputs: dict[int, "torch.Tensor"] = field(default_factory=dict)

    def attend(self, layer: int, call: Call) -> "torch.Tensor":
        """[copies, tokens, heads, value width]."""
        output = attended(call)
        if torch.is_grad_enabled() and not output.requires_grad:
            output.requires_grad_()
        self.calls[layer], self.outputs[layer] = call, output
        return output


@dataclass(frozen=True, eq=False)
class Estimates:
    """What patching each head at the last row would take from a logit difference, estimated.

    All are [copies, layers, heads], in logits.

    Attributes:
        plain: AtP of the head's output, signed.
        output: AtP* of it: its size, with effects that cancel told apart (GradDrop).
        query, key: AtP* of the query, and of all keys as this row sees them: the attention is
            computed anew (QK fix), then as `output`.
    """

    plain: FloatArray
    output: FloatArray
    query: FloatArray
    key: FloatArray


def check_heads(model: Any, heads: Sequence[Head]) -> None:
    """A ConfigError when the model has no such head."""
    n_layers, n_heads = size(model)
    for head in heads:
        if not (0 <= head.layer < n_layers and 0 <= head.head < n_heads):
            raise ConfigError(
                f"no head {head}: layers go from 0 to {n_layers - 1}, heads from 0 to {n_heads - 1}"
            )


def size(model: Any) -> tuple[int, int]:
    """How many layers the model has, and how many heads in each."""
    config = model.config.get_text_config()
    return int(config.num_hidden_layers), int(config.num_attention_heads)


def differences(
    model: Any, ids: Sequence[Ids], answers: Sequence[Ids], probe: Probe
) -> "torch.Tensor":
    """[copies]: logit of the first answer over that of the second, at the last row.

    Args:
        ids: of each copy, all of one length.
        answers: of each copy, two tokens.
    """
    found, chosen = (torch.tensor(rows, device=model.device) for rows in (ids, answers))
    with probing(model, probe):
        logits = model(input_ids=found, use_cache=False, logits_to_keep=1).logits[:, -1]
    pairs: torch.Tensor = logits.float().gather(1, chosen)
    return pairs[:, 0] - pairs[:, 1]


def patch(
    model: Any, clean: Ids, corrupted: Ids, answers: Ids, heads: Sequence[Head]
) -> FloatArray:
    """[heads], logits: what the difference really loses by each head's patch at the last row."""
    check_heads(model, heads)
    other, n = Heard(n_rows=1), len(heads)
    with torch.no_grad():
        differences(model, [corrupted], [answers], other)
        outputs = {layer: output[0] for layer, output in other.outputs.items()}
        patched = Replaced([[], *([head] for head in heads)], outputs)
        found = differences(model, [clean] * (n + 1), [answers] * (n + 1), patched)
    return numbers(model, found[0] - found[1:])


def estimate(
    model: Any, clean: Sequence[Ids], corrupted: Sequence[Ids], answers: Sequence[Ids]
) -> Estimates:
    """AtP and AtP* of all heads: one backward pass, and one more for each layer that is dropped.

    Kramár et al. 2024, "AtP*", sections 3.1 (QK fix) and 3.2 (GradDrop).

    Args:
        clean, corrupted: the ids of each copy, all of one length.
        answers: of each copy, two tokens: the difference is of their logits.
    """
    other, traced, residual = Traced(), Traced(), list[torch.Tensor]()
    with torch.no_grad():
        differences(model, corrupted, answers, other)
    with torch.enable_grad(), ExitStack() as stack:
        for part in (*(layer.whole for layer in layers_of(model)), last_norm(model)):
            stack.callback(part.register_forward_pre_hook(_keeping(residual)).remove)
        total = differences(model, clean, answers, traced).sum()
    with torch.no_grad():
        moved = torch.stack([_losses(traced, other, i) for i in sorted(traced.calls)], dim=2)
    plain, *dropped = (
        numbers(model, (moved * slopes).sum(-1)) for slopes in _slopes(total, traced, residual)
    )
    sizes = np.sum(np.abs(dropped), axis=0) / max(len(dropped) - 1, 1)
    return Estimates(plain[0], *sizes)


def last_looks(model: Any, ids: Ids) -> FloatArray:
    """[layers, heads, columns]: the last row's attention over a sequence."""
    memory = Memory(n_asking=1)
    with torch.no_grad(), probing(model, Recording(memory)):
        model(input_ids=torch.tensor([ids], device=model.device), use_cache=False, logits_to_keep=1)
    calls = [call for _, call in sorted(memory.calls.items())]
    return numbers(model, torch.stack([_weights(call) for call in calls]))


def write(model: Any, ids: Sequence[Ids], probe: Probe, *, n_tokens: int) -> list[list[int]]:
    """The next tokens of each copy, all of one length, greedily, while the probe is at work."""
    prompt = torch.tensor(ids, device=model.device)
    config = GenerationConfig(
        do_sample=False,
        max_new_tokens=n_tokens,
        pad_token_id=0,
        output_logits=True,
        return_dict_in_generate=True,
    )
    with torch.inference_mode(), probing(model, probe):
        found = model.generate(
            prompt, attention_mask=torch.ones_like(prompt), generation_config=config
        )
    for logits in found.logits:
        check_finite(model, logits.amax(-1))
    new: list[list[int]] = found.sequences[:, prompt.shape[1] :].tolist()
    return new


def _keeping(kept: list["torch.Tensor"]) -> Callable[..., None]:
    def keep(_: Any, inputs: Any) -> None:
        kept.append(inputs[0])

    return keep


def _slopes(
    total: "torch.Tensor", traced: Traced, residual: Sequence["torch.Tensor"]
) -> Iterator["torch.Tensor"]:
    """[copies, layers, heads, value width], of all paths, then without each layer in turn.

    Where a layer is dropped, the gradient behind it is taken for the one before it.

    Args:
        residual: before each layer, and behind the last.
    """
    outputs = [output for _, output in sorted(traced.outputs.items())]
    n = len(outputs)
    plain = torch.autograd.grad(total, [*outputs, *residual[1:]], retain_graph=True)
    rows = [slope[:, -1].float() for slope in plain[:n]]
    yield torch.stack(rows, dim=1)
    for layer, behind in enumerate(plain[n:]):
        below = (
            torch.autograd.grad(residual[layer], outputs[:layer], behind, retain_graph=True)
            if layer
            else ()
        )
        dropped = [slope[:, -1].float() for slope in below]
        yield torch.stack([*dropped, torch.zeros_like(rows[0]), *rows[layer + 1 :]], dim=1)


def _losses(clean: Traced, corrupted: Traced, layer: int) -> "torch.Tensor":
    """[3, copies, heads, value width]: what the output loses by another output, query, or keys."""
    output = clean.outputs[layer][:, -1].float() - corrupted.outputs[layer][:, -1].float()
    lost = []
    for copy in range(len(output)):
        row, other = (_last_row(traced.calls[layer], copy) for traced in (clean, corrupted))
        asked, keyed = replace(row, query=other.query), replace(row, key=other.key)
        lost.append([_moved(row, _weights(row) - _weights(call)) for call in (asked, keyed)])
    fixed = [torch.stack(column) for column in zip(*lost, strict=True)]
    return torch.stack([output, *fixed])


def _forgets(call: Call) -> bool:
    """Whether the cache of a sliding window may have lost its first keys."""
    n_keys = call.key.shape[2]
    return call.window is not None and call.query.shape[2] < n_keys and n_keys >= call.window


def _last_row(call: Call, copy: int) -> Call:
    """One copy's call, of its last token alone."""
    one = slice(copy, copy + 1)
    query = call.query[one, :, -1:]
    return replace(call, query=query, key=call.key[one], value=call.value[one])


def _weights(row: Call) -> "torch.Tensor":
    """[heads, columns]."""
    return row.weights(slice(0, 1))[:, 0]


def _moved(row: Call, weights: "torch.Tensor") -> "torch.Tensor":
    """[heads, value width], fp32: the values under these weights [heads, columns]."""
    return torch.einsum("hc,hcw->hw", weights, row.values_by_head())
