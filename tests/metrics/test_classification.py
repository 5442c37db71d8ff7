import pytest

from ragattr.metrics.classification import (
    expected_calibration_error,
    macro_f1,
    source_weights,
)


def test_macro_f1_is_the_mean_of_both_classes() -> None:
    # True: 2 hits, 1 missed, 0 false: 4/5. False: 1 hit, 0 missed, 1 false: 2/3.
    f1 = macro_f1([True, True, True, False], [True, True, False, False])
    assert f1 == pytest.approx((4 / 5 + 2 / 3) / 2)


def test_macro_f1_does_not_depend_on_which_class_is_called_true() -> None:
    truth, predicted = [True, True, False, False, False], [True, False, False, True, False]
    turned = macro_f1([not label for label in truth], [not label for label in predicted])
    assert macro_f1(truth, predicted) == pytest.approx(turned)


@pytest.mark.parametrize(
    ("truth", "predicted", "f1"),
    [
        ([True, False], [True, False], 1.0),
        ([True, False], [False, True], 0.0),
        ([True, True], [True, True], 0.5),
    ],
)
def test_macro_f1_counts_an_absent_class_as_0(
    truth: list[bool], predicted: list[bool], f1: float
) -> None:
    assert macro_f1(truth, predicted) == f1


def test_labels_without_a_prediction_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        macro_f1([True, False], [True])


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


def test_every_source_and_class_gets_the_same_weight() -> None:
    # Three a-True rows and one of each other kind: 1/3, 1/3, 1/3, 1, 1, 1 with the mean 2/3.
    weights = source_weights(list("aaaabb"), [True, True, True, False, True, False])
    assert weights.tolist() == pytest.approx([0.5, 0.5, 0.5, 1.5, 1.5, 1.5])
