import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragattr.metrics.divergence import jensen_shannon
from ragattr.types import FloatArray

LN2 = 0.6931471805599453


def _distribution(weights: list[float]) -> FloatArray:
    row = (
        np.array([weights]) if sum(weights) > 0 else np.array([[1.0, *[0.0] * (len(weights) - 1)]])
    )
    return row / row.sum()


ROWS = st.lists(st.just(0.0) | st.floats(1e-9, 1.0), min_size=4, max_size=4).map(_distribution)


def test_equal_rows_diverge_by_zero_and_disjoint_rows_by_ln2() -> None:
    p, q = np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([[0.0, 1.0], [0.5, 0.5]])
    assert jensen_shannon(p, q) == pytest.approx([LN2, 0.0])


def test_a_certain_row_and_an_even_row_diverge_by_three_quarters_of_ln_4_over_3() -> None:
    # The middle is (3/4, 1/4): half of ln(4/3), and half of (ln(2/3) + ln 2) / 2 = ln(4/3) / 2.
    p, q = np.array([[1.0, 0.0]]), np.array([[0.5, 0.5]])
    assert jensen_shannon(p, q) == pytest.approx([0.2157615543388356])


@settings(deadline=None)
@given(ROWS, ROWS)
def test_the_divergence_is_symmetric_and_lies_between_0_and_ln2(
    p: FloatArray, q: FloatArray
) -> None:
    assert jensen_shannon(p, q) == pytest.approx(jensen_shannon(q, p), abs=1e-12)
    assert 0 <= jensen_shannon(p, q)[0] <= LN2


@settings(deadline=None)
@given(ROWS)
def test_a_row_does_not_diverge_from_itself(p: FloatArray) -> None:
    assert jensen_shannon(p, p) == pytest.approx([0.0], abs=1e-12)


def test_no_rows_give_no_figures() -> None:
    assert jensen_shannon(np.zeros((0, 3)), np.zeros((0, 3))).shape == (0,)


def _many_pairs() -> tuple[FloatArray, FloatArray]:
    """10,000 pairs of 50 words: flat, peaked and disjoint ones, some words with nothing at all."""
    rng = np.random.default_rng(0)
    sharpness = rng.choice([0.1, 1.0, 10.0, 100.0], size=(2, 10_000, 1))
    logits = rng.normal(size=(2, 10_000, 50)) * sharpness
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    weights[rng.random(weights.shape) < 0.1] = 0.0
    weights[..., 0] += 1e-300
    p, q = weights / weights.sum(axis=-1, keepdims=True)
    return p, q


def test_ten_thousand_pairs_lie_in_range_and_are_symmetric() -> None:
    p, q = _many_pairs()
    found = jensen_shannon(p, q)
    assert np.all((found >= 0) & (found <= LN2))
    assert found == pytest.approx(jensen_shannon(q, p), abs=1e-12)


def test_ten_thousand_rows_do_not_diverge_from_themselves() -> None:
    p, _ = _many_pairs()
    assert np.array_equal(jensen_shannon(p, p), np.zeros(10_000))


def test_the_divergence_is_the_entropy_of_the_middle_less_the_mean_entropy() -> None:
    # Lin 1991, equation 4.1: a second definition.
    def entropy(rows: FloatArray) -> FloatArray:
        logs = np.log(rows, where=rows > 0, out=np.zeros_like(rows))
        return np.asarray(-(rows * logs).sum(axis=-1))

    p, q = _many_pairs()
    expected = entropy((p + q) / 2) - (entropy(p) + entropy(q)) / 2
    assert jensen_shannon(p, q) == pytest.approx(expected, abs=1e-12)
