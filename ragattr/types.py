"""The nouns: everything that travels from stage to stage.

A question becomes a `Context`, an `Answer`, an `Attribution` (measured), a `Judgement`
(judged) and a `CitedAnswer` (decided). Each value holds the one before it and checks
itself once, when it is made.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ragattr.errors import ConfigError

FloatArray = NDArray[np.float64]
Message = Mapping[str, str]
Label = Literal["supported", "contradicted", "not_enough_information", "unclear"]
Tier = Literal["logits", "logprobs", "text"]
Probabilities = tuple[float | None, ...]
CitationClass = Literal["grounded", "post_rationalised", "misgrounded", "unsupported"]
AlarmKind = Literal["instructions", "no_entailment"]


@dataclass(frozen=True, order=True)
class Span:
    """Characters [start, end) of a text, in Unicode code points."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end:
            raise ConfigError(f"a span needs 0 <= start <= end, got [{self.start}, {self.end})")

    def of(self, text: str) -> str:
        """The piece of `text` that lies in this span."""
        if self.end > len(text):
            raise ConfigError(f"span [{self.start}, {self.end}) leaves a text of {len(text)}")
        return text[self.start : self.end]

    def shift(self, by: int) -> "Span":
        """The same length, `by` characters later."""
        return Span(self.start + by, self.end + by)

    def holds(self, position: int) -> bool:
        """Whether the character at `position` lies inside."""
        return self.start <= position < self.end


@dataclass(frozen=True)
class Query:
    """A question."""

    text: str
    id: str


@dataclass(frozen=True)
class Passage:
    """A piece of a document; `span` is its range in its file's extracted text."""

    text: str
    id: str
    title: str | None = None
    source: str | None = None
    page: int | None = None
    span: Span | None = None


@dataclass(frozen=True)
class Context:
    """A question and its passages, best first.

    Attributes:
        scores: of the passages, in the retriever's own unit.
        duplicates: for each passage the ids of those that say nearly the same and were left out.
    """

    query: Query
    passages: tuple[Passage, ...]
    scores: tuple[float, ...] = ()
    duplicates: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Marker:
    """A citation as the answer wrote it: `[2, 3]` has the numbers 2 and 3, counted from 1."""

    span: Span
    numbers: tuple[int, ...]


@dataclass(frozen=True)
class Claim:
    """A statement and where in the answer it stands; its text keeps its markers."""

    text: str
    span: Span
    needs_support: bool = True


@dataclass(frozen=True)
class Answer:
    """An answer to a question in a context.

    `token_ids` are the generator's own tokens, None when the answer was written elsewhere;
    `messages` is the chat that was really sent, None when unknown.
    """

    context: Context
    text: str
    claims: tuple[Claim, ...]
    markers: tuple[Marker, ...]
    token_ids: tuple[int, ...] | None = None
    generator: str | None = None
    messages: tuple[Message, ...] | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, order=True)
class Source:
    """A piece of passage number `passage`, counted from 0."""

    passage: int
    span: Span


@dataclass(frozen=True)
class ModelCard:
    """Which model measured."""

    name: str
    revision: str
    dtype: str


@dataclass(frozen=True)
class Floors:
    """What a model shows when nothing is there; measured, and kept with the model.

    Attributes:
        noise: JSD per answer token, nats: what ablating an unrelated sentence does.
        context: mean JSD / ln 2, 0..1: below it a claim hardly hangs on the context at all.
        reader: mean log-probability of an answer, nats: below it the model cannot read it.
        parametric: likelihood per token that is kept without any passage, 0..1: from here on a
            claim looks like one that was written from memory.
    """

    noise: float
    context: float
    reader: float
    parametric: float = 1.0


@dataclass(frozen=True)
class FilterError:
    """How far an exact score may be from its quick estimate; measured, and kept with the model.

    The log ratio (exact + offset) / (estimate + offset), both in nats per answer token, follows
    about a logistic distribution.

    Attributes:
        offset: nats per answer token.
        middle, scale: of the distribution.
        outliers: the share of estimates that are off by more than it allows, 0..1: each may hide
            the best source.
    """

    offset: float
    middle: float
    scale: float
    outliers: float = 0.002

    def __post_init__(self) -> None:
        if not (self.offset > 0 and self.scale >= 0.01 and 0 <= self.outliers < 1):
            raise ConfigError(
                "a filter error has an offset above 0, a scale of 0.01 or more and a share of "
                f"outliers, got {self}"
            )


@dataclass(frozen=True)
class Subset:
    """A few sources that alone give the same answer.

    Attributes:
        sources: by index, the one that does most first; none when the answer needs none.
        loss: log-probability per token that is lost when only they stay, nats; below 0 the answer
            is likelier without the rest.
        drop: log-probability per token that is lost when they go and the rest stays, nats.
        is_sufficient: whether the loss is within the tolerance.
    """

    sources: tuple[int, ...]
    loss: float
    drop: float
    is_sufficient: bool


@dataclass(frozen=True, eq=False)
class Attribution:
    """What was measured: how much each source moves each token of the answer.

    Attributes:
        tokens: where the reader's tokens stand in the answer.
        sources: the sentences that were ablated one by one.
        scores: [sources, tokens], in `unit`; None where nothing could be measured.
        interventional: whether the scores come from taking sources away.
        decides: whether the scores can say, against a floor, what counts as used.
        drops: [sources, tokens], log-probability with the source minus without, nats; or None.
        context_scores: [tokens], divergence when all passages go; or None.
        context_drops: [tokens], log-probability with all passages minus without any; or None.
        logprobs: [tokens], log-probability of each token under the full context; or None.
        groups: sources, by index, that say the same, so that each alone hides the other.
        group_scores: [groups, tokens], in `unit`, when all members of a group go together.
        passes: tokens pushed through the layers / tokens of prompt and answer.
        verified: which sources were measured exactly; the scores of others are approximations.
        confidence: how likely each claim's best source is the exact measurement's too, the least
            of all claims, 0..1; None where nobody calibrated that.
        fidelity: how well the scores predict what the model does, when that was asked for.
        partial: whether a budget ended the measurement early.
        subset: the smallest set of sources found that alone gives the answer, when asked for.
        tier: how much of its distributions the model showed.
        proxy: False only when the model that was measured wrote the answer, in this very chat.
    """

    answer: Answer
    tokens: tuple[Span, ...]
    sources: tuple[Source, ...]
    scores: FloatArray | None
    unit: str
    method: str = "none"
    interventional: bool = True
    decides: bool = True
    drops: FloatArray | None = None
    context_scores: FloatArray | None = None
    context_drops: FloatArray | None = None
    logprobs: FloatArray | None = None
    groups: tuple[tuple[int, ...], ...] = ()
    group_scores: FloatArray | None = None
    model: ModelCard | None = None
    floors: Floors | None = None
    proxy: bool = True
    passes: float = 0.0
    seconds: float = 0.0
    verified: tuple[int, ...] = ()
    confidence: float | None = None
    fidelity: Mapping[str, object] | None = None
    partial: bool = False
    subset: Subset | None = None
    tier: Tier = "logits"
    settings: Mapping[str, object] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        expected = (len(self.sources), len(self.tokens))
        if self.scores is not None and self.scores.shape != expected:
            raise ConfigError(
                f"scores must be [sources, tokens] {expected}, got {self.scores.shape}"
            )
        expected = (len(self.groups), len(self.tokens))
        shape = None if self.group_scores is None else self.group_scores.shape
        if shape != expected and (self.groups or shape is not None):
            raise ConfigError(f"group_scores must be [groups, tokens] {expected}, got {shape}")


@dataclass(frozen=True)
class Verdict:
    """What was concluded about a claim; `probability` is of "supported", None when unclear."""

    claim: Claim
    label: Label
    probability: float | None


@dataclass(frozen=True)
class VerifierCard:
    """Which verifier judged, and from which probability on it says "supported"."""

    name: str
    revision: str
    threshold: float
    contradiction_threshold: float


@dataclass(frozen=True, eq=False)
class Judgement:
    """What was judged: how far each piece of evidence supports each claim.

    NaN stands for "not judged" in every array.

    Attributes:
        sources: the sentences of all passages; those that were measured come first.
        supports, contradicts: [claims, sources], probabilities.
        passage_supports, passage_contradicts: [claims, passages], the same for whole passages.
        cited: [claims], probability of "supported" on the passages that the claim cites.
        proofs: for each claim the sources, by index, that support it together; empty if none do.
        without: [claims, passages], probability of "supported" on the other passages that the
            claim cites; or None.
    """

    attribution: Attribution
    sources: tuple[Source, ...]
    supports: FloatArray
    contradicts: FloatArray
    passage_supports: FloatArray
    passage_contradicts: FloatArray
    cited: FloatArray
    verdicts: tuple[Verdict, ...]
    proofs: tuple[tuple[int, ...], ...]
    without: FloatArray | None = None
    verifier: VerifierCard | None = None
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        expected = (len(self.verdicts), len(self.sources))
        if self.supports.shape != expected:
            raise ConfigError(
                f"supports must be [claims, sources] {expected}, got {self.supports.shape}"
            )


@dataclass(frozen=True)
class Citation:
    """One row of a claim: a piece of evidence, measured and judged.

    `source` and `supports` are None when a marker's number points nowhere (`problem`). `without`
    is the probability of "supported" on the claim's other cited passages, where there are any.
    """

    claim: Claim
    source: Source | None
    used: float | None
    supports: float | None
    contradicts: float | None
    cls: CitationClass | None
    origin: Literal["answer", "found"]
    marker: Marker | None = None
    jointly: bool = False
    group: int | None = None
    problem: str | None = None
    without: float | None = None


@dataclass(frozen=True)
class Alarm:
    """A passage that moved the answer most and holds orders, or supports nothing that it moved.

    A reason to look at the passage. That there is none says nothing of a passage.

    Attributes:
        passage: its number, from 0.
        used: its largest share of a claim.
        claims: those that it dominates, by index.
        span: of the stretch of its text that talks to a model; None for "no_entailment".
    """

    passage: int
    kind: AlarmKind
    used: float
    claims: tuple[int, ...]
    span: Span | None = None


@dataclass(frozen=True, eq=False)
class CitedAnswer:
    """What was decided: measured and judged, joined. `citations` has one tuple per claim."""

    judgement: Judgement
    citations: tuple[tuple[Citation, ...], ...]
    context_use: tuple[float | None, ...]
    warnings: tuple[str, ...] = ()
    alarms: tuple[Alarm, ...] = ()


@dataclass(frozen=True)
class Edit:
    """One change of an answer.

    Attributes:
        span: of what is replaced, in the original answer; empty where something is put in.
        reason: in a few words, for people.
        evidence: the piece of a passage that the new words come from or agree with.
    """

    span: Span
    before: str
    after: str
    reason: str
    evidence: Source | None = None


@dataclass(frozen=True, eq=False)
class Draft:
    """A cited answer with the changes that were decided, before its citations follow.

    Attributes:
        context: the answer's own, or with passages that were found for it after them.
        edits: sorted, not overlapping.
        steps: what was tried and why, one JSON object each, in order.
        report: the pieces of evidence that were chosen to show, best first.
    """

    cited: CitedAnswer
    context: Context
    edits: tuple[Edit, ...]
    method: str
    steps: tuple[Mapping[str, object], ...] = ()
    report: tuple[Source, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class GoldFigures:
    """An answer beside its gold answer: probabilities of "supported", None where not judged.

    Attributes:
        claims: the gold answer's statements.
        in_passages: for each, by passage, that the passage entails it.
        in_answer: for each, that the answer entails it.
        answer_in_gold: for each claim of the answer, that the gold answer entails it.
    """

    claims: tuple[Claim, ...]
    in_passages: tuple[Probabilities, ...]
    in_answer: Probabilities
    answer_in_gold: Probabilities


@dataclass(frozen=True, eq=False)
class Revision:
    """A draft whose citations followed.

    Attributes:
        revised: the new text, judged; what it uses was not measured.
        edits: those of the draft and of the markers, from the original answer to the new text.
        preservation: 1 - (characters changed, Levenshtein) / length, without markers, 0..1
            (Pres_Lev, RARR section 3.2).
        unsupported: the claims of the new text, by index, that no evidence supports.
    """

    draft: Draft
    revised: CitedAnswer
    edits: tuple[Edit, ...]
    preservation: float
    unsupported: tuple[int, ...] = ()
    warnings: tuple[str, ...] = ()
