"""The embedded verifier: a small cross-encoder, and a calibrated layer over it and plain figures.

The layer is two regressions over what the cross-encoder says and a dozen figures of claim and
evidence, their squares and their products: is the claim supported; and if not, does the evidence
contradict it. `ragattr train verifier` writes both files.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations_with_replacement
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from ragattr.errors import ConfigError
from ragattr.models.features import FEATURES, features
from ragattr.models.protocols import Encoder, Judged, Pair
from ragattr.text.language import is_english
from ragattr.text.sentences import sentence_spans
from ragattr.types import FloatArray, Span

if TYPE_CHECKING:
    from ragattr.models.encoder import MeanEncoder

LAYER, CROSS_ENCODER = "verifier.json", "verifier.safetensors"
ALL_FIGURES = (
    *FEATURES,
    "cross_support",  # log-odds of supported, by the cross-encoder
    "cross_contradiction",  # log-odds of contradicted against neither
    "cross_best",  # log-odds of supported, of the whole premise or one of its nearest sentences
)
N_ALONE = 3  # sentences of a premise that are read alone too


@dataclass(frozen=True, eq=False)
class Logistic:
    """Logistic regression on standardised figures, their squares and products."""

    mean: FloatArray
    scale: FloatArray
    coefficients: FloatArray
    intercept: float

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> "Logistic":
        """As the verifier's file has it."""
        return cls(
            mean=np.array(kept["mean"]),
            scale=np.array(kept["scale"]),
            coefficients=np.array(kept["coefficients"]),
            intercept=float(kept["intercept"]),
        )

    def __call__(self, figures: FloatArray) -> FloatArray:
        """[rows] logits of [rows, figures]."""
        columns = quadratic((figures - self.mean) / self.scale)
        logits: FloatArray = columns @ self.coefficients + self.intercept
        return logits


class Calibration(NamedTuple):
    """What makes a logit one whose probability is as often right as it says."""

    slope: float
    intercept: float

    def __call__(self, logits: FloatArray) -> FloatArray:
        """Probabilities."""
        return sigmoid(self.slope * logits + self.intercept)


class CrossReading(NamedTuple):
    """What a cross-encoder says of pairs.

    Attributes:
        logits: [pairs, 3], supported, contradicted, neither.
        spans: of each premise, what was read.
    """

    logits: FloatArray
    spans: tuple[tuple[Span, ...], ...]


class CrossReader(Protocol):
    """Reads pairs with a cross-encoder."""

    def read(self, pairs: Sequence[Pair]) -> CrossReading:
        """Pairs of which neither text is empty."""
        ...


@dataclass(frozen=True, eq=False)
class EmbeddedVerifier:
    """Judges pairs of any length of evidence, English only.

    Attributes:
        calibration: of the probability of a pair, all evidence joined.
        calibration_of_largest: of the largest over joined evidence and each piece of it alone.
    """

    name: str
    revision: str
    threshold: float
    contradiction_threshold: float
    support: Logistic = field(repr=False)
    contradiction: Logistic = field(repr=False)
    calibration: Calibration
    calibration_of_largest: Calibration
    encoder: Encoder = field(repr=False)
    reader: CrossReader = field(repr=False)

    @classmethod
    def load(cls, folder: Path, encoder: "MeanEncoder") -> "EmbeddedVerifier":
        """Read the two files that training writes."""
        from ragattr.models.pair_reader import PairReader

        return cls.over(folder, encoder, PairReader.load(encoder, folder / CROSS_ENCODER))

    @classmethod
    def over(cls, folder: Path, encoder: Encoder, reader: CrossReader) -> "EmbeddedVerifier":
        """The layer of a folder, over what reads with the weights beside it."""
        raw, weights = (folder / LAYER).read_bytes(), (folder / CROSS_ENCODER).read_bytes()
        revision = hashlib.sha256(raw + weights).hexdigest()[:12]
        return cls.of(json.loads(raw), encoder, reader, revision=revision)

    @classmethod
    def of(
        cls, layer: Mapping[str, Any], encoder: Encoder, reader: CrossReader, *, revision: str
    ) -> "EmbeddedVerifier":
        """The layer as its file has it, over a cross-encoder."""
        if layer["features"] != list(ALL_FIGURES):
            raise ConfigError(
                f"the verifier was trained on {', '.join(layer['features'])}, "
                f"this version has {', '.join(ALL_FIGURES)}"
            )
        return cls(
            name=layer["name"],
            revision=revision,
            threshold=layer["threshold"],
            contradiction_threshold=layer["contradiction_threshold"],
            support=Logistic.of(layer["support"]),
            contradiction=Logistic.of(layer["contradiction"]),
            calibration=Calibration(**layer["calibration"]),
            calibration_of_largest=Calibration(**layer["calibration_of_largest"]),
            encoder=encoder,
            reader=reader,
        )

    def for_largest(self) -> "EmbeddedVerifier":
        """The same, calibrated for the largest probability over evidence and pieces of it.

        Pieces come again in what they are pieces of, so it reads no pair twice.
        """
        return replace(self, calibration=self.calibration_of_largest, reader=ReadOnce(self.reader))

    def reads(self, text: str) -> bool:
        """Whether the text is English."""
        return is_english(text)

    def entails(self, pairs: Sequence[Pair]) -> FloatArray:
        """[pairs, 3]: supported, contradicted, neither; an empty premise supports nothing."""
        return self.judge(pairs).probabilities

    def judge(self, pairs: Sequence[Pair]) -> Judged:
        """The same, and what of each premise supports most, as the cross-encoder reads it."""
        judged = [
            i for i, pair in enumerate(pairs) if pair.premise.strip() and pair.hypothesis.strip()
        ]
        probabilities = np.tile([0.0, 0.0, 1.0], (len(pairs), 1))
        evidence: list[tuple[Span, ...]] = [()] * len(pairs)
        if judged:
            asked = [pairs[i] for i in judged]
            compared = compare(asked, self.encoder)
            cross, decisive = cross_figures(asked, compared, self.reader)
            figures = np.concatenate([pair_features(asked, compared), cross], axis=1)
            supported = self.calibration(self.support(figures))
            contradicted = (1 - supported) * sigmoid(self.contradiction(figures))
            probabilities[judged] = np.stack(
                [supported, contradicted, 1 - supported - contradicted], axis=1
            )
            for i, spans in zip(judged, decisive, strict=True):
                evidence[i] = spans
        return Judged(probabilities, tuple(evidence))


@dataclass(frozen=True, eq=False)
class ReadOnce:
    """A cross-encoder that keeps what it has read for as long as it is there."""

    reader: CrossReader
    known: dict[Pair, tuple[FloatArray, tuple[Span, ...]]] = field(default_factory=dict, repr=False)

    def read(self, pairs: Sequence[Pair]) -> CrossReading:
        """As the reader."""
        new = [pair for pair in dict.fromkeys(pairs) if pair not in self.known]
        if new:
            reading = self.reader.read(new)
            self.known.update(
                zip(new, zip(reading.logits, reading.spans, strict=True), strict=True)
            )
        logits = np.array([self.known[pair][0] for pair in pairs]).reshape(len(pairs), 3)
        return CrossReading(logits, tuple(self.known[pair][1] for pair in pairs))


class Compared(NamedTuple):
    """The sentences of a premise, and how like the hypothesis each is: cosine, -1..1."""

    sentences: tuple[Span, ...]
    similarity: FloatArray


def compare(pairs: Sequence[Pair], encoder: Encoder) -> list[Compared]:
    """For each pair; each distinct sentence is split and encoded once."""
    spans = {
        premise: sentence_spans(premise)
        for premise in dict.fromkeys(pair.premise for pair in pairs)
    }
    texts = list(
        dict.fromkeys(
            [span.of(premise) for premise, found in spans.items() for span in found]
            + [pair.hypothesis for pair in pairs]
        )
    )
    vectors = encoder.encode(texts).astype(np.float64)
    row = {text: i for i, text in enumerate(texts)}
    return [
        Compared(
            spans[pair.premise],
            vectors[[row[span.of(pair.premise)] for span in spans[pair.premise]]]
            @ vectors[row[pair.hypothesis]],
        )
        for pair in pairs
    ]


def pair_features(pairs: Sequence[Pair], compared: Sequence[Compared]) -> FloatArray:
    """[pairs, features]: the plain figures."""
    rows = [
        features(pair.hypothesis, [span.of(pair.premise) for span in spans], similarity)
        for pair, (spans, similarity) in zip(pairs, compared, strict=True)
    ]
    return np.array(rows).reshape(len(pairs), len(FEATURES))


def cross_figures(
    pairs: Sequence[Pair], compared: Sequence[Compared], reader: CrossReader
) -> tuple[FloatArray, tuple[tuple[Span, ...], ...]]:
    """[pairs, 3] what the cross-encoder says, and for each pair the spans that support it most.

    Beside the whole premise its three nearest sentences are read alone: a short claim is often
    clearer against one of them.
    """
    nearest = [
        {
            Pair(spans[i].of(pair.premise), pair.hypothesis): spans[i]
            for i in np.argsort(-similarity, kind="stable")[:N_ALONE].tolist()
        }
        for pair, (spans, similarity) in zip(pairs, compared, strict=True)
    ]
    asked = list(dict.fromkeys([*pairs, *(alone for group in nearest for alone in group)]))
    place = {pair: i for i, pair in enumerate(asked)}
    reading = reader.read(asked)
    support, contradiction = log_odds(reading.logits).T
    figures, evidence = np.zeros((len(pairs), 3)), []
    for row, (pair, alone) in enumerate(zip(pairs, nearest, strict=True)):
        whole = place[pair]
        best = max(alone, key=lambda sentence: support[place[sentence]])
        is_alone = support[place[best]] > support[whole]
        figures[row] = (
            support[whole],
            contradiction[whole],
            max(support[whole], support[place[best]]),
        )
        evidence.append((alone[best],) if is_alone else reading.spans[whole])
    return figures, tuple(evidence)


def log_odds(logits: FloatArray) -> FloatArray:
    """[pairs, 2] of [pairs, 3] logits: supported; contradicted against neither."""
    supported, contradicted, neither = logits.T
    return np.stack(
        [supported - np.logaddexp(contradicted, neither), contradicted - neither], axis=1
    )


def quadratic(standardised: FloatArray) -> FloatArray:
    """The columns, then the products of every two of them (squares too): [rows, n + n(n+1)/2]."""
    columns = range(standardised.shape[1])
    products = [
        standardised[:, i] * standardised[:, j]
        for i, j in combinations_with_replacement(columns, 2)
    ]
    return np.concatenate([standardised, np.stack(products, axis=1)], axis=1)


def sigmoid(logits: FloatArray) -> FloatArray:
    """The logistic function, safe for large logits of either sign."""
    return np.where(
        logits >= 0, 1 / (1 + np.exp(-np.abs(logits))), 1 - 1 / (1 + np.exp(-np.abs(logits)))
    )
