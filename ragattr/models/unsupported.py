"""Token classifiers that mark what evidence does not support, of the LettuceDetect kind."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from ragattr.errors import ConfigError, MissingExtra
from ragattr.models.checkpoint import Checkpoint
from ragattr.models.chunks import Chunked, Encoding, evidence_text
from ragattr.models.label_words import support_rows
from ragattr.models.nli import SUPPORTED, label_classes
from ragattr.models.protocols import Pair
from ragattr.text.align import token_spans
from ragattr.types import FloatArray, Span

try:
    import torch
    from transformers import AutoModelForTokenClassification
except ImportError as error:
    raise MissingExtra("local") from error

UNSUPPORTED_FROM = 0.5
_OUTSIDE = re.compile(r"O|LABEL_0", re.IGNORECASE)


class UnsupportedSpan(NamedTuple):
    """A stretch of a claim, and the largest probability in it that a token is unsupported."""

    span: Span
    probability: float


def unsupported_label(id2label: dict[int, str], *, model: str) -> int:
    """Which of two labels marks a token as unsupported.

    By their names; of `LABEL_0` and `LABEL_1`, or of `O` and anything else, it is the second, as
    LettuceDetect trains.
    """
    labels = [id2label[i] for i in sorted(id2label)]
    if len(labels) == 2 and _OUTSIDE.fullmatch(labels[0]):
        return 1
    if len(labels) != 2:
        raise ConfigError(
            f"a model of unsupported tokens has two labels, {model} has {len(labels)}: {labels}"
        )
    return int(label_classes(id2label, model=model)[0] == SUPPORTED)


@dataclass(frozen=True)
class TokenScorer:
    """A token classifier over premise and hypothesis.

    Attributes:
        label: the one that marks a token as unsupported.
        frame: what stands before and behind the premise, as the model was trained.
    """

    reader: Checkpoint
    label: int
    frame: tuple[str, str] = field(default=("", ""))

    @classmethod
    def load(cls, name: str) -> "TokenScorer":
        """Read a folder or a hub model."""
        return cls.wrap(Checkpoint.load(AutoModelForTokenClassification, name))

    @classmethod
    def wrap(cls, reader: Checkpoint) -> "TokenScorer":
        """Use a loaded model; LettuceDetect's read evidence as a text to sum up."""
        label = unsupported_label(reader.model.config.id2label, model=reader.name)
        is_lettuce = "lettuce" in reader.name.lower()
        frame = (
            ("Summarize the following text:\npassage 1: ", "\noutput:") if is_lettuce else ("",) * 2
        )
        return cls(reader, label, frame)

    def encode(self, pairs: Sequence[Pair]) -> list[Encoding]:
        """Token ids, which of them are the claim's, and where those begin in it."""
        before, behind = self.frame
        found = self.reader.tokenizer(
            [before + self.reader.plain(pair.premise) + behind for pair in pairs],
            [self.reader.plain(pair.hypothesis) for pair in pairs],
            return_offsets_mapping=True,
            verbose=False,
        )
        names = [name for name in ("input_ids", "token_type_ids") if name in found]
        return [
            {
                **{name: found[name][i] for name in names},
                "claim": [int(part == 1) for part in found.sequence_ids(i)],
                "starts": [start for start, _ in found["offset_mapping"][i]],
            }
            for i in range(len(pairs))
        ]

    def score(self, batch: Sequence[Encoding]) -> FloatArray:
        """[pairs, 3]; supported is 1 minus the largest probability of an unsupported token."""
        return support_rows(1 - np.array([row.max() for row in self.token_scores(batch)]))

    def token_scores(self, batch: Sequence[Encoding]) -> list[FloatArray]:
        """For each pair [tokens of the claim], the probability that it is unsupported."""
        names = [name for name in ("input_ids", "token_type_ids") if name in batch[0]]
        with torch.inference_mode():
            logits = self.reader.model(**self.reader.padded(batch, names=names)).logits
        marked = torch.softmax(logits.double(), dim=-1)[..., self.label].cpu().numpy()
        return [
            marked[i, : len(row["claim"])][np.array(row["claim"], dtype=bool)]
            for i, row in enumerate(batch)
        ]


@dataclass(frozen=True)
class SpanVerifier(Chunked):
    """An `EntailmentModel` that also says which words of a claim lack support."""

    scorer: TokenScorer

    def unsupported(self, pairs: Sequence[Pair]) -> list[tuple[UnsupportedSpan, ...]]:
        """For each pair, the stretches of its hypothesis that are unsupported, in order.

        Long evidence is represented by the chunks that support the whole claim best. An empty
        premise supports nothing.
        """
        evidence = self.judge(pairs).evidence
        return [self._marked(pair, spans) for pair, spans in zip(pairs, evidence, strict=True)]

    def _marked(self, pair: Pair, evidence: Sequence[Span]) -> tuple[UnsupportedSpan, ...]:
        said = pair.hypothesis
        if not evidence:
            return (
                (UnsupportedSpan(_trimmed(Span(0, len(said)), said), 1.0),) if said.strip() else ()
            )
        (row,) = self.scorer.encode([Pair(evidence_text(pair.premise, evidence), said)])
        (scores,) = self.scorer.token_scores([row])
        starts = [
            start for start, of_claim in zip(row["starts"], row["claim"], strict=True) if of_claim
        ]
        tokens = token_spans(np.maximum.accumulate(starts).tolist(), len(said))
        return tuple(_stretches(tokens, scores, said))


def _stretches(tokens: Sequence[Span], scores: FloatArray, text: str) -> list[UnsupportedSpan]:
    """Neighbouring tokens that are unsupported, joined, without white space at their ends."""
    found, is_open = list[UnsupportedSpan](), False
    for token, score in zip(tokens, scores.tolist(), strict=True):
        if score >= UNSUPPORTED_FROM and is_open:
            span, largest = found[-1]
            found[-1] = UnsupportedSpan(Span(span.start, token.end), max(largest, score))
        elif score >= UNSUPPORTED_FROM:
            found.append(UnsupportedSpan(token, score))
        is_open = score >= UNSUPPORTED_FROM
    trimmed = [UnsupportedSpan(_trimmed(span, text), score) for span, score in found]
    return [one for one in trimmed if one.span.start < one.span.end]


def _trimmed(span: Span, text: str) -> Span:
    piece = span.of(text)
    start = span.start + len(piece) - len(piece.lstrip())
    return Span(start, max(start, span.start + len(piece.rstrip())))
