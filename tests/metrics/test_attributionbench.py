import pytest

from ragattr.errors import ConfigError
from ragattr.metrics.attributionbench import (
    IN_DISTRIBUTION,
    OUT_OF_DISTRIBUTION,
    SubsetScore,
    as_scored,
    average,
    parse_output,
    score_subsets,
    subset_name,
)


@pytest.mark.parametrize(
    ("source", "subset"),
    [
        ("ExpertQA", "ExpertQA"),
        ("Stanford-GenSearch", "Stanford-GenSearch"),
        ("AttrScore-GenSearch", "AttrEval-GenSearch"),
        ("HAGRID", "HAGRID"),
        ("hagrid_answer", "HAGRID"),
        ("hagrid_sentence", "HAGRID"),
        ("BEGIN", "BEGIN"),
        ("BEGIN-wow", "BEGIN-wow"),  # rows of its dev split are not the subset
        ("WiCE", "WiCE"),
    ],
)
def test_released_names_are_those_of_the_paper_and_other_sources_keep_theirs(
    source: str, subset: str
) -> None:
    assert subset_name(source) == subset


@pytest.mark.parametrize(
    ("output", "strict", "relaxed"),
    [
        ("attributable", True, True),
        (" Not Attributable\n", False, False),
        ("1", True, True),
        ("0", False, False),
        ("Contradictory", False, False),
        ("extrapolatory", False, False),
        ("The claim is attributable.", None, True),
        ("It is not attributable, though a part is attributable", None, False),
        ("attributable or not attributable", None, False),
        ("yes", None, None),
        ("", None, None),
        ("10", None, None),
    ],
)
def test_an_output_is_a_label_or_holds_one_and_the_negative_one_is_looked_for_first(
    output: str, strict: bool | None, relaxed: bool | None
) -> None:
    assert parse_output(output) is strict
    assert parse_output(output, relaxed=True) is relaxed


def test_an_output_that_cannot_be_read_counts_as_the_wrong_label() -> None:
    assert as_scored([True, False, True], [None, None, True]) == [False, True, True]


def test_false_positives_and_negatives_are_parts_of_all_rows() -> None:
    # One of 3 false rows is called true, and 2 of 2 true rows false: 1/5 and 2/5 of all rows.
    # F1 of true 0, of false 2 * 2 / (3 + 4). Recalls 0 and 2/3.
    truth, predicted = [True, True, False, False, False], [False, None, True, False, False]
    (score,) = score_subsets(["a"] * 5, truth, predicted).values()
    assert score == SubsetScore(
        n=5,
        macro_f1=pytest.approx(100 * (4 / 7) / 2),
        balanced_accuracy=pytest.approx(100 * (2 / 3) / 2),
        false_positives=pytest.approx(20),
        false_negatives=pytest.approx(40),
    )


def test_every_subset_is_scored_alone_and_averages_weigh_small_ones_the_same() -> None:
    subsets = ["LFQA"] * 2 + ["ExpertQA"] * 4
    scores = score_subsets(subsets, [True, False] * 3, [True, False] + [False, True] * 2)
    assert (scores["LFQA"].macro_f1, scores["ExpertQA"].macro_f1) == (100, 0)
    assert average(scores, IN_DISTRIBUTION) == (50, 2)
    assert average(scores, OUT_OF_DISTRIBUTION) is None


def test_always_yes_has_a_macro_f1_of_a_third_in_a_balanced_subset() -> None:
    (score,) = score_subsets(["a"] * 4, [True, False] * 2, [True] * 4).values()
    assert score.macro_f1 == pytest.approx(100 / 3)
    assert (score.false_positives, score.false_negatives, score.balanced_accuracy) == (50, 0, 50)


def test_rows_without_a_prediction_are_refused() -> None:
    with pytest.raises(ConfigError, match="got 2 and 1"):
        score_subsets(["a", "a"], [True, False], [True])
