"""What is seen of heads, branches and residual, against hooks on plain eager models."""

from typing import Any

import numpy as np
import pytest

from ragattr.errors import ModelReplyError, ProbeError
from ragattr.metrics.divergence import jensen_shannon
from ragattr.models import streams
from ragattr.types import FloatArray
from tests.small import ARCHITECTURES, random_model

pytestmark = pytest.mark.model

IDS, OTHER, ROWS = list(range(5, 17)), [5, 6, 7, 40, 41, 42, *range(11, 17)], 4


def _plain(model: Any, ids: list[int]) -> tuple[Any, dict[str, Any]]:
    """The hidden states of an eager pass, and what went into each module."""
    import torch

    came: dict[str, Any] = {}
    hooks = [
        part.register_forward_hook(
            lambda _, inputs, __, path=path: came.update({path: inputs and inputs[0]})
        )
        for path, part in model.named_modules()
    ]
    with torch.no_grad():
        output = model(torch.tensor([ids]), output_hidden_states=True)
    for hook in hooks:
        hook.remove()
    return output, came


def _says(model: Any, states: Any) -> FloatArray:
    """[..., vocab], probabilities: what a Llama says of states, written out."""
    import torch

    norm = model.model.norm
    scaled = states / (states.square().mean(-1, keepdim=True) + norm.variance_epsilon).sqrt()
    logits = (scaled * norm.weight) @ model.lm_head.weight.T
    return torch.softmax(logits, -1).detach().double().numpy()


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_what_the_branches_add_is_the_residual_of_the_models_own_pass(name: str) -> None:
    model = random_model(name)
    found, (own, _) = streams.read_streams(model, IDS, ROWS), _plain(model, IDS)
    for layer in (0, 1):
        assert found.residual[layer] == pytest.approx(own.hidden_states[layer][0, -ROWS:], abs=1e-5)
        added = found.residual[layer] + found.attention[layer] + found.mlps[layer]
        assert added == pytest.approx(found.residual[layer + 1], abs=1e-5)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_lens_turns_the_last_residual_into_the_models_logits(name: str) -> None:
    model = random_model(name)
    found, (own, _) = streams.read_streams(model, IDS, ROWS), _plain(model, IDS)
    logits = streams.Lens(model, found).logits(found.residual[-1])
    assert logits == pytest.approx(own.logits[0, -ROWS:], abs=1e-4)


@pytest.mark.parametrize("name", ["Llama", "NeoX", "GPT2"])
def test_heads_add_up_to_what_attention_adds(name: str) -> None:
    model = random_model(name)
    found, layer = streams.read_streams(model, IDS, ROWS), streams.layers_of(model)[1]
    total = streams._projected(layer.projection, found.heads[1]).sum(0)
    bias = 0.0 if layer.projection.bias is None else layer.projection.bias
    assert (total + bias).detach() == pytest.approx(found.attention[1], abs=1e-5)


def test_divergences_are_those_of_each_heads_slice_behind_its_rows_of_the_projection() -> None:
    model = random_model()
    both = [streams.read_streams(model, ids, ROWS) for ids in (IDS, OTHER)]
    heads, mlps = streams.divergences(model, *both)
    came = [
        _plain(model, ids)[1]["model.layers.1.self_attn.o_proj"][0, -ROWS:] for ids in (IDS, OTHER)
    ]
    weight = model.model.layers[1].self_attn.o_proj.weight
    for head in range(4):
        at = slice(8 * head, 8 * head + 8)
        p, q = (_says(model, states[:, at] @ weight[:, at].T) for states in came)
        assert heads[1, head] == pytest.approx(jensen_shannon(p, q).sum(), abs=1e-5)
    p, q = (_says(model, each.mlps[0]) for each in both)
    assert mlps[0] == pytest.approx(jensen_shannon(p, q).sum(), abs=1e-5)


def test_gains_are_cosines_of_the_likeliest_words_vectors_with_the_true_ones() -> None:
    model, reply = random_model(), [20, 21, 22, 23]
    found = streams.read_streams(model, IDS, ROWS)
    attention, mlp = streams.gains(model, found, reply)
    words = model.lm_head.weight.detach().double().numpy()
    unit = words / np.linalg.norm(words, axis=1, keepdims=True)

    def near(states: Any) -> float:
        return float((unit[_says(model, states).argmax(-1)] * unit[reply]).sum(1).mean())

    pre, mid, post = found.residual[1], found.residual[1] + found.attention[1], found.residual[2]
    assert attention[1] == pytest.approx(near(mid) - near(pre), abs=1e-5)
    assert mlp[1] == pytest.approx(near(post) - near(mid), abs=1e-5)


def test_a_model_that_scales_its_branches_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers.models.llama.modeling_llama import LlamaDecoderLayer

    plain = LlamaDecoderLayer.forward
    monkeypatch.setattr(LlamaDecoderLayer, "forward", lambda *a, **k: 0.5 * plain(*a, **k))
    with pytest.raises(ProbeError, match="do not add up to the residual"):
        streams.read_streams(random_model(), IDS, ROWS)


def test_logits_that_the_lens_does_not_give_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    model = random_model("Gemma2")
    found = streams.read_streams(model, IDS, ROWS)
    monkeypatch.setattr(model.config, "final_logit_softcapping", None)
    with pytest.raises(ProbeError, match="logit lens"):
        streams.Lens(model, found)


def test_states_that_overflow_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    model = random_model()
    down = model.model.layers[0].mlp.down_proj
    monkeypatch.setattr(down, "forward", lambda states: states[..., :32] * float("inf"))
    with pytest.raises(ModelReplyError, match="not finite"):
        streams.read_streams(model, IDS, ROWS)
