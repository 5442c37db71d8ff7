"""Alarms: passages that moved the answer most, and hold orders or support nothing of it.

Neither alone is worth a look: documents may speak of prompts, and every good answer has a passage
that moved it most. An alarm is no defence. It is raised after the answer was written, an order in
other words is not found, and a passage that states something false supports what is made of it.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from ragattr.metrics.usage import ClaimUse, passage_use, with_mates
from ragattr.text.instructions import find_instructions
from ragattr.types import Alarm, Judgement, Span

DOMINANT = 0.7  # more than twice what all other passages do; chosen on answers, eval/poisoned.py


def find_alarms(judgement: Judgement, uses: Sequence[ClaimUse | None]) -> tuple[Alarm, ...]:
    """The alarms of an answer, by passage; none where nothing was measured, or of one passage.

    A passage dominates a claim when its share is at least `DOMINANT` and it counts as used.

    Args:
        uses: [claims], what each used of the sources.
    """
    passages = judgement.attribution.answer.context.passages
    if len(passages) < 2:
        return ()
    return tuple(
        alarm for passage in range(len(passages)) for alarm in _of_passage(judgement, uses, passage)
    )


class _Dominated(NamedTuple):
    """A claim by index, and the passage's share of it."""

    claim: int
    share: float


def _of_passage(
    judgement: Judgement, uses: Sequence[ClaimUse | None], passage: int
) -> Iterator[Alarm]:
    dominated = [
        _Dominated(i, share)
        for i, use in enumerate(uses)
        for share, counts in [passage_use(judgement.attribution, use, passage)]
        if counts and share is not None and share >= DOMINANT
    ]
    if not dominated:
        return
    used, claims = max(row.share for row in dominated), tuple(row.claim for row in dominated)
    if span := _most_used(judgement, uses, passage, claims):
        yield Alarm(passage, "instructions", used, claims, span)
    judged = [row for row in dominated if _supports(judgement, row.claim, passage) is not None]
    if judged and not any(_supports(judgement, row.claim, passage) for row in judged):
        used, claims = max(row.share for row in judged), tuple(row.claim for row in judged)
        yield Alarm(passage, "no_entailment", used, claims)


def _most_used(
    judgement: Judgement, uses: Sequence[ClaimUse | None], passage: int, claims: Sequence[int]
) -> Span | None:
    """The stretch that talks to a model; of several the one in the sentence that is used most."""
    attribution = judgement.attribution
    found = find_instructions(attribution.answer.context.passages[passage].text)
    shares = [use.shares for i in claims if (use := uses[i]) and use.shares is not None]

    def used(span: Span) -> float:
        inside = [
            i
            for i, source in enumerate(attribution.sources)
            if source.passage == passage and _overlap(source.span, span)
        ]
        return max((float(share[inside].max(initial=0.0)) for share in shares), default=0.0)

    return max((one.span for one in found), key=used, default=None)


def _supports(judgement: Judgement, claim: int, passage: int) -> bool | None:
    """Whether the passage supports the claim, alone or jointly; None where nobody judged it."""
    alone, card = judgement.passage_supports[claim, passage], judgement.verifier
    if card is None or np.isnan(alone):
        return None
    proof = judgement.proofs[claim]
    inside = [i for i, source in enumerate(judgement.sources) if source.passage == passage]
    parts = with_mates(inside, judgement.attribution.groups)
    return bool(alone >= card.threshold or (len(proof) > 1 and not parts.isdisjoint(proof)))


def _overlap(one: Span, other: Span) -> bool:
    return one.start < other.end and other.start < one.end
