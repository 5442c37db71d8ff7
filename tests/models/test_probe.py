"""The attention interface: which models are refused, and that none is changed by being read."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ragattr.errors import ModelReplyError, ProbeError
from ragattr.models import attend, embedded, probe
from ragattr.models.hf import HFModel
from ragattr.models.protocols import Reply
from ragattr.prompt import Chat
from ragattr.types import FloatArray, Span

pytestmark = pytest.mark.model

TEXT = "The tower was completed in 1889. It is made of iron. Bees make honey all year."
PLACE = Span(0, len(TEXT))
MESSAGE = {"role": "user", "content": f"{TEXT} When was the tower completed?"}
CHAT = Chat((MESSAGE,), (PLACE,), (PLACE,))
REMOVALS = [(Span(0, 32),), (Span(33, 52), Span(58, 70)), (PLACE,), ()]
REPLY = Reply("In 1889 it was iron.")
MOE = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16}
LATENT = {"q_lora_rank": 16, "kv_lora_rank": 16, "qk_rope_head_dim": 8, "qk_nope_head_dim": 8,
          "v_head_dim": 8, "num_key_value_heads": 4, "first_k_dense_replace": 2}  # fmt: skip


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return embedded.language_model().tokenizer


@pytest.fixture
def build(tokenizer: Any) -> Callable[..., Any]:
    """Two random layers of an architecture, their weights large enough to matter."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    def make(kind: str = "llama", *, dtype: str = "float32", **fields: object) -> Any:
        sizes = {
            "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
            "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 256,
            "vocab_size": len(tokenizer),
        }  # fmt: skip
        config = AutoConfig.for_model(kind, **{**sizes, **fields})
        model = AutoModelForCausalLM.from_config(config, dtype=getattr(torch, dtype)).eval()
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for weight in model.parameters():
                if weight.dim() > 1:
                    weight.copy_(0.3 * torch.randn(weight.shape, generator=generator))
        return model

    return make


def _logits(model: Any) -> FloatArray:
    import torch

    with torch.no_grad():
        return model(input_ids=torch.arange(5, 65)[None]).logits[0].float().numpy()


def _jsd(model: HFModel) -> FloatArray:
    read = model.read(CHAT, REPLY)
    return np.stack([read.delete(REMOVALS).jsd, read.knock_out(REMOVALS).jsd])


# Blocks of rows


@pytest.mark.parametrize("kind", ["llama", "gpt2", "mistral"])
def test_attention_that_is_cut_into_blocks_of_rows_gives_the_same(
    build: Callable[..., Any], tokenizer: Any, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = {"sliding_window": 16} if kind == "mistral" else {}
    model = HFModel.wrap(build(kind, **window), tokenizer)
    whole = _jsd(model)
    monkeypatch.setattr(attend, "_SCORES_ON_CPU", 0)
    monkeypatch.setattr(attend, "_ROWS_AT_LEAST", 7)
    assert whole.max() > 0.01
    assert _jsd(model) == pytest.approx(whole, abs=1e-5)


# Who is refused


def test_an_attention_that_ignores_what_is_hidden_is_refused(
    build: Callable[..., Any], tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = attend.Call.causal
    monkeypatch.setattr(
        attend.Call, "causal", lambda call, copy, positions, before=(): plain(call, copy, positions)
    )
    with pytest.raises(ProbeError, match="LlamaForCausalLM cannot be read"):
        HFModel.wrap(build(), tokenizer)


def test_an_attention_that_sees_what_comes_later_is_refused(
    build: Callable[..., Any], tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    monkeypatch.setattr(attend, "below", lambda n, device: torch.ones(n, n, dtype=torch.bool))
    with pytest.raises(ProbeError, match="cannot be read"):
        HFModel.wrap(build(), tokenizer)


def test_a_model_whose_own_attention_adds_a_bias_is_refused(
    build: Callable[..., Any], tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch
    from transformers.models.llama import modeling_llama

    plain = modeling_llama.eager_attention_forward

    def biased(module: Any, query: Any, key: Any, value: Any, mask: Any, **others: Any) -> Any:
        far = torch.arange(key.shape[2]) - torch.arange(query.shape[2])[:, None]
        return plain(module, query, key, value, mask + 0.3 * far, **others)

    monkeypatch.setattr(modeling_llama, "eager_attention_forward", biased)
    with pytest.raises(ProbeError, match="differ from those of eager attention"):
        HFModel.wrap(build(), tokenizer)


def test_a_model_with_attention_sinks_has_no_interface(
    build: Callable[..., Any], tokenizer: Any
) -> None:
    sinks = build("gpt_oss", head_dim=8, num_local_experts=4, num_experts_per_tok=2,
                  layer_types=["full_attention", "full_attention"])  # fmt: skip
    assert HFModel.wrap(sinks, tokenizer).interface is None


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_model_whose_logits_are_not_finite_is_refused_at_load(
    build: Callable[..., Any], tokenizer: Any, value: float
) -> None:
    import torch

    broken = build()
    with torch.no_grad():
        broken.lm_head.weight[5, 0] = value
    with pytest.raises(ModelReplyError, match="LlamaForCausalLM gives logits that are not finite"):
        HFModel.wrap(broken, tokenizer)


def test_the_function_works_only_while_probing(build: Callable[..., Any]) -> None:
    model = build()
    model.set_attn_implementation(probe.NAME)
    with pytest.raises(ProbeError, match="only inside `probing`"):
        _logits(model)


# A user's model stays the user's


@pytest.mark.parametrize("own", ["sdpa", "eager"])
def test_the_models_own_attention_is_put_back(
    build: Callable[..., Any], tokenizer: Any, own: str
) -> None:
    model = build()
    model.set_attn_implementation(own)
    _jsd(HFModel.wrap(model, tokenizer))
    found = {
        part.config._attn_implementation for part in model.modules() if hasattr(part, "config")
    }
    assert found == {own}


def test_the_models_own_attention_is_put_back_after_an_exception(
    build: Callable[..., Any], tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, before = build(), _logits(build())
    read = HFModel.wrap(model, tokenizer).read(CHAT, REPLY)
    monkeypatch.setattr(probe.Copies, "attend", lambda self, layer, call: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        read.delete(REMOVALS)
    assert model.config._attn_implementation == "sdpa"
    assert np.array_equal(_logits(model), before)


def test_the_models_own_attention_is_put_back_when_it_is_refused(
    build: Callable[..., Any], tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, before = build(), _logits(build())
    plain = attend.Call.causal
    monkeypatch.setattr(
        attend.Call, "causal", lambda call, copy, positions, before=(): plain(call, copy, positions)
    )
    with pytest.raises(ProbeError):
        HFModel.wrap(model, tokenizer)
    assert np.array_equal(_logits(model), before)


@pytest.mark.parametrize("kind", ["llama", "gemma2", "gpt2"])
def test_a_wrapped_model_gives_the_very_same_logits_as_before(
    build: Callable[..., Any], tokenizer: Any, kind: str
) -> None:
    model = build(kind)
    before, weights = _logits(model), copy.deepcopy(model.state_dict())
    _jsd(HFModel.wrap(model, tokenizer))
    assert np.array_equal(_logits(model), before)
    assert all(bool((weights[name] == value).all()) for name, value in model.state_dict().items())


@pytest.mark.parametrize("dtype", ["bfloat16", "float64"])
def test_other_precisions_are_read(build: Callable[..., Any], tokenizer: Any, dtype: str) -> None:
    exact = _jsd(HFModel.wrap(build(), tokenizer))
    found = _jsd(HFModel.wrap(build(dtype=dtype), tokenizer))
    assert np.abs(found - exact).mean() < {"bfloat16": 0.05, "float64": 1e-4}[dtype]


# Bugs


def test_half_precision_on_the_cpu_is_read(build: Callable[..., Any], tokenizer: Any) -> None:
    model = HFModel.wrap(build(dtype="float16"), tokenizer)
    assert model.card.dtype == "float16"
    assert model.interface is not None


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("qwen2_moe", {"use_sliding_window": True, "max_window_layers": 2, **MOE}),
        ("phimoe", {"num_local_experts": 4}),
    ],
)
def test_a_window_that_stands_in_the_models_mask_alone_is_kept_or_refused(
    build: Callable[..., Any], tokenizer: Any, kind: str, fields: dict[str, Any]
) -> None:
    own = build(kind, sliding_window=8, **fields)
    try:
        read = HFModel.wrap(own, tokenizer).read(CHAT, REPLY)
    except ProbeError:
        return
    prompted, ids = read._prompted, read._reply_ids
    expected = _logprobs(own, prompted.ids, ids)
    assert read.logprobs == pytest.approx(expected, abs=1e-3)


def test_keys_wider_than_values_are_read_or_refused(
    build: Callable[..., Any], tokenizer: Any
) -> None:
    own = build("deepseek_v3", **LATENT)
    try:
        found = HFModel.wrap(own, tokenizer).read(CHAT, REPLY).delete(REMOVALS)
    except ProbeError:
        return
    assert found.jsd.max() > 0.01


def _logprobs(own: Any, prompt: list[int], reply: list[int]) -> FloatArray:
    import torch

    with torch.no_grad():
        rows = own(torch.tensor([prompt + reply[:-1]])).logits[0, -len(reply) :].double()
    return torch.log_softmax(rows, -1).gather(1, torch.tensor(reply)[:, None])[:, 0].numpy()
