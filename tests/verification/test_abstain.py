from dataclasses import replace

from ragattr.attribution.unmeasured import Unmeasured
from ragattr.models.fake import FakeEncoder, FakeVerifier
from ragattr.text.claims import read_claims
from ragattr.types import Answer, Context, Judgement, Label, Passage, Query
from ragattr.verification.abstain import Abstain
from ragattr.verification.entailment import VerifyEntailment


def _judged(text: str, *passages: str) -> Judgement:
    context = Context(Query("?", "q"), tuple(Passage(p, p) for p in passages))
    measured = Unmeasured()([Answer(context, text, *read_claims(text, len(passages)))])
    (judgement,) = VerifyEntailment(FakeVerifier(), FakeEncoder())(measured)
    return judgement


def _labels(judgement: Judgement) -> list[Label]:
    return [verdict.label for verdict in judgement.verdicts]


def test_supported_below_the_threshold_is_unclear_without_a_probability() -> None:
    judged = _judged("Bees make honey. Bees make wax.", "Bees make honey.")
    (found,) = Abstain(0.95)([judged])
    assert _labels(found) == ["unclear", "not_enough_information"]
    assert found.verdicts[0].probability is None
    assert found.warnings == (
        "claim 1 is supported with probability 0.900, and the guarantee holds from 0.950 on: "
        "unclear",
    )


def test_supported_at_the_threshold_stays() -> None:
    judged = _judged("Bees make honey.", "Bees make honey.")
    (found,) = Abstain(0.9)([judged])
    assert (found.verdicts, found.warnings) == (judged.verdicts, ())


def test_contradicted_and_unjudged_claims_stay() -> None:
    judged = _judged("Hello! Bees make honey.", "Bees never make honey.")
    (found,) = Abstain(1.0)([replace(judged, warnings=("kept",))])
    assert _labels(found) == _labels(judged) == ["unclear", "contradicted"]
    assert found.warnings == ("kept",)
