"""What every way of measuring shares: one reading of an answer in, one attribution out."""

import time
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ragattr.attribution.budget import Budget, Purse
from ragattr.attribution.fidelity import fidelity
from ragattr.attribution.subject import Subject, find_subject
from ragattr.models.protocols import Effects, Reading, WhiteBoxModel
from ragattr.prompt import Prompt
from ragattr.stage import Stage
from ragattr.types import Answer, Attribution, FloatArray, Subset

USUAL_NOISE = 0.01  # nats per token; the embedded model's, for models that nobody measured


@dataclass(frozen=True, eq=False)
class Measured:
    """The numbers of one answer, as `Attribution` describes them.

    Attributes:
        decides: whether the scores are divergences: on these, against the noise floor, is decided
            what counts as used.
        context: the effect of taking all passages away, [1, tokens].
        interventional: whether the scores come from taking sources away.
        subset: which sources alone give the same answer, when that was looked for.
    """

    scores: FloatArray
    decides: bool
    drops: FloatArray | None = None
    context: Effects | None = None
    groups: tuple[tuple[int, ...], ...] = ()
    group_scores: FloatArray | None = None
    verified: tuple[int, ...] = ()
    confidence: float | None = None
    partial: bool = False
    unit: str = "nats"
    interventional: bool = True
    subset: Subset | None = None


@dataclass(frozen=True)
class Measure(Stage[Answer, Attribution]):
    """A stage that reads each answer once, in its chat, and ablates that reading.

    Attributes:
        budget: for one answer.
        n_fidelity_masks: random masks at each keep rate that check the scores; 0 checks nothing.
        seed: of whatever is drawn.
    """

    model: WhiteBoxModel
    prompt: Prompt = field(repr=False)
    budget: Budget = Budget()
    n_fidelity_masks: int = 0
    seed: int = 0

    @property
    @abstractmethod
    def method(self) -> str:
        """The name that records give."""

    @property
    def noise_floor(self) -> float:
        """JSD in nats per token below which nothing is worth a closer look."""
        return self.model.floors.noise if self.model.floors else USUAL_NOISE

    @abstractmethod
    def measure(self, subject: Subject, reading: Reading) -> Measured:
        """The numbers of one answer."""

    def __call__(self, batch: Sequence[Answer]) -> list[Attribution]:
        return [self._attribute(answer) for answer in batch]

    def _attribute(self, answer: Answer) -> Attribution:
        started = time.perf_counter()
        subject = find_subject(self.model, self.prompt, answer)
        if isinstance(subject, Attribution):
            return subject
        reading = self.model.read(subject.chat, subject.reply)
        found = self.measure(subject, reading)
        passes, seconds = reading.passes, time.perf_counter() - started
        return Attribution(
            answer=answer,
            tokens=reading.tokens,
            sources=subject.sources,
            scores=found.scores,
            unit=found.unit,
            method=self.method,
            interventional=found.interventional,
            decides=found.decides,
            drops=found.drops,
            context_scores=found.context.jsd[0] if found.context else None,
            context_drops=found.context.drops[0] if found.context else None,
            logprobs=reading.logprobs,
            groups=found.groups,
            group_scores=found.group_scores,
            model=self.model.card,
            floors=self.model.floors if found.decides else None,
            proxy=subject.proxy,
            passes=passes,
            seconds=seconds,
            verified=found.verified,
            confidence=found.confidence,
            fidelity=self._fidelity(subject, reading, found),
            partial=found.partial,
            subset=found.subset,
            tier=self.model.tier,
            settings={"prompt_sha256": subject.prompt_sha256, **reading.settings},
            warnings=(*subject.warnings, *_budget_warnings(found)),
        )

    def _fidelity(
        self, subject: Subject, reading: Reading, found: Measured
    ) -> Mapping[str, object] | None:
        if not self.n_fidelity_masks:
            return None
        return fidelity(
            subject, reading, found.scores, n_masks=self.n_fidelity_masks, seed=self.seed
        )


def without_context(subject: Subject, reading: Reading, purse: Purse) -> Effects | None:
    """What taking all passages away does, [1, tokens]; None when the budget is too small."""
    if not purse.affords(subject.knock_out_passes):
        return None
    return reading.delete([subject.chat.blocks])


def _budget_warnings(found: Measured) -> list[str]:
    return ["the budget ended the measurement early: best result so far"] if found.partial else []
