import time

import numpy as np
import pytest

from ragattr.errors import ConfigError
from ragattr.metrics.bootstrap import (
    Rows,
    bootstrap,
    bootstrap_mean,
    clustered_bootstrap,
    compare_paired,
    paired_bootstrap,
)


def test_the_bootstrap_interval_is_that_of_the_normal_distribution_for_many_values() -> None:
    values = np.random.default_rng(2).normal(5.0, 2.0, size=400)
    mean, low, high = bootstrap_mean(values, seed=0)
    error = values.std() / np.sqrt(400)
    assert mean == pytest.approx(values.mean())
    assert (low, high) == pytest.approx((mean - 1.96 * error, mean + 1.96 * error), abs=0.03)


def test_one_seed_gives_one_interval() -> None:
    values = [0.0, 1.0, 1.0, 0.0, 1.0]
    assert bootstrap_mean(values, seed=3) == bootstrap_mean(values, seed=3)
    assert bootstrap_mean([2.0, 2.0], seed=3, n_resamples=10) == (2.0, 2.0, 2.0)


def test_pairs_are_drawn_together() -> None:
    b = np.random.default_rng(4).normal(size=50)
    assert paired_bootstrap(b + 0.25, b, seed=0) == pytest.approx((0.25, 0.25, 0.25))


def test_unequal_pairs_and_empty_values_are_refused() -> None:
    with pytest.raises(ConfigError, match="got 1 and 2"):
        paired_bootstrap([1.0], [1.0, 2.0], seed=0)
    with pytest.raises(ConfigError, match="at least one value"):
        bootstrap_mean([], seed=0)


def test_rows_of_a_cluster_are_drawn_together_and_as_often() -> None:
    clusters, counts = ["a", "b", "a", "c", "b", "a"], list[list[int]]()

    def count(rows: Rows) -> float:
        counts.append(np.bincount(rows, minlength=6).tolist())
        return 0.0

    clustered_bootstrap(count, clusters, seed=0, n_resamples=50)
    for a, b, a_too, c, b_too, a_again in counts:
        assert (a, b) == (a_too, b_too)
        assert a == a_again
        assert a + b + c == 3  # as many clusters are drawn as there are


def test_rows_that_repeat_each_other_make_a_figure_no_surer() -> None:
    values = np.random.default_rng(1).normal(size=60)
    repeated, questions = np.repeat(values, 10), np.repeat(np.arange(60), 10).tolist()

    def width(interval: tuple[float, float, float]) -> float:
        return interval[2] - interval[1]

    alone = clustered_bootstrap(lambda rows: float(values[rows].mean()), range(60), seed=0)
    clustered = clustered_bootstrap(lambda rows: float(repeated[rows].mean()), questions, seed=0)
    unaware = bootstrap(lambda rows: float(repeated[rows].mean()), 600, seed=0)
    assert clustered == pytest.approx(alone)
    assert width(unaware) == pytest.approx(width(clustered) / np.sqrt(10), rel=0.15)


def test_rows_without_relatives_are_drawn_one_by_one() -> None:
    values = np.random.default_rng(2).normal(size=40)
    rng = np.random.default_rng(7)
    drawn = [values[rng.integers(40, size=40)].mean() for _ in range(200)]
    found = bootstrap(lambda rows: float(values[rows].mean()), 40, seed=7, n_resamples=200)
    assert found == pytest.approx((values.mean(), *np.quantile(drawn, [0.025, 0.975])))


def test_a_system_compared_with_itself_differs_by_nothing_and_p_is_1() -> None:
    values = np.random.default_rng(3).normal(size=30)

    def mean(rows: Rows) -> float:
        return float(values[rows].mean())

    assert compare_paired(mean, mean, range(30), seed=0) == (0.0, 0.0, 0.0, 1.0)


def test_a_system_that_is_better_in_every_cluster_has_the_smallest_p() -> None:
    theirs = np.random.default_rng(4).normal(size=30)
    found = compare_paired(
        lambda rows: float(theirs[rows].mean()) + 0.25,
        lambda rows: float(theirs[rows].mean()),
        [0, 1, 2] * 10,
        seed=0,
        n_resamples=99,
    )
    assert found == pytest.approx((0.25, 0.25, 0.25, 2 / 100))


def test_p_is_that_of_the_normal_distribution_for_many_pairs() -> None:
    gains = np.random.default_rng(5).normal(size=900)
    gains += 1.5 * gains.std() / 30 - gains.mean()  # a mean of 1.5 standard errors
    found = compare_paired(
        lambda rows: float(gains[rows].mean()), lambda rows: 0.0, range(900), seed=0
    )
    assert found.p == pytest.approx(0.134, abs=0.035)  # twice the tail beyond 1.5


def test_no_rows_are_refused() -> None:
    with pytest.raises(ConfigError, match="at least one row"):
        clustered_bootstrap(lambda rows: 0.0, [], seed=0)


def test_ten_thousand_rows_are_drawn_a_thousand_times_in_seconds() -> None:
    values, start = np.arange(10_000.0), time.perf_counter()
    clustered_bootstrap(
        lambda rows: float(values[rows].mean()), (np.arange(10_000) // 3).tolist(), seed=0
    )
    assert time.perf_counter() - start < 5
