import numpy as np
import pytest

from eval.guarantee import Judged, figures_of, halves, oracle_accepts


def _rows(n: int, *, group_size: int = 1) -> list[Judged]:
    """Half at 0.9 and right, half at 0.1 and wrong, in turn."""
    return [
        Judged("s", str(i // group_size), i % 2 == 0, 0.9 if i % 2 == 0 else 0.1) for i in range(n)
    ]


def test_a_group_is_never_split_and_the_halves_are_about_even() -> None:
    rows = _rows(200, group_size=8)
    inside = halves(rows, np.random.default_rng(0))
    assert all(len({inside[i] for i in range(g, g + 8)}) == 1 for g in range(0, 200, 8))
    assert 100 <= inside.sum() <= 107


def test_the_oracle_takes_the_lowest_threshold_that_is_precise_enough() -> None:
    labels = np.array([True, False, True, True, False, False])
    p = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.5])
    assert oracle_accepts(labels, p, 0.75) == 4
    assert oracle_accepts(labels, p, 0.5) == 6
    assert oracle_accepts(labels, p, 0.95) == 1
    assert oracle_accepts(~labels, p, 0.95) == 0


def test_a_perfect_verifier_holds_and_accepts_what_the_oracle_accepts() -> None:
    found = figures_of(_rows(400), 0.95, n_splits=10, seed=0)
    assert (found["found"], found["holds"], found["accepted_of_oracle"]) == (10, 10, 1.0)
    assert found["accepted"] == pytest.approx(100, abs=10)


def test_halves_that_are_too_small_accept_nothing_and_count_as_held() -> None:
    found = figures_of(_rows(60), 0.95, n_splits=10, seed=0)
    assert (found["found"], found["found_and_held"], found["holds"]) == (0, 0, 10)
    assert found["accepted"] == 0.0
