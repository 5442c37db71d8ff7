"""A stage turns a batch of one noun into a batch of the next; `>>` joins stages."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from ragattr.errors import StageError

In = TypeVar("In")
Out = TypeVar("Out")
Next = TypeVar("Next")


class Stage(ABC, Generic[In, Out]):
    """Turns a batch of In into a batch of Out: same length, same order."""

    @abstractmethod
    def __call__(self, batch: Sequence[In]) -> list[Out]: ...

    def __rshift__(self, then: "Stage[Out, Next]") -> "Pipeline[In, Next]":
        return Pipeline((*_steps(self), *_steps(then)))


@dataclass(frozen=True)
class Pipeline(Stage[In, Out]):
    """Stages in walking order; itself a stage."""

    steps: tuple[Stage[Any, Any], ...]

    def __call__(self, batch: Sequence[In]) -> list[Out]:
        value: list[Any] = list(batch)
        for _, returned in self.trace(batch):
            value = returned
        return cast("list[Out]", value)

    def trace(self, batch: Sequence[In]) -> Iterator[tuple[Stage[Any, Any], list[Any]]]:
        """Yield every stage with what it returned: the way to look inside."""
        value: Sequence[Any] = batch
        for step in self.steps:
            value = step(value)
            if len(value) != len(batch):
                raise StageError(f"{step!r} was given {len(batch)} items and returned {len(value)}")
            yield step, value


def _steps(stage: Stage[Any, Any]) -> tuple[Stage[Any, Any], ...]:
    return stage.steps if isinstance(stage, Pipeline) else (stage,)
