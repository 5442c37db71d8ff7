"""A verifier that knows words: supported when the evidence has every word of a statement."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ragattr.models.protocols import Pair
from ragattr.text.words import content_words, is_negated, names, numbers
from ragattr.types import FloatArray


@dataclass
class WordVerifier:
    """Supported as far as the premise has the words; contradicted where numbers or "not" differ.

    Attributes:
        asked: every pair, as often as it was asked about.
    """

    name: str = "words"
    revision: str = "1"
    threshold: float = 0.5
    contradiction_threshold: float = 0.5
    asked: list[Pair] = field(default_factory=list)

    def entails(self, pairs: Sequence[Pair]) -> FloatArray:
        self.asked += pairs
        return np.array([self._judge(*pair) for pair in pairs]).reshape(-1, 3)

    def reads(self, text: str) -> bool:
        return text.isascii() or "é" in text or "👩" in text or "\u0301" in text

    @staticmethod
    def _judge(premise: str, said: str) -> tuple[float, float, float]:
        wanted, there = set(content_words(said)), set(content_words(premise))
        share = len(wanted & there) / max(len(wanted), 1)
        if is_negated(premise) != is_negated(said) or not numbers(said) <= numbers(premise):
            return 0.1 * share, 0.8 * share, 1 - 0.9 * share
        if names(said) - {word for word in there}:
            return 0.2 * share, 0.5 * share, 1 - 0.7 * share
        return 0.95 * share**4, 0.02, 0.98 - 0.95 * share**4


class WordEncoder:
    """Texts as bags of words, of length 1."""

    name = "words"

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        found = np.zeros((len(texts), 512), dtype=np.float32)
        for i, text in enumerate(texts):
            for word in content_words(text):
                found[i, sum(map(ord, word)) % 512] += 1
        return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9)
