"""Budgets, on a fake whose passes cost what a model's would."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from ragattr.attribution.budget import Budget
from ragattr.attribution.contextcite import AttributeContextCite
from ragattr.attribution.fast import AttributeFast
from ragattr.attribution.jsd import AttributeJSD
from ragattr.attribution.measure import Measure
from ragattr.errors import ConfigError
from ragattr.models.fake import FakeModel, FakeReading
from ragattr.models.protocols import Effects, Reply
from ragattr.prompt import Chat
from ragattr.setup import answer_prompt
from ragattr.text.claims import read_claims
from ragattr.types import Answer, Attribution, Context, FilterError, Passage, Query, Span

METHODS = [AttributeJSD, AttributeFast, AttributeContextCite]
SHORT = "the budget ended the measurement early: best result so far"
FACTS = [f"Station{i} reports number{i} of kind{i} today." for i in range(12)]


@dataclass(frozen=True)
class PricedModel(FakeModel):
    """Ablations cost the part of the text behind them, as in a model that keeps a memory."""

    can_knock_out: bool = True

    def read(self, chat: Chat, reply: Reply) -> "PricedReading":
        return PricedReading(chat, reply, can_knock_out=self.can_knock_out)


@dataclass
class PricedReading(FakeReading):
    def delete(self, removals: Sequence[Sequence[Span]]) -> Effects:
        before, n_chars = self.passes, len(self.chat.text) + len(self.reply.text)
        effects = super().delete(removals)
        left = [n_chars - sum(span.end - span.start for span in removal) for removal in removals]
        firsts = [min((s.start for s in r), default=n_chars) for r in removals]
        cost = sum(max(n - first, 0) for n, first in zip(left, firsts, strict=True)) / n_chars
        self.passes = before + cost
        return effects

    def knock_out(self, removals: Sequence[Sequence[Span]]) -> Effects:
        before, n_chars = self.passes, len(self.chat.text) + len(self.reply.text)
        effects = super().delete(removals)
        self.passes = before + len(removals) * (n_chars - self.chat.blocks[-1].end) / n_chars
        return effects


def _answer(text: str, sentences: Sequence[str] = FACTS) -> Answer:
    passages = tuple(Passage(sentence, f"p{i}") for i, sentence in enumerate(sentences))
    claims, markers = read_claims(text, len(passages))
    return Answer(Context(Query("What?", "q"), passages), text, claims, markers)


def _measure(
    method: type[Measure], answer: Answer, budget: Budget, model: FakeModel | None = None
) -> Attribution:
    stage = method(model or PricedModel(), answer_prompt(), budget=budget)
    (found,) = stage([answer])
    return found


@pytest.mark.parametrize("name", ["passes", "seconds"])
@pytest.mark.parametrize("limit", [0, 0.0, -1, float("-inf"), float("nan")])
def test_a_budget_of_nothing_is_refused_by_name(name: str, limit: float) -> None:
    with pytest.raises(ConfigError, match=f"a budget of {name} is above 0, got"):
        Budget(**{name: limit})


def test_no_limit_is_no_limit() -> None:
    assert Budget().is_unlimited
    assert not Budget(passes=1).is_unlimited
    assert not Budget(seconds=1).is_unlimited


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("passes", [2.5, 3, 4, 6])
def test_no_more_passes_are_spent_than_the_budget_has(method: type[Measure], passes: float) -> None:
    found = _measure(method, _answer("Station3 reports number3."), Budget(passes=passes))
    assert found.passes <= passes


@pytest.mark.parametrize("method", METHODS)
def test_a_budget_that_was_too_small_gives_a_part_and_a_warning(method: type[Measure]) -> None:
    found = _measure(method, _answer("Station3 reports number3."), Budget(passes=2.3))
    assert (found.partial, found.warnings) == (True, (SHORT,))
    assert found.scores is not None


@pytest.mark.parametrize("method", METHODS)
def test_a_budget_that_suffices_changes_nothing(method: type[Measure]) -> None:
    answer = _answer("Station3 reports number3.")
    free, limited = (_measure(method, answer, budget) for budget in (Budget(), Budget(passes=99)))
    assert (limited.partial, limited.warnings) == (False, ())
    assert limited.scores == pytest.approx(free.scores)
    assert (limited.verified, limited.groups) == (free.verified, free.groups)


@pytest.mark.parametrize("method", METHODS)
def test_a_budget_of_no_time_ends_before_the_first_sentence(method: type[Measure]) -> None:
    found = _measure(method, _answer("Station3 reports number3."), Budget(seconds=1e-9))
    assert (found.partial, found.verified) == (True, ())
    assert found.scores is not None
    assert not found.scores.any()


@pytest.mark.parametrize("method", METHODS)
def test_a_budget_of_much_time_changes_nothing(method: type[Measure]) -> None:
    found = _measure(method, _answer("Station3 reports number3."), Budget(seconds=3600))
    assert (found.partial, found.warnings) == (False, ())


def test_sentences_that_share_the_answers_words_come_first() -> None:
    answer = _answer("Station7 reports number7. Number9 of kind9.")
    found = _measure(AttributeJSD, answer, Budget(passes=2.6))
    assert len(found.verified) == 3
    assert {7, 9} < set(found.verified)
    assert found.confidence is None  # not every sentence was measured


def test_a_model_without_the_interface_keeps_to_its_budget() -> None:
    model = PricedModel(can_knock_out=False)
    found = _measure(AttributeFast, _answer("Station7 reports number7."), Budget(passes=3), model)
    assert found.scores is not None
    assert found.passes <= 3
    assert int(found.scores.sum(axis=1).argmax()) == 7


# Bugs


def test_what_was_not_reached_is_not_called_verified() -> None:
    model = PricedModel(can_knock_out=False)
    found = _measure(AttributeFast, _answer("Station7 reports number7."), Budget(passes=3), model)
    assert found.partial
    assert len(found.verified) < 12


def test_there_is_no_sure_ranking_of_what_was_never_looked_at() -> None:
    found = _measure(AttributeFast, _answer("Station3 reports number3."), Budget(seconds=1e-9))
    assert found.partial
    assert found.confidence is None or found.confidence < 0.5


def test_many_claims_do_not_spend_the_same_budget_each() -> None:
    text = " ".join(f"Station{i} reports number{i}." for i in range(6))
    vague = PricedModel(filter_error=FilterError(offset=1e-3, middle=0.0, scale=0.1))
    free = _measure(AttributeFast, _answer(text), Budget(), vague)
    budget = Budget(passes=1.0 + (free.passes - 1.0) * 0.8)
    assert _measure(AttributeFast, _answer(text), budget, vague).passes <= budget.passes  # type: ignore[operator]


@pytest.mark.parametrize("method", [AttributeJSD, AttributeFast])
def test_a_budget_of_one_reading_is_kept(method: type[Measure]) -> None:
    assert _measure(method, _answer("Station3."), Budget(passes=1.0)).passes <= 1.0


def test_what_was_not_measured_alone_is_no_group() -> None:
    dear = "Alpha beta gamma " + "long words " * 60  # stands first and shares the most words
    needed = ["The red tower opened in 1889.", "The red tower opened in 1925."]
    answer = _answer("Alpha beta gamma 1889 1925", [dear, *needed])
    found = _measure(AttributeJSD, answer, Budget(passes=1.6))
    assert (found.partial, found.groups) == (True, ())


def test_the_rows_of_a_partial_measurement_are_those_of_the_whole() -> None:
    answer = _answer("Station7 reports number7. Number9 of kind9.")
    free = _measure(AttributeJSD, answer, Budget())
    found = _measure(AttributeJSD, answer, Budget(passes=4))
    rows = list(found.verified)
    assert 0 < len(rows) < 12
    assert np.array_equal(found.scores[rows], free.scores[rows])  # type: ignore[index]
