import numpy as np
import pytest

from ragattr.errors import ConfigError
from ragattr.metrics.ranking import (
    area_under_curve,
    area_under_roc,
    average_precision,
    hit_at_k,
    linear_datamodelling_score,
    recall_at_k,
    spearman,
    top_k,
)

SCORES = [0.1, 0.9, 0.5, 0.9]  # best first: 1, 3, 2, 0


@pytest.mark.parametrize(
    ("k", "expected"), [(0, ()), (1, (1,)), (2, (1, 3)), (3, (1, 3, 2)), (9, (1, 3, 2, 0))]
)
def test_the_best_come_first_and_ties_go_to_the_lower_index(
    k: int, expected: tuple[int, ...]
) -> None:
    assert top_k(SCORES, k=k) == expected


@pytest.mark.parametrize(
    ("gold", "k", "hit", "recall"),
    [
        ({1}, 1, 1.0, 1.0),
        ({3}, 1, 0.0, 0.0),
        ({3, 0}, 2, 1.0, 0.5),
        ({0, 2, 3}, 3, 1.0, 2 / 3),
        (set(), 3, 0.0, 0.0),
    ],
)
def test_a_hit_is_one_gold_source_and_recall_is_the_part_of_them(
    gold: set[int], k: int, hit: float, recall: float
) -> None:
    assert hit_at_k(SCORES, gold, k=k) == hit
    assert recall_at_k(SCORES, gold, k=k) == pytest.approx(recall)


@pytest.mark.parametrize(
    ("gold", "expected"),
    [({1}, 1.0), ({3}, 1 / 2), ({3, 0}, (1 / 2 + 2 / 4) / 2), ({0}, 1 / 4), (set(), 0.0)],
)
def test_average_precision_is_the_mean_precision_at_the_gold_ranks(
    gold: set[int], expected: float
) -> None:
    assert average_precision(SCORES, gold) == pytest.approx(expected)


def test_rank_correlation_is_scipys_with_and_without_ties() -> None:
    from scipy.stats import spearmanr

    rng = np.random.default_rng(0)
    for n_levels in (3, 1000):
        x, y = rng.integers(n_levels, size=(2, 40)).astype(float)
        assert spearman(x, y) == pytest.approx(spearmanr(x, y).statistic)


def test_rank_correlation_sees_order_alone_and_nothing_in_a_constant() -> None:
    assert spearman([1, 2, 3], [1, 10, 1000]) == pytest.approx(1.0)
    assert spearman([1, 2, 3], [3, 2, 1]) == pytest.approx(-1.0)
    assert spearman([1, 2, 3], [5, 5, 5]) == 0.0


def test_values_of_different_length_have_no_rank_correlation() -> None:
    with pytest.raises(ConfigError, match="of 2 and of 3"):
        spearman([1, 2], [1, 2, 3])


def test_a_linear_model_has_the_highest_datamodelling_score_and_its_negative_the_lowest() -> None:
    scores = np.array([3.0, 1.0])
    masks = np.array([[False, False], [False, True], [True, False], [True, True]])
    outputs = np.array([-9.0, -8.0, -2.0, -1.0])  # the order of the sums 0, 1, 3, 4
    assert linear_datamodelling_score(scores, masks, outputs) == pytest.approx(1.0)
    assert linear_datamodelling_score(-scores, masks, outputs) == pytest.approx(-1.0)


def test_the_datamodelling_score_of_the_wrong_source_is_lower() -> None:
    masks = np.array([[False, False], [False, True], [True, False], [True, True]])
    # sums 0, 1, 0, 1 have ranks 1.5, 3.5, 1.5, 3.5 against 1, 2, 3, 4
    found = linear_datamodelling_score([0.0, 1.0], masks, [-9.0, -8.0, -2.0, -1.0])
    assert found == pytest.approx(2 / np.sqrt(4 * 5))


def test_the_area_under_a_curve_is_the_mean_of_its_points() -> None:
    assert area_under_curve([1.0, 0.5, 0.0, 0.0]) == pytest.approx(0.375)


def test_area_under_roc_counts_the_pairs_in_order_and_ties_half() -> None:
    assert area_under_roc([3, 2], [1, 0]) == 1.0
    assert area_under_roc([0], [1, 2]) == 0.0
    # pairs of 2 and 1 with 1 and 2: above, tie, tie, below
    assert area_under_roc([2, 1], [1, 2]) == pytest.approx(0.5)


def test_area_under_roc_is_that_of_all_pairs() -> None:
    positives, negatives = np.random.default_rng(1).integers(5, size=(2, 30)).astype(float)
    won = [(p > q) + (p == q) / 2 for p in positives for q in negatives]
    assert area_under_roc(positives, negatives) == pytest.approx(np.mean(won))


def test_the_mean_of_an_empty_curve_is_refused() -> None:
    with pytest.raises(ConfigError, match="at least one value"):
        area_under_curve([])
