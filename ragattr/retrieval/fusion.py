"""Several rankings to one: reciprocal rank fusion."""

from collections.abc import Sequence
from dataclasses import dataclass

from ragattr.stage import Stage
from ragattr.types import Context, Passage, Query

RANK_CONSTANT = 60  # Cormack, Clarke and Buettcher 2009, section 2


@dataclass(frozen=True)
class FuseRanks(Stage[Query, Context]):
    """Sums 1 / (60 + rank) over the retrievers' rankings; give them a larger k than this one."""

    retrievers: tuple[Stage[Query, Context], ...]
    k: int = 5

    def __call__(self, batch: Sequence[Query]) -> list[Context]:
        rankings = [retriever(batch) for retriever in self.retrievers]
        return [
            self._fuse(query, contexts) for query, *contexts in zip(batch, *rankings, strict=True)
        ]

    def _fuse(self, query: Query, contexts: Sequence[Context]) -> Context:
        passages, scores = dict[str, Passage](), dict[str, float]()
        for context in contexts:
            for rank, passage in enumerate(context.passages, start=1):
                if context.scores[rank - 1] == 0:
                    continue  # no word matched: the order of such passages says nothing
                passages[passage.id] = passage
                scores[passage.id] = scores.get(passage.id, 0.0) + 1 / (RANK_CONSTANT + rank)
        order = sorted(scores, key=lambda id: -scores[id])[: self.k]
        return Context(
            query, tuple(passages[id] for id in order), tuple(scores[id] for id in order)
        )
