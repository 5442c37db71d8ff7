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
from ragattr.types import Answer, Context, Passage, Query

SPAN_FIELDS = ("passage", "question")
REFUSAL = "The passages do not answer the question."
SENTENCES_READ = 3
SIMILARITY_WEIGHT = 4.0  # nats for a cosine of 1


class Found(NamedTuple):
    """The best span, and its score in nats."""

    score: float
    text: str


class _Sentence(NamedTuple):
    """A sentence as it stands, as it is shown, and its cosine to the question."""

    text: str
    shown: str
    nearness: float


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
        read = self._nearest(context.query, context.passages)
        prompts = [
            self.prompt.fill({"passage": sentence.shown, "question": context.query.text})[0]
            for sentence in read
        ]
        asked, best = set(words(context.query.text)), None
        scored = self.model.score_spans(prompts, [sentence.text for sentence in read])
        for sentence, spans in zip(read, scored, strict=True):
            for span, logprob in spans:
                text = span.of(sentence.text)
                score = logprob + SIMILARITY_WEIGHT * sentence.nearness
                if (best is None or score > best.score) and not asked.issuperset(words(text)):
                    best = Found(score, text)
        return best

    def _nearest(self, query: Query, passages: Sequence[Passage]) -> list[_Sentence]:
        """The sentences to read, nearest to the question first."""
        sources = sources_of(passages)
        if not sources:
            return []
        texts = [source.span.of(passages[source.passage].text) for source in sources]
        asked, *said = self.encoder.encode([query.text, *texts])
        sentences = [
            _Sentence(text, f"{title}. {text}" if title else text, float(asked @ vector))
            for text, vector, title in zip(
                texts, said, (passages[source.passage].title for source in sources), strict=True
            )
        ]
        return sorted(sentences, key=lambda sentence: -sentence.nearness)[: self.n_sentences]
