"""Rates of answers under steering, on replies that are known and on the embedded model."""

from collections.abc import Sequence
from typing import Any

import pytest

from ragattr.errors import ConfigError, ProbeError
from ragattr.mechanism import steer as room
from ragattr.mechanism.counterfactual import Counterfactual
from ragattr.mechanism.steer import Rates, curve, random_heads, rates, steered, tune, turned
from ragattr.models import embedded
from ragattr.models.hf import HFModel
from ragattr.models.patching import Head, Reweighed, Scaled
from ragattr.prompt import Chat
from ragattr.types import Span
from tests.small import random_model

pytestmark = pytest.mark.model

HEAD = Head(23, 7)
TEXT = "The capital of Norway is Rome."
PLACE = Span(0, len(TEXT))
CHAT = Chat(({"role": "user", "content": f"{TEXT} What is it?"},), (PLACE,), (PLACE,))


def _probe(place: str, context: str, memory: str) -> Counterfactual:
    prompt = f"The capital of {place} is"
    return Counterfactual(f"{prompt} {context}.", prompt, context, memory, place)


PROBES = [_probe("Norway", "Rome", "Oslo"), _probe("Egypt", "Paris", "Cairo")]


@pytest.fixture
def model() -> HFModel:
    return embedded.language_model()


def _answers(monkeypatch: pytest.MonkeyPatch, texts: dict[float, Sequence[str]]) -> None:
    """What is written at each factor of an output, after each of the probes."""

    def write(own: object, ids: Sequence[object], probe: Scaled, *, n_tokens: int) -> object:
        tokenizer = embedded.language_model().tokenizer
        return [tokenizer(text)["input_ids"] for text in texts[probe.factor][: len(ids)]]

    monkeypatch.setattr(room, "write", write)


def test_rates_count_whole_answers_of_either_kind(
    model: HFModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    _answers(monkeypatch, {0.0: [" Rome.", " cairo,"], 1.0: [" Oslo", " Cairoan"], 2.0: ["", " x"]})
    assert curve(model, PROBES, [HEAD], [0.0, 1.0, 2.0]) == [
        Rates((HEAD,), 0.0, context=0.5, memory=0.5, n=2),
        Rates((HEAD,), 1.0, context=0.0, memory=0.5, n=2),
        Rates((HEAD,), 2.0, context=0.0, memory=0.0, n=2),
    ]


def test_tuning_takes_the_factor_that_gives_most_of_what_is_wanted(
    model: HFModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    _answers(
        monkeypatch, {0.0: [" Oslo", " Cairo"], 2.0: [" Rome", " Cairo"], 5.0: [" Rome", " Paris"]}
    )
    factors = (0.0, 2.0, 5.0)
    assert tune(model, PROBES, [HEAD], factors).factor == 5.0
    assert tune(model, PROBES, [HEAD], factors, wanted="memory").factor == 0.0
    with pytest.raises(ConfigError, match="no head or no factor"):
        tune(model, PROBES, [], factors)


def test_factor_1_is_the_model_itself_and_steering_moves_it(model: HFModel) -> None:
    plain = rates(model, PROBES, [], 1.0)
    assert rates(model, PROBES, [HEAD], 1.0).context == plain.context
    attention = rates(model, PROBES, [HEAD], 1.0, target="attention", renormalise=True)
    assert (attention.context, attention.memory) == (plain.context, plain.memory)
    silent = rates(model, PROBES, [Head(layer, k) for layer in (20, 23) for k in range(9)], 5.0)
    assert (silent.context, silent.memory) != (plain.context, plain.memory)


def test_what_is_written_while_steering_is_steered_and_nothing_stays(model: HFModel) -> None:
    small = HFModel.wrap(random_model("Llama", len(model.tokenizer)), model.tokenizer)
    heads, (before,) = [Head(0, 1), Head(1, 2)], small.write([CHAT], max_new_tokens=6)
    with steered(small, heads, 5.0):
        (during,) = small.write([CHAT], max_new_tokens=6)
    with turned(small, CHAT, [PLACE], heads, 1.0):
        (same,) = small.write([CHAT], max_new_tokens=6)
    assert during != before
    assert same == before
    assert small.write([CHAT], max_new_tokens=6) == [before]


def test_attention_is_turned_to_the_tokens_of_the_source(
    model: HFModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Sequence[int]] = []

    def reweighed(heads: Sequence[Head], columns: Sequence[Sequence[int]], *rest: Any) -> Reweighed:
        seen.extend(columns)
        return Reweighed(heads, columns, *rest)

    monkeypatch.setattr(room, "Reweighed", reweighed)
    with turned(model, CHAT, [PLACE], [HEAD], 2.0):
        pass
    ids = model.prompted(CHAT).ids
    assert model.tokenizer.decode([ids[i] for i in seen[0]]).strip() == TEXT


def test_random_heads_are_others_and_the_same_under_one_seed(model: HFModel) -> None:
    found = random_heads(model, 269, seed=3, without=[HEAD])
    assert len(set(found)) == 269
    assert HEAD not in found
    assert random_heads(model, 2, seed=3) == random_heads(model, 2, seed=3)
    with pytest.raises(ConfigError, match="there are 270 other heads, 271 were wanted"):
        random_heads(model, 271, seed=0)


def test_what_cannot_be_steered_is_refused(model: HFModel) -> None:
    with pytest.raises(ConfigError, match="layers go from 0 to 29, heads from 0 to 8"):
        rates(model, PROBES, [Head(30, 0)], 2.0)
    with pytest.raises(ConfigError, match="no head L0H9"), steered(model, [Head(0, 9)], 2.0):
        pass
    blind = HFModel(model.card, model.model, model.tokenizer, interface=None)
    with pytest.raises(ProbeError):
        rates(blind, PROBES, [HEAD], 2.0)
