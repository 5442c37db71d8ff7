"""Deterministic stand-ins whose numbers can be worked out by hand; for tests and examples."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ragattr.metrics.divergence import jensen_shannon
from ragattr.models.entailment import CrossReading
from ragattr.models.protocols import Effects, Pair, Reply
from ragattr.prompt import Chat
from ragattr.text.align import token_spans
from ragattr.text.words import content_words, is_negated
from ragattr.types import FilterError, FloatArray, Floors, ModelCard, Span, Tier

SEEN, UNSEEN = (
    0.9,
    0.1,
)  # the probability of a word that the chat holds, and of one that it does not


@dataclass(frozen=True)
class FakeModel:
    """Expects every word of a reply with 0.9 when the chat holds it, else with 0.1.

    Its tokens are words with the space before them. It writes `replies` in turn by question, or
    the first words of the first passage.
    """

    replies: dict[str, str] = field(default_factory=dict)
    window: int = 4096
    floors: Floors | None = Floors(noise=0.01, context=0.01, reader=-5.0)
    filter_error: FilterError | None = FilterError(offset=1e-3, middle=0.0, scale=0.1, outliers=0.0)
    card: ModelCard = ModelCard("fake", "1", "float64")
    control_tokens: tuple[str, ...] = ("<|end|>",)
    tier: Tier = "logits"

    def count_tokens(self, chat: Chat, reply: Reply) -> int:
        """Words of the chat and of the reply."""
        return len(chat.text.split()) + len(reply.text.split())

    def write(
        self,
        chats: Sequence[Chat],
        *,
        max_new_tokens: int,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> list[Reply]:
        """The reply whose question stands in the chat, at any temperature."""
        return [self._reply(chat, max_new_tokens) for chat in chats]

    def check_readable(self) -> None:
        """It shows everything."""

    def read(self, chat: Chat, reply: Reply) -> "FakeReading":
        """A reading by the definition; hiding and deleting are the same here."""
        return FakeReading(chat, reply)

    def _reply(self, chat: Chat, max_new_tokens: int) -> Reply:
        known = [reply for question, reply in self.replies.items() if question in chat.text]
        first = chat.passages[0].of(chat.text) if chat.passages else ""
        words = (known[0] if known else first).split(" ")
        return Reply(" ".join(words[:max_new_tokens]), None, finished=len(words) <= max_new_tokens)


@dataclass
class FakeReading:
    """JSD over the two outcomes "this word" and "another"; each removal costs a whole pass."""

    chat: Chat
    reply: Reply
    passes: float = 1.0
    can_knock_out: bool = True

    @property
    def tokens(self) -> tuple[Span, ...]:
        """Words with the space before them."""
        return _word_tokens(self.reply.text)

    @property
    def settings(self) -> Mapping[str, object]:
        """Nothing."""
        return {}

    @property
    def logprobs(self) -> FloatArray:
        """[tokens], log of 0.9 or 0.1."""
        return np.log(_expected(self.reply.text, self.tokens, self.chat.text))

    def delete(self, removals: Sequence[Sequence[Span]]) -> Effects:
        """By the definition, word by word."""
        self.passes += len(removals)
        full = np.exp(self.logprobs)
        ablated = [
            _expected(self.reply.text, self.tokens, _without(self.chat.text, removal))
            for removal in removals
        ]
        shape = (len(removals), len(self.tokens))
        return Effects(
            jsd=np.array(
                [jensen_shannon(_outcomes(full), _outcomes(row)) for row in ablated]
            ).reshape(shape),
            drops=np.array([np.log(full) - np.log(row) for row in ablated]).reshape(shape),
        )

    def knock_out(self, removals: Sequence[Sequence[Span]]) -> Effects:
        """The same: the fake's context tokens know nothing of each other."""
        return self.delete(removals)


@dataclass(frozen=True)
class FakeEncoder:
    """A bag of content words, hashed into 256 places."""

    name: str = "fake"

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """[texts, 256], each row of length 1."""
        vectors = np.full((len(texts), 256), 1e-6, dtype=np.float32)
        for row, text in enumerate(texts):
            for word in content_words(text):
                vectors[row, zlib.crc32(word.encode("utf-8", "replace")) % 256] += 1
        unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit


@dataclass(frozen=True)
class FakeVerifier:
    """Supported when the premise holds all content words; contradicted when one is negated."""

    name: str = "fake"
    revision: str = "1"
    threshold: float = 0.5
    contradiction_threshold: float = 0.5

    def reads(self, text: str) -> bool:
        """ASCII alone."""
        return text.isascii()

    def entails(self, pairs: Sequence[Pair]) -> FloatArray:
        """[pairs, 3], each row one of (0.9, 0.05, 0.05), (0.05, 0.9, 0.05), (0.05, 0.05, 0.9)."""
        return np.array([_verdict(pair) for pair in pairs]).reshape(len(pairs), 3)


@dataclass(frozen=True)
class FakeReader:
    """A cross-encoder that reads everything and has nothing to say."""

    def read(self, pairs: Sequence[Pair]) -> CrossReading:
        """Logits of 0."""
        whole = tuple((Span(0, len(pair.premise)),) for pair in pairs)
        return CrossReading(np.zeros((len(pairs), 3)), whole)


def _verdict(pair: Pair) -> tuple[float, float, float]:
    wanted = set(content_words(pair.hypothesis))
    if not wanted or not wanted <= set(content_words(pair.premise)):
        return 0.05, 0.05, 0.9
    same = is_negated(pair.premise) == is_negated(pair.hypothesis)
    return (0.9, 0.05, 0.05) if same else (0.05, 0.9, 0.05)


def _word_tokens(text: str) -> tuple[Span, ...]:
    starts = [0, *(i for i in range(1, len(text)) if text[i] == " " and text[i - 1] != " ")]
    return token_spans(starts if text else [], len(text))


def _expected(reply: str, tokens: Sequence[Span], visible: str) -> FloatArray:
    seen = set(content_words(visible))
    known = [
        not (words := content_words(token.of(reply))) or set(words) <= seen for token in tokens
    ]
    return np.where(known, SEEN, UNSEEN)


def _outcomes(p: FloatArray) -> FloatArray:
    return np.stack([p, 1 - p], axis=1)


def _without(text: str, removal: Sequence[Span]) -> str:
    gone = {i for span in removal for i in range(span.start, span.end)}
    return "".join(char for i, char in enumerate(text) if i not in gone)
