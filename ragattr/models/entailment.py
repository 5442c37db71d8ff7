"""The first verifier: a calibrated logistic model over a dozen features of claim and evidence.

Two regressions over the features, their squares and their products: is the claim supported; and
if not, does the evidence contradict it. The coefficients are a small JSON file that
`ragattr.learn.verifier` writes.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from itertools import combinations_with_replacement

import numpy as np

from ragattr.errors import ConfigError
from ragattr.models.features import FEATURES, features
from ragattr.models.protocols import Encoder, Pair
from ragattr.text.language import is_english
from ragattr.text.sentences import sentence_spans
from ragattr.types import FloatArray

_WEIGHTS = "verifier.json"


@dataclass(frozen=True, eq=False)
class Logistic:
    """Logistic regression on standardised features, their squares and products."""

    mean: FloatArray
    scale: FloatArray
    coefficients: FloatArray
    intercept: float

    def __call__(self, figures: FloatArray) -> FloatArray:
        """[rows] logits of [rows, features]."""
        return quadratic((figures - self.mean) / self.scale) @ self.coefficients + self.intercept


@dataclass(frozen=True, eq=False)
class FeatureVerifier:
    """Judges pairs by their features; any length of evidence, English only.

    `calibration` (slope, intercept) maps the logit of support so that the largest probability
    over joined evidence and each piece alone is calibrated.
    """

    name: str
    revision: str
    threshold: float
    contradiction_threshold: float
    support: Logistic = field(repr=False)
    contradiction: Logistic = field(repr=False)
    calibration: tuple[float, float]
    encoder: Encoder = field(repr=False)

    @classmethod
    def embedded(cls, encoder: Encoder) -> "FeatureVerifier":
        """The one that ships with ragattr."""
        return cls.parse((files("ragattr.models") / _WEIGHTS).read_text("utf-8"), encoder)

    @classmethod
    def parse(cls, text: str, encoder: Encoder) -> "FeatureVerifier":
        """Read the JSON that training writes."""
        weights = json.loads(text)
        if weights["features"] != list(FEATURES):
            raise ConfigError(
                f"the verifier was trained on {weights['features']}, "
                f"this version has {list(FEATURES)}"
            )
        return cls(
            name=weights["name"],
            revision=hashlib.sha256(text.encode()).hexdigest()[:12],
            threshold=weights["threshold"],
            contradiction_threshold=weights["contradiction_threshold"],
            support=_logistic(weights["support"]),
            contradiction=_logistic(weights["contradiction"]),
            calibration=(weights["calibration"]["slope"], weights["calibration"]["intercept"]),
            encoder=encoder,
        )

    def reads(self, text: str) -> bool:
        """Whether the text is English."""
        return is_english(text)

    def entails(self, pairs: Sequence[Pair]) -> FloatArray:
        """[pairs, 3]: supported, contradicted, neither; an empty premise supports nothing."""
        judged = [
            i for i, pair in enumerate(pairs) if pair.premise.strip() and pair.hypothesis.strip()
        ]
        probabilities = np.tile([0.0, 0.0, 1.0], (len(pairs), 1))
        if judged:
            figures = pair_features([pairs[i] for i in judged], self.encoder)
            slope, intercept = self.calibration
            supported = sigmoid(slope * self.support(figures) + intercept)
            contradicted = (1 - supported) * sigmoid(self.contradiction(figures))
            probabilities[judged] = np.stack(
                [supported, contradicted, 1 - supported - contradicted], axis=1
            )
        return probabilities


def pair_features(pairs: Sequence[Pair], encoder: Encoder) -> FloatArray:
    """[pairs, features]; each distinct sentence is split and encoded once."""
    sentences = {
        premise: [span.of(premise) for span in sentence_spans(premise)]
        for premise in dict.fromkeys(pair.premise for pair in pairs)
    }
    texts = list(
        dict.fromkeys(
            [s for group in sentences.values() for s in group] + [p.hypothesis for p in pairs]
        )
    )
    vectors = encoder.encode(texts).astype(np.float64)
    row = {text: i for i, text in enumerate(texts)}
    return np.array(
        [
            features(
                pair.hypothesis,
                sentences[pair.premise],
                vectors[[row[s] for s in sentences[pair.premise]]] @ vectors[row[pair.hypothesis]],
            )
            for pair in pairs
        ]
    ).reshape(len(pairs), len(FEATURES))


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


def _logistic(weights: dict[str, list[float]]) -> Logistic:
    return Logistic(
        mean=np.array(weights["mean"]),
        scale=np.array(weights["scale"]),
        coefficients=np.array(weights["coefficients"]),
        intercept=float(weights["intercept"][0]),
    )
