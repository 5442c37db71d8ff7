import numpy as np
import pytest

from ragattr.metrics.detection import (
    Detection,
    character_counts,
    detection,
    response_counts,
)
from ragattr.types import Span


def test_responses_are_counted_as_found_predicted_and_marked() -> None:
    counts = response_counts([True, True, False, False], [True, False, True, False])
    assert counts.tolist() == [[1, 1, 1], [0, 1, 0], [0, 0, 1], [0, 0, 0]]
    assert detection(counts) == Detection(1 / 2, 1 / 2, 1 / 2)


def test_characters_of_all_responses_are_counted_together() -> None:
    # First: [0, 10) against [5, 8): 3 shared of 10 and 3. Second: nothing against [0, 9).
    counts = character_counts([[Span(0, 10)], []], [[Span(5, 8)], [Span(0, 9)]])
    assert counts.tolist() == [[3, 10, 3], [0, 0, 9]]
    found = detection(counts)
    assert (found.precision, found.recall) == (3 / 10, 3 / 12)
    assert found.f1 == pytest.approx(2 * 3 / 22)


def test_a_character_in_two_spans_counts_once() -> None:
    counts = character_counts([[Span(0, 4), Span(2, 6)]], [[Span(1, 3), Span(1, 3)]])
    assert counts.tolist() == [[2, 6, 2]]


def test_spans_that_only_touch_share_nothing() -> None:
    assert character_counts([[Span(0, 4)]], [[Span(4, 6)]]).tolist() == [[0, 4, 2]]


def test_what_is_found_of_nothing_is_0() -> None:
    assert detection(character_counts([[]], [[]])) == Detection(0, 0, 0)
    assert detection(np.zeros((0, 3), dtype=np.int64)) == Detection(0, 0, 0)


def test_random_spans_share_as_many_characters_as_a_letter_by_letter_count() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        ours, theirs = (
            [Span(*sorted(rng.integers(0, 30, size=2).tolist())) for _ in range(rng.integers(4))]
            for _ in range(2)
        )
        expected = [0, 0, 0]
        for place in range(30):
            mine, yours = (any(span.holds(place) for span in spans) for spans in (ours, theirs))
            expected = [
                n + hit for n, hit in zip(expected, (mine and yours, mine, yours), strict=True)
            ]
        assert character_counts([ours], [theirs]).tolist() == [expected]


def test_predictions_without_truth_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        character_counts([[], []], [[]])
