"""Claims against their evidence: what is joined, what decides, and many claims at once."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ragattr.models.fake import FakeVerifier
from ragattr.models.protocols import Judged, Pair
from ragattr.types import FloatArray, Source, Span
from ragattr.verification.evidence import judge_pair, judge_pairs, pairs_of

CLAIMS = [
    ("Oslo is old.", ["Oslo is old. Bergen is wet.", "Oslo is big."]),
    ("Oslo is not old.", ["Oslo is old."]),
    ("Oslo is old.", ["", "  "]),
    ("Осло стар.", ["Oslo is old."]),
    ("Oslo is old.", ["Осло стар."]),
    ("Oslo is old.", ["Осло стар.", "Oslo is old and big."]),
]


@dataclass(frozen=True)
class Counting(FakeVerifier):
    calls: list[list[Pair]] = field(default_factory=list)

    def entails(self, pairs: Sequence[Pair]) -> FloatArray:
        self.calls.append(list(pairs))
        return super().entails(pairs)


@dataclass(frozen=True)
class ReadsEnds(FakeVerifier):
    """Says that it read the last characters of each premise."""

    n: int = 0

    def judge(self, pairs: Sequence[Pair]) -> Judged:
        spans = tuple((Span(len(p.premise) - self.n, len(p.premise)),) for p in pairs)
        return Judged(self.entails(pairs), spans)


def test_claims_judged_together_have_the_verdicts_of_each_alone() -> None:
    alone = [judge_pair(FakeVerifier(), claim, evidence) for claim, evidence in CLAIMS]
    assert judge_pairs(FakeVerifier(), CLAIMS) == alone
    assert [verdict.probability for verdict in alone] == [0.9, 0.05, 0.0, None, None, 0.9]


def test_the_pairs_of_many_claims_are_one_question_and_none_is_asked_twice() -> None:
    model = Counting()
    judge_pairs(model, CLAIMS * 3)
    (pairs,) = model.calls
    assert len(pairs) == len(set(pairs))


def test_claims_that_ask_nothing_are_judged_without_the_model() -> None:
    model = Counting()
    judge_pairs(model, [("Oslo is old.", [])])
    assert model.calls == []


def test_the_joined_evidence_comes_first_then_passages_then_sentences() -> None:
    premises = [pair.premise for pair in pairs_of("c", ["A hums. B hums.", "C hums."])]
    assert premises == [
        "A hums. B hums.\n\nC hums.", "A hums. B hums.", "C hums.", "A hums.", "B hums.",
    ]  # fmt: skip


def test_what_decides_is_named_in_its_passage() -> None:
    evidence = ["Oslo is old. Bergen is wet.", "Oslo is big."]
    verdict = judge_pair(ReadsEnds(n=7), "Oslo is big.", evidence)
    assert [s.span.of(evidence[s.passage]) for s in verdict.decided_by] == ["is big."]


def test_what_decides_across_passages_is_named_in_each_and_counts_those_left_out() -> None:
    evidence = ["Осло.", "Oslo is old.", "Big."]
    verdict = judge_pair(ReadsEnds(n=9), "Oslo is old.", evidence)
    assert verdict.decided_by == (Source(1, Span(9, 12)), Source(2, Span(0, 4)))
    assert [s.span.of(evidence[s.passage]) for s in verdict.decided_by] == ["ld.", "Big."]


def test_a_model_that_does_not_say_is_taken_to_have_read_all() -> None:
    verdict = judge_pair(FakeVerifier(), "Oslo is old.", ["Bergen is wet.", "Oslo is old."])
    assert verdict.decided_by == (Source(0, Span(0, 14)), Source(1, Span(0, 12)))
