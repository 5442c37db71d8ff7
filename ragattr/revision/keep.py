"""No change of words: the citations alone will follow."""

from collections.abc import Sequence
from dataclasses import dataclass

from ragattr.stage import Stage
from ragattr.types import CitedAnswer, Draft

METHOD = "citations"


@dataclass(frozen=True)
class KeepText(Stage[CitedAnswer, Draft]):
    """A draft without an edit."""

    def __call__(self, batch: Sequence[CitedAnswer]) -> list[Draft]:
        return [
            Draft(cited, cited.judgement.attribution.answer.context, (), METHOD) for cited in batch
        ]
