"""Which evidence supports which claim, for many answers at once: passages first.

`VerifyEntailment` holds every claim against every sentence. Here sentences are read only where
their passage says something, and pieces are joined only where none suffices alone. What is asked
does not hang on the threshold: with another one, nothing is asked that was not asked before.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ragattr.models.protocols import EntailmentModel, Pair, knows_pieces
from ragattr.stage import Stage
from ragattr.text.claims import ClaimContext, hypotheses
from ragattr.text.sentences import sources_of
from ragattr.text.words import content_words
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

OPENED_FROM = 0.3  # the probability, for or against, from which a passage's sentences are read
JOINED_FROM, JOINED_BELOW = 0.1, 0.9  # pieces are joined where the best alone is between these


@dataclass(frozen=True)
class VerifyPassages(Stage[Attribution, Judgement]):
    """Judges claims against passages, then against the sentences of those that say something.

    The joined evidence of a claim is the passages that it cites and six sentences: those used,
    then those that hold most of its words. Where it supports what no piece does alone, its
    proof is the shortest of its ends, weakest pieces first, that suffices.
    """

    model: EntailmentModel
    threshold: float | None = None
    context: ClaimContext = "none"

    def __call__(self, batch: Sequence[Attribution]) -> list[Judgement]:
        model = self.model.for_largest() if knows_pieces(self.model) else self.model
        card, asked = card_of(self.model, self.threshold), _Asked(model)
        benches = [_Bench.of(attribution, asked, self.context) for attribution in batch]
        claims = [claim for bench in benches for claim in bench.claims if claim.is_judged]
        for pairs_of in (
            _Judged.first_pairs,
            _Judged.sentence_pairs,
            _Judged.joined_pairs,
            _Judged.proof_pairs,
        ):
            asked.ask(pair for claim in claims for pair in pairs_of(claim))
        return [bench.judgement(card) for bench in benches]


@dataclass(frozen=True, eq=False)
class _Asked:
    """What the verifier said: [supported, contradicted] of each pair that it was asked about."""

    model: EntailmentModel
    known: dict[Pair, FloatArray] = field(default_factory=dict)

    def ask(self, pairs: Iterable[Pair]) -> None:
        """All at once, no pair twice."""
        new = [pair for pair in dict.fromkeys(pairs) if pair not in self.known]
        if new:
            self.known.update(zip(new, self.model.entails(new)[:, :2], strict=True))

    def supports(self, pair: Pair) -> float:
        return float(self.known[pair][0])


@dataclass(frozen=True, eq=False)
class _Bench:
    """An answer with its evidence, ready for its claims to be held against it."""

    evidence: "_Evidence"
    claims: "tuple[_Judged, ...]"
    warnings: tuple[str, ...]

    @classmethod
    def of(cls, attribution: Attribution, asked: _Asked, context: ClaimContext) -> "_Bench":
        answer, model = attribution.answer, asked.model
        passages = answer.context.passages
        is_readable = tuple(model.reads(passage.text) for passage in passages)
        evidence = _Evidence(attribution, sources_of(passages), is_readable)
        claims, warnings = list[_Judged](), list(evidence.warnings())
        texts = hypotheses(answer, context)
        for number, (claim, said) in enumerate(zip(answer.claims, texts, strict=True), start=1):
            is_read = model.reads(said)
            if claim.needs_support and not is_read:
                warnings.append(f"claim {number} is outside the verifier's language: not judged")
            is_judged = claim.needs_support and is_read and any(is_readable)
            claims.append(_Judged(evidence, claim, said, is_judged, asked))
        return cls(evidence, tuple(claims), tuple(warnings))

    def judgement(self, card: VerifierCard) -> Judgement:
        """What was found, as every verifier says it."""
        figures = [claim.figures() for claim in self.claims]
        n_sources, n_passages = len(self.evidence.sources), len(self.evidence.is_readable)
        sentences = np.array([f.sentences for f in figures]).reshape(-1, n_sources, 2)
        passages = np.array([f.passages for f in figures]).reshape(-1, n_passages, 2)
        decided = [claim.decide(f, card) for claim, f in zip(self.claims, figures, strict=True)]
        return Judgement(
            attribution=self.evidence.attribution,
            sources=self.evidence.sources,
            supports=sentences[..., 0],
            contradicts=sentences[..., 1],
            passage_supports=passages[..., 0],
            passage_contradicts=passages[..., 1],
            cited=np.array([f.cited for f in figures], dtype=float),
            without=np.array([f.without for f in figures]).reshape(-1, n_passages),
            verdicts=tuple(verdict for verdict, _ in decided),
            proofs=tuple(proof for _, proof in decided),
            verifier=card,
            warnings=self.warnings,
        )


@dataclass(frozen=True, eq=False)
class _Evidence:
    """The sentences and passages of one answer."""

    attribution: Attribution
    sources: tuple[Source, ...]
    is_readable: tuple[bool, ...]

    @cached_property
    def texts(self) -> list[str]:
        """Of the sentences."""
        passages = self.attribution.answer.context.passages
        return [source.span.of(passages[source.passage].text) for source in self.sources]

    @cached_property
    def content(self) -> list[frozenset[str]]:
        """Of the sentences: their content words."""
        return [frozenset(content_words(text)) for text in self.texts]

    @cached_property
    def readable(self) -> list[int]:
        """The passages that are judged."""
        return [p for p, is_readable in enumerate(self.is_readable) if is_readable]

    def of_passage(self, passage: int) -> list[int]:
        """The sentences of a passage."""
        return [i for i, source in enumerate(self.sources) if source.passage == passage]

    def warnings(self) -> Iterator[str]:
        for passage, is_readable in zip(
            self.attribution.answer.context.passages, self.is_readable, strict=True
        ):
            if not is_readable:
                yield f"passage {passage.id!r} is outside the verifier's language: not judged"


@dataclass(frozen=True, eq=False)
class _Figures:
    """Of one claim: [sentences, 2], [passages, 2], [passages]; NaN: not judged."""

    sentences: FloatArray
    passages: FloatArray
    without: FloatArray
    cited: float
    together: float


@dataclass(frozen=True, eq=False)
class _Judged:
    """A claim, what has to be asked about it, and what follows."""

    evidence: _Evidence
    claim: Claim
    said: str
    is_judged: bool
    asked: _Asked

    @cached_property
    def cited(self) -> list[int]:
        """The passages it cites that are judged."""
        found = cited_passages(self.evidence.attribution.answer, self.claim)
        return [p for p in found if self.evidence.is_readable[p]]

    def first_pairs(self) -> Iterator[Pair]:
        """Each passage; those cited together, and all but one of them."""
        for passage in self.evidence.readable:
            yield self._passages([passage])
        if len(self.cited) > 1:
            yield self._passages(self.cited)
            for passage in self.cited:
                yield self._passages(self._others(passage))

    def sentence_pairs(self) -> Iterator[Pair]:
        """The sentences of passages that say something, and those that were used."""
        yield from (self._sentences([i]) for i in self._opened)

    def joined_pairs(self) -> Iterator[Pair]:
        """All the joined evidence, where no piece is enough."""
        if self._is_joined:
            yield self._sentences(self._weakest_first)

    def proof_pairs(self) -> Iterator[Pair]:
        """Every end of the joined evidence, and each sentence of it, where joining helps."""
        if self._is_joined and self._together > max(self._best_alone, OPENED_FROM):
            for start, i in enumerate(self._weakest_first):
                yield self._sentences(self._weakest_first[start:])
                yield self._sentences([i])

    def figures(self) -> _Figures:
        """All that was asked, in the order of sentences and passages."""
        n_sources, n_passages = len(self.evidence.sources), len(self.evidence.is_readable)
        sentences, passages = np.full((n_sources, 2), np.nan), np.full((n_passages, 2), np.nan)
        without = np.full(n_passages, np.nan)
        if not self.is_judged:
            return _Figures(sentences, passages, without, np.nan, 0.0)
        known = self.asked.known
        for i in range(n_sources):
            if self._sentences([i]) in known and self.evidence.is_readable[self._passage(i)]:
                sentences[i] = known[self._sentences([i])]
        for p in self.evidence.readable:
            own = sentences[self.evidence.of_passage(p)]
            passages[p] = np.fmax(known[self._passages([p])], np.fmax.reduce(own, initial=-np.inf))
        cited = np.nan
        if self.cited:
            together = self.asked.supports(self._passages(self.cited))
            cited = float(max(together, *passages[self.cited, 0]))
        if len(self.cited) > 1:
            for p in self.cited:
                others = self._others(p)
                joined = self.asked.supports(self._passages(others))
                without[p] = max(joined, *passages[others, 0])
        together = self._together if self._is_joined else 0.0
        return _Figures(sentences, passages, without, cited, together)

    def decide(self, figures: _Figures, card: VerifierCard) -> tuple[Verdict, tuple[int, ...]]:
        """The verdict, and which sentences support the claim only together."""
        if not self.is_judged:
            return Verdict(self.claim, "unclear", None), ()
        alone = np.fmax.reduce(figures.sentences[:, 0], initial=0.0)
        whole = np.fmax.reduce(figures.passages[:, 0], initial=0.0)
        cited = 0.0 if np.isnan(figures.cited) else figures.cited
        probability = float(max(figures.together, cited, whole))
        contradiction = float(np.fmax.reduce(figures.passages[:, 1], initial=0.0))
        verdict = Verdict(self.claim, label_of(probability, contradiction, card), probability)
        if alone >= card.threshold or verdict.label != "supported":
            return verdict, ()
        if whole >= card.threshold:
            best = int(np.nanargmax(figures.passages[:, 0]))
            return verdict, tuple(self.evidence.of_passage(best))
        return verdict, tuple(sorted(self._proof(card.threshold)))

    def _proof(self, threshold: float) -> list[int]:
        ordered = self._weakest_first
        known = self.asked.known
        enough = [
            ordered[start:]
            for start in range(len(ordered))
            if (pair := self._sentences(ordered[start:])) in known and known[pair][0] >= threshold
        ]
        if enough:
            return enough[-1]
        return [i for p in self.cited for i in self.evidence.of_passage(p)]

    @cached_property
    def _opened(self) -> list[int]:
        """The sentences that are judged alone."""
        known = self.asked.known
        says_something = {
            p for p in self.evidence.readable if max(known[self._passages([p])]) >= OPENED_FROM
        }
        used = used_shares(self.evidence.attribution, self.claim)
        return [
            i
            for i, source in enumerate(self.evidence.sources)
            if self.evidence.is_readable[source.passage]
            and (source.passage in says_something or i in used)
        ]

    @cached_property
    def _best_alone(self) -> float:
        passages = (self._passages([p]) for p in self.evidence.readable)
        sentences = (self._sentences([i]) for i in self._opened)
        return max(self.asked.supports(pair) for pair in (*passages, *sentences))

    @cached_property
    def _is_joined(self) -> bool:
        is_open = JOINED_FROM <= self._best_alone < JOINED_BELOW
        return is_open and len(self._weakest_first) > 1

    @cached_property
    def _together(self) -> float:
        return self.asked.supports(self._sentences(self._weakest_first))

    @cached_property
    def _weakest_first(self) -> list[int]:
        """The joined evidence: those not cited first, then by how little of the claim they hold."""
        said = frozenset(content_words(self.said))
        used = used_shares(self.evidence.attribution, self.claim)
        readable = [
            i
            for i in range(len(self.evidence.sources))
            if self.evidence.is_readable[self._passage(i)]
        ]

        def nearness(i: int) -> tuple[float, float]:
            return used.get(i, 0.0), len(said & self.evidence.content[i]) / max(len(said), 1)

        cited = [i for i in readable if self._passage(i) in self.cited]
        others = sorted((i for i in readable if self._passage(i) not in self.cited), key=nearness)
        return [*others[-JOINED_SENTENCES:], *sorted(cited, key=nearness)]

    def _others(self, passage: int) -> list[int]:
        return [p for p in self.cited if p != passage]

    def _passage(self, sentence: int) -> int:
        return self.evidence.sources[sentence].passage

    def _passages(self, numbers: Sequence[int]) -> Pair:
        passages = self.evidence.attribution.answer.context.passages
        return Pair(join([passages[p].text for p in sorted(numbers)]), self.said)

    def _sentences(self, indices: Sequence[int]) -> Pair:
        return Pair(join([self.evidence.texts[i] for i in sorted(indices)]), self.said)
