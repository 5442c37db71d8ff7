"""Gold answers, statement by statement, judged by a verifier that looks for words."""

import pytest

from ragattr.models.fake import FakeVerifier
from ragattr.text.claims import read_claims
from ragattr.types import Answer, Context, Passage, Query
from ragattr.verification.gold import CompareWithGold, GoldFigures

PASSAGES = ("Bees make honey. Ants dig.", "Wasps sting.")


def _answer(text: str, question: str = "What do insects do?") -> Answer:
    claims, markers = read_claims(text, len(PASSAGES))
    passages = tuple(Passage(text, str(i)) for i, text in enumerate(PASSAGES))
    return Answer(Context(Query(question, "q"), passages), text, claims, markers)


def _figures(answer: Answer, gold: str) -> GoldFigures:
    (found,) = CompareWithGold(FakeVerifier())([(answer, gold)])
    return found


def _is_high(row: tuple[float | None, ...]) -> list[bool | None]:
    return [None if p is None else p > 0.5 for p in row]


def test_gold_statements_are_looked_for_in_passages_and_answer() -> None:
    found = _figures(
        _answer("Bees make honey [1]. Flies bite [2]."), "Bees make honey. Wasps sting."
    )
    assert [claim.text for claim in found.claims] == ["Bees make honey.", "Wasps sting."]
    assert [_is_high(row) for row in found.in_passages] == [[True, False], [False, True]]
    assert _is_high(found.in_answer) == [True, False]


def test_the_answers_statements_are_looked_for_in_the_gold_answer() -> None:
    found = _figures(
        _answer("Bees make honey [1]. Flies bite [2]."), "Bees make honey. Wasps sting."
    )
    assert _is_high(found.answer_in_gold) == [True, False]


def test_what_needs_no_support_is_not_asked_about() -> None:
    found = _figures(_answer("Sure! Bees make honey [1]."), "Great question! Bees make honey.")
    assert _is_high(found.answer_in_gold) == [None, True]
    assert _is_high(found.in_answer) == [None, True]


def test_an_answer_in_another_language_is_not_judged() -> None:
    found = _figures(_answer("Bienen machen süßen Honig."), "Bees make honey.")
    assert found.in_answer == (None,)
    assert found.answer_in_gold == (None,)
    assert _is_high(found.in_passages[0]) == [True, False]


@pytest.mark.parametrize("gold", ["", " "])
def test_a_gold_answer_that_says_nothing_has_no_statements(gold: str) -> None:
    assert _figures(_answer("Bees make honey."), gold).claims == ()
