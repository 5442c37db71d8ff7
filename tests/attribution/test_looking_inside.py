"""Methods that look inside the model, on fakes whose attention can be worked out by hand."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from ragattr.attribution.budget import Budget
from ragattr.attribution.dla import AttributeDirect
from ragattr.attribution.explainer import MOST_PASSES, AttributeExplainer, Explainer
from ragattr.attribution.gradient import AttributeGradient
from ragattr.attribution.head import AttributeHead
from ragattr.attribution.heads import AttributeHeads, mixed
from ragattr.attribution.measure import Measure
from ragattr.attribution.ridge import Ridge
from ragattr.attribution.subset import MOST, AttributeSubset
from ragattr.errors import ConfigError, ProbeError
from ragattr.models.fake import FakeEncoder, FakeModel, FakeReading
from ragattr.models.protocols import Effects, Reply
from ragattr.prompt import Chat
from ragattr.setup import METHODS, Setup, answer_prompt
from ragattr.text.claims import read_claims
from ragattr.types import (
    Answer,
    Attribution,
    Context,
    FilterError,
    FloatArray,
    Passage,
    Query,
    Span,
)

PASSAGES = (
    Passage("The tower was completed in 1889. It is made of iron.", "a"),
    Passage("Bees make honey. A hive holds one queen.", "b"),
    Passage("Rivers run downhill. Seas taste salty.", "c"),
)
READER = (1, 0)  # the one head that looks at sentences which hold the token's word
WEIGHTS = np.array([[0.1, 0.1], [0.7, 0.1]])


@dataclass
class SeeingReading(FakeReading):
    """One head looks where the word stands, three look everywhere alike; a pass costs 1 / 10."""

    def attention(self, sources: Sequence[Sequence[Span]], *, by_value: bool = False) -> FloatArray:
        found = np.full((2, 2, len(sources), len(self.tokens)), 1 / len(sources))
        found[READER] = self._holds(sources)
        return found

    def peaks(self, sources: Sequence[Sequence[Span]], *, layer: int, head: int) -> FloatArray:
        peaks: FloatArray = self.attention(sources)[layer, head] / 2
        return peaks

    def direct(self, sources: Sequence[Sequence[Span]]) -> FloatArray:
        return self.attention(sources) * 3

    def gradient(
        self, sources: Sequence[Sequence[Span]], claims: Sequence[Sequence[int]], *, n_steps: int
    ) -> FloatArray:
        holds = self._holds(sources)
        return np.stack([holds[:, list(claim)].sum(axis=1) for claim in claims], axis=1)

    def delete(self, removals: Sequence[Sequence[Span]]) -> Effects:
        before = self.passes
        effects = super().delete(removals)
        self.passes = before + 0.1 * len(removals)
        return effects

    def _holds(self, sources: Sequence[Sequence[Span]]) -> FloatArray:
        words = [token.of(self.reply.text).strip(" .") for token in self.tokens]
        texts = ["".join(span.of(self.chat.text) for span in spans) for spans in sources]
        return np.array([[float(word in text.split()) for word in words] for text in texts])


@dataclass(frozen=True)
class SeeingModel(FakeModel):
    def read(self, chat: Chat, reply: Reply) -> SeeingReading:
        return SeeingReading(chat, reply)


def _explainer() -> Explainer:
    """It predicts e to the attention figure at a glance, and what hiding does where it is known."""
    glance = np.zeros(1 + 7 + 28)
    glance[1] = 1.0
    full = np.zeros(1 + 9 + 45)
    full[8] = 1.0
    ones = np.ones
    return Explainer(
        head_weights=WEIGHTS,
        glance=Ridge(np.zeros(7), ones(7), glance),
        full=Ridge(np.zeros(9), ones(9), full),
        error=FilterError(1e-3, 0.0, 0.1),
    )


MAKERS: dict[str, Callable[[FakeModel], Measure]] = {
    "heads": lambda model: AttributeHeads(model, answer_prompt(), weights=WEIGHTS),
    "attention": lambda model: AttributeHeads(model, answer_prompt()),
    "head": lambda model: AttributeHead(model, answer_prompt(), head=READER),
    "gradient": lambda model: AttributeGradient(model, answer_prompt()),
    "dla": lambda model: AttributeDirect(model, answer_prompt()),
    "explainer": lambda model: AttributeExplainer(
        model, answer_prompt(), explainer=_explainer(), encoder=FakeEncoder()
    ),
    "subset": lambda model: AttributeSubset(model, answer_prompt()),
}


def _answer(text: str, passages: Sequence[Passage] = PASSAGES) -> Answer:
    claims, markers = read_claims(text, len(passages))
    return Answer(Context(Query("What?", "q"), tuple(passages)), text, claims, markers)


def _attribute(name: str, answer: Answer, model: FakeModel | None = None) -> Attribution:
    (found,) = MAKERS[name](model or SeeingModel())([answer])
    return found


@pytest.mark.parametrize("name", MAKERS)
def test_the_sentence_that_the_answer_repeats_comes_first_for_each_claim(name: str) -> None:
    found = _attribute(name, _answer("The tower was completed in 1889. Bees make honey."))
    assert found.scores is not None
    assert found.method == name
    if name == "subset":  # one set for the whole answer
        assert set(np.flatnonzero(found.scores.sum(axis=1))) == {0, 2}
        return
    first = found.scores[:, :6].sum(axis=1)
    second = found.scores[:, 6:].sum(axis=1)
    assert (first.argmax(), second.argmax()) == (0, 2)


@pytest.mark.parametrize("name", MAKERS)
def test_only_what_takes_sentences_away_is_called_interventional(name: str) -> None:
    found = _attribute(name, _answer("Bees make honey."))
    assert found.interventional == (name == "subset") == METHODS[name].intervenes


@pytest.mark.parametrize("name", MAKERS)
def test_none_of_them_says_what_was_used(name: str) -> None:
    assert _attribute(name, _answer("Bees make honey.")).floors is None


@pytest.mark.parametrize("name", [name for name in MAKERS if name != "subset"])
def test_a_model_without_attention_is_an_error_that_names_what_works(name: str) -> None:
    with pytest.raises(ProbeError, match="jsd, drop, contextcite and subset work without"):
        _attribute(name, _answer("Bees make honey."), FakeModel())


@pytest.mark.parametrize("name", ["heads", "head", "explainer"])
def test_trained_methods_refuse_a_model_that_shows_no_attention(name: str) -> None:
    with pytest.raises(ProbeError, match="fake"):
        METHODS[name].make(Setup(model=FakeModel(), method=name))


@pytest.mark.parametrize("name", MAKERS)
def test_an_empty_answer_is_not_measured(name: str) -> None:
    found = _attribute(name, _answer(" "))
    assert found.scores is None
    assert found.warnings == ("the answer is empty: not measured",)


@pytest.mark.parametrize("name", MAKERS)
def test_one_source_is_enough(name: str) -> None:
    found = _attribute(name, _answer("Bees make honey.", [Passage("Bees make honey.", "a")]))
    assert found.scores is not None
    assert found.scores.shape[0] == 1


def test_a_mixture_is_the_weighted_sum_over_heads() -> None:
    attention = np.arange(8.0).reshape(2, 2, 2, 1)
    wanted = 0.1 * attention[0, 0] + 0.1 * attention[0, 1] + 0.7 * attention[1, 0]
    assert np.allclose(mixed(attention, WEIGHTS), wanted + 0.1 * attention[1, 1])
    assert np.allclose(mixed(attention, None), [[3.0], [4.0]])


def test_weights_of_another_shape_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"\(3, 2\) layers and heads, the model has \(2, 2\)"):
        mixed(np.zeros((2, 2, 1, 1)), np.zeros((3, 2)))


def test_a_gradient_needs_a_step() -> None:
    with pytest.raises(ConfigError, match="at least one step, got 0"):
        AttributeGradient(FakeModel(), answer_prompt(), n_steps=0)


def test_the_explainer_hides_the_likely_half_and_deletes_the_best_within_three_passes() -> None:
    calls: dict[str, list[int]] = {"knock_out": [], "delete": []}

    @dataclass
    class Counted(SeeingReading):
        def knock_out(self, removals: Sequence[Sequence[Span]]) -> Effects:
            calls["knock_out"].append(len(removals))
            return SeeingReading.delete(self, removals)

        def delete(self, removals: Sequence[Sequence[Span]]) -> Effects:
            calls["delete"].append(len(removals))
            return super().delete(removals)

    @dataclass(frozen=True)
    class CountedModel(FakeModel):
        def read(self, chat: Chat, reply: Reply) -> Counted:
            return Counted(chat, reply, passes=1.0)

    found = _attribute("explainer", _answer("Bees make honey."), CountedModel())
    assert calls["knock_out"] == [3]  # half of six
    assert found.verified[:1] == (2,)
    assert len(calls["delete"]) == len(found.verified)
    assert found.passes <= MOST_PASSES


def test_ridge_finds_a_rule_with_a_product_of_two_figures() -> None:
    rng = np.random.default_rng(0)
    table = rng.normal(size=(400, 3))
    wanted = 1.0 + table[:, 0] - 2.0 * table[:, 1] * table[:, 2]
    found = Ridge.fit(table, wanted, penalty=1e-3)
    assert np.allclose(found.predict(table), wanted, atol=1e-3)


def test_a_figure_that_never_changes_does_no_harm() -> None:
    table = np.column_stack([np.arange(20.0), np.ones(20)])
    found = Ridge.fit(table, np.arange(20.0), penalty=1e-3)
    assert np.isfinite(found.predict(table + [[0.0, 5.0]])).all()


def test_an_explainer_of_other_figures_is_refused() -> None:
    kept: dict[str, Any] = {"figures": ["attention"]}
    with pytest.raises(ConfigError, match="train it again"):
        Explainer.of(kept, WEIGHTS)


def test_a_subset_is_as_small_as_it_can_be_and_says_what_it_does() -> None:
    found = _attribute("subset", _answer("The tower was completed in 1889."))
    assert found.subset is not None
    assert found.subset.sources == (0,)
    assert found.subset.is_sufficient
    assert found.subset.loss == pytest.approx(0.0, abs=1e-9)
    assert found.subset.drop > 0.5  # most of the answer's words are gone without it


def test_a_subset_holds_a_sentence_for_each_part_of_the_answer_and_no_other() -> None:
    answer = _answer("The tower was completed in 1889. Bees make honey. Rivers run downhill.")
    found = _attribute("subset", answer)
    assert found.subset is not None
    assert sorted(found.subset.sources) == [0, 2, 4]


def test_an_answer_that_is_as_likely_without_any_sentence_needs_none() -> None:
    found = _attribute("subset", _answer("Xyzzy plugh."))
    assert found.subset is not None
    assert (found.subset.sources, found.subset.is_sufficient) == ((), True)
    assert found.scores is not None
    assert not found.scores.any()


def test_markers_are_no_part_of_what_a_subset_must_keep() -> None:
    found = _attribute("subset", _answer("Bees make honey [2]."))
    assert found.subset is not None
    assert found.subset.sources == (2,)
    assert found.subset.loss == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("name", ["gradient", "subset", "explainer"])
def test_a_budget_ends_the_measurement_early_and_the_record_says_so(name: str) -> None:
    answer = _answer("The tower was completed in 1889. Bees make honey.")
    stage = replace(MAKERS[name](SeeingModel()), budget=Budget(passes=1.05))
    (found,) = stage([answer])
    assert found.partial
    assert found.scores is not None
    assert "budget" in found.warnings[-1]
    (whole,) = replace(stage, budget=Budget(passes=1000.0))([answer])
    assert not whole.partial


def test_an_answer_that_needs_too_many_sentences_has_no_sufficient_subset() -> None:
    texts = [f"Item{i} weighs kilo{i}." for i in range(MOST + 3)]
    found = _attribute("subset", _answer(" ".join(texts), [Passage(" ".join(texts), "a")]))
    assert found.subset is not None
    assert len(found.subset.sources) == MOST
    assert not found.subset.is_sufficient


def test_the_explainer_deletes_nothing_when_its_passes_are_spent() -> None:
    @dataclass(frozen=True)
    class TiredModel(FakeModel):
        def read(self, chat: Chat, reply: Reply) -> SeeingReading:
            return SeeingReading(chat, reply, passes=2.9)

    assert _attribute("explainer", _answer("Bees make honey."), TiredModel()).verified == ()
