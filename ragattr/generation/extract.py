"""Answers that are spans of the passages: the model scores what stands there and writes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ragattr.models.protocols import Encoder, SpanModel
from ragattr.models.window import control_warnings
from ragattr.prompt import Prompt
from ragattr.stage import Stage
from ragattr.text.claims import read_claims
from ragattr.text.sentences import sources_of
from ragattr.text.words import words
from ragattr.types import Answer, Context, Passage, Query, Source

SPAN_FIELDS = ("passage", "question")
REFUSAL = "The passages do not answer the question."
SENTENCES_READ = 5
SIMILARITY_WEIGHT = 4.0  # nats for a cosine of 1


class Found(NamedTuple):
    """The best span, and its score in nats."""

    score: float
    text: str


@dataclass(frozen=True)
class Extract(Stage[Context, Answer]):
    """Answers with a span of the passages, or says that they hold no answer.

    The sentences nearest to the question are read one by one. A span's score is its
    log-probability as the answer plus four times the cosine of its sentence and the question; a
    span that only repeats words of the question is none.

    Attributes:
        bar: the score, in nats, below which the answer is a refusal; None refuses only where
            there is no span at all.
    """

    model: SpanModel
    encoder: Encoder
    prompt: Prompt = field(repr=False)
    n_sentences: int = SENTENCES_READ
    bar: float | None = None

    def __call__(self, batch: Sequence[Context]) -> list[Answer]:
        return [self._answer(context) for context in batch]

    def _answer(self, context: Context) -> Answer:
        found = self.find(context)
        refuses = found is None or (self.bar is not None and found.score < self.bar)
        text = REFUSAL if found is None or refuses else found.text
        claims, markers = read_claims(text, len(context.passages))
        return Answer(
            context=context,
            text=text,
            claims=claims,
            markers=markers,
            generator=self.model.card.name,
            warnings=tuple(control_warnings(context.passages, self.model.control_tokens)),
        )

    def find(self, context: Context) -> Found | None:
        """The best span of the sentences read; None when they hold none."""
        query, passages, best = context.query, context.passages, None
        asked = set(words(query.text))
        for source, nearness in self._nearest(query, passages):
            passage = passages[source.passage]
            sentence = source.span.of(passage.text)
            shown = f"{passage.title}. {sentence}" if passage.title else sentence
            prompt, _ = self.prompt.fill({"passage": shown, "question": query.text})
            for span, logprob in self.model.score_spans(prompt, sentence):
                text = span.of(sentence)
                score = logprob + SIMILARITY_WEIGHT * nearness
                if (best is None or score > best.score) and not asked.issuperset(words(text)):
                    best = Found(score, text)
        return best

    def _nearest(self, query: Query, passages: Sequence[Passage]) -> list[tuple[Source, float]]:
        """The sentences to read, each with its cosine to the question, nearest first."""
        sources = sources_of(passages)
        if not sources:
            return []
        asked, *said = self.encoder.encode(
            [query.text, *(s.span.of(passages[s.passage].text) for s in sources)]
        )
        nearness = [float(asked @ vector) for vector in said]
        order = sorted(range(len(sources)), key=lambda i: -nearness[i])
        return [(sources[i], nearness[i]) for i in order[: self.n_sentences]]
