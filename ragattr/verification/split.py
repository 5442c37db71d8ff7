"""Answer to Answer: its sentences taken apart into single facts, by rules or by a model."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ragattr.models.protocols import LanguageModel, Reply
from ragattr.prompt import Chat, Prompt
from ragattr.stage import Stage
from ragattr.text.claims import split_claims, statement
from ragattr.text.facts import fact_spans
from ragattr.types import Answer, Span

FACT_FIELDS = ("sentence",)
ALIKE = 90.0  # of 100: from here on a piece that a model changed a little counts as found
MAX_NEW_TOKENS = 256
_BULLET = re.compile(r"\s*(?:[-*•]|\d{1,2}[.)])\s+(?=\S)")


@dataclass(frozen=True)
class SplitByRules(Stage[Answer, Answer]):
    """Claims that are clauses, predicates and items instead of sentences, where that is safe."""

    def __call__(self, batch: Sequence[Answer]) -> list[Answer]:
        return [
            replace(answer, claims=split_claims(answer.claims, answer.markers, fact_spans))
            for answer in batch
        ]


@dataclass(frozen=True)
class SplitByModel(Stage[Answer, Answer]):
    """Claims that are the pieces a model cuts each sentence into, as far as they stand there.

    A piece is looked for word for word, then among the spans that are almost the same. One that
    is not found is dropped: its words stay with the piece before. The answer's warnings count
    what was dropped, and the sentences that stayed whole because the reply could not be read or
    the sentence does not fit the model's window.
    """

    model: LanguageModel
    prompt: Prompt = field(repr=False)
    alike: float = ALIKE
    max_new_tokens: int = MAX_NEW_TOKENS

    def __call__(self, batch: Sequence[Answer]) -> list[Answer]:
        return [self._split(answer) for answer in batch]

    def _split(self, answer: Answer) -> Answer:
        said = [statement(c, answer.markers) for c in answer.claims if c.needs_support]
        chats = {text: self._chat(text) for text in said}
        read = {text: chat for text, chat in chats.items() if self._fits(chat)}
        replies = self.model.write(list(read.values()), max_new_tokens=self.max_new_tokens)
        pieces, n_dropped = dict[str, tuple[Span, ...]](), 0
        for text, reply in zip(read, replies, strict=True):
            lines = _lines(reply)
            pieces[text] = find_pieces(text, lines, alike=self.alike)
            n_dropped += len(lines) - len(pieces[text])
        n_whole = sum(not pieces.get(text) for text in chats)
        return replace(
            answer,
            claims=split_claims(answer.claims, answer.markers, lambda text: pieces.get(text, ())),
            warnings=(*answer.warnings, *_warnings(self.model.card.name, n_dropped, n_whole)),
        )

    def _chat(self, sentence: str) -> Chat:
        text, _ = self.prompt.fill({"sentence": sentence})
        return Chat(({"role": "user", "content": text},), passages=(), blocks=())

    def _fits(self, chat: Chat) -> bool:
        room = self.model.window - self.max_new_tokens
        return self.model.count_tokens(chat, Reply("")) <= room


def find_pieces(sentence: str, pieces: Sequence[str], *, alike: float = ALIKE) -> tuple[Span, ...]:
    """Where the pieces stand in the sentence, each after the one before; others are left out.

    Args:
        alike: how much of a piece that is not there word for word must be, 0 to 100: the share of
            characters in their order, from `rapidfuzz.fuzz.partial_ratio_alignment`.
    """
    found, cursor = list[Span](), 0
    for piece in pieces:
        at = sentence.find(piece, cursor)
        span = Span(at, at + len(piece)) if at >= 0 else _nearly(sentence, piece, cursor, alike)
        if span is not None:
            found.append(span)
            cursor = span.end
    return tuple(found)


def _nearly(sentence: str, piece: str, cursor: int, alike: float) -> Span | None:
    """The whole words of the sentence, from `cursor` on, that are most like the piece."""
    from rapidfuzz.fuzz import partial_ratio_alignment

    rest = sentence[cursor:]
    if len(piece) > len(rest):
        return None
    near = partial_ratio_alignment(piece, rest, score_cutoff=alike)
    if near is None or near.dest_start == near.dest_end:
        return None
    start, end = near.dest_start, near.dest_end
    while start > 0 and rest[start - 1].isalnum() and rest[start].isalnum():
        start -= 1
    while end < len(rest) and rest[end].isalnum() and rest[end - 1].isalnum():
        end += 1
    return Span(start, end).shift(cursor)


def _lines(reply: Reply) -> list[str]:
    """The pieces that a reply lists; of one that was cut off, without its last line."""
    lines = [_BULLET.sub("", line, count=1).strip() for line in reply.text.splitlines()]
    return [line for line in lines[: None if reply.finished else -1] if line]


def _warnings(model: str, n_dropped: int, n_whole: int) -> list[str]:
    dropped = f"{n_dropped} pieces that {model} wrote do not stand in the answer: dropped"
    whole = f"{n_whole} sentences stay whole: too long for {model}, or its reply was not readable"
    return [line for line, n in ((dropped, n_dropped), (whole, n_whole)) if n]
