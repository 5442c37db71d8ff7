from collections.abc import Callable
from itertools import product

import numpy as np
import pytest

from ragattr.errors import ConfigError
from ragattr.metrics.calibration import (
    adaptive_calibration_error,
    auprc,
    auroc,
    brier_score,
    expected_calibration_error,
    reliability_diagram,
)


def test_a_diagram_has_the_bins_that_hold_rows_with_count_probability_and_frequency() -> None:
    bins = reliability_diagram([False, False, True, True], [0.1, 0.2, 0.6, 1.0], n_bins=2)
    assert [found.n_rows for found in bins] == [2, 2]
    assert [found.probability for found in bins] == pytest.approx([0.15, 0.8])
    assert [found.frequency for found in bins] == [0.0, 1.0]
    assert len(reliability_diagram([True], [0.95])) == 1


@pytest.mark.parametrize(
    ("truth", "probabilities", "error"),
    [
        ([True, False, False, False], [0.9, 0.8, 0.3, 0.1], (0.1 + 0.8 + 0.3 + 0.1) / 4),
        ([True, False], [0.95, 0.91], (1.86 - 1) / 2),
        ([True, False], [1.0, 0.0], 0.0),
        ([False, True], [1.0, 0.0], 1.0),
        ([True, False, True, False], [0.5, 0.5, 0.5, 0.5], 0.0),
        ([], [], 0.0),
    ],
)
def test_calibration_error_is_the_gap_within_each_bin_weighted_by_its_size(
    truth: list[bool], probabilities: list[float], error: float
) -> None:
    assert expected_calibration_error(truth, probabilities) == pytest.approx(error)


def test_fewer_bins_let_opposite_errors_cancel() -> None:
    truth, probabilities = [True, False], [0.2, 0.8]
    assert expected_calibration_error(truth, probabilities) == pytest.approx(0.8)
    assert expected_calibration_error(truth, probabilities, n_bins=1) == pytest.approx(0.0)


def test_adaptive_bins_hold_as_many_rows_each() -> None:
    # Two bins of two: |0.905 - 0.5| and |0.985 - 1|; one bin of them all: |0.945 - 0.75|.
    truth, probabilities = [True, False, True, True], [0.90, 0.91, 0.98, 0.99]
    found = adaptive_calibration_error(truth, probabilities, n_bins=2)
    assert found == pytest.approx((0.405 + 0.015) / 2)
    assert expected_calibration_error(truth, probabilities) == pytest.approx(0.195)


def test_adaptive_bins_keep_equal_probabilities_together_in_any_order() -> None:
    truth, probabilities = [True, False, True, False], [0.5, 0.5, 0.5, 0.5]
    assert adaptive_calibration_error(truth, probabilities, n_bins=2) == 0.0
    assert adaptive_calibration_error(sorted(truth), probabilities, n_bins=4) == 0.0
    assert adaptive_calibration_error([], []) == 0.0


def test_brier_is_the_mean_squared_distance() -> None:
    assert brier_score([True, False], [0.8, 0.4]) == pytest.approx((0.04 + 0.16) / 2)


def test_auroc_counts_pairs_in_order_and_ties_half() -> None:
    # Of the pairs (0.9, 0.9), (0.9, 0.1), (0.5, 0.9), (0.5, 0.1): half, 1, 0, 1.
    assert auroc([True, True, False, False], [0.9, 0.5, 0.9, 0.1]) == pytest.approx(2.5 / 4)


def test_auroc_is_that_of_all_pairs_and_blind_to_calibration() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random(60) < 0.4
    p = np.round(rng.random(60), 1)
    pairs = product(p[truth], p[~truth])
    won = np.mean([(a > b) + (a == b) / 2 for a, b in pairs])
    assert auroc(truth.tolist(), p.tolist()) == pytest.approx(won)
    assert auroc(truth.tolist(), (p**2).tolist()) == pytest.approx(won)


def test_auprc_is_the_precision_at_each_true_row() -> None:
    # True at ranks 1 and 3: (1/1 + 2/3) / 2.
    assert auprc([True, False, True, False], [0.9, 0.8, 0.7, 0.1]) == pytest.approx(5 / 6)


def test_auprc_of_equal_probabilities_is_the_base_rate_in_any_order() -> None:
    assert auprc([True, False, False, False], [0.5] * 4) == pytest.approx(0.25)
    assert auprc([False, False, False, True], [0.5] * 4) == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("figure", "truth", "probabilities", "message"),
    [
        (auroc, [True, True], [0.1, 0.2], "both classes, got 2 true of 2"),
        (auroc, [], [], "both classes, got 0 true of 0"),
        (auprc, [False], [0.1], "needs a true row, got 0 of 1"),
        (brier_score, [], [], "at least one row"),
        (brier_score, [True], [float("nan")], "none of them is NaN"),
        (expected_calibration_error, [True], [1.5], "between 0 and 1"),
        (adaptive_calibration_error, [True], [0.5, 0.5], "got 1 and 2"),
    ],
)
def test_rows_that_cannot_be_measured_are_one_sentence(
    figure: Callable[..., float], truth: list[bool], probabilities: list[float], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        figure(truth, probabilities)
