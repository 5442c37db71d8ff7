"""What is seen inside small random models, against eager attention and sums written out."""

import copy
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pytest

from ragattr.errors import ConfigError
from ragattr.models import embedded, probe
from ragattr.models.hf import HFModel
from ragattr.models.protocols import Reply
from ragattr.prompt import Chat
from ragattr.text.sentences import sources_of
from ragattr.types import FloatArray, Passage, Span

pytestmark = pytest.mark.model

TEXT = (
    "The tower was completed in 1889. It is made of iron. Bees make honey. Rivers run to the sea."
)
PLACE = Span(6, 6 + len(TEXT))
CHAT = Chat(({"role": "user", "content": f"Read: {TEXT}\nWhen was it made?"},), (PLACE,), (PLACE,))
PROMPT = (Span(0, len(CHAT.text)),)
SOURCES = CHAT.removals(sources_of([Passage(TEXT, "a")]))  # they share out the passage
CLAIMS = [[0, 1], [2, 4, 5], [0, 1, 2, 4, 5], []]
REPLY, LONG = Reply("In 1889 it was iron."), Reply("In 1889 it was iron. " * 14)
SLIDING = {"sliding_window": 16}  # much less than the prompt has
CAPPED = {"attn_logit_softcapping": 1.0, "final_logit_softcapping": 2.0}
ARCHITECTURES: dict[str, tuple[str, dict[str, Any]]] = {
    "Llama": ("llama", {}),
    "Qwen2": ("qwen2", {"use_sliding_window": True, "max_window_layers": 1, **SLIDING}),
    "Qwen3": ("qwen3", {"head_dim": 16}),
    "Gemma2": ("gemma2", {"head_dim": 8, "query_pre_attn_scalar": 16, **CAPPED, **SLIDING}),
    "Mistral": ("mistral", SLIDING),
    "NeoX": ("gpt_neox", {"rotary_pct": 0.5}),
    "GPT2": ("gpt2", {"bos_token_id": 0, "eos_token_id": 0}),
    "Phi3": ("phi3", {"pad_token_id": 0, "sliding_window": None}),
    "Gemma3": ("gemma3_text", {"head_dim": 8, "sliding_window_pattern": 2, **SLIDING}),
    "Cohere": ("cohere", {"logit_scale": 1.0, "eos_token_id": 0}),
    "Olmo": ("olmo", {"eos_token_id": 0}),
    "Nemotron": ("nemotron", {}),
    "GraniteShared": ("granitemoeshared", {"num_local_experts": 4, "shared_intermediate_size": 48}),
}
NAMES = list(ARCHITECTURES)
PROJECTIONS = {"NeoX": "gpt_neox.layers.{}.attention.dense", "GPT2": "transformer.h.{}.attn.c_proj"}
LAST_NORMS = {"NeoX": "gpt_neox.final_layer_norm", "GPT2": "transformer.ln_f"}
CENTRED, PLUS_ONE = ("NeoX", "GPT2", "Cohere", "Olmo", "Nemotron"), ("Gemma2", "Nemotron")


@lru_cache
def _random(name: str, vocab: int, *, dtype: str = "float32", std: float = 0.3) -> Any:
    """Two random layers; norms and biases are random too."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    kind, fields = ARCHITECTURES[name]
    config = AutoConfig.for_model(
        kind, vocab_size=vocab, hidden_size=32, intermediate_size=48, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=256, **fields,
    )  # fmt: skip
    factory: Any = AutoModelForCausalLM
    model = factory.from_config(config, dtype=torch.float32).eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in model.parameters():
            noise = std * torch.randn(weight.shape, generator=generator)
            weight.copy_(noise if weight.dim() > 1 else weight + noise)
    return model.to(getattr(torch, dtype))


class Plain:
    """One eager pass in double precision over prompt and reply, and what was seen in it."""

    def __init__(self, name: str, reply: Reply = REPLY, std: float = 0.3) -> None:
        import torch
        from transformers import DynamicCache

        tokenizer = embedded.language_model().tokenizer
        self.model = HFModel.wrap(_random(name, len(tokenizer), std=std), tokenizer)
        self.name, self.own = name, copy.deepcopy(self.model.model).double()
        self.own.set_attn_implementation("eager")
        self.own.set_experts_implementation("eager")  # the other is for fp32
        self.prompted, self.reply = self.model.prompted(CHAT), self.model.reply_tokens(reply)[0]
        self.ids = torch.tensor([[*self.prompted.ids, *self.reply[:-1]]])
        self.rows = slice(len(self.prompted.ids) - 1, None)
        self.came: dict[str, Any] = {}  # [rows, hidden], what went into each norm
        for path, part in self.own.named_modules():
            if "norm" in path or "ln_f" in path:
                part.register_forward_pre_hook(
                    lambda _, inputs, path=path: self.came.update({path: inputs[0][0, self.rows]})
                )
        cache = DynamicCache()
        with torch.no_grad():
            output = self.own(self.ids, past_key_values=cache, output_attentions=True)
        self.logits = output.logits[0, self.rows]
        self.weights = torch.stack(output.attentions)[:, 0, :, self.rows]
        values = torch.cat([value for _, value, *_ in cache])
        self.values = values.repeat_interleave(4 // values.shape[1], dim=1)

    def columns(self, sources: Sequence[Sequence[Span]]) -> list[list[int]]:
        return [sorted(self.prompted.tokens_of(spans)) for spans in sources]

    def attention(self, sources: Sequence[Sequence[Span]], lengths: Any = None) -> FloatArray:
        weights = self.weights if lengths is None else self.weights * lengths[:, :, None]
        by_source = [weights[..., at].sum(-1).numpy() for at in self.columns(sources)]
        return np.stack(by_source, axis=2)

    def moved(self) -> Any:
        """[layers, heads, columns, hidden]: the value of each token behind its head's W_O."""
        import torch

        path, found = PROJECTIONS.get(self.name, "model.layers.{}.self_attn.o_proj"), []
        for layer, values in enumerate(self.values):
            part = self.own.get_submodule(path.format(layer))
            weight = part.weight.T if isinstance(part, torch.nn.Linear) else part.weight
            found += [value @ rows for value, rows in zip(values, weight.chunk(4), strict=True)]
        return torch.stack(found).detach().view(2, 4, -1, 32)

    def frozen(self, path: str, part: Any) -> Any:
        """`part` [..., rows, hidden] of what goes into a norm, at the scale of all of it."""
        norm, came = self.own.get_submodule(path), self.came[path]
        if self.name in CENTRED:
            came, part = came - came.mean(-1, keepdim=True), part - part.mean(-1, keepdim=True)
        gain = getattr(norm, "weight", np.float64(1.0)) + (self.name in PLUS_ONE)
        epsilon = getattr(norm, "eps", None) or getattr(norm, "variance_epsilon", 1e-5)
        return gain * part / (came.square().mean(-1, keepdim=True) + epsilon).sqrt()

    def direct(self, sources: Sequence[Sequence[Span]]) -> FloatArray:
        """[layers, heads, sources, rows]: each part of a head's output by U[y] - mean(U)."""
        import torch

        moved, columns = self.moved(), self.columns(sources)
        parts = torch.stack([self.weights[..., at] @ moved[:, :, at] for at in columns], dim=2)
        if self.name == "Gemma2":
            norms = [f"model.layers.{layer}.post_attention_layernorm" for layer in range(2)]
            parts = torch.stack([self.frozen(*each) for each in zip(norms, parts, strict=True)])
        parts = self.frozen(LAST_NORMS.get(self.name, "model.norm"), parts)
        words = self.own.get_output_embeddings().weight
        slopes, cap = torch.ones_like(self.logits), CAPPED["final_logit_softcapping"]
        if self.name == "Gemma2":  # what the cap leaves of a small change
            slopes = 1 - (self.logits / cap) ** 2
        chosen = slopes.gather(1, torch.tensor(self.reply)[:, None]) * words[self.reply]
        found = (parts * (chosen - slopes @ words / len(words))).sum(-1)
        return np.asarray(found.detach())

    def gated(self, gates: FloatArray) -> FloatArray:
        """[claims], log-probabilities: question and reply see each source under its gate."""
        import torch

        n, end = self.ids.shape[1], max(self.prompted.tokens_of([PLACE])) + 1
        bias, far = torch.zeros(n, n).double(), torch.arange(n)[:, None] - torch.arange(n)
        for columns, gate in zip(self.columns(SOURCES), gates, strict=True):
            bias[end:, columns] = np.log(max(gate, 1e-300))
        masks = {
            f"{kind}_attention": bias.masked_fill((far < 0) | (far >= width), -1e9)[None, None]
            for kind, width in (("full", n), ("sliding", 16))
        }
        one = masks["sliding_attention" if self.name == "Mistral" else "full_attention"]
        mask = masks if getattr(self.own.config, "layer_types", None) else one
        with torch.no_grad():
            logits = self.own(self.ids, attention_mask=mask, use_cache=False).logits[0, self.rows]
        logprobs = torch.log_softmax(logits, -1).gather(1, torch.tensor(self.reply)[:, None])
        return np.array([float(logprobs[claim].sum()) for claim in CLAIMS])


@pytest.fixture
def plain(request: pytest.FixtureRequest) -> Plain:
    return Plain(getattr(request, "param", "Llama"))


# Attention


@pytest.mark.parametrize("plain", NAMES, indirect=True)
def test_attention_is_eager_attention_summed_over_the_tokens_of_a_source(plain: Plain) -> None:
    sources = [*SOURCES, PROMPT, ()]
    found = plain.model.read(CHAT, REPLY).attention(sources)
    assert found == pytest.approx(plain.attention(sources), abs=1e-5)
    assert (found[:, :, :4].sum(axis=2) <= found[:, :, 4] + 1e-6).all()
    assert found[:, :, 4].max() <= 1 + 1e-6


@pytest.mark.parametrize("name", ["Llama", "Mistral", "GPT2", "Gemma2"])
@pytest.mark.parametrize(("reply", "n_tokens"), [(Reply("iron"), 1), (LONG, 140)])
def test_a_reply_of_one_token_and_one_of_three_chunks_of_rows_are_exact(
    name: str, reply: Reply, n_tokens: int
) -> None:
    plain = Plain(name, reply)
    read = plain.model.read(CHAT, reply)
    assert len(read.tokens) >= n_tokens
    assert read.attention(SOURCES) == pytest.approx(plain.attention(SOURCES), abs=1e-5)
    assert read.direct(SOURCES) == pytest.approx(plain.direct(SOURCES), abs=1e-4)


@pytest.mark.parametrize("plain", ["Llama", "Qwen2", "Mistral", "NeoX", "GPT2"], indirect=True)
def test_by_value_weighs_attention_by_the_length_of_the_projected_value(plain: Plain) -> None:
    expected = plain.attention(SOURCES, lengths=plain.moved().norm(dim=-1))
    found = plain.model.read(CHAT, REPLY).attention(SOURCES, by_value=True)
    assert found == pytest.approx(expected, abs=1e-5)


# Direct contributions


@pytest.mark.parametrize("plain", [*NAMES[:7], *NAMES[9:]], indirect=True)
def test_direct_is_what_a_head_moves_through_norms_of_frozen_scale(plain: Plain) -> None:
    expected = plain.direct([*SOURCES, PROMPT])
    assert np.abs(expected).max() > 0.01
    found = plain.model.read(CHAT, REPLY).direct([*SOURCES, PROMPT])
    assert found == pytest.approx(expected, abs=1e-4)


# Gradients by gates


GATED = ["Llama", "Mistral", "GPT2", "Gemma2"]


@pytest.mark.parametrize("plain", GATED, indirect=True)
def test_one_step_is_the_slope_at_the_cube_of_a_half_times_that_of_the_cube(plain: Plain) -> None:
    middle, weight = 0.5**3, 3 * 0.5**2

    def difference(step: FloatArray) -> Any:
        slope = (plain.gated(middle + step) - plain.gated(middle - step)) / step.sum() / 2
        return weight * slope

    steps = 0.01 * np.eye(4)  # of the fourth order: norms round to fp32
    expected = np.array([(4 * difference(h) - difference(2 * h)) / 3 for h in steps])
    found = plain.model.read(CHAT, REPLY).gradient(SOURCES, CLAIMS, n_steps=1)
    assert np.abs(expected).max() > 0.1
    assert found == pytest.approx(expected, abs=5e-4, rel=1e-3)


@pytest.mark.parametrize("name", GATED)
def test_gradients_of_all_sources_add_up_to_what_the_reply_loses_without_them(name: str) -> None:
    plain = Plain(name, std=0.15)  # sharper attention takes more steps
    read, lost = plain.model.read(CHAT, REPLY), plain.gated(np.ones(4)) - plain.gated(np.zeros(4))
    found = read.gradient(SOURCES, CLAIMS[:2], n_steps=64).sum(axis=0)
    assert found == pytest.approx(lost[:2], rel=0.03, abs=1e-3)
    if name == "GPT2":  # its knock-outs move nothing nearer
        drops = read.knock_out([(PLACE,)]).drops[0]
        assert [drops[claim].sum() for claim in CLAIMS] == pytest.approx(lost, abs=1e-4)


def test_gradients_of_two_claims_add_up_to_that_of_both(plain: Plain) -> None:
    read = plain.model.read(CHAT, REPLY)
    first, second, both, none = read.gradient(SOURCES, CLAIMS, n_steps=3).T
    assert first + second == pytest.approx(both, abs=1e-5)
    assert not none.any()


def test_a_source_that_reaches_past_the_context_is_gated_within_it(plain: Plain) -> None:
    sources = [(Span(40, len(CHAT.text)),), (Span(40, PLACE.end),)]
    past, within = plain.model.read(CHAT, REPLY).gradient(sources, CLAIMS, n_steps=1)
    assert past == pytest.approx(within)


# What cannot be asked


WAYS: dict[str, Any] = {
    "attention": lambda read: read.attention(SOURCES),
    "attention by value": lambda read: read.attention(SOURCES, by_value=True),
    "direct": lambda read: read.direct(SOURCES),
    "gradient": lambda read: read.gradient(SOURCES, CLAIMS, n_steps=2),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_model_without_the_interface_refuses(
    plain: Plain, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(plain.own), "_supports_attention_backend", False)
    read = HFModel.wrap(plain.model.model, plain.model.tokenizer).read(CHAT, REPLY)
    with pytest.raises(ConfigError, match="no attention interface"):
        WAYS[way](read)


def test_a_gradient_of_no_steps_is_refused(plain: Plain) -> None:
    with pytest.raises(ConfigError):
        plain.model.read(CHAT, REPLY).gradient(SOURCES, CLAIMS, n_steps=0)


# Nothing is left behind


def _state(own: Any) -> tuple[Any, ...]:
    import torch

    with torch.no_grad():
        logits = own(torch.arange(5, 65)[None]).logits.numpy().tobytes()
    hooks = [(len(part._forward_hooks), len(part._forward_pre_hooks)) for part in own.modules()]
    return logits, hooks, [(weight.grad, weight.requires_grad) for weight in own.parameters()]


def _all(read: Any) -> list[FloatArray]:
    return [way(read) for way in WAYS.values()]


@pytest.mark.parametrize("plain", ["Llama", "Gemma2", "GPT2"], indirect=True)
def test_a_model_is_the_same_after_looks_and_after_an_exception(
    plain: Plain, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, read = _state(plain.model.model), plain.model.read(CHAT, REPLY)
    _all(read)
    assert _state(plain.model.model) == before
    monkeypatch.setattr(probe.Cut, "attend", lambda self, layer, call: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        read.direct(SOURCES)
    assert _state(plain.model.model) == before


@pytest.mark.parametrize("plain", ["Llama", "Mistral", "GPT2"], indirect=True)
def test_the_order_of_questions_changes_no_answer(plain: Plain) -> None:
    first, second = plain.model.read(CHAT, REPLY), plain.model.read(CHAT, REPLY)
    deleted, found, expected = first.delete(SOURCES).jsd, _all(first), _all(second)
    assert all(np.array_equal(one, other) for one, other in zip(found, expected, strict=True))
    assert np.array_equal(second.delete(SOURCES).jsd, deleted)


def test_passes_count_a_step_back_as_two_and_attention_as_nothing(plain: Plain) -> None:
    read = plain.model.read(CHAT, REPLY)
    n_all, n_reply, passes = plain.ids.numel() + 1, len(plain.reply), [read.passes]
    for way in WAYS.values():
        way(read)
        passes.append(read.passes)
    n_behind = n_all - max(plain.prompted.tokens_of([PLACE])) - 2
    pushed = [0, 0, 3 * n_reply, 2 * (1 + 2 * len(CLAIMS)) * n_behind]
    assert np.diff(passes) * n_all == pytest.approx(pushed)


# Half precision


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("plain", ["Llama", "Gemma2", "GPT2", "NeoX"], indirect=True)
def test_half_precision_is_finite_and_near(plain: Plain, dtype: str) -> None:
    tokenizer, exact = plain.model.tokenizer, _all(plain.model.read(CHAT, REPLY))
    half = HFModel.wrap(_random(plain.name, len(tokenizer), dtype=dtype), tokenizer)
    for found, wanted in zip(_all(half.read(CHAT, REPLY)), exact, strict=True):
        assert np.isfinite(found).all()
        assert np.abs(found - wanted).mean() < 0.15 * np.abs(wanted).mean()
