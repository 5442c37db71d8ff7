"""What a stage may ask of a model, in verbs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeGuard

import numpy as np
from numpy.typing import NDArray

from ragattr.prompt import Chat
from ragattr.types import FilterError, FloatArray, Floors, ModelCard, Span, Tier


@dataclass(frozen=True)
class Reply:
    """What a model wrote, or what it is to be measured on.

    `token_ids` are the model's own, without the end token; None when the text came from
    elsewhere. `finished` is False when the limit on new tokens cut the reply off.
    """

    text: str
    token_ids: tuple[int, ...] | None = None
    finished: bool = True


@dataclass(frozen=True, eq=False)
class Effects:
    """What a reply loses when parts of its prompt go.

    Attributes:
        jsd: [removals, tokens], Jensen-Shannon divergence in nats, 0 .. ln 2.
        drops: [removals, tokens], log-probability under the full prompt minus under the removal.
    """

    jsd: FloatArray
    drops: FloatArray


class Reading(Protocol):
    """One chat and reply that a model has read, to be ablated as often as one likes.

    A removal is a set of spans of `chat.text`.

    Attributes:
        tokens: where the model's tokens stand in the reply.
        logprobs: [tokens], log-probability under the full prompt, nats.
        passes: tokens pushed through the layers so far / tokens of prompt and reply.
        can_knock_out: whether `knock_out` works; without it there is `delete` alone.
        settings: what a record should say of how it was read.
    """

    @property
    def tokens(self) -> tuple[Span, ...]: ...
    @property
    def logprobs(self) -> FloatArray: ...
    @property
    def passes(self) -> float: ...
    @property
    def can_knock_out(self) -> bool: ...
    @property
    def settings(self) -> Mapping[str, object]: ...

    def delete(self, removals: Sequence[Sequence[Span]]) -> Effects:
        """Exact: the removal is cut out, and all that follows is read again."""
        ...

    def knock_out(self, removals: Sequence[Sequence[Span]]) -> Effects:
        """Quick: the removal is hidden from question and reply, the context stays as it was."""
        ...


class InsideReading(Reading, Protocol):
    """A reading of a model whose attention can be looked into; a token's row predicts it."""

    def attention(self, sources: Sequence[Sequence[Span]], *, by_value: bool = False) -> FloatArray:
        """[layers, heads, sources, tokens]: the share of attention that goes to each source."""
        ...

    def peaks(self, sources: Sequence[Sequence[Span]], *, layer: int, head: int) -> FloatArray:
        """[sources, tokens]: the most attention that one head gives to a token of each source."""
        ...

    def direct(self, sources: Sequence[Sequence[Span]]) -> FloatArray:
        """[layers, heads, sources, tokens]: direct contributions to each token's logit."""
        ...

    def gradient(
        self,
        sources: Sequence[Sequence[Span]],
        claims: Sequence[Sequence[int]],
        *,
        n_steps: int,
    ) -> FloatArray:
        """[sources, claims], nats: integrated gradients by gates on the sources."""
        ...


class Pair(NamedTuple):
    """A premise (evidence) and a hypothesis (claim)."""

    premise: str
    hypothesis: str


@dataclass(frozen=True, eq=False)
class Judged:
    """Probabilities, and where in each premise stands what decided.

    Attributes:
        probabilities: [pairs, 3], supported, contradicted, neither; each row sums to 1.
        evidence: for each pair the spans of its premise that the figures come from: all of it,
            or the parts of a long one that were read together; none for an empty pair.
    """

    probabilities: FloatArray
    evidence: tuple[tuple[Span, ...], ...]


class LanguageModel(Protocol):
    """Writes replies to chats.

    Attributes:
        window: how many tokens prompt and reply may have together.
        control_tokens: strings that would end a turn if a text could write them; the model
            reads them as plain characters.
    """

    @property
    def card(self) -> ModelCard: ...
    @property
    def window(self) -> int: ...
    @property
    def control_tokens(self) -> tuple[str, ...]: ...

    def count_tokens(self, chat: Chat, reply: Reply) -> int:
        """How many tokens chat and reply have together."""
        ...

    def write(
        self,
        chats: Sequence[Chat],
        *,
        max_new_tokens: int,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> list[Reply]:
        """One reply to each chat: greedy at temperature 0, else drawn by the seed.

        The same chat gets the same reply again under the same seed, where the back end allows it.
        """
        ...


class WhiteBoxModel(LanguageModel, Protocol):
    """A language model that shows its probabilities.

    Attributes:
        tier: "logits" when it shows all of them, "logprobs" when only the largest.
    """

    @property
    def tier(self) -> Tier: ...
    @property
    def floors(self) -> Floors | None: ...
    @property
    def filter_error(self) -> FilterError | None: ...

    def check_readable(self) -> None:
        """A NoLogprobs error when it shows too little for anything to be measured."""
        ...

    def read(self, chat: Chat, reply: Reply) -> Reading:
        """Read chat and reply once; a ConfigError when the reply is empty or both do not fit."""
        ...


class ScoredSpan(NamedTuple):
    """A span of a text, and the log-probability that it is written and then the line ends."""

    span: Span
    logprob: float


class SpanModel(LanguageModel, Protocol):
    """A language model that scores spans instead of writing."""

    def score_spans(self, prompts: Sequence[str], texts: Sequence[str]) -> list[list[ScoredSpan]]:
        """For each prompt, spans of whole words of its text, likeliest continuation first."""
        ...


def scores_spans(model: LanguageModel) -> TypeGuard[SpanModel]:
    """Whether it is a model that scores spans."""
    return hasattr(model, "score_spans")


def is_white_box(model: object) -> TypeGuard[WhiteBoxModel]:
    """Whether it is a model of this protocol, and not one of another library."""
    return all(hasattr(model, name) for name in ("card", "count_tokens", "write", "read"))


class Encoder(Protocol):
    """Turns texts into vectors."""

    @property
    def name(self) -> str: ...

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """[texts, dimensions], of length 1; any number of texts, any length of text."""
        ...


class EntailmentModel(Protocol):
    """Judges whether premises support hypotheses."""

    @property
    def name(self) -> str: ...
    @property
    def revision(self) -> str: ...
    @property
    def threshold(self) -> float: ...
    @property
    def contradiction_threshold(self) -> float: ...

    def entails(self, pairs: Sequence[Pair]) -> FloatArray:
        """[pairs, 3]: probabilities of supported, contradicted, neither; each row sums to 1."""
        ...

    def reads(self, text: str) -> bool:
        """Whether the text is in a language that this model judges."""
        ...


class EvidenceModel(EntailmentModel, Protocol):
    """An entailment model that reads long evidence in parts, and tells which."""

    def judge(self, pairs: Sequence[Pair]) -> Judged:
        """What `entails` says, and what it comes from."""
        ...


def shows_evidence(model: EntailmentModel) -> TypeGuard[EvidenceModel]:
    """Whether it tells which parts of long evidence decided."""
    return hasattr(model, "judge")


class PieceModel(EntailmentModel, Protocol):
    """An entailment model that is calibrated for single judgements, and apart for the best."""

    def for_largest(self) -> EntailmentModel:
        """Itself, calibrated for the largest probability over evidence and each piece of it."""
        ...


def knows_pieces(model: EntailmentModel) -> TypeGuard[PieceModel]:
    """Whether it has a calibration for the largest of many probabilities."""
    return hasattr(model, "for_largest")
