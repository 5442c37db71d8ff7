"""From scores per answer token to what a claim used."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ragattr.text.align import claim_columns
from ragattr.types import Attribution, Claim, FloatArray, Span


@dataclass(frozen=True, eq=False)
class ClaimUse:
    """What one claim used of an attribution's sources.

    Attributes:
        scores: [sources], nats, summed over the claim's own tokens.
        columns: the claim's own tokens, which were summed (its markers left out).
        context_use: mean JSD of the claim's tokens when all passages go, over ln 2: 0..1, or None.
        shares: [sources], each source's part of the clipped scores, 0..1; None if unknown.
        counts: [sources], whether the score per token stands above the noise floor; None likewise.
    """

    scores: FloatArray
    columns: list[int]
    context_use: float | None
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
    scores = np.maximum(attribution.scores[:, columns], 0.0).sum(axis=1)
    context_use = None
    if attribution.context_scores is not None and columns:
        context_use = float(
            np.clip(attribution.context_scores[columns].mean() / np.log(2), 0.0, 1.0)
        )
    floors = attribution.floors
    if floors is None or not columns or is_unreadable(attribution):
        return ClaimUse(scores, columns, context_use, None, None)
    if context_use is not None and context_use < floors.context:
        return ClaimUse(
            scores, columns, context_use, np.zeros_like(scores), np.zeros(len(scores), dtype=bool)
        )
    shares = scores / scores.sum() if scores.sum() > 0 else np.zeros_like(scores)
    return ClaimUse(scores, columns, context_use, shares, scores / len(columns) > floors.noise)


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
