"""Ranking by meaning: cosine of sentence vectors, exact."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ragattr.models.protocols import Encoder
from ragattr.retrieval.ranking import best
from ragattr.stage import Stage
from ragattr.types import Context, Passage, Query


@dataclass(frozen=True)
class RetrieveDense(Stage[Query, Context]):
    """The `k` passages whose vectors are nearest to the question's; every passage is compared."""

    passages: Sequence[Passage] = field(repr=False)
    encoder: Encoder
    k: int = 5

    def __call__(self, batch: Sequence[Query]) -> list[Context]:
        wanted = self.encoder.encode([query.text for query in batch])
        scores = (wanted @ self._vectors.T).astype(np.float64)
        return [
            best(query, self.passages, row, self.k)
            for query, row in zip(batch, scores, strict=True)
        ]

    @cached_property
    def _vectors(self) -> NDArray[np.float32]:
        return self.encoder.encode(
            [f"{p.title}\n{p.text}" if p.title else p.text for p in self.passages]
        )
