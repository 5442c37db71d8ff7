import numpy as np
import pytest

from ragattr.errors import ConfigError
from ragattr.metrics.classification import balanced_accuracy, macro_f1, source_weights


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


def test_macro_f1_of_arrays_is_that_of_lists() -> None:
    truth, predicted = [True, True, False], [True, False, False]
    expected = (2 / 3 + 2 / 3) / 2
    assert macro_f1(truth, predicted) == pytest.approx(expected)
    assert macro_f1(np.array(truth), np.array(predicted)) == pytest.approx(expected)


def test_labels_without_a_prediction_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        macro_f1([True, False], [True])


def test_every_source_and_class_gets_the_same_weight() -> None:
    # Three a-True rows and one of each other kind: 1/3, 1/3, 1/3, 1, 1, 1 with the mean 2/3.
    weights = source_weights(list("aaaabb"), [True, True, True, False, True, False])
    assert weights.tolist() == pytest.approx([0.5, 0.5, 0.5, 1.5, 1.5, 1.5])


def test_balanced_accuracy_is_the_mean_recall_of_the_classes_that_are_there() -> None:
    assert balanced_accuracy([True, False, False, False], [True] * 4) == 0.5
    assert balanced_accuracy([True, True, False], [True, False, False]) == pytest.approx(3 / 4)
    assert balanced_accuracy([True, True], [True, False]) == 0.5
    with pytest.raises(ConfigError, match="at least one row"):
        balanced_accuracy([], [])
