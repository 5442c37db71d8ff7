from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from ragattr.retrieval.bm25 import RetrieveBM25
from ragattr.retrieval.fusion import FuseRanks
from ragattr.stage import Stage
from ragattr.types import Context, Passage, Query

A, B, C, D = (Passage(letter, letter) for letter in "ABCD")


@dataclass(frozen=True)
class Rank(Stage[Query, Context]):
    """Gives every question the same ranking."""

    ranking: tuple[Passage, ...]

    def __call__(self, batch: Sequence[Query]) -> list[Context]:
        scores = tuple(1.0 / (i + 1) for i in range(len(self.ranking)))
        return [Context(query, self.ranking, scores) for query in batch]


def test_ranks_are_fused_as_worked_out_by_hand() -> None:
    (context,) = FuseRanks((Rank((A, B, C)), Rank((C, D))), k=4)([Query("?", "q")])
    assert context.passages == (C, A, B, D)
    assert context.scores == pytest.approx((1 / 63 + 1 / 61, 1 / 61, 1 / 62, 1 / 62))


def test_second_in_both_rankings_beats_first_in_one() -> None:
    (context,) = FuseRanks((Rank((A, B)), Rank((C, B))), k=1)([Query("?", "q")])
    assert context.passages == (B,)


def test_a_single_ranking_stays_as_it_is() -> None:
    (context,) = FuseRanks((Rank((C, A, B)),), k=2)([Query("?", "q")])
    assert context.passages == (C, A)


def test_questions_keep_their_order() -> None:
    contexts = FuseRanks((Rank((A,)),))([Query("one", "q"), Query("two", "r")])
    assert [context.query.id for context in contexts] == ["q", "r"]


def test_a_retriever_that_matched_no_word_does_not_change_the_others_ranking() -> None:
    passages = tuple(Passage(text, text) for text in ("alpha", "beta", "gamma"))
    by_meaning = Rank((passages[2], passages[1], passages[0]))
    fused = FuseRanks((RetrieveBM25(passages, 3), by_meaning), k=3)
    (context,) = fused([Query("unknown", "q")])
    assert context.passages == by_meaning.ranking
