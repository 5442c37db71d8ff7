"""The gold answer set beside the answer and its passages, statement by statement.

What RAGChecker asks (Ru et al. 2024, section 3): which gold statements do the passages and the
answer entail, and which of the answer's statements does the gold answer entail.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ragattr.models.protocols import EntailmentModel, Pair
from ragattr.stage import Stage
from ragattr.text.claims import hypotheses, hypothesis, read_claims
from ragattr.text.markers import cut_markers
from ragattr.types import Answer, Context, GoldFigures, Probabilities


@dataclass(frozen=True)
class CompareWithGold(Stage[tuple[Answer, str], GoldFigures]):
    """Asks a verifier about the statements of answers and of their gold answers, all at once."""

    model: EntailmentModel

    def __call__(self, batch: Sequence[tuple[Answer, str]]) -> list[GoldFigures]:
        asked = [_Asked(answer, gold, self.model) for answer, gold in batch]
        pairs = list(dict.fromkeys(pair for one in asked for pair in one.pairs() if pair))
        known = dict(zip(pairs, self.model.entails(pairs)[:, 0].tolist(), strict=True))
        return [one.figures(known) for one in asked]


@dataclass(frozen=True)
class _Asked:
    """What is asked about one answer; None in place of a pair that is not judged."""

    answer: Answer
    gold: str
    model: EntailmentModel

    def pairs(self) -> Iterator[Pair | None]:
        yield from (pair for row in self._in_passages for pair in row)
        yield from self._in_answer
        yield from self._in_gold

    def figures(self, known: Mapping[Pair, float]) -> GoldFigures:
        def of(pairs: Sequence[Pair | None]) -> Probabilities:
            return tuple(None if pair is None else known[pair] for pair in pairs)

        return GoldFigures(
            claims=self._other.claims,
            in_passages=tuple(of(row) for row in self._in_passages),
            in_answer=of(self._in_answer),
            answer_in_gold=of(self._in_gold),
        )

    @cached_property
    def _other(self) -> Answer:
        """The gold answer, as if it had been given to the question without passages."""
        claims, markers = read_claims(self.gold, 0)
        return Answer(Context(self.answer.context.query, ()), self.gold, claims, markers)

    @cached_property
    def _in_passages(self) -> list[list[Pair | None]]:
        texts = [passage.text for passage in self.answer.context.passages]
        by_text = [self._pairs(text, self._other) for text in texts]
        return [[row[i] for row in by_text] for i in range(len(self._other.claims))]

    @cached_property
    def _in_answer(self) -> list[Pair | None]:
        return self._pairs(self._said(self.answer), self._other)

    @cached_property
    def _in_gold(self) -> list[Pair | None]:
        return self._pairs(self._said(self._other), self.answer)

    def _said(self, answer: Answer) -> str:
        """All that an answer says, after its question where it is a few words."""
        text = cut_markers(answer.text, answer.markers).text.strip()
        return hypothesis(text, answer.context.query.text)

    def _pairs(self, premise: str, answer: Answer) -> list[Pair | None]:
        is_readable = bool(premise.strip()) and self.model.reads(premise)
        return [
            Pair(premise, said)
            if is_readable and claim.needs_support and self.model.reads(said)
            else None
            for claim, said in zip(answer.claims, hypotheses(answer), strict=True)
        ]
