"""ContextCite: the surrogate by hand, and a planted sentence found."""

import numpy as np
import pytest
from numpy.typing import NDArray

from ragattr.attribution.contextcite import AttributeContextCite, surrogate
from ragattr.errors import ConfigError
from ragattr.metrics.usage import claim_use
from ragattr.models.fake import SEEN, UNSEEN, FakeModel
from ragattr.setup import answer_prompt
from ragattr.text.claims import read_claims
from ragattr.types import Answer, Attribution, Context, Passage, Query

# All masks of two sources: each is kept in half of them, so its standard deviation is 0.5.
MASKS = np.array([[1, 1], [1, 0], [0, 1], [0, 0]], dtype=bool)
FACTS = [f"Fact number{i} speaks of thing{i}." for i in range(6)]


def _answer(text: str) -> Answer:
    passages = tuple(Passage(fact, f"p{i}") for i, fact in enumerate(FACTS))
    claims, markers = read_claims(text, len(passages))
    return Answer(Context(Query("What?", "q"), passages), text, claims, markers)


def _measure(text: str, **settings: int) -> Attribution:
    (found,) = AttributeContextCite(FakeModel(), answer_prompt(), **settings)([_answer(text)])
    return found


def test_a_weight_is_the_difference_of_logits_less_the_pull_of_the_lasso() -> None:
    # logit 0.9 - logit 0.1 = 2 ln 9; the coefficient of the standardised mask is 0.5 of that,
    # less alpha, and the weight is twice the coefficient.
    logprobs = np.log([[SEEN], [SEEN], [UNSEEN], [UNSEEN]])
    expected = [2 * np.log(9) - 2 * 0.01, 0.0]
    assert surrogate(MASKS, logprobs, alpha=0.01) == pytest.approx(expected, abs=1e-6)


def test_a_claim_of_several_tokens_has_the_logit_of_its_joint_probability() -> None:
    # 0.81 or 0.01; the fit is per token, so the pull counts once for each of the two tokens.
    logprobs = np.log([[SEEN] * 2, [SEEN] * 2, [UNSEEN] * 2, [UNSEEN] * 2])
    expected = [np.log(0.81 / 0.19 * 0.99 / 0.01) - 2 * 2 * 0.01, 0.0]
    assert surrogate(MASKS, logprobs, alpha=0.01) == pytest.approx(expected, abs=1e-6)


def test_a_probability_of_one_has_a_finite_logit() -> None:
    logprobs = np.array([[0.0], [1e-9], [-50.0], [-700.0]])
    assert np.isfinite(surrogate(MASKS, logprobs, alpha=0.01)).all()


@pytest.mark.parametrize("masks", [MASKS[:0], MASKS[:1], MASKS[[0, 0]]])
def test_masks_that_say_nothing_give_weights_of_zero(masks: NDArray[np.bool_]) -> None:
    assert surrogate(masks, np.full((len(masks), 1), -1.0), alpha=0.01).tolist() == [0.0, 0.0]


def test_the_planted_sentence_of_each_claim_is_recovered() -> None:
    found = _measure("Thing2 it is. Thing5 is number5.")
    uses = [claim_use(found, claim) for claim in found.answer.claims]
    assert [int(use.scores.argmax()) for use in uses if use] == [2, 5]
    others = [np.delete(use.scores, i) for use, i in zip(uses, [2, 5], strict=True) if use]
    assert np.abs(others).max() < 1


def test_a_claims_weight_is_the_sum_over_its_tokens_and_in_logits() -> None:
    found = _measure("thing2 number2")
    use = claim_use(found, found.answer.claims[0])
    assert use is not None
    assert use.scores[2] == pytest.approx(np.log(0.81 / 0.19 * 0.99 / 0.01), rel=0.02)
    assert (found.unit, found.floors, use.shares) == ("logits", None, None)


def test_the_seed_decides_the_masks() -> None:
    first, again, other = (_measure("thing2", seed=seed).scores for seed in (1, 1, 2))
    assert np.array_equal(first, again)  # type: ignore[arg-type]
    assert not np.array_equal(first, other)  # type: ignore[arg-type]


def test_it_costs_a_pass_for_each_mask() -> None:
    found = _measure("thing2", n_ablations=20)
    assert (found.passes, found.verified, found.confidence) == (21, (), None)


@pytest.mark.parametrize(
    ("n_ablations", "keep"), [(1, 0.5), (0, 0.5), (64, 0.0), (64, 1.0), (64, float("nan"))]
)
def test_settings_that_fit_nothing_are_refused(n_ablations: int, keep: float) -> None:
    with pytest.raises(ConfigError, match="contextcite needs"):
        AttributeContextCite(FakeModel(), answer_prompt(), n_ablations=n_ablations, keep=keep)
