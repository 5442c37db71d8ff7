"""A model that only counts: what a run would cost, found out by running it without the model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ragattr.models.protocols import Effects, Reply
from ragattr.prompt import Chat
from ragattr.text.align import token_spans
from ragattr.types import FilterError, FloatArray, Floors, ModelCard, Span, Tier

CHARACTERS = 4  # of a token, about
REPLY_TOKENS = 40  # of an answer that is not written yet, about
_STRONG = 0.1  # nats per token, of the one source that a rehearsal lets matter
Removal = Sequence[Span]


@dataclass
class Cost:
    """What was counted.

    Attributes:
        calls: prompts, were they sent to a server one by one.
        tokens: read and written.
        passes: readings of a prompt with its answer.
    """

    calls: int = 0
    tokens: int = 0
    passes: float = 0.0


@dataclass(frozen=True)
class Rehearsal:
    """Stands in for a model; whatever is measured, its first source matters and no other one.

    Attributes:
        can_knock_out: whether the model that it stands for can hide a part of a prompt.
    """

    cost: Cost
    can_knock_out: bool = True
    card: ModelCard = ModelCard("rehearsal", "1", "none")
    window: int = 2**20
    tier: Tier = "logits"
    control_tokens: tuple[str, ...] = ()
    floors: Floors | None = None
    filter_error: FilterError | None = FilterError(1e-3, 0.0, 0.1)

    def count_tokens(self, chat: Chat, reply: Reply) -> int:
        """By length."""
        return _tokens(chat.text) + _tokens(reply.text)

    def write(
        self,
        chats: Sequence[Chat],
        *,
        max_new_tokens: int,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> list[Reply]:
        """Words of about an answer's length."""
        n_tokens = min(REPLY_TOKENS, max_new_tokens)
        self.cost.calls += len(chats)
        self.cost.tokens += sum(_tokens(chat.text) + n_tokens for chat in chats)
        return [Reply(" ".join(["word"] * n_tokens), None) for _ in chats]

    def check_readable(self) -> None:
        """It counts whatever it is given."""

    def read(self, chat: Chat, reply: Reply) -> "RehearsedReading":
        """A reading that counts."""
        return RehearsedReading(chat, reply, self.cost, self.can_knock_out)


class RehearsedReading:
    """Counts what each removal would cost."""

    def __init__(self, chat: Chat, reply: Reply, cost: Cost, can_knock_out: bool) -> None:
        self.can_knock_out, self.passes = can_knock_out, 0.0
        self._chat, self._reply, self._cost = chat, reply, cost
        self._whole = _tokens(chat.text) + _tokens(reply.text)
        self._spend(0, 1)

    @property
    def tokens(self) -> tuple[Span, ...]:
        """Pieces of equal length."""
        length = len(self._reply.text)
        return token_spans([*range(0, length, CHARACTERS)], length)

    @property
    def logprobs(self) -> FloatArray:
        """[tokens], 0."""
        return np.zeros(len(self.tokens))

    @property
    def settings(self) -> Mapping[str, object]:
        """Nothing."""
        return {}

    def delete(self, removals: Sequence[Removal]) -> Effects:
        """In process what follows is read again; a server reads the whole prompt."""
        for removal in removals:
            start = min((span.start for span in removal), default=len(self._chat.text))
            self._spend(start if self.can_knock_out else 0, 1)
        return self._effects(removals)

    def knock_out(self, removals: Sequence[Removal]) -> Effects:
        """What follows the context is read again."""
        end = max((span.end for span in self._chat.blocks), default=0)
        self._spend(end, len(removals))
        return self._effects(removals)

    def attention(self, sources: Sequence[Removal], *, by_value: bool = False) -> FloatArray:
        """Of the reading that is there."""
        return np.ones((1, 1, len(sources), len(self.tokens)))

    def peaks(self, sources: Sequence[Removal], *, layer: int, head: int) -> FloatArray:
        """Likewise."""
        return np.ones((len(sources), len(self.tokens)))

    def direct(self, sources: Sequence[Removal]) -> FloatArray:
        """The reply is read again, forwards and backwards."""
        self._spend(len(self._chat.text), 3)
        return np.ones((1, 1, len(sources), len(self.tokens)))

    def gradient(
        self, sources: Sequence[Removal], claims: Sequence[Sequence[int]], *, n_steps: int
    ) -> FloatArray:
        """What follows the context is read at each step, and backwards for each claim."""
        end = max((span.end for span in self._chat.blocks), default=0)
        self._spend(end, n_steps * (1 + 2 * len(claims)))
        return np.ones((len(sources), len(claims)))

    def _spend(self, start: int, times: int) -> None:
        n_tokens = times * (self._whole - start // CHARACTERS)
        self._cost.calls += times
        self._cost.tokens += n_tokens
        self._cost.passes += n_tokens / self._whole
        self.passes += n_tokens / self._whole

    def _effects(self, removals: Sequence[Removal]) -> Effects:
        first = min((span.start for span in self._chat.passages), default=0)
        matters = [any(span.start <= first for span in removal) for removal in removals]
        values = np.outer(matters, np.full(len(self.tokens), _STRONG))
        return Effects(jsd=values, drops=values)


def _tokens(text: str) -> int:
    return max(1, len(text) // CHARACTERS)
