"""The evidence for each question: windows of sentences, of the case's passages or of found ones."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from ragattr.models.protocols import Encoder
from ragattr.stage import Stage
from ragattr.text.sentences import sentence_spans
from ragattr.types import Context, FloatArray, Passage, Query, Source, Span

WINDOW = 4  # sentences


class Finding(NamedTuple):
    """A piece of evidence for one question; `relevance` is a cosine."""

    question: str
    source: Source
    relevance: float


@dataclass(frozen=True, eq=False)
class Findings:
    """What was found.

    Attributes:
        context: the case's own, and after its passages those that evidence was found in.
        ranked: most relevant first; questions without evidence are not in it.
        sources: each piece of evidence once.
        relevance: [questions, sources], 0..1.
    """

    context: Context
    ranked: tuple[Finding, ...]
    sources: tuple[Source, ...]
    relevance: FloatArray


@dataclass(frozen=True)
class Research:
    """Finds the windows of sentences that are most like each question, one of each passage.

    Attributes:
        retrieve: where passages are looked for; None: among the case's own.
        per_question: how many windows, each of another passage.
    """

    encoder: Encoder
    retrieve: Stage[Query, Context] | None = field(default=None, repr=False)
    per_question: int = 1

    def __call__(self, context: Context, questions: Sequence[str]) -> Findings:
        """The evidence for each question."""
        pools = self._pools(context, questions)
        passages = {passage.text: passage for pool in pools for passage in pool}
        spans = {text: windows(text) for text in passages}
        shown = [_shown(passages[text], span) for text, row in spans.items() for span in row]
        vectors = self._vectors([*questions, *shown])
        chosen = [
            self._best(vectors, question, pool, spans)
            for question, pool in zip(questions, pools, strict=True)
        ]
        context, numbers = _extended(context, [passage for row in chosen for _, passage, _ in row])
        ranked = [
            Finding(question, Source(numbers[passage.text], span), relevance)
            for question, row in zip(questions, chosen, strict=True)
            for relevance, passage, span in row
        ]
        sources = tuple(dict.fromkeys(finding.source for finding in ranked))
        texts = [_shown(context.passages[s.passage], s.span) for s in sources]
        table = np.array([[vectors[q] @ vectors[text] for text in texts] for q in questions])
        return Findings(
            context,
            tuple(sorted(ranked, key=lambda finding: -finding.relevance)),
            sources,
            np.clip(table.reshape(len(questions), len(sources)), 0.0, 1.0).astype(np.float64),
        )

    def _pools(self, context: Context, questions: Sequence[str]) -> list[list[Passage]]:
        """Where each question's evidence is looked for; a text that the case holds is its own."""
        own = {passage.text: passage for passage in reversed(context.passages)}
        if self.retrieve is None or not questions:
            return [list(own.values())[::-1]] * len(questions)
        queries = [
            Query(question, f"{context.query.id}/{n}") for n, question in enumerate(questions, 1)
        ]
        return [
            list(dict.fromkeys(own.setdefault(passage.text, passage) for passage in found.passages))
            for found in self.retrieve(queries)
        ]

    def _vectors(self, texts: Sequence[str]) -> dict[str, FloatArray]:
        unique = list(dict.fromkeys(texts))
        if not unique:
            return {}
        rows = self.encoder.encode(unique).astype(np.float64)
        return dict(zip(unique, rows, strict=True))

    def _best(
        self,
        vectors: dict[str, FloatArray],
        question: str,
        pool: Sequence[Passage],
        spans: dict[str, list[Span]],
    ) -> list[tuple[float, Passage, Span]]:
        """The best window of each passage, and of these the best."""
        rows = list[tuple[float, Passage, Span]]()
        for passage in pool:
            scored = [
                (float(vectors[question] @ vectors[_shown(passage, span)]), passage, span)
                for span in spans[passage.text]
            ]
            rows += [max(scored, key=lambda row: row[0])] if scored else []
        return sorted(rows, key=lambda row: -row[0])[: self.per_question]


def windows(text: str, *, size: int = WINDOW) -> list[Span]:
    """Each run of `size` sentences; a shorter text is one."""
    sentences = sentence_spans(text)
    n_windows = max(len(sentences) - size + 1, min(len(sentences), 1))
    return [
        Span(sentences[i].start, sentences[min(i + size, len(sentences)) - 1].end)
        for i in range(n_windows)
    ]


def _shown(passage: Passage, span: Span) -> str:
    text = span.of(passage.text)
    return f"{passage.title}: {text}" if passage.title else text


def _extended(context: Context, found: Sequence[Passage]) -> tuple[Context, dict[str, int]]:
    """The context with the passages that it does not hold after its own; where each text stands.

    A found passage whose id is taken by another text gets an id of its own.
    """
    passages, numbers = list(context.passages), dict[str, int]()
    for i, passage in enumerate(passages):
        numbers.setdefault(passage.text, i)
    for passage in found:
        if passage.text not in numbers:
            numbers[passage.text] = len(passages)
            passages.append(replace(passage, id=_free_id(passage.id, passages)))
    n_new = len(passages) - len(context.passages)
    if not n_new:
        return context, numbers
    same = (*context.duplicates, *[()] * n_new) if context.duplicates else ()
    # scores of two searches are not of one unit
    return replace(context, passages=tuple(passages), scores=(), duplicates=same), numbers


def _free_id(wanted: str, passages: Sequence[Passage]) -> str:
    taken = {passage.id for passage in passages}
    names = (wanted, *(f"{wanted}#{n}" for n in range(2, len(taken) + 3)))
    return next(name for name in names if name not in taken)
