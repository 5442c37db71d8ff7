"""Claims that are supported, and not surely enough for what was guaranteed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ragattr.stage import Stage
from ragattr.types import Judgement, Verdict


@dataclass(frozen=True)
class Abstain(Stage[Judgement, Judgement]):
    """Makes "supported" below a guaranteed probability "unclear"; a warning keeps the figure."""

    threshold: float

    def __call__(self, batch: Sequence[Judgement]) -> list[Judgement]:
        return [self._abstain(judgement) for judgement in batch]

    def _abstain(self, judgement: Judgement) -> Judgement:
        short = {
            number: verdict.probability
            for number, verdict in enumerate(judgement.verdicts, start=1)
            if verdict.label == "supported"
            and verdict.probability is not None
            and verdict.probability < self.threshold
        }
        return replace(
            judgement,
            verdicts=tuple(
                Verdict(verdict.claim, "unclear", None) if number in short else verdict
                for number, verdict in enumerate(judgement.verdicts, start=1)
            ),
            warnings=(
                *judgement.warnings,
                *(
                    f"claim {number} is supported with probability {p:.3f}, and the guarantee "
                    f"holds from {self.threshold:.3f} on: unclear"
                    for number, p in short.items()
                ),
            ),
        )
