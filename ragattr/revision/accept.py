"""Which changed statement is the right one, if any: boosted trees over its figures."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ragattr.errors import ConfigError
from ragattr.revision.weigh import FIGURES, Weighed
from ragattr.types import FloatArray


@dataclass(frozen=True, eq=False)
class Tree:
    """A regression tree: node 0 is its root; a leaf has a negative feature.

    Attributes:
        feature, threshold, left, right, value: [nodes]; a row whose figure is at most the
            threshold goes left.
    """

    feature: NDArray[np.int64]
    threshold: FloatArray
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    value: FloatArray

    @classmethod
    def of(cls, kept: Mapping[str, Sequence[float]]) -> "Tree":
        """As JSON keeps it."""
        whole = {name: np.array(kept[name], dtype=int) for name in ("feature", "left", "right")}
        real = {name: np.array(kept[name], dtype=float) for name in ("threshold", "value")}
        return cls(**whole, **real)

    def __call__(self, figures: FloatArray) -> FloatArray:
        """[rows] values of [rows, figures]."""
        rows, node = np.arange(len(figures)), np.zeros(len(figures), dtype=int)
        while (inner := self.feature[node] >= 0).any():
            goes_left = figures[rows, self.feature[node]] <= self.threshold[node]
            following = np.where(goes_left, self.left[node], self.right[node])
            node = np.where(inner, following, node)
        found: FloatArray = self.value[node]
        return found


@dataclass(frozen=True, eq=False)
class Acceptance:
    """How likely a candidate is what was meant.

    Attributes:
        start: the logit that the trees' values are added to.
        unsupported_from: the probability from which on a candidate is accepted in place of a
            statement that its evidence does not support; `supported_from`, of one that it does.
    """

    start: float
    trees: tuple[Tree, ...]
    unsupported_from: float
    supported_from: float

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> "Acceptance":
        """As JSON keeps it."""
        if tuple(kept["figures"]) != FIGURES:
            raise ConfigError("the acceptance was fitted on other figures: fit it again")
        trees = tuple(Tree.of(tree) for tree in kept["trees"])
        return cls(
            float(kept["start"]),
            trees,
            float(kept["unsupported_from"]),
            float(kept["supported_from"]),
        )

    def probabilities(self, figures: FloatArray) -> FloatArray:
        """[candidates], of rows of [candidates, figures]."""
        rounded = figures.astype(np.float32).astype(float)  # as it was fitted
        logits = self.start + sum((tree(rounded) for tree in self.trees), np.zeros(len(figures)))
        found: FloatArray = 1 / (1 + np.exp(-logits))
        return found

    def choose(self, weighed: Weighed) -> int | None:
        """The best candidate by index, if it is likely enough."""
        if not weighed.candidates:
            return None
        found = self.probabilities(weighed.figures)
        best = int(np.argmax(found))
        needed = self.supported_from if weighed.is_supported else self.unsupported_from
        return best if found[best] >= needed else None


@lru_cache(maxsize=2)
def shipped(*, with_reader: bool) -> Acceptance:
    """The one that comes with ragattr; how it was fitted stands in the file.

    Args:
        with_reader: whether a language model reads the candidates.
    """
    return _read((files("ragattr.revision") / "accept.json").read_text("utf-8"), with_reader)


def read_acceptance(path: Path, *, with_reader: bool) -> Acceptance:
    """One that `ragattr train reviser` wrote.

    Raises:
        ConfigError: there is no such file, or it is another kind of file.
    """
    try:
        return _read(path.read_text("utf-8"), with_reader)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"no acceptance of ragattr train reviser at {path}: {error}") from error


def _read(text: str, with_reader: bool) -> Acceptance:
    return Acceptance.of(json.loads(text)["with_reader" if with_reader else "without_reader"])
