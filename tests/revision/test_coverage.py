"""The report covers all questions with as few snippets as it takes."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ragattr.errors import ConfigError
from ragattr.revision.coverage import choose, coverage, exact, greedy
from ragattr.types import FloatArray

tables = arrays(
    np.float64,
    st.tuples(st.integers(1, 6), st.integers(1, 9)),
    elements=st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0]),
)


def _largest(relevance: FloatArray, most: int) -> float:
    """By trying every choice, one at a time."""
    n = relevance.shape[1]
    totals = [0.0]
    for size in range(1, min(most, n) + 1):
        for chosen in combinations(range(n), size):
            totals.append(sum(max(row[i] for i in chosen) for row in relevance))
    return max(totals)


def test_two_snippets_that_answer_two_questions_beat_one_that_half_answers_both() -> None:
    # Greedy alone would begin with the third snippet.
    relevance = np.array([[0.9, 0.0, 0.6], [0.0, 0.9, 0.6]])
    assert sorted(choose(relevance, most=2)) == [0, 1]
    assert greedy(relevance, range(3), 2)[0] == 2
    assert coverage(relevance, (0, 1)) == pytest.approx(1.8)


def test_a_snippet_that_adds_nothing_is_not_shown() -> None:
    assert choose(np.array([[0.9, 0.8, 0.9]])) == (0,)
    assert choose(np.zeros((2, 3))) == ()
    assert choose(np.zeros((0, 0))) == ()


def test_the_best_comes_first() -> None:
    assert choose(np.array([[0.2, 0.0], [0.0, 0.7]])) == (1, 0)


@settings(deadline=None)
@given(tables, st.integers(1, 5))
def test_few_snippets_are_chosen_as_by_brute_force(relevance: FloatArray, most: int) -> None:
    chosen = choose(relevance, most=most)
    assert len(set(chosen)) == len(chosen) <= most
    assert coverage(relevance, chosen) == pytest.approx(_largest(relevance, most))


@settings(deadline=None)
@given(tables, st.integers(1, 5))
def test_many_are_chosen_at_least_1_minus_1_over_e_as_well(
    relevance: FloatArray, most: int
) -> None:
    chosen = choose(relevance, most=most, exact_up_to=0)
    bound = (1 - 1 / np.e) * coverage(relevance, exact(relevance, most))
    assert len(chosen) <= most
    assert coverage(relevance, chosen) >= bound - 1e-9


def test_more_than_twenty_snippets_take_no_time() -> None:
    relevance = np.random.default_rng(0).random((30, 500))
    assert len(choose(relevance)) == 5


@pytest.mark.parametrize(
    ("relevance", "most", "says"), [([[-0.1]], 5, "negative"), ([[0.1]], 0, "shows nothing")]
)
def test_what_makes_no_sense_is_refused(relevance: list[list[float]], most: int, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        choose(np.array(relevance), most=most)
