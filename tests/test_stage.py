from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from ragattr.errors import StageError
from ragattr.stage import Pipeline, Stage


@dataclass(frozen=True)
class Add(Stage[int, int]):
    """Adds `n` to each number."""

    n: int

    def __call__(self, batch: Sequence[int]) -> list[int]:
        return [number + self.n for number in batch]


@dataclass(frozen=True)
class Write(Stage[int, str]):
    """Writes each number out."""

    def __call__(self, batch: Sequence[int]) -> list[str]:
        return [str(number) for number in batch]


@dataclass(frozen=True)
class LoseOne(Stage[int, int]):
    """Forgets the last item of its batch."""

    def __call__(self, batch: Sequence[int]) -> list[int]:
        return list(batch)[:-1]


def test_stages_run_from_left_to_right_and_keep_the_order_of_the_batch() -> None:
    pipeline = Add(1) >> Add(10) >> Write()
    assert pipeline([3, 1, 2]) == ["14", "12", "13"]


def test_joined_pipelines_are_one_flat_pipeline() -> None:
    left, right = Add(1) >> Add(2), Add(3) >> Write()
    assert (left >> right).steps == (Add(1), Add(2), Add(3), Write())


def test_an_empty_batch_goes_through_every_stage() -> None:
    assert (Add(1) >> Write())([]) == []


def test_a_trace_shows_every_stage_with_what_it_returned() -> None:
    pipeline = Add(1) >> Write()
    assert list(pipeline.trace([1, 2])) == [(Add(1), [2, 3]), (Write(), ["2", "3"])]


def test_a_stage_that_loses_an_item_is_named_with_both_counts() -> None:
    with pytest.raises(StageError, match=r"LoseOne\(\) was given 2 items and returned 1"):
        (Add(1) >> LoseOne())([1, 2])


def test_a_pipeline_does_not_change_the_batch_it_was_given() -> None:
    batch = [1, 2]
    Pipeline((Add(1),))(batch)
    assert batch == [1, 2]
