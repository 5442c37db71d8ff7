"""Passages first: what is asked, what follows, and that a threshold asks nothing new."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ragattr.attribution.unmeasured import Unmeasured
from ragattr.models.fake import FakeEncoder, FakeVerifier
from ragattr.models.protocols import Pair
from ragattr.record import read_case, to_answer
from ragattr.text.words import words
from ragattr.types import Answer, FloatArray, Judgement
from ragattr.verification.entailment import VerifyEntailment
from ragattr.verification.passages import VerifyPassages


@dataclass(frozen=True)
class Listening(FakeVerifier):
    """Notes what it is asked."""

    asked: list[list[Pair]] = field(default_factory=list)

    def entails(self, pairs: Sequence[Pair]) -> FloatArray:
        self.asked.append(list(pairs))
        return super().entails(pairs)


@dataclass(frozen=True)
class Adding(FakeVerifier):
    """The share of the claim's words that the premise holds: pieces support more together."""

    def entails(self, pairs: Sequence[Pair]) -> FloatArray:
        shares = []
        for pair in pairs:
            wanted = set(words(pair.hypothesis))
            shares.append(len(wanted & set(words(pair.premise))) / len(wanted))
        return np.array([(share, 0.0, 1 - share) for share in shares]).reshape(-1, 3)


def _answer(text: str, *passages: str) -> Answer:
    case = {"question": "What is known?", "passages": list(passages), "answer": text}
    return to_answer(read_case(case, default_id="1", answered=True))


def _judge(verify: VerifyPassages, *answers: Answer) -> list[Judgement]:
    return verify(Unmeasured()(list(answers)))


BEES = "Bees make honey. They live in hives."
ANTS = "Ants dig tunnels. Ants have no wings."


def test_sentences_are_read_only_in_passages_that_say_something() -> None:
    verifier = Listening()
    _judge(VerifyPassages(verifier), _answer("Bees make honey [1].", BEES, ANTS))
    first, second = verifier.asked
    assert first == [Pair(BEES, "Bees make honey."), Pair(ANTS, "Bees make honey.")]
    assert [pair.premise for pair in second] == ["Bees make honey.", "They live in hives."]


def test_all_answers_are_asked_about_at_once_and_no_pair_twice() -> None:
    verifier = Listening()
    answer = _answer("Bees make honey [1].", BEES, ANTS)
    _judge(VerifyPassages(verifier), answer, answer)
    assert [len(pairs) for pairs in verifier.asked] == [2, 2]


def test_verdicts_and_figures_are_those_of_the_long_way() -> None:
    answers = [
        _answer("Bees make honey [1]. Ants dig tunnels [1].", BEES, ANTS),
        _answer("Ants have wings [2].", BEES, ANTS),
        _answer("Wasps build nests [1][2].", BEES, ANTS),
    ]
    attributions = Unmeasured()(answers)
    short = VerifyPassages(FakeVerifier())(attributions)
    long = VerifyEntailment(FakeVerifier(), FakeEncoder())(attributions)
    for one, other in zip(short, long, strict=True):
        assert [v.label for v in one.verdicts] == [v.label for v in other.verdicts]
        assert np.array_equal(one.cited, other.cited)
        assert np.array_equal(one.passage_supports, other.passage_supports)
        assert one.without is not None
        assert other.without is not None
        assert np.array_equal(one.without, other.without, equal_nan=True)


def test_pieces_that_support_together_are_the_proof_and_what_is_not_needed_is_no_part() -> None:
    verify = VerifyPassages(Adding(threshold=0.9), 0.9)
    answer = _answer("Bees make gold.", "Bees make wax. Nothing here.", "Ants find gold. No.")
    (judged,) = _judge(verify, answer)
    texts = [
        source.span.of(answer.context.passages[source.passage].text) for source in judged.sources
    ]
    assert judged.verdicts[0].label == "supported"
    assert [texts[i] for i in judged.proofs[0]] == ["Bees make wax.", "Ants find gold."]


def test_another_threshold_asks_nothing_that_was_not_asked_before() -> None:
    answer = _answer("Bees make gold.", "Bees make wax. Nothing here.", "Ants find gold. No.")
    asked = []
    for threshold in (0.3, 0.6, 0.95):
        verifier = Listening(threshold=threshold)
        _judge(VerifyPassages(verifier, threshold), answer)
        asked.append(verifier.asked)
    assert asked[0] == asked[1] == asked[2]


def test_what_is_no_english_is_not_judged_and_said() -> None:
    (judged,) = _judge(
        VerifyPassages(FakeVerifier()), _answer("Bees make honey [1].", "蜂蜜。", BEES)
    )
    assert judged.warnings == ("passage '1' is outside the verifier's language: not judged",)
    assert np.isnan(judged.passage_supports[0, 0])
    assert judged.verdicts[0].label == "supported"
    (judged,) = _judge(VerifyPassages(FakeVerifier()), _answer("蜂蜜。", BEES))
    assert judged.verdicts[0].probability is None
