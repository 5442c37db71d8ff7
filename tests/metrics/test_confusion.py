import numpy as np
import pytest

from ragattr.metrics.classification import macro_f1
from ragattr.metrics.confusion import Confusion, macro_f1_of


def test_macro_f1_of_counts_is_that_of_the_labels() -> None:
    rng = np.random.default_rng(0)
    for n in (1, 2, 7, 50):
        truth, predicted = rng.integers(2, size=(2, n)).astype(bool)
        counts = np.array(
            [[((truth == t) & (predicted == p)).sum() for p in (0, 1)] for t in (0, 1)]
        )
        assert macro_f1_of(counts[None])[0] == pytest.approx(macro_f1(truth, predicted))


def test_the_mean_over_subsets_is_of_the_drawn_rows_and_counts_repeats() -> None:
    subsets, truth = ["a", "b", "a", "b", "b"], [True, True, False, False, True]
    predicted, rows = [True, False, True, False, True], np.array([4, 4, 1, 0, 2, 3])
    drawn = [(subsets[i], truth[i], predicted[i]) for i in rows]
    per_subset = [
        macro_f1([t for s, t, _ in drawn if s == name], [p for s, _, p in drawn if s == name])
        for name in ("a", "b")
    ]
    confusion = Confusion.of(subsets, truth, predicted)
    assert confusion.mean_macro_f1(rows) == pytest.approx(np.mean(per_subset))
