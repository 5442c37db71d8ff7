"""How evidence is joined for a claim: all of it, and every piece of it alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ragattr.models.protocols import EntailmentModel, Judged, Pair, shows_evidence
from ragattr.text.sentences import SEPARATOR, sentence_spans
from ragattr.types import Source, Span


def join(pieces: Sequence[str]) -> str:
    """Pieces of evidence as one premise; a blank line keeps their sentences apart."""
    return SEPARATOR.join(pieces)


def pairs_of(claim: str, evidence: Sequence[str]) -> list[Pair]:
    """The joined evidence first, then every passage, then every sentence, each with the claim."""
    sentences = [span.of(piece) for piece in evidence for span in sentence_spans(piece)]
    premises = dict.fromkeys([join(evidence), *evidence, *sentences])
    return [Pair(premise, claim) for premise in premises]


@dataclass(frozen=True)
class PairVerdict:
    """A claim against its evidence.

    Attributes:
        probability: of "supported", None when it was not judged.
        contradicted: likewise.
        decided_by: the parts of the evidence that the model read and that support the claim most;
            `Source.passage` counts the pieces of evidence.
    """

    probability: float | None
    contradicted: float | None
    decided_by: tuple[Source, ...] = ()
    warnings: tuple[str, ...] = ()


def judge_pair(model: EntailmentModel, claim: str, evidence: Sequence[str]) -> PairVerdict:
    """What the model says of the claim and all its evidence, joined."""
    (verdict,) = judge_pairs(model, [(claim, evidence)])
    return verdict


def judge_pairs(
    model: EntailmentModel, claims: Sequence[tuple[str, Sequence[str]]]
) -> list[PairVerdict]:
    """What `judge_pair` says of each claim with its evidence; the model is asked once for all."""
    readable = [_readable(model, claim, evidence) for claim, evidence in claims]
    pairs = {
        number: Pair(join([evidence[i] for i in kept]), claim)
        for number, ((claim, evidence), kept) in enumerate(zip(claims, readable, strict=True))
        if kept
    }
    asked = list(dict.fromkeys(pairs.values()))
    judged = _judge(model, asked)
    place = {pair: i for i, pair in enumerate(asked)}
    return [
        _decided(evidence, kept, judged, place[pairs[number]])
        if kept
        else _undecided(evidence, kept)
        for number, ((_, evidence), kept) in enumerate(zip(claims, readable, strict=True))
    ]


def _readable(model: EntailmentModel, claim: str, evidence: Sequence[str]) -> list[int] | None:
    """Which pieces of evidence are judged; None when the claim is not."""
    if not model.reads(claim):
        return None
    return [i for i, piece in enumerate(evidence) if piece.strip() and model.reads(piece)]


def _judge(model: EntailmentModel, pairs: Sequence[Pair]) -> Judged:
    if not pairs:
        return Judged(np.zeros((0, 3)), ())
    if shows_evidence(model):
        return model.judge(pairs)
    return Judged(model.entails(pairs), tuple((Span(0, len(pair.premise)),) for pair in pairs))


def _undecided(evidence: Sequence[str], kept: Sequence[int] | None) -> PairVerdict:
    if kept is None:
        said = "the claim is outside the verifier's language: not judged"
        return PairVerdict(None, None, warnings=(said,))
    warnings = _left_out(evidence, kept)
    nothing = None if warnings else 0.0
    return PairVerdict(nothing, nothing, warnings=warnings)


def _decided(
    evidence: Sequence[str], kept: Sequence[int], judged: Judged, place: int
) -> PairVerdict:
    supported, contradicted, _ = judged.probabilities[place].tolist()
    sources = [
        Source(kept[source.passage], source.span)
        for span in judged.evidence[place]
        for source in _placed(span, [evidence[i] for i in kept])
    ]
    return PairVerdict(supported, contradicted, tuple(sources), _left_out(evidence, kept))


def _left_out(evidence: Sequence[str], kept: Sequence[int]) -> tuple[str, ...]:
    skipped = sum(bool(piece.strip()) for piece in evidence) - len(kept)
    said = f"{skipped} of {len(evidence)} passages are outside the verifier's language: left out"
    return (said,) if skipped else ()


def _placed(span: Span, pieces: Sequence[str]) -> list[Source]:
    """A span of the joined pieces in the pieces themselves."""
    found, start = list[Source](), 0
    for number, piece in enumerate(pieces):
        first, last = max(span.start - start, 0), min(span.end - start, len(piece))
        if first < last:
            found.append(Source(number, Span(first, last)))
        start += len(piece) + len(SEPARATOR)
    return found
