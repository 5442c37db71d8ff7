"""What heads, branches and the residual hold at the rows that predict a reply, seen as words."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

from ragattr.errors import MissingExtra, ModelReplyError, ProbeError
from ragattr.models.attend import Call, Stretch
from ragattr.models.divergence import divergence
from ragattr.models.looks import output_projection
from ragattr.models.probe import probing
from ragattr.types import FloatArray

try:
    import torch
except ImportError as error:
    raise MissingExtra("local") from error

_LAST_NORMS = ("norm", "ln_f", "final_layer_norm", "final_layernorm")  # as architectures name them
_MIXERS = ("mlp", "block_sparse_moe", "feed_forward")
_ROWS_AT_ONCE = 32  # of [rows, vocab] in fp32
_TOLERANCE = {torch.float32: 1e-3, torch.float64: 1e-3}  # mean error over spread; else:
_TOLERANCE_OF_HALF = 0.1


def attended(call: Call) -> "torch.Tensor":
    """[copies, tokens, heads, value width]: ordinary attention, behind a cache as well."""
    n_before = call.key.shape[2] - call.query.shape[2]
    places = torch.arange(call.key.shape[2], device=call.key.device)
    own = replace(call, key=call.key[:, :, n_before:], value=call.value[:, :, n_before:])
    cached = zip(call.key[:, :, :n_before], call.value[:, :, :n_before], strict=True)
    return torch.stack(
        [
            own.causal(i, places[n_before:], [Stretch(*pair, places[:n_before])] * (n_before > 0))
            for i, pair in enumerate(cached)
        ]
    )


@dataclass(frozen=True, eq=False)
class Heard:
    """Ordinary attention; what the heads give at the last rows is kept.

    Attributes:
        outputs: by layer, [copies, rows, heads, value width].
    """

    n_rows: int
    outputs: dict[int, "torch.Tensor"] = field(default_factory=dict)

    def attend(self, layer: int, call: Call) -> "torch.Tensor":
        """[copies, tokens, heads, value width]."""
        output = attended(call)
        self.outputs[layer] = output[:, -self.n_rows :].detach().clone()
        return output


@dataclass(frozen=True)
class Layer:
    """The modules of one layer; the branches give what is added to the residual."""

    whole: Any
    projection: Any
    attention: Any
    mlp: Any


@dataclass(frozen=True, eq=False)
class Streams:
    """One pass, at the rows that predict a reply; each list goes by layer.

    Attributes:
        heads: [rows, heads, value width], before the output projection.
        attention, mlps: [rows, hidden], what the branch adds.
        residual: [rows, hidden], before each layer, and one more behind the last.
        last_logits: [vocab], of the last row.
    """

    heads: list["torch.Tensor"]
    attention: list["torch.Tensor"]
    mlps: list["torch.Tensor"]
    residual: list["torch.Tensor"]
    last_logits: "torch.Tensor"


def layers_of(model: Any) -> list[Layer]:
    """The model's layers, first to last."""
    names = {part: name for name, part in model.named_modules()}
    found = []
    for i in range(model.config.get_text_config().num_hidden_layers):
        projection = output_projection(model, i)
        path = names[projection].split(".")
        whole, attention = (model.get_submodule(".".join(path[:n])) for n in (-2, -1))
        mlp = _named(model, whole, _MIXERS)
        if hasattr(whole, "post_feedforward_layernorm"):  # a norm stands behind each branch
            attention, mlp = whole.post_attention_layernorm, whole.post_feedforward_layernorm
        found.append(Layer(whole, projection, attention, mlp))
    return found


def read_streams(model: Any, ids: Sequence[int], n_rows: int) -> Streams:
    """Read a sequence once and keep its last rows.

    Raises:
        ProbeError: the branches do not add up to the residual: it is built in another way.
    """
    layers, heard = layers_of(model), Heard(n_rows)
    with torch.no_grad(), probing(model, heard), ExitStack() as stack:
        attention = [stack.enter_context(_output(layer.attention, n_rows)) for layer in layers]
        mlps = [stack.enter_context(_output(layer.mlp, n_rows)) for layer in layers]
        entries = [*(layer.whole for layer in layers), last_norm(model)]
        residual = [stack.enter_context(_input(part, n_rows)) for part in entries]
        read = torch.tensor([ids], device=model.device)
        logits = model(input_ids=read, use_cache=False, logits_to_keep=1).logits[0, -1]
    streams = Streams(
        [output[0] for _, output in sorted(heard.outputs.items())],
        [kept[0] for kept in attention],
        [kept[0] for kept in mlps],
        [kept[0] for kept in residual],
        logits.float(),
    )
    _check_sums(model, streams)
    return streams


def last_norm(model: Any) -> Any:
    """The norm in front of the unembedding."""
    return _named(model, model.base_model, _LAST_NORMS)


class Lens:
    """The final norm, the unembedding and the final soft cap, in fp32, for any state (logit lens).

    Raises:
        ProbeError: it does not turn the last residual into the model's own logits.
    """

    def __init__(self, model: Any, streams: Streams) -> None:
        head = model.get_output_embeddings()
        self._norm = deepcopy(last_norm(model)).float()
        self.unembedding = head.weight.detach().float()
        self._bias = None if getattr(head, "bias", None) is None else head.bias.detach().float()
        self._cap = getattr(model.config.get_text_config(), "final_logit_softcapping", None)
        found = self.logits(streams.residual[-1][-1:])[0]
        _compare(model, found, streams.last_logits, "its logits are not those of the logit lens")

    def logits(self, states: "torch.Tensor") -> "torch.Tensor":
        """[..., vocab] of states [..., hidden]."""
        with torch.no_grad():
            normed = self._norm(states.float())
            logits = torch.nn.functional.linear(normed, self.unembedding, self._bias)
        return logits if self._cap is None else self._cap * torch.tanh(logits / self._cap)

    def divergence(self, p: "torch.Tensor", q: "torch.Tensor") -> "torch.Tensor":
        """[], nats: JSD of what states p and q [rows, hidden] say, summed over rows."""
        pieces = zip(p.split(_ROWS_AT_ONCE), q.split(_ROWS_AT_ONCE), strict=True)
        return torch.stack([self._jsd(one, other) for one, other in pieces]).sum()

    def words(self, states: "torch.Tensor") -> "torch.Tensor":
        """[rows], the likeliest token of each state."""
        return torch.cat([self.logits(part).argmax(-1) for part in states.split(_ROWS_AT_ONCE)])

    def _jsd(self, p: "torch.Tensor", q: "torch.Tensor") -> "torch.Tensor":
        log_p, log_q = self.logits(p).log_softmax(-1), self.logits(q).log_softmax(-1)
        return divergence(log_p.exp(), log_p, log_q).sum()


def divergences(model: Any, full: Streams, ablated: Streams) -> tuple[FloatArray, FloatArray]:
    """JSD of heads [layers, heads] and of MLPs [layers], nats, summed over rows (ARC-JSD, 1.2).

    A head is what it adds to the residual: its rows of the output projection, without the bias.
    """
    lens, heads, mlps = Lens(model, full), [], []
    for i, layer in enumerate(layers_of(model)):
        pair = [_projected(layer.projection, streams.heads[i]) for streams in (full, ablated)]
        heads.append(torch.stack([lens.divergence(p, q) for p, q in zip(*pair, strict=True)]))
        mlps.append(lens.divergence(full.mlps[i], ablated.mlps[i]))
    return numbers(model, torch.stack(heads)), numbers(model, torch.stack(mlps))


def gains(model: Any, streams: Streams, reply_ids: Sequence[int]) -> tuple[FloatArray, FloatArray]:
    """How much nearer attention and MLPs bring the likeliest word to the true one, [layers] each.

    Cosines of unembedding vectors, mean over rows (ARC-JSD, equations of section 1.3).
    """
    lens, attention, mlps = Lens(model, streams), [], []
    true = lens.unembedding[list(reply_ids)]
    before = streams.residual[:-1]
    for pre, added, post in zip(before, streams.attention, streams.residual[1:], strict=True):
        near = [_nearness(lens, state, true) for state in (pre, pre + added, post)]
        attention.append(near[1] - near[0])
        mlps.append(near[2] - near[1])
    return numbers(model, torch.stack(attention)), numbers(model, torch.stack(mlps))


def numbers(model: Any, values: "torch.Tensor") -> FloatArray:
    """As an array; a ModelReplyError when one of them is not finite."""
    check_finite(model, values)
    found: FloatArray = values.detach().double().cpu().numpy()
    return found


def check_finite(model: Any, values: "torch.Tensor") -> None:
    """A ModelReplyError when one of a model's numbers is infinite, or none at all."""
    if not torch.isfinite(values).all():
        raise ModelReplyError(f"{type(model).__name__} gave states that are not finite")


def _nearness(lens: Lens, states: "torch.Tensor", true: "torch.Tensor") -> "torch.Tensor":
    found = lens.unembedding[lens.words(states)]
    return torch.nn.functional.cosine_similarity(found, true, dim=-1).mean()


def _projected(projection: Any, heads: "torch.Tensor") -> "torch.Tensor":
    """[heads, rows, hidden], fp32."""
    weight = projection.weight.detach().float()
    matrix = weight.T if isinstance(projection, torch.nn.Linear) else weight
    found: torch.Tensor = heads.float().transpose(0, 1) @ matrix.view(*heads.shape[1:], -1)
    return found


def _check_sums(model: Any, streams: Streams) -> None:
    rows = zip(streams.residual, streams.attention, streams.mlps, strict=False)
    for i, (before, attention, mlp) in enumerate(rows):
        after = streams.residual[i + 1]
        problem = f"the branches of layer {i} do not add up to the residual"
        _compare(model, before + attention + mlp, after, problem)


def _compare(model: Any, found: "torch.Tensor", own: "torch.Tensor", problem: str) -> None:
    check_finite(model, own)
    error = (found.float() - own.float()).abs().mean() / own.float().std().clamp_min(1e-6)
    if not error < _TOLERANCE.get(model.dtype, _TOLERANCE_OF_HALF):
        raise ProbeError(f"{type(model).__name__}: {problem}")


def _named(model: Any, part: Any, names: tuple[str, ...]) -> Any:
    for name in names:
        if hasattr(part, name):
            return getattr(part, name)
    raise ProbeError(f"{type(model).__name__}: {type(part).__name__} has none of {names}")


@contextmanager
def _output(part: Any, n_rows: int) -> Iterator[list["torch.Tensor"]]:
    kept = list[torch.Tensor]()

    def keep(_: Any, inputs: Any, output: Any) -> None:
        state = output[0] if isinstance(output, tuple) else output
        kept.append(state[0, -n_rows:].clone())

    hook = part.register_forward_hook(keep)
    try:
        yield kept
    finally:
        hook.remove()


@contextmanager
def _input(part: Any, n_rows: int) -> Iterator[list["torch.Tensor"]]:
    kept = list[torch.Tensor]()
    hook = part.register_forward_pre_hook(
        lambda _, inputs: kept.append(inputs[0][0, -n_rows:].clone())
    )
    try:
        yield kept
    finally:
        hook.remove()
