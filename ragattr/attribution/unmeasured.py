"""The `text` tier: nothing can be measured, and the record says so."""

from collections.abc import Sequence
from dataclasses import dataclass

from ragattr.stage import Stage
from ragattr.text.sentences import sources_of
from ragattr.types import Answer, Attribution


@dataclass(frozen=True)
class Unmeasured(Stage[Answer, Attribution]):
    """An attribution without scores; `reason` becomes a warning."""

    reason: str = ""

    def __call__(self, batch: Sequence[Answer]) -> list[Attribution]:
        return [unmeasured(answer, self.reason) for answer in batch]


def unmeasured(answer: Answer, *reasons: str) -> Attribution:
    """What is known of an answer that no model measured."""
    return Attribution(
        answer=answer,
        tokens=(),
        sources=sources_of(answer.context.passages),
        scores=None,
        unit="nats",
        warnings=tuple(reason for reason in reasons if reason),
    )
