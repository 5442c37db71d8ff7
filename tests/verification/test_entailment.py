from collections.abc import Sequence

import numpy as np
import pytest

from ragattr.attribution.unmeasured import Unmeasured
from ragattr.models.fake import FakeEncoder, FakeVerifier
from ragattr.models.protocols import EntailmentModel, Pair
from ragattr.text.claims import read_claims
from ragattr.types import Answer, Context, FloatArray, Judgement, Passage, Query
from ragattr.verification.entailment import VerifyEntailment
from ragattr.verification.evidence import judge_pair


class Cautious(FakeVerifier):
    """Sure of single pairs, and half as sure of the largest of many."""

    def for_largest(self) -> FakeVerifier:
        return Halved()


class Halved(FakeVerifier):
    def entails(self, pairs: Sequence[Pair]) -> FloatArray:
        supported = super().entails(pairs)[:, 0] / 2
        return np.stack([supported, 0 * supported, 1 - supported], axis=1)


def _judge(text: str, *passages: str, model: EntailmentModel | None = None) -> Judgement:
    context = Context(
        Query("When?", "q"), tuple(Passage(p, str(i)) for i, p in enumerate(passages, start=1))
    )
    claims, markers = read_claims(text, len(passages))
    measured = Unmeasured()([Answer(context, text, claims, markers)])
    (judgement,) = VerifyEntailment(model or FakeVerifier(), FakeEncoder())(measured)
    return judgement


def test_a_claim_is_supported_by_the_sentence_that_holds_it() -> None:
    found = _judge("Bees make honey.", "Iron rusts. Bees make honey.", "Nothing here.")
    assert found.supports == pytest.approx(np.array([[0.05, 0.9, 0.05]]))
    assert found.verdicts[0].label == "supported"
    assert found.verdicts[0].probability == pytest.approx(0.9)


def test_two_sentences_that_only_support_together_are_the_proof() -> None:
    found = _judge(
        "Ada wrote programs London.", "Ada wrote programs.", "Ada lived in London.", "Rain."
    )
    assert found.verdicts[0].label == "supported"
    assert found.proofs == ((0, 1),)
    assert found.supports.max() < 0.5


def test_a_proof_leaves_out_what_is_not_needed() -> None:
    found = _judge("Bees make honey.", "Rain falls. Bees make honey. Snow melts.")
    assert found.proofs == ((1,),)


def test_markers_are_cut_before_judging() -> None:
    assert _judge("Bees make honey [1].", "Bees make honey.").verdicts[0].label == "supported"


def test_the_cited_probability_looks_at_cited_passages_alone() -> None:
    found = _judge("Bees make honey [2].", "Bees make honey.", "Iron rusts.")
    assert found.cited[0] == pytest.approx(0.05)
    assert found.verdicts[0].probability == pytest.approx(0.9)


def test_a_claim_that_cites_nothing_has_no_cited_probability() -> None:
    assert np.isnan(_judge("Bees make honey.", "Bees make honey.").cited[0])
    assert np.isnan(_judge("Bees make honey [7].", "Bees make honey.").cited[0])


def test_claims_are_judged_with_the_calibration_for_the_largest_of_many() -> None:
    found = _judge("Bees make honey.", "Bees make honey.", model=Cautious())
    assert found.verdicts[0].probability == pytest.approx(0.45)
    assert judge_pair(Cautious(), "Bees hum.", ["Bees hum."]).probability == pytest.approx(0.9)


def test_a_negated_sentence_contradicts() -> None:
    found = _judge("Bees make honey.", "Bees never make honey.")
    assert found.verdicts[0].label == "contradicted"
    assert found.contradicts[0, 0] == pytest.approx(0.9)


def test_what_nothing_supports_is_not_enough_information() -> None:
    assert _judge("Bees make wax.", "Iron rusts.").verdicts[0].label == "not_enough_information"


def test_a_claim_in_another_language_is_unclear_and_never_guessed() -> None:
    found = _judge("蜂は蜜を作る。", "Bees make honey.")
    assert (found.verdicts[0].label, found.verdicts[0].probability) == ("unclear", None)
    assert np.isnan(found.supports).all()
    assert found.warnings == ("claim 1 is outside the verifier's language: not judged",)


def test_a_passage_in_another_language_is_left_out_by_name() -> None:
    found = _judge("Bees make honey.", "Bees make honey.", "蜂は蜜を作る。")
    assert found.verdicts[0].label == "supported"
    assert np.isnan(found.supports[0, 1])
    assert found.warnings == ("passage '2' is outside the verifier's language: not judged",)


def test_greetings_questions_and_refusals_are_not_judged() -> None:
    found = _judge("Sure! Do you like honey? I don't know. Bees make honey.", "Bees make honey.")
    assert [verdict.label for verdict in found.verdicts] == ["unclear"] * 3 + ["supported"]


def test_an_answer_without_claims_has_an_empty_judgement() -> None:
    found = _judge("  ", "Bees make honey.")
    assert found.supports.shape == (0, 1)


def test_the_evidence_of_a_pair_is_judged_together() -> None:
    model = FakeVerifier()
    assert judge_pair(model, "Ada wrote London.", ["Ada wrote.", "London."]).probability == 0.9
    assert judge_pair(model, "Ada wrote London.", ["Ada wrote."]).probability == 0.05


def test_a_pair_without_evidence_is_not_supported_and_no_error() -> None:
    assert judge_pair(FakeVerifier(), "Ada wrote.", []).probability == 0.0
    assert judge_pair(FakeVerifier(), "Ada wrote.", ["  "]).probability == 0.0


def test_a_pair_outside_the_language_has_no_probability() -> None:
    found = judge_pair(FakeVerifier(), "Ada wrote.", ["彼女は書いた。"])
    assert found.probability is None
    assert found.warnings == ("1 of 1 passages are outside the verifier's language: left out",)
