"""Ranking by meaning: cosine of sentence vectors, exact or by a graph of neighbours."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ragattr.models.protocols import Encoder
from ragattr.retrieval.ranking import best, searched, taken
from ragattr.stage import Stage
from ragattr.types import Context, Passage, Query


@dataclass(frozen=True)
class RetrieveDense(Stage[Query, Context]):
    """The `k` passages whose vectors are nearest to the question's; every passage is compared.

    Attributes:
        built: [passages, dimensions], their vectors, where there are some already.
    """

    passages: Sequence[Passage] = field(repr=False)
    encoder: Encoder
    k: int = 5
    built: NDArray[np.float32] | None = field(default=None, repr=False)

    def __call__(self, batch: Sequence[Query]) -> list[Context]:
        wanted = self.encoder.encode([query.text for query in batch])
        scores = (wanted @ self._vectors.T).astype(np.float64)
        return [
            best(query, self.passages, row, self.k)
            for query, row in zip(batch, scores, strict=True)
        ]

    @cached_property
    def _vectors(self) -> NDArray[np.float32]:
        if self.built is not None:
            return self.built
        return self.encoder.encode([searched(passage) for passage in self.passages])


@dataclass(frozen=True)
class RetrieveNearest(Stage[Query, Context]):
    """About the `k` nearest, found by walking a faiss graph instead of comparing every passage.

    Attributes:
        graph: a faiss index of the passages' vectors under the inner product.
    """

    passages: Sequence[Passage] = field(repr=False)
    encoder: Encoder
    graph: Any = field(repr=False)
    k: int = 5

    def __call__(self, batch: Sequence[Query]) -> list[Context]:
        wanted = self.encoder.encode([query.text for query in batch])
        scores, rows = self.graph.search(wanted, min(self.k, len(self.passages)))
        return [
            Context(
                query,
                taken(self.passages, found[found >= 0].tolist()),
                tuple(row[found >= 0].tolist()),
            )
            for query, row, found in zip(batch, scores, rows, strict=True)
        ]
