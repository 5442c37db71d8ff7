"""Passages that say nearly the same: the best of them is kept, the others are named."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ragattr.stage import Stage
from ragattr.text.words import words
from ragattr.types import Context

_RUN = 4  # words
SAME = 0.8  # share of the shorter passage's runs of words that stand in the other, too


@dataclass(frozen=True)
class MergeDuplicates(Stage[Context, Context]):
    """The `k` best passages that differ; `Context.duplicates` names what each stands for.

    Give it more than `k` passages, so that others move up.
    """

    k: int

    def __call__(self, batch: Sequence[Context]) -> list[Context]:
        return [self._merge(context) for context in batch]

    def _merge(self, context: Context) -> Context:
        kept, runs, same = list[int](), list[set[tuple[str, ...]]](), list[list[str]]()
        for i, passage in enumerate(context.passages):
            own = _runs(passage.text)
            twin = next((n for n, other in enumerate(runs) if _overlap(own, other) >= SAME), None)
            if twin is not None:
                same[twin].append(passage.id)
            elif len(kept) < self.k:
                kept.append(i)
                runs.append(own)
                same.append([])
        return replace(
            context,
            passages=tuple(context.passages[i] for i in kept),
            scores=tuple(context.scores[i] for i in kept),
            duplicates=tuple(tuple(ids) for ids in same),
        )


def _runs(text: str) -> set[tuple[str, ...]]:
    found = [*words(text)]
    return {tuple(found[i : i + _RUN]) for i in range(max(1, len(found) - _RUN + 1))}


def _overlap(a: set[tuple[str, ...]], b: set[tuple[str, ...]]) -> float:
    return len(a & b) / max(min(len(a), len(b)), 1)
