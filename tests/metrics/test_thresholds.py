import numpy as np
import pytest

from ragattr.metrics.classification import macro_f1
from ragattr.metrics.thresholds import LENGTH_EDGES, apply_thresholds, tune_thresholds


def test_each_length_of_evidence_gets_the_threshold_that_separates_its_rows() -> None:
    truth = [False, True] * 20
    short, long = [0.1, 0.3] * 20, [0.6, 0.9] * 20
    found = tune_thresholds(truth * 2, short + long, [50] * 40 + [501] * 40)
    assert found == pytest.approx((0.2, 0.5, 0.5, 0.75))
    assert apply_thresholds(found, [0.3, 0.3, 0.8, 0.7], [100, 101, 900, 900]) == [
        *(True, False, True, False)
    ]


@pytest.mark.parametrize(
    ("truth", "probabilities"),
    [([True, False] * 9, [0.3, 0.1] * 9), ([True] * 30, [0.1] * 30), ([], [])],
)
def test_too_few_rows_or_one_class_keep_the_threshold(
    truth: list[bool], probabilities: list[float]
) -> None:
    assert tune_thresholds(truth, probabilities, [10] * len(truth)) == (0.5,) * 4


def test_no_threshold_is_better_on_the_rows_it_was_tuned_on() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(2, size=60).astype(bool)
    probabilities = np.round(np.clip(rng.normal(0.3 + 0.2 * truth, 0.2), 0, 1), 2)
    (found, *_) = tune_thresholds(truth.tolist(), probabilities.tolist(), [LENGTH_EDGES[0]] * 60)
    tried = [macro_f1(truth, probabilities >= cut) for cut in np.arange(0, 1.005, 0.005)]
    assert macro_f1(truth, probabilities >= found) == pytest.approx(max(tried))
