"""Yes or no by first tokens."""

import numpy as np
import pytest

from ragattr.errors import ConfigError
from ragattr.models.label_words import LabelWords, support_rows, surface_forms, yes_no


class Pieces:
    """A tokenizer that makes a token of every character."""

    def __call__(self, forms: list[str], *, add_special_tokens: bool) -> dict[str, list[list[int]]]:
        assert not add_special_tokens
        return {"input_ids": [[ord(char) for char in form] for form in forms]}


def test_forms_are_the_word_in_three_cases_behind_nothing_a_space_or_a_line_break() -> None:
    assert surface_forms("yes") == (
        *("Yes", " Yes", "\nYes"),
        *("yes", " yes", "\nyes"),
        *("YES", " YES", "\nYES"),
    )


def test_first_tokens_that_both_labels_share_are_dropped() -> None:
    words = LabelWords.of(Pieces(), yes=["Yes", " yes", "true"], no=["No", " no", "false"])
    assert words == LabelWords(yes=(ord("Y"), ord("t")), no=(ord("N"), ord("f")))


def test_labels_without_a_first_token_of_their_own_are_an_error() -> None:
    with pytest.raises(ConfigError, match="no first tokens of their own"):
        LabelWords.of(Pieces(), yes=["same"], no=["so"])


def test_score_is_the_share_of_yes_and_attentiveness_the_mass_on_both() -> None:
    logprobs = np.log([[0.1, 0.2, 0.3, 0.4], [0.05, 0.05, 0.01, 0.89]])
    found = LabelWords(yes=(0, 1), no=(2,)).weigh(logprobs)
    assert found.score == pytest.approx([0.5, 10 / 11])
    assert found.attentiveness == pytest.approx([0.6, 0.11])


def test_a_label_that_is_impossible_gives_a_certain_score() -> None:
    found = yes_no(np.array([-np.inf, np.log(0.25)]), np.array([np.log(0.5), -np.inf]))
    assert found.score.tolist() == [0.0, 1.0]


def test_what_is_not_supported_is_neither() -> None:
    assert support_rows(np.array([0.25])).tolist() == [[0.25, 0.0, 0.75]]
