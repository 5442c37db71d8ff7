import math
from collections.abc import Callable
from contextlib import suppress

import numpy as np
import pytest

from ragattr.errors import ConfigError, InputError
from ragattr.types import FloatArray
from ragattr.verification.guarantee import Guarantee, binomial_tail, choose_threshold, rows_needed


def _rows(*groups: tuple[float, int, int]) -> tuple[list[bool], list[float]]:
    """So many attributable and other rows at each probability."""
    labels = [label for _, right, wrong in groups for label in [True] * right + [False] * wrong]
    return labels, [p for p, right, wrong in groups for _ in range(right + wrong)]


@pytest.mark.parametrize(("most", "n", "rate"), [(0, 45, 0.05), (3, 10, 0.3), (7, 40, 0.1)])
def test_the_binomial_tail_is_the_sum_of_its_terms(most: int, n: int, rate: float) -> None:
    terms = [math.comb(n, k) * rate**k * (1 - rate) ** (n - k) for k in range(most + 1)]
    assert binomial_tail(most, n, rate) == pytest.approx(sum(terms))


def test_all_events_or_fewer_are_certain() -> None:
    assert binomial_tail(5, 5, 0.3) == pytest.approx(1.0)
    assert binomial_tail(9, 5, 0.3) == pytest.approx(1.0)


def test_45_rows_without_a_wrong_one_are_the_fewest_for_95_in_100() -> None:
    # 0.95^44 = 0.1047, 0.95^45 = 0.0994; for 0.99: log 0.1 / log 0.99 = 229.1.
    assert rows_needed(0, 0.95, 0.1) == 45
    assert rows_needed(0, 0.99, 0.1) == 230


def test_one_wrong_row_takes_77() -> None:
    def p_value(n: int) -> float:
        return 0.95**n + n * 0.05 * 0.95 ** (n - 1)

    assert p_value(76) > 0.1 >= p_value(77)
    assert rows_needed(1, 0.95, 0.1) == 77


def test_rows_that_are_always_right_are_accepted_and_no_others() -> None:
    found = choose_threshold(*_rows((0.9, 60, 0), (0.1, 0, 40)))
    assert found == Guarantee(0.95, 0.9, 0.9, calibration_rows=100, accepted=60)


def test_equal_probabilities_are_accepted_together_or_not_at_all() -> None:
    # Of 100 rows at 0.9 five are wrong: binomial(100, 0.05) has at most five in 0.616.
    with pytest.raises(InputError, match="of the 100 most probable calibration rows 5"):
        choose_threshold(*_rows((0.9, 95, 5), (0.1, 0, 40)))


def test_the_walk_ends_at_the_first_threshold_that_fails() -> None:
    # After 50 right rows come 20 wrong ones; that 1,000 right ones follow cannot be known honestly.
    labels, probabilities = _rows((0.9, 200, 0), (0.8, 0, 20), (0.7, 1000, 0), (0.1, 0, 9))
    assert choose_threshold(labels, probabilities).threshold == 0.9


def test_a_threshold_within_half_the_risk_is_taken_before_one_at_the_edge() -> None:
    # 60 right: 0.046. With one wrong of 80: 0.95^80 + 80 * 0.05 * 0.95^79 = 0.086.
    labels, probabilities = _rows((0.9, 60, 0), (0.8, 19, 1), (0.1, 0, 40))
    assert choose_threshold(labels, probabilities).threshold == 0.9


def test_a_large_file_may_have_a_wrong_row_at_its_top() -> None:
    # 2.5 times the root of 1,000 is 79, of which one may be wrong: the walk starts at 77.
    labels, probabilities = _rows((0.99, 0, 1), (0.9, 499, 0), (0.1, 0, 500))
    assert choose_threshold(labels, probabilities).accepted == 500


def test_the_true_precision_is_held_in_nine_draws_of_ten() -> None:
    # A row of score s is attributable with probability s: from t on the precision is (1 + t) / 2.
    drawn = _draws(lambda scores: scores)
    assert sum(found.threshold < 0.9 for found in drawn) <= 20


def test_half_of_what_could_be_known_to_be_right_is_accepted() -> None:
    # With probability min(1, 2s) the precision from t on is (0.75 - t^2) / (1 - t): 0.95 at 0.315.
    drawn = _draws(lambda scores: np.minimum(1, 2 * scores))
    assert sum(found.threshold < 0.3149 for found in drawn) <= 20
    assert sum(found.accepted for found in drawn) / 200 >= 2000 * (1 - 0.3149) / 2


def _draws(chance: Callable[[FloatArray], FloatArray]) -> list[Guarantee]:
    """The guarantees of 200 draws of 2,000 rows, where there are any."""
    rng, found = np.random.default_rng(0), list[Guarantee]()
    for _ in range(200):
        scores = rng.random(2000)
        labels = rng.random(2000) < chance(scores)
        with suppress(InputError):
            found.append(choose_threshold(labels.tolist(), scores.tolist()))
    return found


def test_a_higher_precision_is_never_held_by_a_lower_threshold() -> None:
    rng = np.random.default_rng(1)
    scores = rng.random(3000)
    labels, probabilities = (rng.random(3000) < scores**0.2).tolist(), scores.tolist()
    thresholds = [
        choose_threshold(labels, probabilities, precision=precision).threshold
        for precision in (0.85, 0.9, 0.95)
    ]
    assert thresholds == sorted(thresholds)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (_rows((0.9, 20, 10)), "takes at least 45 calibration rows, got 30"),
        (_rows((0.9, 60, 0)), "both labels, got 60 attributable of 60"),
        (_rows((0.9, 0, 60)), "both labels, got 0 attributable of 60"),
        (([True] * 50 + [False], [float("nan")] * 51), "not between 0 and 1"),
        (([True] * 50, [0.5] * 49), "50 labels do not fit 49 probabilities"),
        (
            _rows((0.9, 44, 1), (0.1, 0, 40)),
            "of the 45 most probable calibration rows 1 are not attributable, which takes at "
            "least 77",
        ),
    ],
)
def test_rows_that_allow_no_guarantee_say_what_they_lack(
    rows: tuple[list[bool], list[float]], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        choose_threshold(*rows)


@pytest.mark.parametrize("value", [0.0, 1.0, 1.5, float("nan")])
def test_a_precision_or_confidence_that_cannot_be_is_refused(value: float) -> None:
    labels, probabilities = _rows((0.9, 60, 0), (0.1, 0, 40))
    with pytest.raises(ConfigError, match="precision lies between 0 and 1"):
        choose_threshold(labels, probabilities, precision=value)
    with pytest.raises(ConfigError, match="confidence lies between 0 and 1"):
        choose_threshold(labels, probabilities, confidence=value)
