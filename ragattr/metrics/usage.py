"""From scores per answer token to what a claim used."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ragattr.text.align import claim_columns
from ragattr.types import Attribution, Claim, FloatArray, Span

REDUNDANT = 1.2  # a joint effect over the sum of the single ones: the members hide each other


@dataclass(frozen=True, eq=False)
class ClaimUse:
    """What one claim used of an attribution's sources.

    Attributes:
        scores: [sources], in the attribution's unit, summed over the claim's own tokens.
        group_scores: [groups], the same when all members of a group go together.
        hiding: the groups, by index, whose members hide each other in this claim: together they
            do more than one by one.
        columns: the claim's own tokens, which were summed (its markers left out).
        context_use: mean JSD of the claim's tokens when all passages go, over ln 2: 0..1, or None.
        parametric_share: the likelihood per token that the claim keeps when all passages go, 0..1:
            1 when the model says the same without them; or None.
        shares: [sources], each source's part of the clipped scores, 0..1; members of a group that
            hide each other in this claim each have the group's; None if unknown.
        counts: [sources], whether the score per token, or its group's, stands above the noise
            floor; None likewise.
    """

    scores: FloatArray
    group_scores: FloatArray
    hiding: tuple[int, ...]
    columns: list[int]
    context_use: float | None
    parametric_share: float | None
    shares: FloatArray | None
    counts: NDArray[np.bool_] | None

    @property
    def n_tokens(self) -> int:
        """How many tokens were summed."""
        return len(self.columns)


def claim_use(attribution: Attribution, claim: Claim) -> ClaimUse | None:
    """What the claim used, or None where nothing was measured.

    A model without measured floors, or one that finds the answer so unlikely that it cannot be
    said to read it, gives scores but neither shares nor counts.
    """
    if attribution.scores is None:
        return None
    columns = claim_columns(
        claim.span, attribution.tokens, attribution.answer.text, attribution.answer.markers
    )
    scores = attribution.scores[:, columns].sum(axis=1)
    group_scores = _group_scores(attribution, columns)
    context_use, parametric_share = _without_context(attribution, columns)
    groups, clipped = attribution.groups, np.maximum(scores, 0.0)
    hiding = tuple(
        i
        for i, members in enumerate(groups)
        if group_scores[i] > REDUNDANT * clipped[list(members)].sum()
    )
    shares, counts = None, None
    floors = attribution.floors
    if floors is not None and columns and not is_unreadable(attribution):
        if context_use is not None and context_use < floors.context:
            shares, counts = np.zeros_like(scores), np.zeros(len(scores), dtype=bool)
        else:
            joint, total = _joint(clipped, [(list(groups[i]), group_scores[i]) for i in hiding])
            shares = joint / total if total > 0 else np.zeros_like(joint)
            counts = joint / len(columns) > floors.noise
    return ClaimUse(
        scores=scores,
        group_scores=group_scores,
        hiding=hiding,
        columns=columns,
        context_use=context_use,
        parametric_share=parametric_share,
        shares=shares,
        counts=counts,
    )


def passage_use(
    attribution: Attribution, use: ClaimUse | None, passage: int
) -> tuple[float | None, bool | None]:
    """A passage's share, a group once, and whether it counts: when one of its sentences does.

    None where it was not measured.
    """
    if use is None or use.shares is None or use.counts is None:
        return None, None
    inside = [i for i, source in enumerate(attribution.sources) if source.passage == passage]
    if not inside:
        return None, None
    repeated = {
        i for group in use.hiding for i in [k for k in attribution.groups[group] if k in inside][1:]
    }
    once = [i for i in inside if i not in repeated]
    return float(use.shares[once].sum()), bool(use.counts[inside].any())


def with_mates(sources: Iterable[int], groups: Sequence[Sequence[int]]) -> set[int]:
    """The sources, and those that say the same as one of them."""
    found = set(sources)
    return found.union(*(members for members in groups if not found.isdisjoint(members)))


def _group_scores(attribution: Attribution, columns: list[int]) -> FloatArray:
    if attribution.group_scores is None:
        return np.zeros(0)
    total: FloatArray = attribution.group_scores[:, columns].sum(axis=1)
    return total


def _without_context(
    attribution: Attribution, columns: list[int]
) -> tuple[float | None, float | None]:
    context_use, parametric_share = None, None
    if attribution.context_scores is not None and columns:
        mean = attribution.context_scores[columns].mean()
        context_use = float(np.clip(mean / np.log(2), 0.0, 1.0))
    if attribution.context_drops is not None and columns:
        parametric_share = float(np.exp(-max(attribution.context_drops[columns].mean(), 0.0)))
    return context_use, parametric_share


def _joint(
    clipped: FloatArray, hiding: Sequence[tuple[list[int], float]]
) -> tuple[FloatArray, float]:
    """[sources], members of a group with its joint score; and the sum, each group once."""
    joint = clipped.copy()
    grouped = [i for members, _ in hiding for i in members]
    total = float(np.delete(joint, grouped).sum()) + sum(score for _, score in hiding)
    for members, score in hiding:
        joint[members] = score
    return joint, total


def reader_logprob(attribution: Attribution) -> float | None:
    """Mean log-probability of the answer under the reader, nats; markers are left out."""
    if attribution.logprobs is None:
        return None
    answer = attribution.answer
    whole = Span(0, len(answer.text))
    columns = claim_columns(whole, attribution.tokens, answer.text, answer.markers)
    return float(attribution.logprobs[columns].mean()) if columns else None


def is_unreadable(attribution: Attribution) -> bool:
    """Whether the reader finds the answer too unlikely for its use of the context to mean much."""
    logprob = reader_logprob(attribution)
    return (
        attribution.floors is not None
        and logprob is not None
        and logprob < attribution.floors.reader
    )
