"""Filter and verify, on fakes whose numbers can be worked out by hand."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from ragattr.attribution.contextcite import AttributeContextCite
from ragattr.attribution.fast import AttributeFast
from ragattr.attribution.jsd import AttributeJSD
from ragattr.attribution.measure import Measure
from ragattr.attribution.subject import measured_claims
from ragattr.metrics.divergence import jensen_shannon
from ragattr.metrics.usage import claim_use
from ragattr.models.fake import SEEN, UNSEEN, FakeModel, FakeReading
from ragattr.models.protocols import Effects, Reply
from ragattr.prompt import Chat
from ragattr.setup import answer_prompt
from ragattr.text.claims import read_claims
from ragattr.types import Answer, Attribution, Context, FilterError, Passage, Query, Span

TOWER = Passage("The tower was completed in 1889. It is made of iron.", "a")
BEES = Passage("Bees make honey. A hive holds one queen.", "b")
RIVERS = Passage("Rivers run downhill. Seas taste salty.", "c")
ONE_WORD = float(jensen_shannon(np.array([[SEEN, 1 - SEEN]]), np.array([[UNSEEN, 1 - UNSEEN]]))[0])
METHODS = [AttributeJSD, AttributeFast, AttributeContextCite]


@dataclass(frozen=True)
class RoughModel(FakeModel):
    """Its knock-outs show each effect times a random factor of 0.7 to 1.3."""

    def read(self, chat: Chat, reply: Reply) -> "RoughReading":
        return RoughReading(chat, reply)


@dataclass
class RoughReading(FakeReading):
    def knock_out(self, removals: list[tuple[Span, ...]]) -> Effects:
        effects, rng = self.delete(removals), np.random.default_rng(0)
        return replace(effects, jsd=effects.jsd * rng.uniform(0.7, 1.3, (len(removals), 1)))


@dataclass(frozen=True)
class DeletingModel(FakeModel):
    """It has no attention interface."""

    def read(self, chat: Chat, reply: Reply) -> FakeReading:
        return FakeReading(chat, reply, can_knock_out=False)


def _answer(text: str, *passages: Passage) -> Answer:
    claims, markers = read_claims(text, len(passages))
    return Answer(Context(Query("What?", "q"), passages), text, claims, markers)


def _measure(method: type[Measure], answer: Answer, model: FakeModel | None = None) -> Attribution:
    (attribution,) = method(model or FakeModel(), answer_prompt())([answer])
    return attribution


def _best(attribution: Attribution) -> list[int]:
    uses = [claim_use(attribution, claim) for claim in attribution.answer.claims]
    return [int(use.scores.argmax()) for use in uses if use]


@pytest.mark.parametrize("model", [FakeModel(), RoughModel(), DeletingModel()])
@pytest.mark.parametrize(
    "text",
    [
        "completed 1889 iron.",
        "Iron tower made. Bees make honey.",
        "The queen holds one hive. Seas taste salty. Rivers run.",
    ],
)
def test_the_best_source_of_each_claim_is_that_of_exact_measurement(
    model: FakeModel, text: str
) -> None:
    answer = _answer(text, TOWER, BEES, RIVERS)
    fast, exact = (_measure(method, answer, model) for method in (AttributeFast, AttributeJSD))
    assert _best(fast) == _best(exact)
    assert set(_best(fast)) <= set(fast.verified)


def test_verified_rows_are_exact_and_the_others_are_estimates() -> None:
    answer = _answer("completed 1889 honey.", TOWER, BEES, RIVERS)
    fast = _measure(AttributeFast, answer, RoughModel())
    exact = _measure(AttributeJSD, answer)
    rows = list(fast.verified)
    assert fast.scores is not None
    assert exact.scores is not None
    assert fast.scores[rows] == pytest.approx(exact.scores[rows])
    assert 0 < len(rows) < 6


def test_scores_of_single_words_are_worked_out_by_hand() -> None:
    found = _measure(AttributeFast, _answer("completed honey", TOWER, BEES))
    assert found.scores == pytest.approx(np.array([[1, 0], [0, 0], [0, 1], [0, 0]]) * ONE_WORD)
    assert found.context_scores == pytest.approx([ONE_WORD, ONE_WORD])


def test_a_model_without_the_interface_is_measured_exactly_throughout() -> None:
    found = _measure(AttributeFast, _answer("honey", TOWER, BEES), DeletingModel())
    assert (found.verified, found.confidence) == ((0, 1, 2, 3), 1.0)
    assert found.passes == 1 + 1 + 4  # the reading, without any context, without each sentence


def test_there_is_no_confidence_where_nobody_measured_the_filters_error() -> None:
    answer = _answer("honey", TOWER, BEES)
    assert _measure(AttributeFast, answer, FakeModel(filter_error=None)).confidence is None
    assert _measure(AttributeFast, answer, FakeModel()).confidence == pytest.approx(1, abs=1e-6)


def test_confidence_is_low_where_estimates_say_little() -> None:
    vague = FakeModel(filter_error=FilterError(offset=1.0, middle=0.0, scale=1.0))
    many = [Passage(f"Fact {i} says thing{i}.", f"p{i}") for i in range(20)]
    found = _measure(AttributeFast, _answer("thing3 thing4.", *many), vague)
    assert len(found.verified) == 16  # as many as one claim may have measured
    assert found.confidence is not None
    assert found.confidence < 0.1


def test_a_model_without_floors_is_still_ranked() -> None:
    found = _measure(AttributeFast, _answer("honey", TOWER, BEES), FakeModel(floors=None))
    assert (_best(found), found.floors) == ([2], None)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("text", ["", "  \n"])
def test_an_empty_answer_is_not_measured_and_says_so(method: type[Measure], text: str) -> None:
    found = _measure(method, _answer(text, TOWER))
    assert (found.scores, found.warnings) == (None, ("the answer is empty: not measured",))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("passages", [(), (Passage("", "a"),), (Passage(" \n", "a"),)])
def test_a_context_without_a_sentence_is_not_measured_and_says_so(
    method: type[Measure], passages: tuple[Passage, ...]
) -> None:
    found = _measure(method, _answer("honey", *passages))
    assert (found.scores, found.sources) == (None, ())
    assert found.warnings == ("no sentence in the context: not measured",)


@pytest.mark.parametrize("method", METHODS)
def test_one_sentence_is_the_best_of_one(method: type[Measure]) -> None:
    found = _measure(method, _answer("honey", Passage("Bees make honey.", "b")))
    assert found.scores is not None
    assert found.scores.shape == (1, 1)
    assert found.scores[0, 0] > 0


@pytest.mark.parametrize("method", METHODS)
def test_an_answer_that_owes_nothing_to_the_context_has_scores_of_zero(
    method: type[Measure],
) -> None:
    found = _measure(method, _answer("wax candles", TOWER, BEES))
    assert found.scores == pytest.approx(np.zeros((4, 2)))
    assert (found.groups, found.partial) == ((), False)


@pytest.mark.parametrize("method", METHODS)
def test_the_whole_answer_is_measured_when_no_claim_has_a_token(method: type[Measure]) -> None:
    answer = replace(_answer("bees honey", TOWER, BEES), claims=())
    found = _measure(method, answer)
    assert found.scores is not None
    assert measured_claims(answer, found.tokens) == [[0, 1]]
    assert int(found.scores.sum(axis=1).argmax()) == 2


@pytest.mark.parametrize("method", METHODS)
def test_an_answer_is_measured_the_same_alone_and_in_a_batch(method: type[Measure]) -> None:
    stage = method(FakeModel(), answer_prompt())
    cases = [_answer("completed iron", TOWER, BEES), _answer("", TOWER), _answer("honey", BEES)]
    for together, (alone,) in zip(stage(cases), [stage([case]) for case in cases], strict=True):
        assert np.array_equal(together.scores, alone.scores)  # type: ignore[arg-type]
        assert (together.passes, together.verified) == (alone.passes, alone.verified)


@pytest.mark.parametrize(
    "method",
    [
        AttributeJSD,
        AttributeFast,
        AttributeContextCite,
    ],
)
def test_when_only_a_passage_without_a_sentence_fits_nothing_breaks(
    method: type[Measure],
) -> None:
    answer = _answer("honey", Passage(" ", "a"), Passage("word " * 500, "b"))
    found = _measure(method, answer, FakeModel(window=200))
    assert found.warnings[0] == "passage 'b' does not fit the model's window: left out"
    assert found.scores is None


def _long(n_claims: int) -> Answer:
    """160 sentences in 20 passages; each claim hangs on one sentence, in a passage of its own."""
    passages = [
        Passage(" ".join(f"Station{8 * p + i} reports nothing." for i in range(8)), f"p{p}")
        for p in range(20)
    ]
    return _answer(" ".join(f"Station{16 * i + 5} it is." for i in range(n_claims)), *passages)


@pytest.mark.parametrize("n_claims", [1, 3])
def test_in_a_long_context_the_best_source_of_each_claim_is_still_found(n_claims: int) -> None:
    found = _measure(AttributeFast, _long(n_claims))
    assert _best(found) == [16 * i + 5 for i in range(n_claims)]
    assert found.passes < 2 + 20 + 40 + 1 + 8 * n_claims  # blocks, a quarter of them, verified ones


def test_in_a_long_context_the_best_source_of_many_claims_is_still_found() -> None:
    found = _measure(AttributeFast, _long(10))
    assert _best(found) == [16 * i + 5 for i in range(10)]
