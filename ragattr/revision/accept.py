"""Which changed statement is the right one, if any: a logistic regression over its figures."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np

from ragattr.errors import ConfigError
from ragattr.revision.weigh import FIGURES, Weighed
from ragattr.types import FloatArray


@dataclass(frozen=True, eq=False)
class Acceptance:
    """How likely a candidate is what was meant.

    Attributes:
        mean, scale, coefficients: [figures].
        threshold: the probability from which on a candidate is accepted.
    """

    mean: FloatArray
    scale: FloatArray
    coefficients: FloatArray
    intercept: float
    threshold: float

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> "Acceptance":
        """As JSON keeps it."""
        if tuple(kept["figures"]) != FIGURES:
            raise ConfigError("the acceptance was fitted on other figures: fit it again")
        return cls(
            np.array(kept["mean"]),
            np.array(kept["scale"]),
            np.array(kept["coefficients"]),
            float(kept["intercept"]),
            float(kept["threshold"]),
        )

    def probabilities(self, figures: FloatArray) -> FloatArray:
        """[candidates], of rows of [candidates, figures]."""
        logits = ((figures - self.mean) / self.scale) @ self.coefficients + self.intercept
        found: FloatArray = 1 / (1 + np.exp(-logits))
        return found

    def choose(self, weighed: Weighed) -> int | None:
        """The best candidate by index, if it is likely enough."""
        if not weighed.candidates:
            return None
        found = self.probabilities(weighed.figures)
        best = int(np.argmax(found))
        return best if found[best] >= self.threshold else None


@lru_cache(maxsize=2)
def shipped(*, with_reader: bool) -> Acceptance:
    """The one that comes with ragattr; how it was fitted stands in the file.

    Args:
        with_reader: whether a language model reads the candidates.
    """
    text = (files("ragattr.revision") / "accept.json").read_text("utf-8")
    return Acceptance.of(json.loads(text)["with_reader" if with_reader else "without_reader"])
