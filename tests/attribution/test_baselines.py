"""What every method has to beat, on sentences whose order is plain to see."""

from dataclasses import replace

import numpy as np
import pytest

from ragattr.attribution.baselines import (
    AttributeBM25,
    AttributeOverlap,
    AttributePosition,
    AttributeRandom,
    AttributeSimilarity,
    Baseline,
)
from ragattr.metrics.usage import claim_use
from ragattr.models.fake import FakeEncoder
from ragattr.record import to_attribution_record
from ragattr.text.claims import read_claims
from ragattr.types import Answer, Attribution, Context, Passage, Query

PASSAGES = (
    Passage("Iron rusts in rain. The tower was completed in 1889.", "a"),
    Passage("Bees make honey. Rivers run downhill. Seas taste salty.", "b"),
)
BY_WORDS: list[Baseline] = [AttributeSimilarity(FakeEncoder()), AttributeBM25(), AttributeOverlap()]
ALL: list[Baseline] = [*BY_WORDS, AttributePosition(), AttributeRandom()]


def _answer(text: str, *passages: Passage) -> Answer:
    claims, markers = read_claims(text, len(passages))
    return Answer(Context(Query("Well?", "q"), passages), text, claims, markers)


def _measure(stage: Baseline, text: str, *passages: Passage) -> Attribution:
    (found,) = stage([_answer(text, *(passages or PASSAGES))])
    return found


@pytest.mark.parametrize("stage", BY_WORDS, ids=lambda stage: stage.method)
def test_the_sentence_with_the_words_is_the_best_of_each_claim(stage: Baseline) -> None:
    found = _measure(stage, "The tower was completed in 1889. Bees make honey. Rivers run.")
    assert found.scores is not None
    assert found.scores.argmax(axis=0).tolist() == [1, 2, 3]


def test_overlap_is_the_share_of_the_words_of_question_and_claim() -> None:
    found = _measure(AttributeOverlap(), "Bees make iron.")  # bees make iron, and well
    assert found.scores == pytest.approx(np.array([[1], [0], [2], [0], [0]]) / 4)


def test_position_falls_with_the_sentences_number() -> None:
    found = _measure(AttributePosition(), "Bees.")
    assert found.scores == pytest.approx(1 / np.array([[1], [2], [3], [4], [5]]))


def test_chance_depends_on_the_seed_and_the_claim_alone() -> None:
    first, again = (_measure(AttributeRandom(1), "Bees. Iron.").scores for _ in range(2))
    other = _measure(AttributeRandom(2), "Bees. Iron.").scores
    assert first is not None
    assert np.array_equal(first, again)  # type: ignore[arg-type]
    assert not np.array_equal(first, other)  # type: ignore[arg-type]
    assert not np.array_equal(first[:, 0], first[:, 1])


@pytest.mark.parametrize("stage", ALL, ids=lambda stage: stage.method)
def test_a_baseline_asks_no_model_and_says_so(stage: Baseline) -> None:
    found = _measure(stage, "Bees make honey. Iron rusts.")
    assert (found.unit, found.interventional, found.model) == ("similarity", False, None)
    assert (found.passes, found.floors, found.method) == (0.0, None, stage.method)
    assert [token.of(found.answer.text) for token in found.tokens] == [
        "Bees make honey.",
        "Iron rusts.",
    ]


@pytest.mark.parametrize("stage", ALL, ids=lambda stage: stage.method)
def test_a_claims_use_is_its_own_column(stage: Baseline) -> None:
    found = _measure(stage, "Bees make honey [2]. Iron rusts [1].")
    assert found.scores is not None
    for i, claim in enumerate(found.answer.claims):
        use = claim_use(found, claim)
        assert use is not None
        assert use.scores == pytest.approx(found.scores[:, i])


@pytest.mark.parametrize("stage", ALL, ids=lambda stage: stage.method)
def test_an_answer_without_a_claim_has_no_column(stage: Baseline) -> None:
    found = _measure(stage, "")
    assert found.scores is not None
    assert found.scores.shape == (5, 0)


@pytest.mark.parametrize("stage", ALL, ids=lambda stage: stage.method)
@pytest.mark.parametrize("text", ["ünïcödé 😀 東京。", "[1]", "?!", "\ud800 lone."])
def test_odd_claims_get_finite_scores(stage: Baseline, text: str) -> None:
    found = _measure(stage, text)
    assert found.scores is not None
    assert np.isfinite(found.scores).all()


@pytest.mark.parametrize("stage", ALL, ids=lambda stage: stage.method)
def test_one_answer_scores_the_same_alone_and_in_a_batch(stage: Baseline) -> None:
    cases = [_answer("Bees.", *PASSAGES), _answer("Iron.", *PASSAGES[:1])]
    for together, (alone,) in zip(stage(cases), [stage([case]) for case in cases], strict=True):
        assert np.array_equal(together.scores, alone.scores)  # type: ignore[arg-type]


@pytest.mark.parametrize("stage", ALL, ids=lambda stage: stage.method)
@pytest.mark.parametrize("passages", [(), (Passage("", "a"),), (Passage(" \n", "a"),)])
def test_a_context_without_a_sentence_has_no_rows(
    stage: Baseline, passages: tuple[Passage, ...]
) -> None:
    answer = replace(_answer("Bees make honey."), context=Context(Query("Well?", "q"), passages))
    (found,) = stage([answer])
    assert found.scores is not None
    assert found.scores.shape == (0, 1)


@pytest.mark.parametrize("stage", BY_WORDS, ids=lambda stage: stage.method)
@pytest.mark.parametrize("n_others", [0, 1])
def test_in_a_short_context_the_sentence_with_the_words_is_still_above_the_others(
    stage: Baseline, n_others: int
) -> None:
    others = [Passage("Iron rusts.", "i")][:n_others]
    found = _measure(stage, "Bees make honey.", Passage("Bees make honey.", "b"), *others)
    assert found.scores is not None
    assert found.scores[0, 0] > max([0.0, *found.scores[1:, 0]])


@pytest.mark.parametrize("stage", BY_WORDS, ids=lambda stage: stage.method)
def test_a_claim_that_begins_with_its_marker_keeps_its_scores(stage: Baseline) -> None:
    found = _measure(stage, "[2] Bees make honey.")
    use = claim_use(found, found.answer.claims[0])
    assert use is not None
    assert use.scores.argmax() == 2


def test_a_baseline_asks_no_model_and_its_record_says_tier_text() -> None:
    found = _measure(AttributePosition(), "Bees make honey.")
    record = to_attribution_record({"id": "a"}, found)
    assert (record["tier"], record["model"]) == ("text", None)
    assert record["attribution"]["interventional"] is False
