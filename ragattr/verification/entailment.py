"""Which evidence supports which claim."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ragattr.models.protocols import Encoder, EntailmentModel, Pair, knows_pieces
from ragattr.stage import Stage
from ragattr.text.claims import ClaimContext, hypotheses
from ragattr.text.sentences import sources_of
from ragattr.types import (
    Attribution,
    Claim,
    FloatArray,
    Judgement,
    Source,
    Verdict,
    VerifierCard,
)
from ragattr.verification.claim_evidence import (
    JOINED_SENTENCES,
    card_of,
    cited_passages,
    label_of,
    used_shares,
)
from ragattr.verification.evidence import join

_FEWEST_BLOCKS = 8  # of long evidence, that is taken away a block at a time


@dataclass(frozen=True)
class VerifyEntailment(Stage[Attribution, Judgement]):
    """Judges every claim against every sentence, every passage, and the evidence joined.

    The joined evidence of a claim is the passages that it cites and at most six sentences. Its
    probability is the largest over that, each sentence and each cited passage. Where the joined
    evidence supports it, backward elimination leaves the proof. A few words that are no sentence
    are judged after the question that they answer; `context` says what goes before a claim that
    rests on a pronoun.
    """

    model: EntailmentModel
    encoder: Encoder
    threshold: float | None = None
    context: ClaimContext = "none"

    def __call__(self, batch: Sequence[Attribution]) -> list[Judgement]:
        return [self._judge(attribution) for attribution in batch]

    def _judge(self, attribution: Attribution) -> Judgement:
        answer = attribution.answer
        passages, sources = answer.context.passages, sources_of(answer.context.passages)
        is_readable = [self.model.reads(passage.text) for passage in passages]
        warnings = [
            f"passage {p.id!r} is outside the verifier's language: not judged"
            for p, readable in zip(passages, is_readable, strict=True)
            if not readable
        ]
        model = self.model.for_largest() if knows_pieces(self.model) else self.model
        card = card_of(self.model, self.threshold)
        bench = _Bench(model, self.encoder, attribution, sources, is_readable)
        judged = list[_Judged]()
        texts = hypotheses(answer, self.context)
        for number, (claim, said) in enumerate(zip(answer.claims, texts, strict=True), start=1):
            if claim.needs_support and not self.model.reads(said):
                warnings.append(f"claim {number} is outside the verifier's language: not judged")
                judged.append(bench.nothing(claim))
            elif claim.needs_support and any(is_readable):
                judged.append(bench.judge(claim, said, card))
            else:
                judged.append(bench.nothing(claim))
        return Judgement(
            attribution=attribution,
            sources=sources,
            supports=_stack([j.sentences[:, 0] for j in judged], len(sources)),
            contradicts=_stack([j.sentences[:, 1] for j in judged], len(sources)),
            passage_supports=_stack([j.passages[:, 0] for j in judged], len(passages)),
            passage_contradicts=_stack([j.passages[:, 1] for j in judged], len(passages)),
            cited=np.array([j.cited for j in judged], dtype=float),
            without=_stack([j.without for j in judged], len(passages)),
            verdicts=tuple(j.verdict for j in judged),
            proofs=tuple(j.proof for j in judged),
            verifier=card,
            warnings=tuple(warnings),
        )


@dataclass(frozen=True, eq=False)
class _Judged:
    """One claim: [sentences, 2] and [passages, 2], supported and contradicted; NaN: not judged.

    `without` is [passages], supported by the other cited ones.
    """

    verdict: Verdict
    sentences: FloatArray
    passages: FloatArray
    cited: float
    proof: tuple[int, ...]
    without: FloatArray


@dataclass(frozen=True, eq=False)
class _Bench:
    """The evidence of one answer, ready to be held against its claims."""

    model: EntailmentModel
    encoder: Encoder
    attribution: Attribution
    sources: Sequence[Source]
    is_readable: Sequence[bool]

    def nothing(self, claim: Claim) -> _Judged:
        """A claim that is not judged."""
        verdict = Verdict(claim, "unclear", None)
        empty = np.full((len(self.sources), 2), np.nan)
        whole = np.full((len(self.is_readable), 2), np.nan)
        return _Judged(verdict, empty, whole, np.nan, (), whole[:, 0])

    def judge(self, claim: Claim, said: str, card: VerifierCard) -> _Judged:
        """A claim against all readable evidence."""
        alone, whole = self._pieces(said)
        answer = self.attribution.answer
        cited = [p for p in cited_passages(answer, claim) if self.is_readable[p]]
        joined = self._joined(claim, said, cited)
        together = self._supports(said, joined)
        cited_probability = self._supported_by(said, cited, whole) if cited else np.nan
        without = np.full(len(whole), np.nan)
        for p in cited if len(cited) > 1 else ():
            without[p] = self._supported_by(said, [other for other in cited if other != p], whole)
        probability = float(max(together, np.nanmax(alone[:, 0], initial=0.0), *whole[cited, 0]))
        contradiction = float(max([np.nanmax(alone[:, 1], initial=0.0), *whole[cited, 1]]))
        proof = tuple[int, ...]()
        if together >= card.threshold:
            weakest_first = sorted(
                joined, key=lambda i: (self.sources[i].passage in cited, alone[i, 0])
            )
            proof = tuple(
                sorted(
                    _eliminate(
                        weakest_first, lambda kept: self._supports(said, kept) >= card.threshold
                    )
                )
            )
        label = label_of(probability, contradiction, card)
        verdict = Verdict(claim, label, probability)
        return _Judged(verdict, alone, whole, cited_probability, proof, without)

    def _pieces(self, said: str) -> tuple[FloatArray, FloatArray]:
        """[sentences, 2], [passages, 2]; a passage supports no less than its best sentence."""
        passages = self.attribution.answer.context.passages
        alone = np.full((len(self.sources), 2), np.nan)
        whole = np.full((len(passages), 2), np.nan)
        readable = [i for i, source in enumerate(self.sources) if self.is_readable[source.passage]]
        full = [p for p in range(len(passages)) if self.is_readable[p]]
        pairs = [Pair(self._text(i), said) for i in readable] + [
            Pair(passages[p].text, said) for p in full
        ]
        found = self.model.entails(pairs)[:, :2]
        alone[readable], whole[full] = found[: len(readable)], found[len(readable) :]
        for i in readable:
            passage = self.sources[i].passage
            whole[passage] = np.maximum(whole[passage], alone[i])
        return alone, whole

    def _joined(self, claim: Claim, said: str, cited: Sequence[int]) -> list[int]:
        """The cited passages' sentences, and up to six more: used first, then most similar."""
        readable = [i for i, source in enumerate(self.sources) if self.is_readable[source.passage]]
        others = [i for i in readable if self.sources[i].passage not in cited]
        if others:
            similarity = (
                self.encoder.encode([self._text(i) for i in others])
                @ self.encoder.encode([said])[0]
            )
            nearness = dict(zip(others, similarity.tolist(), strict=True))
            used = used_shares(self.attribution, claim)
            others.sort(key=lambda i: (-used.get(i, 0.0), -nearness[i]))
        return sorted(
            [i for i in readable if self.sources[i].passage in cited] + others[:JOINED_SENTENCES]
        )

    def _supported_by(self, said: str, passages: Sequence[int], whole: FloatArray) -> float:
        """The probability that these passages support the claim, together or one of them."""
        inside = [i for i, source in enumerate(self.sources) if source.passage in passages]
        return float(max(self._supports(said, inside), *whole[passages, 0]))

    def _supports(self, said: str, indices: Sequence[int]) -> float:
        """The probability that these sentences together support the claim."""
        if not indices:
            return 0.0
        return float(
            self.model.entails([Pair(join([self._text(i) for i in sorted(indices)]), said)])[0, 0]
        )

    def _text(self, index: int) -> str:
        source = self.sources[index]
        return source.span.of(self.attribution.answer.context.passages[source.passage].text)


def _eliminate(weakest_first: Sequence[int], suffices: Callable[[Sequence[int]], bool]) -> set[int]:
    """Take away what is not needed, weakest first, by halves: what is left suffices."""
    kept = set(weakest_first)

    def drop(block: Sequence[int]) -> None:
        rest = kept.difference(block)
        if rest and suffices(sorted(rest)):
            kept.intersection_update(rest)
        elif len(block) > 1:
            drop(block[: len(block) // 2])
            drop(block[len(block) // 2 :])

    size = max(JOINED_SENTENCES, len(weakest_first) // _FEWEST_BLOCKS)
    for start in range(0, len(weakest_first), size):
        drop(weakest_first[start : start + size])
    return kept


def _stack(rows: Sequence[FloatArray], width: int) -> FloatArray:
    return np.stack(rows) if rows else np.zeros((0, width))
