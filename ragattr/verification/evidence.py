"""How evidence is joined for a claim: all of it, and every piece of it alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ragattr.models.protocols import EntailmentModel, Pair
from ragattr.text.sentences import sentence_spans
from ragattr.types import FloatArray

SEPARATOR = "\n\n"


def join(pieces: Sequence[str]) -> str:
    """Pieces of evidence as one premise; a blank line keeps their sentences apart."""
    return SEPARATOR.join(pieces)


def pairs_of(claim: str, evidence: Sequence[str]) -> list[Pair]:
    """The joined evidence first, then every passage, then every sentence, each with the claim."""
    sentences = [span.of(passage) for passage in evidence for span in sentence_spans(passage)]
    premises = [join(evidence), *evidence, *sentences]
    return [Pair(premise, claim) for premise in dict.fromkeys(premises)]


@dataclass(frozen=True)
class PairVerdict:
    """A claim against its evidence: the probability of "supported", None when it was not judged."""

    probability: float | None
    contradicted: float | None
    warnings: tuple[str, ...] = ()


def judge_pair(model: EntailmentModel, claim: str, evidence: Sequence[str]) -> PairVerdict:
    """The largest probability over the joined evidence and each piece of it alone."""
    if not model.reads(claim):
        return PairVerdict(
            None, None, ("the claim is outside the verifier's language: not judged",)
        )
    readable = [passage for passage in evidence if passage.strip() and model.reads(passage)]
    skipped = sum(bool(passage.strip()) for passage in evidence) - len(readable)
    warnings = (
        (f"{skipped} of {len(evidence)} passages are outside the verifier's language: left out",)
        if skipped
        else ()
    )
    if not readable:
        return PairVerdict(None, None, warnings) if skipped else PairVerdict(0.0, 0.0)
    judged = model.entails(pairs_of(claim, readable))
    return PairVerdict(*_largest(judged), warnings)


def _largest(judged: FloatArray) -> tuple[float, float]:
    return float(np.max(judged[:, 0])), float(np.max(judged[:, 1]))
