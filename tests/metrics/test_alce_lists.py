from collections.abc import Sequence

import pytest

from ragattr.errors import ConfigError
from ragattr.metrics.alce import CitedOutput, CitedSentence, citation_scores
from ragattr.metrics.alce_lists import (
    list_items,
    list_scores,
    read_list_as_released,
    read_list_by_markers,
)
from ragattr.types import Passage

DOCUMENTS = tuple(Passage(text, str(n), title="T") for n, text in enumerate(("Oslo", "Molde"), 1))
GOLD = [["Oslo", "Christiania"], ["Bergen"], ["The Hague"]]


def _output(text: str) -> CitedOutput:
    return CitedOutput(text, DOCUMENTS, "Which towns?")


@pytest.mark.parametrize(
    ("items", "precision", "recall"),
    [
        (["oslo", "Molde"], 1 / 2, 1 / 3),
        (["Oslo", "Christiania"], 1, 1 / 3),  # two wordings of one answer
        (["Hague!", "Bergen", "Oslo"], 1, 1),
        (["Oslo town"], 0, 0),  # compared whole
        (["Oslo", "", " . "], 1, 1 / 3),  # empty items do not count
        ([], 0, 0),
    ],
)
def test_items_are_compared_whole_with_every_wording(
    items: list[str], precision: float, recall: float
) -> None:
    found = list_scores(items, GOLD)
    assert (found.precision, found.recall) == pytest.approx((precision, recall))
    total = precision + recall
    assert found.f1 == pytest.approx(2 * precision * recall / total if total else 0)


def test_five_right_answers_of_ten_are_a_full_recall_at_5() -> None:
    found = list_scores(list("abcdefzz"[1:7]), [[letter] for letter in "bcdefghijk"])
    # Six items b c d e f z: five are right; of ten answers five are found.
    assert (found.precision, found.recall, found.recall_at_5) == pytest.approx((5 / 6, 1 / 2, 1))
    assert found.f1 == pytest.approx(2 * (5 / 6) * (1 / 2) / (5 / 6 + 1 / 2))
    assert found.f1_at_5 == pytest.approx(2 * (5 / 6) / (5 / 6 + 1))
    assert found.n_items == 6


def test_two_of_three_answers_are_a_recall_at_5_of_two_thirds() -> None:
    assert list_scores(["Oslo", "Bergen"], GOLD).recall_at_5 == pytest.approx(2 / 3)


def test_a_list_without_gold_answers_is_refused() -> None:
    with pytest.raises(ConfigError, match="at least one gold answer"):
        list_scores(["Oslo"], [])


def test_items_stand_between_commas_and_the_last_full_stop_is_none_of_them() -> None:
    assert list_items("Oslo, St. Ives , Molde.") == ["Oslo", "St. Ives", "Molde"]
    assert list_items("Oslo,. ") == ["Oslo"]


def test_both_readings_put_the_question_before_each_item() -> None:
    expected = [
        CitedSentence("Which towns? Oslo", (0,)),
        CitedSentence("Which towns? Molde", (1, 0)),
    ]
    output = _output("Oslo [1], Molde [2][1].\nSecond line [1].")
    assert read_list_as_released(output) == expected
    assert read_list_by_markers(output) == expected


def test_a_comma_in_a_marker_cuts_an_item_in_the_released_reading_alone() -> None:
    output = _output("Oslo [1, 2], Molde [2]")
    assert read_list_by_markers(output) == [
        CitedSentence("Which towns? Oslo", (0, 1)),
        CitedSentence("Which towns? Molde", (1,)),
    ]
    assert read_list_as_released(output) == [
        CitedSentence("Which towns? Oslo", (0,)),
        CitedSentence("Which towns? 2", ()),
        CitedSentence("Which towns? Molde", (1,)),
    ]


def test_a_marker_alone_between_commas_belongs_to_the_item_before() -> None:
    assert read_list_by_markers(_output("Oslo, [1], Molde, [2].")) == [
        CitedSentence("Which towns? Oslo", (0,)),
        CitedSentence("Which towns? Molde", (1,)),
    ]


@pytest.mark.parametrize("text", ["", " \n", ".", "[1]"])
def test_a_list_without_items_has_no_sentence(text: str) -> None:
    assert read_list_by_markers(_output(text)) == []


def test_the_released_reading_counts_an_empty_list_as_one_item_without_support() -> None:
    assert read_list_as_released(_output("")) == [CitedSentence("Which towns?", ())]


def test_citations_of_a_list_are_scored_item_by_item() -> None:
    def holds(pairs: Sequence[tuple[str, str]]) -> list[bool]:
        return [said.split()[-1] in premise for premise, said in pairs]

    found = citation_scores([_output("Oslo [1], Molde [1]")], holds, read=read_list_by_markers)
    assert (found.recall, found.precision) == (50, 50)
