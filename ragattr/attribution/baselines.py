"""What every method has to beat: similarity, BM25, word overlap, position and chance.

None of them asks the language model anything. A claim is one column.
"""

import time
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ragattr.models.protocols import Encoder
from ragattr.stage import Stage
from ragattr.text.claims import claim_markers, statement
from ragattr.text.sentences import sources_of
from ragattr.text.words import content_words, search_terms
from ragattr.types import Answer, Attribution, Claim, FloatArray, Span


@dataclass(frozen=True)
class Baseline(Stage[Answer, Attribution]):
    """Scores sentences for a claim by their text or place alone; nothing is taken away."""

    @property
    @abstractmethod
    def method(self) -> str:
        """The name that records give."""

    @abstractmethod
    def score(self, question: str, claim: str, sources: Sequence[str]) -> FloatArray:
        """[sources]; higher is better."""

    def __call__(self, batch: Sequence[Answer]) -> list[Attribution]:
        return [self._attribute(answer) for answer in batch]

    def _attribute(self, answer: Answer) -> Attribution:
        started, passages = time.perf_counter(), answer.context.passages
        sources = sources_of(passages)
        texts = [source.span.of(passages[source.passage].text) for source in sources]
        columns = [
            self.score(answer.context.query.text, statement(claim, answer.markers), texts)
            for claim in answer.claims
        ]
        return Attribution(
            answer=answer,
            tokens=tuple(_column(claim, answer) for claim in answer.claims),
            sources=sources,
            scores=np.array(columns).reshape(len(columns), len(sources)).T,
            unit="similarity",
            method=self.method,
            interventional=False,
            seconds=time.perf_counter() - started,
        )


def _column(claim: Claim, answer: Answer) -> Span:
    """The claim from its first character on that stands in no marker."""
    start = claim.span.start
    for marker in claim_markers(claim, answer.markers):
        gap = answer.text[start : marker.span.start]
        if gap.strip():
            break
        start = marker.span.end
    return Span(min(start, claim.span.end), claim.span.end)


@dataclass(frozen=True)
class AttributeSimilarity(Baseline):
    """Cosine of sentence and claim, read with its question, -1..1."""

    encoder: Encoder = field(repr=False)
    method = "similarity"

    def score(self, question: str, claim: str, sources: Sequence[str]) -> FloatArray:
        """One vector for question and claim together: a short answer alone says little."""
        vectors = self.encoder.encode([f"{question} {claim}", *sources]).astype(np.float64)
        return np.asarray(vectors[1:] @ vectors[0], dtype=np.float64)


@dataclass(frozen=True)
class AttributeBM25(Baseline):
    """BM25 of the sentences for question and claim as the query."""

    method = "bm25"

    def score(self, question: str, claim: str, sources: Sequence[str]) -> FloatArray:
        """By the package rank-bm25, on stems."""
        from rank_bm25 import BM25Plus  # its weights stay above 0 however few the sentences

        if not sources:
            return np.zeros(0)
        index = BM25Plus([search_terms(text) or [""] for text in sources])
        return np.asarray(index.get_scores(search_terms(f"{question} {claim}")), dtype=np.float64)


@dataclass(frozen=True)
class AttributeOverlap(Baseline):
    """The share of the content words of question and claim that the sentence holds, 0..1."""

    method = "overlap"

    def score(self, question: str, claim: str, sources: Sequence[str]) -> FloatArray:
        """Each word counts once."""
        wanted = set(content_words(f"{question} {claim}"))
        held = [len(wanted & set(content_words(text))) for text in sources]
        return np.array(held, dtype=np.float64) / max(len(wanted), 1)


@dataclass(frozen=True)
class AttributePosition(Baseline):
    """The first sentence first, 1 .. 1/n."""

    method = "position"

    def score(self, question: str, claim: str, sources: Sequence[str]) -> FloatArray:
        """One over the sentence's number."""
        return 1.0 / np.arange(1, len(sources) + 1)


@dataclass(frozen=True)
class AttributeRandom(Baseline):
    """Chance, 0..1: the same for the same seed, claim and sentences."""

    seed: int = 0
    method = "random"

    def score(self, question: str, claim: str, sources: Sequence[str]) -> FloatArray:
        """Seeded by the claim too, so that claims differ."""
        rng = np.random.default_rng([self.seed, *claim.encode("utf-8", "replace")])
        return rng.random(len(sources))
