"""What every way of judging asks of an answer: what a claim cites, what it used, what follows."""

from ragattr.metrics.usage import claim_use
from ragattr.models.protocols import EntailmentModel
from ragattr.text.claims import claim_markers
from ragattr.types import Answer, Attribution, Claim, Label, VerifierCard

JOINED_SENTENCES = 6  # beside the cited passages: those used, then the most similar


def cited_passages(answer: Answer, claim: Claim) -> list[int]:
    """The passages that the claim's markers name, each once, in order, from 0."""
    numbers = [n for marker in claim_markers(claim, answer.markers) for n in marker.numbers]
    n_passages = len(answer.context.passages)
    return [n - 1 for n in dict.fromkeys(numbers) if 1 <= n <= n_passages]


def used_shares(attribution: Attribution, claim: Claim) -> dict[int, float]:
    """The share of each sentence, by index, that counts as used."""
    use = claim_use(attribution, claim)
    if use is None or use.shares is None or use.counts is None:
        return {}
    found = enumerate(zip(use.shares, use.counts, strict=True))
    return {i: float(share) for i, (share, counts) in found if counts}


def card_of(model: EntailmentModel, threshold: float | None) -> VerifierCard:
    """The verifier's card, with a threshold of one's own or its own."""
    own = model.threshold if threshold is None else threshold
    return VerifierCard(model.name, model.revision, own, model.contradiction_threshold)


def label_of(probability: float, contradiction: float, card: VerifierCard) -> Label:
    """What follows from how likely the evidence supports and contradicts a claim."""
    if probability >= card.threshold:
        return "supported"
    if contradiction >= card.contradiction_threshold:
        return "contradicted"
    return "not_enough_information"
