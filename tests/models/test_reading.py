"""Readings of small random models against plain loops of separate full passes."""

import copy
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pytest

from ragattr.errors import ConfigError, ModelReplyError
from ragattr.metrics.divergence import jensen_shannon
from ragattr.models import embedded, reading
from ragattr.models.divergence import divergence
from ragattr.models.hf import HFModel
from ragattr.models.protocols import Reply
from ragattr.prompt import Chat
from ragattr.text.sentences import sources_of
from ragattr.types import FloatArray, Passage, Span

pytestmark = pytest.mark.model

PASSAGE = Passage(
    "The tower was completed in 1889. It is made of iron. Bees make honey. A hive holds a queen. "
    "Rivers run to the sea.",
    "a",
)
SOURCES = sources_of([PASSAGE])
REPLY = Reply("In 1889 it was iron, and bees")
SLIDING = {"sliding_window": 16}  # much less than the prompt has
ALTERNATING = {"sliding_window_pattern": 2, **SLIDING}
ARCHITECTURES: dict[str, tuple[str, dict[str, Any]]] = {
    "Llama": ("llama", {}),
    "Qwen2": ("qwen2", {"use_sliding_window": True, "max_window_layers": 1, **SLIDING}),
    "Qwen3": ("qwen3", {"head_dim": 16}),
    "Gemma2": ("gemma2", {"head_dim": 8, "query_pre_attn_scalar": 16, **SLIDING}),
    "Gemma3": (
        "gemma3_text",
        {"head_dim": 8, "query_pre_attn_scalar": 1, "sliding_window_pattern": 2, **SLIDING},
    ),
    "Mistral": ("mistral", SLIDING),
    "Phi3": ("phi3", {"pad_token_id": 0, "sliding_window": None}),
    "NeoX": ("gpt_neox", {"rotary_pct": 0.5}),
    "GPT2": ("gpt2", {}),
}
NAMES = list(ARCHITECTURES)


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return embedded.language_model().tokenizer


@pytest.fixture(scope="module")
def bare(tokenizer: Any) -> Any:
    """Without a chat template: the prompt is what the chat says."""
    plain = copy.deepcopy(tokenizer)
    plain.chat_template = None
    return plain


@lru_cache
def _random(name: str, vocab: int) -> Any:
    """Two random layers in fp32, their weights large enough for every token to matter."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    kind, fields = ARCHITECTURES[name]
    config = AutoConfig.for_model(
        kind, vocab_size=vocab, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=256,
        **fields,
    )  # fmt: skip
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() > 1:
                weight.normal_(std=0.3, generator=generator)
    return model


@pytest.fixture
def model(request: pytest.FixtureRequest, tokenizer: Any) -> HFModel:
    return HFModel.wrap(_random(getattr(request, "param", "Llama"), len(tokenizer)), tokenizer)


def _chat(head: str = "Read this: ") -> Chat:
    place = Span(len(head), len(head) + len(PASSAGE.text))
    text = f"{head}{PASSAGE.text}\nSay when the tower was completed."
    return Chat(({"role": "user", "content": text},), (place,), (place,))


CHAT = _chat()
SINGLES: list[tuple[Span, ...]] = CHAT.removals(SOURCES)
SETS: list[tuple[Span, ...]] = [
    (*SINGLES[0], *SINGLES[2]),
    (*SINGLES[1], *SINGLES[2], *SINGLES[4]),
    CHAT.blocks,
    (),
]


# The plain implementations


def _eager(model: HFModel) -> Any:
    own = copy.deepcopy(model.model)
    own.set_attn_implementation("eager")
    return own


def _probabilities(logits: Any, n_tokens: int) -> FloatArray:
    import torch

    return torch.softmax(logits[0, -n_tokens:].double(), -1).numpy()


def _reply_ids(model: HFModel, reply: Reply) -> list[int]:
    return list(
        reply.token_ids or model.tokenizer(reply.text, add_special_tokens=False)["input_ids"]
    )


def _by_deletion(
    model: HFModel, chat: Chat, removals: Sequence[Sequence[Span]], reply: Reply = REPLY
) -> FloatArray:
    """Full passes of the model's own eager attention over what is left."""
    import torch

    own, reply_ids, prompted = _eager(model), _reply_ids(model, reply), model.prompted(chat)

    def run(removal: Sequence[Span]) -> FloatArray:
        gone = prompted.tokens_of(removal)
        kept = [token for i, token in enumerate(prompted.ids) if i not in gone]
        with torch.no_grad():
            logits = own(input_ids=torch.tensor([kept + reply_ids[:-1]]), use_cache=False).logits
        return _probabilities(logits, len(reply_ids))

    return np.array([jensen_shannon(run(()), run(removal)) for removal in removals])


def _by_mask(
    model: HFModel, chat: Chat, removals: Sequence[Sequence[Span]], reply: Reply = REPLY
) -> FloatArray:
    """Full passes of eager attention under a mask that is written out.

    Where positions turn, what stands before hidden tokens is read once more for each distance:
    question and reply see the context nearer by as many tokens as are hidden behind it.
    """
    import torch

    own, reply_ids, prompted = _eager(model), _reply_ids(model, reply), model.prompted(chat)
    end = max(prompted.tokens_of(chat.blocks)) + 1
    turns = getattr(model.interface, "rotary", None) is not None

    def run(removal: Sequence[Span]) -> FloatArray:
        gone = prompted.tokens_of(removal)
        nearer = [sum(k > i for k in gone if k < end) if turns else 0 for i in range(end)]
        distances = sorted({nearer[i] for i in range(end) if i not in gone})
        tail = [*prompted.ids[end:], *reply_ids[:-1]]
        ids = [*prompted.ids[:end] * len(distances), *tail]
        part = torch.tensor([d for d in distances for _ in range(end)] + [-1] * len(tail))
        at = torch.tensor(
            [d + i for d in distances for i in range(end)] + [*range(end, end + len(tail))]
        )
        seen_by_tail = torch.tensor(
            [i not in gone and nearer[i] == d for d in distances for i in range(end)]
            + [True] * len(tail)
        )
        may_see = torch.where(part[:, None] == -1, seen_by_tail[None], part[:, None] == part[None])
        may_see &= torch.ones(len(ids), len(ids), dtype=torch.bool).tril()
        return _under(own, ids, at, may_see, len(reply_ids))

    return np.array([jensen_shannon(run(()), run(removal)) for removal in removals])


def _under(own: Any, ids: list[int], at: Any, may_see: Any, n_tokens: int) -> FloatArray:
    import torch

    def mask(window: int | None) -> Any:
        near = at[:, None] - at[None] < (window or len(ids))
        return torch.zeros(may_see.shape).masked_fill(~(may_see & near), -1e9)[None, None]

    window, kinds = getattr(own.config, "sliding_window", None), _layer_kinds(own)
    by_kind = {kind: mask(window if kind == "sliding_attention" else None) for kind in kinds}
    with torch.no_grad():
        logits = own(
            input_ids=torch.tensor([ids]),
            attention_mask=by_kind if kinds else mask(window),
            position_ids=at[None],
            use_cache=False,
        ).logits
    return _probabilities(logits, n_tokens)


def _layer_kinds(own: Any) -> set[str]:
    return set(getattr(own.config, "layer_types", None) or [])


# Deletion


@pytest.mark.parametrize("model", NAMES, indirect=True)
def test_deletions_equal_separate_full_passes_over_what_is_left(model: HFModel) -> None:
    removals = [*SINGLES, *SETS]
    expected = _by_deletion(model, CHAT, removals)
    assert expected[4].sum() > 0.01  # the sentence matters; others may lie beyond a window
    assert model.read(CHAT, REPLY).delete(removals).jsd == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("model", ["Llama", "Qwen2", "Mistral", "GPT2"], indirect=True)
def test_many_deletions_at_once_equal_each_on_its_own(model: HFModel) -> None:
    read, removals = model.read(CHAT, REPLY), [*SINGLES, *SETS]
    alone = np.concatenate([read.delete([removal]).jsd for removal in removals])
    assert read.delete(removals).jsd == pytest.approx(alone, abs=1e-5)


@pytest.mark.parametrize("model", ["Llama", "GPT2", "Gemma2"], indirect=True)
def test_copies_of_unequal_length_in_one_batch_do_not_touch_each_other(
    model: HFModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, removals = model.read(CHAT, REPLY), [*SINGLES, *SETS]
    alone = [read.delete([removal]) for removal in removals]
    monkeypatch.setattr(reading, "_ON_CPU", reading._Limits(100_000, 10**9, 0.95))
    together = read.delete(removals)
    assert together.jsd == pytest.approx(np.concatenate([e.jsd for e in alone]), abs=1e-5)
    assert together.drops == pytest.approx(np.concatenate([e.drops for e in alone]), abs=1e-4)


def test_drops_are_differences_of_log_probabilities(model: HFModel) -> None:
    import torch

    own, ids = _eager(model), _reply_ids(model, REPLY)
    prompted = model.prompted(CHAT)
    kept, _ = prompted.without(SINGLES[1])

    def logprobs(prompt: list[int]) -> Any:
        with torch.no_grad():
            rows = own(torch.tensor([prompt + ids[:-1]])).logits[0, -len(ids) :]
        return torch.log_softmax(rows.double(), -1).gather(1, torch.tensor(ids)[:, None])[:, 0]

    read = model.read(CHAT, REPLY)
    expected = (logprobs(prompted.ids) - logprobs(kept)).numpy()
    assert read.delete([SINGLES[1]]).drops[0] == pytest.approx(expected, abs=1e-3)
    assert read.logprobs == pytest.approx(logprobs(prompted.ids).numpy(), abs=1e-3)


# Knock-outs


@pytest.mark.parametrize("model", NAMES, indirect=True)
def test_knock_outs_equal_eager_attention_under_a_mask_that_is_written_out(
    model: HFModel,
) -> None:
    removals = [*SINGLES, *SETS]
    expected = _by_mask(model, CHAT, removals)
    assert expected[7].sum() > 0.05  # without any passage; single ones may lie beyond a window
    assert model.read(CHAT, REPLY).knock_out(removals).jsd == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("model", ["Llama", "Qwen2", "Mistral", "GPT2"], indirect=True)
def test_many_knock_outs_at_once_equal_each_on_its_own(model: HFModel) -> None:
    read, removals = model.read(CHAT, REPLY), [*SINGLES, *SETS]
    alone = np.concatenate([read.knock_out([removal]).jsd for removal in removals])
    assert read.knock_out(removals).jsd == pytest.approx(alone, abs=1e-5)


def test_order_of_removals_and_of_their_spans_changes_nothing(model: HFModel) -> None:
    read, removals = model.read(CHAT, REPLY), [*SINGLES, *SETS]
    turned = [tuple(reversed(removal)) for removal in reversed(removals)]
    for ablate in (read.delete, read.knock_out):
        assert ablate(turned).jsd[::-1] == pytest.approx(ablate(removals).jsd, abs=1e-5)


@pytest.mark.parametrize("model", ["Llama", "Gemma2", "Mistral", "GPT2"], indirect=True)
@pytest.mark.parametrize("way", ["delete", "knock_out"])
def test_removing_nothing_changes_nothing(model: HFModel, way: str) -> None:
    effects = getattr(model.read(CHAT, REPLY), way)([()])
    assert effects.jsd == pytest.approx(np.zeros_like(effects.jsd), abs=1e-6)
    assert effects.drops == pytest.approx(np.zeros_like(effects.drops), abs=1e-4)


# The edges of a prompt


WAYS = [("delete", _by_deletion), ("knock_out", _by_mask)]


def _pairs(model: HFModel, way: Any, chat: Chat, removals: Any, reply: Reply = REPLY) -> Any:
    name, plain = way
    found = getattr(model.read(chat, reply), name)(removals).jsd
    return found, pytest.approx(plain(model, chat, removals, reply), abs=1e-4)


@pytest.mark.parametrize("way", WAYS, ids=["delete", "knock_out"])
@pytest.mark.parametrize("name", ["Llama", "Gemma2", "Mistral", "GPT2"])
def test_a_removal_that_begins_at_the_very_first_token_is_exact(
    bare: Any, name: str, way: Any
) -> None:
    model, chat = HFModel.wrap(_random(name, len(bare)), bare), _chat(head="")
    removals = [*chat.removals(SOURCES), chat.blocks]
    assert 0 in model.prompted(chat).tokens_of(removals[0])
    found, expected = _pairs(model, way, chat, removals)
    assert found == expected


@pytest.mark.parametrize("way", WAYS, ids=["delete", "knock_out"])
def test_an_answer_of_one_token_is_exact(model: HFModel, way: Any) -> None:
    found, expected = _pairs(model, way, CHAT, [*SINGLES, *SETS], Reply("iron"))
    assert found.shape == (9, 1)
    assert found == expected


@pytest.mark.parametrize("way", WAYS, ids=["delete", "knock_out"])
def test_a_source_of_one_token_is_exact(model: HFModel, way: Any) -> None:
    start = CHAT.text.index(" honey")
    removal = (Span(start, start + len(" honey")),)
    assert len(model.prompted(CHAT).tokens_of(removal)) == 1
    found, expected = _pairs(model, way, CHAT, [removal])
    assert found.sum() > 0
    assert found == expected


def test_a_removal_that_reaches_past_the_context_is_deleted_exactly(model: HFModel) -> None:
    removal = (Span(CHAT.blocks[0].start, len(CHAT.text)),)
    found, expected = _pairs(model, WAYS[0], CHAT, [removal])
    assert found == expected


def test_spans_that_overlap_are_removed_once(model: HFModel) -> None:
    read, (whole,) = model.read(CHAT, REPLY), CHAT.blocks
    twice = read.delete([(whole, *SINGLES[2], whole)]).jsd
    assert twice == pytest.approx(read.delete([(whole,)]).jsd, abs=1e-6)


# What it costs, and what cannot be read


def test_passes_count_the_tokens_that_were_pushed(model: HFModel) -> None:
    read, prompted = model.read(CHAT, REPLY), model.prompted(CHAT)
    n_reply = len(read.tokens)
    n_all, before = len(prompted.ids) + n_reply, read.passes
    read.delete([SINGLES[2]])
    kept, first = prompted.without(SINGLES[2])
    assert before == pytest.approx((n_all - 1) / n_all)
    assert read.passes - before == pytest.approx((len(kept) - first + n_reply - 1) / n_all)


def test_knock_outs_of_all_sentences_cost_the_part_behind_the_context_each(
    model: HFModel,
) -> None:
    read, prompted = model.read(CHAT, REPLY), model.prompted(CHAT)
    n_reply, before = len(read.tokens), read.passes
    read.knock_out(SINGLES)
    behind = len(prompted.ids) - max(prompted.tokens_of(CHAT.blocks)) - 1 + n_reply - 1
    assert read.passes - before == pytest.approx(5 * behind / (len(prompted.ids) + n_reply))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("way", ["delete", "knock_out", "logprobs"])
def test_a_token_whose_numbers_are_not_finite_is_an_error_when_it_is_read(
    tokenizer: Any, value: float, way: str
) -> None:
    import torch

    model = HFModel.wrap(copy.deepcopy(_random("Llama", len(tokenizer))), tokenizer)
    (token,) = tokenizer(" iron")["input_ids"]
    with torch.no_grad():
        model.model.model.embed_tokens.weight[token] = value
    read = model.read(CHAT, REPLY)
    with pytest.raises(ModelReplyError, match="not finite"):
        read.logprobs if way == "logprobs" else getattr(read, way)([()])


def test_a_word_that_gets_an_infinite_logit_is_an_error(tokenizer: Any) -> None:
    import torch

    model = HFModel.wrap(copy.deepcopy(_random("Llama", len(tokenizer))), tokenizer)
    with torch.no_grad():
        model.model.lm_head.weight[7] = float("inf")
    with pytest.raises(ModelReplyError, match="not finite"):
        model.read(CHAT, REPLY).delete(SINGLES)


# Models without the interface


@pytest.fixture
def plain_model(tokenizer: Any, monkeypatch: pytest.MonkeyPatch) -> HFModel:
    own = _random("Llama", len(tokenizer))
    monkeypatch.setattr(type(own), "_supports_attention_backend", False)
    return HFModel.wrap(own, tokenizer)


def test_a_model_without_the_interface_still_deletes_exactly(plain_model: HFModel) -> None:
    removals = [*SINGLES, *SETS]
    found = plain_model.read(CHAT, REPLY).delete(removals).jsd
    assert found == pytest.approx(_by_deletion(plain_model, CHAT, removals), abs=1e-5)


def test_a_model_without_the_interface_refuses_to_knock_out(plain_model: HFModel) -> None:
    read = plain_model.read(CHAT, REPLY)
    assert not read.can_knock_out
    with pytest.raises(ConfigError, match="no attention interface"):
        read.knock_out(SINGLES)


# The reduction


@pytest.mark.parametrize("scale", [0.1, 3.0, 60.0])
def test_the_reduction_on_the_device_agrees_with_the_definition(scale: float) -> None:
    import torch

    rng = np.random.default_rng(0)
    log_p, log_q = (
        torch.log_softmax(torch.tensor(rng.normal(scale=scale, size=(200, 500))), -1)
        for _ in range(2)
    )
    expected = jensen_shannon(log_p.exp().numpy(), log_q.exp().numpy())
    found = divergence(log_p.float().exp(), log_p.float(), log_q.float())
    assert found.numpy() == pytest.approx(expected, abs=1e-6)


def test_probabilities_that_underflow_diverge_by_0_or_ln2() -> None:
    import torch

    one = torch.log_softmax(torch.tensor([[0.0, -500.0, -1000.0]]), -1)
    other = torch.log_softmax(torch.tensor([[-500.0, 0.0, -1000.0]]), -1)
    assert divergence(one.exp(), one, one).item() == 0.0
    assert divergence(one.exp(), one, other).item() == pytest.approx(np.log(2), abs=1e-6)


def test_a_deletion_that_crosses_the_length_at_which_positions_change_is_exact(
    tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch
    from transformers import AutoModelForCausalLM, LlamaConfig

    n_tokens = len(HFModel.wrap(_random("Llama", len(tokenizer)), tokenizer).prompted(CHAT).ids)
    own = copy.deepcopy(_random("Llama", len(tokenizer)))
    config = LlamaConfig(**{**own.config.to_dict(), "max_position_embeddings": n_tokens})
    config.rope_parameters = {"rope_type": "dynamic", "factor": 4.0, "rope_theta": 10000.0}
    dynamic = AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
    dynamic.load_state_dict(own.state_dict())
    model = HFModel.wrap(dynamic, tokenizer)
    monkeypatch.setattr(HFModel, "window", 256)
    found, expected = _pairs(model, WAYS[0], CHAT, [SETS[1]])
    assert found == expected
