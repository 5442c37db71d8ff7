"""Heads that are replaced, scaled, turned: against hooks on plain models, and true patching."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ragattr.errors import ConfigError, ModelReplyError, ProbeError
from ragattr.models import patching
from ragattr.models.patching import (
    Head,
    Reweighed,
    Scaled,
    Traced,
    check_heads,
    differences,
    estimate,
    last_looks,
    patch,
    write,
)
from ragattr.models.probe import implementation
from ragattr.types import FloatArray
from tests.small import ARCHITECTURES, random_model

pytestmark = pytest.mark.model

IDS, OTHER = list(range(5, 17)), [5, 6, 7, 40, 41, 42, *range(11, 17)]
ANSWERS, HEADS = (20, 30), [Head(layer, head) for layer in (0, 1) for head in range(4)]
PLACES = {"NeoX": "gpt_neox.layers.{}.attention.dense", "GPT2": "transformer.h.{}.attn.c_proj"}
KINDS = ["Llama", "Gemma2", "NeoX", "GPT2"]


@contextmanager
def _hooked(model: Any, name: str, head: Head, change: Callable[[Any], None]) -> Iterator[None]:
    """What goes into the output projection [copies, tokens, heads, width], changed in one head."""
    path = PLACES.get(name, "model.layers.{}.self_attn.o_proj").format(head.layer)

    def hook(_: Any, inputs: Any) -> Any:
        states = inputs[0].clone()
        change(states.view(*states.shape[:2], 4, -1)[:, :, head.head])
        return (states,)

    handle = model.get_submodule(path).register_forward_pre_hook(hook)
    try:
        yield
    finally:
        handle.remove()


def _difference(model: Any, ids: list[int]) -> float:
    import torch

    with implementation(model, "eager"), torch.no_grad():
        logits = model(torch.tensor([ids]), use_cache=False).logits[0, -1]
    return float(logits[ANSWERS[0]] - logits[ANSWERS[1]])


def _probed(model: Any, probe: Any) -> float:
    import torch

    with torch.no_grad():
        return float(differences(model, [IDS], [ANSWERS], probe)[0])


def _loss(model: Any, name: str, head: Head, share: float = 1.0) -> float:
    """What the difference loses when a part of the other run's output comes in, by hooks."""
    kept: list[Any] = []
    with _hooked(model, name, head, lambda states: kept.append(states[0, -1].clone())):
        _difference(model, OTHER)

    def mix(states: Any) -> None:
        states[0, -1] += share * (kept[0] - states[0, -1])

    before = _difference(model, IDS)
    with _hooked(model, name, head, mix):
        return before - _difference(model, IDS)


# Patching and its estimates


@pytest.mark.parametrize("name", KINDS)
def test_a_patch_is_that_of_a_hook_in_front_of_the_output_projection(name: str) -> None:
    model = random_model(name)
    expected = [_loss(model, name, head) for head in HEADS]
    assert np.abs(expected).max() > 0.1
    assert patch(model, IDS, OTHER, ANSWERS, HEADS) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("name", KINDS)
def test_atp_is_the_slope_of_a_patch_that_comes_in_little_by_little(name: str) -> None:
    model = random_model(name)
    steps = [(_loss(model, name, h, 5e-3), _loss(model, name, h, -5e-3)) for h in HEADS]
    expected = [(ahead - back) / 1e-2 for ahead, back in steps]
    found = estimate(model, [IDS, OTHER], [OTHER, IDS], [ANSWERS, ANSWERS])
    assert found.plain[0].ravel() == pytest.approx(expected, abs=0.01)


def test_estimates_of_a_batch_are_those_of_each_probe_alone() -> None:
    pairs, model = [(IDS, OTHER), (OTHER, IDS)], random_model()
    both = estimate(model, *map(list, zip(*pairs, strict=True)), [ANSWERS, ANSWERS])
    for i, (clean, corrupted) in enumerate(pairs):
        alone = estimate(model, [clean], [corrupted], [ANSWERS])
        for name in ("plain", "output", "query", "key"):
            assert getattr(alone, name)[0] == pytest.approx(getattr(both, name)[i], abs=1e-5)


def test_grad_drop_leaves_each_layer_out_in_turn() -> None:
    model, n = random_model(), 2
    found = estimate(model, [IDS], [OTHER], [ANSWERS])
    direct = _without_layer(model, 1)  # layer 0 when layer 1 passes no gradient
    expected = [np.abs(direct), np.abs(found.plain[0, 1])]  # each layer is left out once itself
    assert found.output[0] == pytest.approx(np.array(expected) / (n - 1), abs=1e-4)


def _without_layer(model: Any, layer: int) -> FloatArray:
    """[heads] of layer 0: AtP where a layer's own part of the residual has no gradient."""
    import torch

    traced, other = Traced(), Traced()
    handle = model.model.layers[layer].register_forward_hook(
        lambda _, inputs, output: inputs[0] + (output - inputs[0]).detach()
    )
    with torch.no_grad():
        differences(model, [OTHER], [ANSWERS], other)
    total = differences(model, [IDS], [ANSWERS], traced).sum()
    handle.remove()
    (slope,) = torch.autograd.grad(total, traced.outputs[0])
    lost = traced.outputs[0][0, -1] - other.outputs[0][0, -1]
    found: FloatArray = (lost * slope[0, -1]).sum(-1).detach().double().numpy()
    return found


def test_a_query_that_saturates_is_told_by_the_qk_fix_and_not_by_its_gradient() -> None:
    import torch

    from ragattr.models.attend import Call

    torch.manual_seed(0)
    query, other, key, value = (torch.randn(1, 1, n, 4) for n in (1, 1, 6, 6))
    call = Call(query * 8, key * 8, value, 1.0, None, None)
    moved = replace(call, query=other * 8)
    clean, corrupted = Traced({0: call}), Traced({0: moved})
    for traced in (clean, corrupted):
        traced.outputs[0] = patching._moved(traced.calls[0], patching._weights(traced.calls[0]))[
            None, None
        ]
    output, by_query, _ = patching._losses(clean, corrupted, 0)
    assert output.abs().max() > 0.1
    assert by_query == pytest.approx(output, abs=1e-5)  # the query alone is what differs


def test_another_last_token_moves_queries_and_an_unchanged_text_moves_nothing() -> None:
    found = estimate(random_model(), [IDS], [[*IDS[:-1], 50]], [ANSWERS])
    assert found.query[0, 0].max() > 1e-3
    same = estimate(random_model(), [IDS], [IDS], [ANSWERS])
    assert not any(getattr(same, name).any() for name in ("plain", "output", "query", "key"))


# Steering


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("own", ["sdpa", "eager"])
def test_factor_1_writes_what_the_model_writes(name: str, own: str) -> None:
    import torch
    from transformers import GenerationConfig

    model, config = random_model(name), GenerationConfig(max_new_tokens=6, pad_token_id=0)
    ids = torch.tensor([IDS, OTHER])
    if name == "Gemma2" and own == "sdpa":
        pytest.skip("its soft cap is only in eager attention")
    with implementation(model, own):
        expected = model.generate(
            ids, attention_mask=torch.ones_like(ids), generation_config=config, do_sample=False
        )[:, len(IDS) :]
    assert write(model, [IDS, OTHER], Scaled(HEADS, 1.0), n_tokens=6) == expected.tolist()
    turned = Reweighed(HEADS, [[1, 2], [0]], 1.0)
    assert write(model, [IDS, OTHER], turned, n_tokens=6) == expected.tolist()


def test_a_window_whose_cache_forgot_the_chosen_positions_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = random_model("Gemma2")
    monkeypatch.setattr(model.config, "sliding_window", 8)
    for layer in model.model.layers:
        monkeypatch.setattr(layer.self_attn, "sliding_window", 8)
    with pytest.raises(ProbeError, match="forgot"):
        write(model, [IDS], Reweighed(HEADS, [[1]], 2.0), n_tokens=3)


@pytest.mark.parametrize("name", KINDS)
def test_a_cache_changes_nothing_of_what_is_written_under_steering(name: str) -> None:
    model, probe = random_model(name), Scaled([Head(0, 1), Head(1, 2)], 3.0)
    ids = list(IDS)
    for _ in range(6):
        ids += write(model, [ids], probe, n_tokens=1)[0]
    assert write(model, [IDS], probe, n_tokens=6) == [ids[len(IDS) :]]


@pytest.mark.parametrize("name", KINDS)
def test_scaling_is_that_of_a_hook_in_front_of_the_output_projection(name: str) -> None:
    model, head = random_model(name), Head(1, 2)
    with _hooked(model, name, head, lambda states: states.mul_(3.0)):
        expected = _difference(model, IDS)
    assert abs(expected - _difference(model, IDS)) > 0.01
    assert _probed(model, Scaled([head], 3.0)) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("renormalise", [False, True])
def test_weights_are_multiplied_behind_the_softmax(renormalise: bool) -> None:
    import torch

    model, head = random_model(), Head(1, 2)
    weights = torch.tensor(last_looks(model, IDS)[head], dtype=torch.float32)
    weights[[3, 4]] *= 5
    weights = weights / weights.sum() if renormalise else weights
    came: list[Any] = []
    norm = model.model.layers[1].input_layernorm
    handle = norm.register_forward_hook(lambda _, __, output: came.append(output))
    _difference(model, IDS)
    handle.remove()
    value = model.model.layers[1].self_attn.v_proj(came[0])[0].view(len(IDS), 2, 8)[:, 1]

    def turn(states: Any) -> None:
        states[0, -1] = (weights @ value).detach()

    with _hooked(model, "Llama", head, turn):
        expected = _difference(model, IDS)
    found = _probed(model, Reweighed([head], [[3, 4]], 5.0, renormalise))
    assert found == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("name", KINDS)
def test_last_looks_are_the_last_row_of_eager_attention(name: str) -> None:
    import torch

    model = random_model(name)
    with implementation(model, "eager"), torch.no_grad():
        own = model(torch.tensor([IDS]), output_attentions=True).attentions
    expected = torch.stack(own)[:, 0, :, -1].numpy()
    assert last_looks(model, IDS) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("head", [Head(2, 0), Head(0, 4), Head(-1, 0), Head(0, -1)])
def test_a_head_that_is_not_there_is_refused(head: Head) -> None:
    with pytest.raises(ConfigError, match="layers go from 0 to 1, heads from 0 to 3"):
        check_heads(random_model(), [Head(0, 0), head])


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_numbers_that_overflow_are_refused(monkeypatch: pytest.MonkeyPatch, value: float) -> None:
    model = random_model()
    down = model.model.layers[1].mlp.down_proj
    monkeypatch.setattr(down, "forward", lambda states: states[..., :32] * value)
    with pytest.raises(ModelReplyError, match="not finite"):
        patch(model, IDS, OTHER, ANSWERS, HEADS)
    with pytest.raises(ModelReplyError, match="not finite"):
        write(model, [IDS], Scaled(HEADS, 2.0), n_tokens=2)
