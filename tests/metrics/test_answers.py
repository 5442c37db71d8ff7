import pytest

from ragattr.errors import ConfigError
from ragattr.metrics.answers import (
    contains_answer,
    exact_match,
    short_answer_recall,
    token_f1,
)


@pytest.mark.parametrize(
    ("answer", "gold", "score"),
    [
        ("The Eiffel Tower!", "eiffel tower", 1.0),
        ("in  1889", "In 1889.", 1.0),
        ("an apple", "the apple", 1.0),
        ("U.S.", "us", 1.0),
        ("1889", "1890", 0.0),
        ("Theodore", "odore", 0.0),
        ("", "", 1.0),
        ("", "Paris", 0.0),
    ],
)
def test_exact_match_ignores_case_punctuation_articles_and_spaces(
    answer: str, gold: str, score: float
) -> None:
    assert exact_match(answer, gold) == score


@pytest.mark.parametrize(
    ("answer", "gold", "score"),
    [
        ("It was completed in 1889.", "1889", 2 / 6),  # precision 1/5, recall 1
        ("the red red fox", "a red fox", 4 / 5),  # precision 2/3, recall 1
        ("blue sky", "red fox", 0.0),
        ("Paris", "paris", 1.0),
        ("", "", 1.0),
        ("", "Paris", 0.0),
    ],
)
def test_token_f1_is_the_harmonic_mean_of_word_precision_and_recall(
    answer: str, gold: str, score: float
) -> None:
    assert token_f1(answer, gold) == pytest.approx(score)


@pytest.mark.parametrize(
    ("answer", "gold", "score"),
    [
        ("It opened in 1889, in Paris.", "1889", 1.0),
        ("It opened in 1889, in Paris.", "in the Paris", 1.0),
        ("It opened in 1889, in Paris.", "opened Paris", 0.0),
        ("It opened in 1889, in Paris.", "188", 0.0),
        ("It is 1,889 years old.", "1889", 1.0),
        ("", "Paris", 0.0),
    ],
)
def test_an_answer_contains_whole_words_in_a_row(answer: str, gold: str, score: float) -> None:
    assert contains_answer(answer, gold) == score


@pytest.mark.parametrize(
    ("answer", "gold", "score"),
    [("wellknown", "well-known", 1.0), ("well known", "well-known", 0.0)],
)
def test_hyphens_are_dropped_as_squads_own_script_drops_them(
    answer: str, gold: str, score: float
) -> None:
    assert exact_match(answer, gold) == score


@pytest.mark.parametrize(
    ("answer", "gold", "recall"),
    [
        ("Ali Daei scored.", [["Daei", "Ali Daei"], ["Bican"]], 1 / 2),
        ("The U.S.A. and Bican", [["USA"], ["The Bican!"]], 1),
        ("It was a party.", [["art"]], 1),  # characters, not words
        ("It is old.", [["old town"], ["new"], ["old"]], 1 / 3),
        ("Anything", [["The", "."], ["thing"]], 1 / 2),  # a wording of nothing stands nowhere
        ("", [["x"]], 0),
    ],
)
def test_short_answers_are_recalled_when_one_of_their_wordings_stands_in_the_answer(
    answer: str, gold: list[list[str]], recall: float
) -> None:
    assert short_answer_recall(answer, gold) == pytest.approx(recall)


def test_a_recall_of_no_short_answers_is_refused() -> None:
    with pytest.raises(ConfigError, match="at least one"):
        short_answer_recall("x", [])
