import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from ragattr.errors import InputError, ModelReplyError
from ragattr.learn.pace import STRENGTH, fit_combination, fit_on
from ragattr.models.fake import FakeModel, FakeVerifier
from ragattr.models.protocols import Pair, Reply
from ragattr.prompt import Chat
from ragattr.verification.evidence import judge_pair
from ragattr.verification.pace import (
    AskModel,
    Combination,
    Confidence,
    PaceVerifier,
    SplitVerdict,
    multiply,
)
from tests.listening import Listening

SECOND = "whole number from 0"  # stands in the prompts of the second stage alone
PASSAGES = ["Bees make honey.", "Iron rusts."]


def _ask(replies: dict[str, str]) -> AskModel:
    return AskModel.with_own_prompts(FakeModel(replies))


@dataclass
class Saying(Listening):
    """A fake model that remembers its chats."""

    said: str = "Thus:\nAnswer: yes\nRating: 5"

    def write(
        self, chats: Sequence[Chat], *, max_new_tokens: int, temperature: float = 0, seed: int = 0
    ) -> list[Reply]:
        self.heard += [chat.text for chat in chats]
        return [Reply(self.said) for _ in chats]


def test_the_first_stage_is_the_share_of_yes_and_the_second_the_mean_rating() -> None:
    # Of four samples the two that begin with iron say no; the ratings are 9 and 7, twice each.
    ask = _ask({
        "Here is a claim, passages": "Rating: 9",
        "Rate how much": "Rating: 7/10",
        "[1] Iron": "Iron is named first.\nAnswer: no",
        "[1] Bees": "Bees are.\nAnswer: yes.",
    })  # fmt: skip
    assert ask.confidence("Bees make honey.", PASSAGES) == pytest.approx(Confidence(0.5, 0.8))


def test_samples_differ_by_wording_and_by_the_passage_that_comes_first() -> None:
    model = Saying()
    AskModel.with_own_prompts(model).confidence("Bees make honey.", PASSAGES)
    first, second = model.heard[:4], model.heard[4:]
    assert len(set(first)) == len(set(second)) == 4
    assert sum("[1] Iron rusts." in text for text in first) == 2
    assert all("Thus:\nAnswer: yes" in text for text in second)


def test_the_same_chat_is_not_asked_twice() -> None:
    model = Saying()
    AskModel.with_own_prompts(model, n_samples=8).confidence("Bees make honey.", ["Bees."])
    assert len(model.heard) == 2 + 2  # two wordings, two stages


@pytest.mark.parametrize("said", ["", "Yes, it does, I think so.", "Answer: perhaps"])
def test_a_stage_of_which_nothing_can_be_read_is_an_error_and_never_a_no(said: str) -> None:
    with pytest.raises(ModelReplyError, match="wanted a line 'Answer: yes' or 'Answer: no'"):
        AskModel.with_own_prompts(Saying(said)).confidence("Bees.", PASSAGES)


@pytest.mark.parametrize("rating", ["Rating: 11", "Rating: -", "Rating: 7.5", "seven"])
def test_a_rating_that_is_none_is_an_error(rating: str) -> None:
    with pytest.raises(ModelReplyError, match="wanted a line 'Rating: 0' to 'Rating: 10'"):
        _ask({SECOND: rating, "Bees": "Answer: yes"}).confidence("Bees.", PASSAGES)


def test_single_replies_that_cannot_be_read_are_left_out_and_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ask = _ask({SECOND: "Rating: 10", "[1] Iron": "Hm.", "[1] Bees": "**Answer: No**"})
    with caplog.at_level(logging.WARNING, "ragattr"):
        assert ask.confidence("Bees make honey.", PASSAGES) == Confidence(0.0, 1.0)
    assert "2 of 4 replies have no line 'Answer: yes' or 'Answer: no'" in caplog.text


def test_evidence_that_does_not_fit_the_window_is_refused_and_not_cut() -> None:
    with pytest.raises(InputError, match="the window of fake holds 300"):
        AskModel.with_own_prompts(Saying(window=300)).confidence("Bees.", PASSAGES)


def test_an_entailment_model_is_split_into_both_stages() -> None:
    # (0.9, 0.05, 0.05): enough is 0.95, supported 0.9 of that.
    found = SplitVerdict(FakeVerifier()).confidence("Bees make honey.", PASSAGES)
    assert found == pytest.approx(Confidence(0.95, 0.9 / 0.95))
    assert multiply(found) == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("found", "row"),
    [
        (Confidence(0.8, 0.5), (0.4, 0.4, 0.2)),
        (Confidence(1.0, 0.0), (0.0, 1.0, 0.0)),
        (Confidence(0.0, 1.0), (0.0, 0.0, 1.0)),
        (Confidence(1.0, 1.0), (1.0, 0.0, 0.0)),
    ],
)
def test_what_is_not_supported_is_contradicted_as_far_as_the_evidence_was_enough(
    found: Confidence, row: tuple[float, float, float]
) -> None:
    class Fixed(SplitVerdict):
        def confidence(self, claim: str, passages: Sequence[str]) -> Confidence:
            return found

    verifier = PaceVerifier(Fixed(FakeVerifier()))
    assert verifier.entails([Pair("a", "b")]) == pytest.approx(np.array([row]))


def test_an_empty_premise_supports_nothing_and_nobody_is_asked() -> None:
    model = Saying()
    verifier = PaceVerifier(AskModel.with_own_prompts(model))
    assert verifier.entails([Pair(" ", "Bees."), Pair("Bees.", "")]).tolist() == [[0, 0, 1]] * 2
    assert verifier.entails([]).shape == (0, 3)
    assert model.heard == []


def test_two_stages_judge_pairs_as_any_verifier() -> None:
    verifier = PaceVerifier(_ask({SECOND: "Rating: 8", "Bees": "Answer: yes"}))
    assert verifier.name == "pace:fake"
    assert judge_pair(verifier, "Bees make honey.", PASSAGES).probability == pytest.approx(0.8)


def test_a_combination_is_the_logistic_function_of_both_and_their_product() -> None:
    combine = Combination((1.0, 2.0, 4.0), -3.0)
    assert combine(Confidence(0.5, 0.5)) == pytest.approx(1 / (1 + np.exp(0.5)))


def test_fitting_finds_what_a_regression_on_the_three_terms_finds() -> None:
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    found = [Confidence(*pair) for pair in rng.random((80, 2)).tolist()]
    labels = [bool(c1 * c2 > rng.random()) for c1, c2 in found]
    terms = np.array([(c1, c2, c1 * c2) for c1, c2 in found])
    other = LogisticRegression(C=STRENGTH).fit(terms, labels).predict_proba(terms)[:, 1]
    combine = fit_combination(found, labels)
    assert [combine(confidence) for confidence in found] == pytest.approx(other.tolist())


def test_fitting_on_a_file_ranks_supported_claims_above_others(tmp_path: Path) -> None:
    right = {"claim": "Bees make honey.", "evidence": PASSAGES, "label": "attributable"}
    wrong = {"claim": "Bees make wax.", "evidence": PASSAGES, "label": "not_attributable"}
    empty = right | {"evidence": [" "]}
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in [right, wrong, empty] * 5))
    stages = SplitVerdict(FakeVerifier())
    combine = fit_on(path, stages)
    high, low = (combine(stages.confidence(row["claim"], PASSAGES)) for row in (right, wrong))
    assert high > 0.8 > 0.2 > low


def test_rows_of_one_label_cannot_be_fitted() -> None:
    with pytest.raises(InputError, match="both kinds are needed, got 2 of one"):
        fit_combination([Confidence(0.5, 0.5)] * 2, [True, True])
