"""How well scores predict ablations, on a fake whose answer hangs on one sentence."""

import numpy as np
import pytest

from ragattr.attribution.fast import AttributeFast
from ragattr.attribution.fidelity import fidelity
from ragattr.attribution.jsd import AttributeJSD
from ragattr.attribution.measure import Measure
from ragattr.attribution.subject import Subject, find_subject
from ragattr.models.fake import FakeModel, FakeReading
from ragattr.setup import answer_prompt
from ragattr.text.claims import read_claims
from ragattr.types import Answer, Context, Passage, Query

BEES, IRON = Passage("Bees make honey.", "a"), Passage("Iron rusts.", "b")


def _answer(text: str, *passages: Passage) -> Answer:
    claims, markers = read_claims(text, len(passages))
    return Answer(Context(Query("What?", "q"), passages), text, claims, markers)


def _subject(text: str, *passages: Passage) -> tuple[Subject, FakeReading]:
    found = find_subject(FakeModel(), answer_prompt(), _answer(text, *passages))
    assert isinstance(found, Subject)
    return found, FakeModel().read(found.chat, found.reply)


def test_scores_that_are_right_predict_every_mask() -> None:
    found = fidelity(*_subject("honey", BEES, IRON), np.array([[1.0], [0.0]]), n_masks=40, seed=0)
    assert found["lds@0.5"] == [1.0, 1.0, 1.0]
    assert found["top_k_drop@1"] == pytest.approx([np.log(9)] * 3, abs=1e-6)


def test_scores_that_are_upside_down_predict_the_contrary() -> None:
    found = fidelity(*_subject("honey", BEES, IRON), np.array([[-1.0], [0.0]]), n_masks=40, seed=0)
    assert found["lds@0.5"] == [-1.0, -1.0, -1.0]
    assert found["top_k_drop@1"] == [0.0, 0.0, 0.0]  # the sentence about iron changes nothing


def test_a_drop_is_the_sum_over_the_tokens_with_an_interval_around_it() -> None:
    scores = np.array([[1.0, 0.0], [0.0, 0.0]])
    found = fidelity(*_subject("honey wax", BEES, IRON), scores, n_masks=4, seed=0)
    value, low, high = found["top_k_drop@1"]  # type: ignore[misc]
    assert value == pytest.approx(np.log(9), abs=1e-6)  # honey goes, wax was never there
    assert [low, high] == pytest.approx([0.0, 2 * np.log(9)], abs=1e-6)


def test_markers_are_no_part_of_what_is_predicted() -> None:
    scores = np.array([[1.0, 9.0], [0.0, 9.0]])
    found = fidelity(*_subject("honey [1]", BEES, IRON), scores, n_masks=40, seed=0)
    assert found["lds@0.5"] == [1.0, 1.0, 1.0]


def test_there_are_no_figures_for_more_sentences_than_there_are() -> None:
    found = fidelity(*_subject("honey", BEES, IRON), np.array([[1.0], [0.0]]), n_masks=2, seed=0)
    assert set(found) == {"n_masks", "lds@0.5", "lds@0.9", "top_k_drop@1", "passes"}
    assert found["passes"] == 2 * 2 + 1


@pytest.mark.parametrize("method", [AttributeJSD, AttributeFast])
def test_it_is_asked_for_by_a_number_of_masks_and_costs_nothing_of_the_measurement(
    method: type[Measure],
) -> None:
    answer = _answer("honey", BEES, IRON)
    (plain,) = method(FakeModel(), answer_prompt())([answer])
    (checked,) = method(FakeModel(), answer_prompt(), n_fidelity_masks=6)([answer])
    assert plain.fidelity is None
    assert checked.passes == plain.passes
    assert checked.fidelity is not None
    assert checked.fidelity["passes"] == 2 * 6 + 1


def test_the_seed_decides_the_masks() -> None:
    passages = [Passage(f"Fact{i}.", f"p{i}") for i in range(5)]
    scores = np.arange(5.0)[:, None] * np.ones((1, 3))
    first, again, other = (
        fidelity(*_subject("fact1 fact2 fact4", *passages), scores, n_masks=8, seed=seed)
        for seed in (0, 0, 1)
    )
    assert first == again
    assert first != other
