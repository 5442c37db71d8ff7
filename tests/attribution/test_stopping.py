"""By hand: with offset 0.1 and scale 0.5, twice the distance squares the odds."""

import numpy as np
import pytest
from numpy.typing import NDArray

from ragattr.attribution.stopping import Stopping
from ragattr.types import FilterError

RULE = Stopping(FilterError(offset=0.1, middle=0.0, scale=0.5), floor=0.05)
SURE = Stopping(FilterError(offset=1e-3, middle=0.0, scale=0.1), floor=0.05)


def _exact(*flags: int) -> NDArray[np.bool_]:
    return np.array(flags, dtype=bool)


@pytest.mark.parametrize(
    ("scores", "flags", "expected"),
    [
        # (0.4 + 0.1) / (0.15 + 0.1) = 2, so odds of 2 ** 2 to 1.
        ([0.4, 0.15], [1, 0], 4 / 5),
        ([0.4, 0.15, 0.15], [1, 0, 0], 16 / 25),
        ([0.4, 0.4], [1, 0], 1 / 2),
        ([0.4, 0.9], [1, 0], 1 / 5),  # 0.5 / 1.0
        # No exact one yet, or one below the floor: the bar is the floor, 0.15 / 0.25.
        ([0.15], [0], 9 / 34),
        ([0.01, 0.15], [1, 0], 9 / 34),
        ([0.4, 0.2], [1, 1], 1.0),
        ([], [], 1.0),
    ],
)
def test_sureness_is_the_product_of_the_odds_of_all_estimates(
    scores: list[float], flags: list[int], expected: float
) -> None:
    assert RULE.sureness(np.array(scores), _exact(*flags)) == pytest.approx(expected)


def test_confidence_leaves_room_for_outliers_among_the_estimates() -> None:
    error = FilterError(offset=0.1, middle=0.0, scale=0.5, outliers=0.1)
    scores = np.array([0.4, 0.15, 0.15])
    assert Stopping(error, floor=0.05).confidence(scores, _exact(1, 0, 0)) == pytest.approx(
        (4 / 5 * 9 / 10) ** 2
    )
    assert Stopping(error, floor=0.05).confidence(scores, _exact(1, 1, 1)) == 1


def test_the_bar_of_a_rank_is_the_exact_source_of_that_rank() -> None:
    scores, exact = np.array([0.9, 0.4, 0.15]), _exact(1, 1, 0)
    assert RULE.sureness(scores, exact, rank=2) == pytest.approx(4 / 5)
    assert RULE.sureness(scores, exact, rank=3) == pytest.approx(9 / 34)  # no third: the floor


def test_an_error_that_is_off_centre_moves_the_bar() -> None:
    # Exact scores are twice their estimates on average: half as high is as likely above as below.
    rule = Stopping(FilterError(offset=0.1, middle=float(np.log(2)), scale=0.5), floor=0.05)
    assert rule.sureness(np.array([0.4, 0.15]), _exact(1, 0)) == pytest.approx(1 / 2)


def test_the_likeliest_of_the_estimates_comes_next() -> None:
    assert RULE.next(np.array([0.4, 0.1, 0.15, 0.12]), _exact(1, 0, 0, 0)) == 2
    assert RULE.next(np.array([0.1, 0.3, 0.3]), _exact(0, 0, 0)) == 1  # ties by order


def test_it_stops_when_every_source_is_exact() -> None:
    assert RULE.next(np.array([0.4, 0.1]), _exact(1, 1)) is None
    assert RULE.next(np.array([]), _exact()) is None


def test_it_stops_at_the_most_that_a_claim_may_have() -> None:
    rule = Stopping(RULE.error, RULE.floor, most=(2, 2))
    assert rule.next(np.array([0.4, 0.3, 0.35]), _exact(1, 1, 0), 2) is None
    assert rule.next(np.array([0.4, 0.3, 0.35]), _exact(1, 0, 0), 1) == 2


def test_it_stops_when_no_estimate_comes_near_the_floor() -> None:
    assert SURE.next(np.array([0.5, 0.001, 0.0]), _exact(1, 0, 0)) is None
    assert SURE.next(np.array([0.001, 0.0]), _exact(0, 0)) is None  # nothing is used at all


def test_the_second_and_third_may_be_less_sure_than_the_first() -> None:
    # Far below the first, so only the floor asks: (0.051 / 0.041) ** 10 = 8.9 to 1 is a doubt of
    # 0.101, (0.051 / 0.040) ** 10 = 11.4 to 1 one of 0.081; 0.1 is allowed.
    assert SURE.next(np.array([0.5, 0.040]), _exact(1, 0)) == 1
    assert SURE.next(np.array([0.5, 0.039]), _exact(1, 0)) is None


def test_the_most_is_counted_for_each_claim() -> None:
    scores = np.array([*[0.0] * 8, 0.5])  # eight were measured for other claims: 0 for this one
    assert RULE.next(scores, _exact(*[1] * 8, 0)) == 8


def test_a_doubt_about_the_best_may_cost_more_than_one_about_the_third() -> None:
    rule = Stopping(SURE.error, SURE.floor, most=(3, 1))
    near, far = np.array([0.4, 0.39, 0.0]), np.array([0.4, 0.1, 0.0])  # 0.1 is above the floor
    assert [rule.next(near, _exact(1, 0, 0), n) for n in (0, 2, 3)] == [1, 1, None]
    assert [rule.next(far, _exact(1, 0, 0), n) for n in (0, 1)] == [1, None]
