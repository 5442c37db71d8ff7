"""Statements out of questions: what is right, what is wrong, what is no longer said."""

import pytest

from ragattr.learn.rows import QuestionRow
from ragattr.learn.statements import declare, statements

SENTENCES = ("The tower was built in 1889.", "Gustave Eiffel designed it.", "It stands in Paris.")


def _question(question: str, answer: str, *gold: int, statement: str = "") -> QuestionRow:
    return QuestionRow(question, SENTENCES, answer, statement, gold, "test")


@pytest.mark.parametrize(
    ("question", "answer", "said"),
    [
        ("who sings the song Go", "Milira", "Milira sings the song Go."),
        ("Who was the king of Spain?", "Philip", "Philip was the king of Spain."),
        ("What city is the capital?", "Paris", "Paris is the capital."),
        ("When was it built?", "1889", "When was it built? 1889."),
        ("What did he build?", "a tower", "What did he build? a tower."),
        ("where is it", "Paris", "Where is it? Paris."),
    ],
)
def test_question_and_answer_as_one_statement(question: str, answer: str, said: str) -> None:
    assert declare(question, answer) == said


def test_the_right_answer_is_supported_and_a_wrong_one_is_not() -> None:
    rows = [
        _question("Who designed it?", "Gustave Eiffel", 1),
        _question("Where is it?", "Paris", 2),
    ]
    found = statements(rows, seed=1)
    right = [row for row in found if row.label == "supported"]
    assert [row.claim for row in right] == ["Gustave Eiffel designed it.", "Where is it? Paris."]
    wrong = [row.claim for row in found if row.label == "not_supported"]
    assert wrong
    assert not set(wrong) & {row.claim for row in right}


def test_without_its_sentence_an_answer_is_neither() -> None:
    asked = [_question("Who designed it?", "Gustave Eiffel", 1)]
    found = [row for seed in range(20) for row in statements(asked, seed=seed)]
    dropped = [row for row in found if row.label == "neither"]
    assert dropped
    assert all("Eiffel" not in row.evidence[0] for row in dropped)


def test_an_unanswerable_question_gets_something_of_the_text_as_a_wrong_answer() -> None:
    (row,) = statements([_question("When was it torn down?", "")])
    assert (row.claim, row.label) == ("When was it torn down? 1889.", "not_supported")


def test_a_proof_is_supported_and_one_fact_less_is_not() -> None:
    proved = _question("Q?", "A", 0, 1, statement="Eiffel designed a tower of 1889")
    whole, part = statements([proved])
    assert whole.label == "supported"
    assert all(SENTENCES[i] in whole.evidence[0] for i in (0, 1))
    assert part.label == "neither"
    assert sum(SENTENCES[i] in part.evidence[0] for i in (0, 1)) == 1
