"""A divergence from the likeliest tokens: never above the exact one, equal when all is shown."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragattr.errors import ModelReplyError
from ragattr.metrics.divergence import jensen_shannon
from ragattr.models.truncated import Shown, jsd_bound
from ragattr.types import FloatArray

weights = st.lists(st.floats(0.0, 20.0), min_size=12, max_size=12)


def _distribution(logits: list[float]) -> FloatArray:
    p = np.exp(np.array(logits))
    return np.asarray(p / p.sum(), dtype=np.float64)


def _shown(p: FloatArray, k: int, chosen: int) -> Shown:
    likeliest = np.argsort(-p, kind="stable")[:k].tolist()
    return Shown.of(chosen, {token: float(np.log(p[token])) for token in {*likeliest, chosen}})


def _exact(p: FloatArray, q: FloatArray) -> float:
    return float(jensen_shannon(p[None], q[None])[0])


@settings(max_examples=500, deadline=None)
@given(weights, weights, st.integers(1, 12), st.integers(1, 12), st.integers(0, 11))
def test_the_bound_is_never_above_the_exact_divergence(
    a: list[float], b: list[float], k_p: int, k_q: int, chosen: int
) -> None:
    p, q = _distribution(a), _distribution(b)
    bound = jsd_bound(_shown(p, k_p, chosen), _shown(q, k_q, chosen))
    assert 0 <= bound <= _exact(p, q) + 1e-9


@settings(max_examples=200, deadline=None)
@given(weights, weights, st.integers(0, 11))
def test_it_is_exact_when_every_token_is_shown(a: list[float], b: list[float], chosen: int) -> None:
    p, q = _distribution(a), _distribution(b)
    assert jsd_bound(_shown(p, 12, chosen), _shown(q, 12, chosen)) == pytest.approx(
        _exact(p, q), abs=1e-9
    )


def test_a_token_that_only_one_side_shows_counts_by_what_the_other_side_leaves_room_for() -> None:
    # p shows a with 0.9; q shows b with 0.9 and its least likely shown token, c, has 0.02: so a
    # has at most 0.02 there. By hand: f(0.9, 0.02) + f(0.02, 0.9) with m = 0.46 for a and for b.
    p = Shown.of("c", {"a": np.log(0.9), "d": np.log(0.02), "c": np.log(0.01)})
    q = Shown.of("c", {"b": np.log(0.9), "e": np.log(0.02), "c": np.log(0.01)})
    one = (0.9 * np.log(0.9 / 0.46) + 0.02 * np.log(0.02 / 0.46)) / 2
    assert jsd_bound(p, q) == pytest.approx(2 * one, abs=1e-9)


def test_it_is_symmetric_and_zero_on_equal_lists() -> None:
    p, q = _distribution([3.0, 1, 0, 2] * 3), _distribution([0.0, 2, 1, 0] * 3)
    a, b = _shown(p, 4, 1), _shown(q, 4, 1)
    assert jsd_bound(a, b) == pytest.approx(jsd_bound(b, a))
    assert jsd_bound(a, a) == 0


def test_a_probability_of_zero_is_no_error() -> None:
    sure = Shown.of("a", {"a": 0.0, "b": -9999.0})
    other = Shown.of("a", {"a": -9999.0, "b": 0.0})
    assert jsd_bound(sure, other) == pytest.approx(np.log(2))
    assert other.logprob == -9999.0


@pytest.mark.parametrize("logprob", [float("nan"), float("inf"), 0.5])
def test_numbers_that_are_no_log_probabilities_are_refused(logprob: float) -> None:
    with pytest.raises(ModelReplyError, match="no log-probabilities"):
        Shown.of("a", {"a": logprob, "b": -3.0})


def test_a_reply_token_without_a_number_is_refused() -> None:
    with pytest.raises(ModelReplyError, match="own token"):
        Shown.of("a", {"b": -0.1})
