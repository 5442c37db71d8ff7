"""Pipelines that must not type-check: mypy reports an ignore that is not needed."""

from ragattr import Cite, Generate, Stage, VerifyEntailment
from ragattr.types import Attribution, CitedAnswer


def unmeasured_answers_cannot_be_judged(generate: Generate, verify: VerifyEntailment) -> None:
    """A judgement needs an attribution, an answer is none."""
    generate >> verify  # type: ignore[operator]


def judged_answers_can_be_cited(verify: VerifyEntailment) -> Stage[Attribution, CitedAnswer]:
    """The types of two stages meet."""
    return verify >> Cite()
