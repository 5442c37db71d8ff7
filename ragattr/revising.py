"""Revision, composed: examine an answer, decide what to change, let the citations follow."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from ragattr.attribution.unmeasured import Unmeasured
from ragattr.citation.join import Cite
from ragattr.errors import ConfigError, ModelNotFound, NoLogprobs
from ragattr.models import embedded
from ragattr.models.protocols import EntailmentModel, WhiteBoxModel
from ragattr.models.remembered import Remembered
from ragattr.record import Row, read_case, to_answer, to_revision_record
from ragattr.revision.accept import read_acceptance, shipped
from ragattr.revision.keep import KeepText
from ragattr.revision.recite import Recite, Unsupported
from ragattr.revision.spans import ReviseSpans
from ragattr.revision.weigh import Scale
from ragattr.setup import Setup, answer_prompt
from ragattr.stage import Stage
from ragattr.types import CitedAnswer, Context, Draft, Query
from ragattr.verification.entailment import VerifyEntailment

logger = logging.getLogger(__name__)

ReviseMethod = Literal["spans", "rarr", "citations"]


@dataclass(frozen=True)
class Revising:
    """How answers are revised.

    Attributes:
        method: "spans" corrects single places by the verifier, "rarr" asks a language model, and
            "citations" leaves the text as it is.
        unsupported: what happens to statements that nothing supports.
        used: whether it is measured, too, what the model used.
        renumbers: whether passages are counted in the order in which the new text cites them.
        retrieve: where "rarr" looks for evidence; None: among the passages of the case.
        acceptance: a file of `ragattr train reviser`, for "spans"; None: the one that is shipped.
    """

    method: ReviseMethod = "spans"
    unsupported: Unsupported = "mark"
    used: bool = False
    renumbers: bool = False
    retrieve: Stage[Query, Context] | None = None
    acceptance: Path | None = None

    def __post_init__(self) -> None:
        for name, value, choices in (
            ("method", self.method, get_args(ReviseMethod)),
            ("unsupported", self.unsupported, get_args(Unsupported)),
        ):
            if value not in choices:
                raise ConfigError(f"{name} is one of {', '.join(choices)}, not {value!r}")


def revise_rows(setup: Setup, revising: Revising) -> Callable[[Row], Row]:
    """A function from a case to its record with the revision, models loaded once."""
    verifier = Remembered(setup.entailment_model())
    judge = VerifyEntailment(verifier, embedded.encoder(), setup.threshold) >> Cite()
    measure = setup.measure() if revising.used else Unmeasured()
    recite = Recite(Unmeasured() >> judge, revising.unsupported, revising.renumbers)
    revise = drafter(setup, revising, verifier) >> recite
    examine = measure >> judge

    def work(row: Row) -> Row:
        case = read_case(row, default_id="1", answered=True)
        (revision,) = (examine >> revise)([to_answer(case)])
        return to_revision_record(case, revision, offsets=setup.offsets)

    return work


def drafter(
    setup: Setup, revising: Revising, verifier: EntailmentModel
) -> Stage[CitedAnswer, Draft]:
    """The stage that decides what to change."""
    if revising.method == "citations":
        return KeepText()
    if revising.method == "rarr":
        from ragattr.revision.rarr import ReviseRARR

        return ReviseRARR.with_own_prompts(
            setup.language_model(), setup.sentence_encoder(), retrieve=revising.retrieve
        )
    scale = scale_of(setup, verifier)
    with_reader = scale.reader is not None
    if revising.acceptance is None:
        return ReviseSpans(scale, shipped(with_reader=with_reader))
    return ReviseSpans(scale, read_acceptance(revising.acceptance, with_reader=with_reader))


def scale_of(setup: Setup, verifier: EntailmentModel) -> Scale:
    """What holds statements against evidence; with a language model where there is one."""
    return Scale(verifier, setup.sentence_encoder(), _reader(setup), answer_prompt())


def _reader(setup: Setup) -> WhiteBoxModel | None:
    """The model that says how likely words are; None where there is none that can."""
    if setup.tier == "text":
        return None
    try:
        model = setup.language_model()
        model.check_readable()
    except (ModelNotFound, NoLogprobs) as error:
        if setup.tier != "auto":
            raise
        logger.warning("revised without a language model's judgement of the words: %s", error)
        return None
    return model
