from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from ragattr.retrieval.dense import RetrieveDense
from ragattr.types import Passage, Query


class Letters:
    """Encodes a text by whether it holds "a", "b" and "c", to length 1; keeps what it was given."""

    name = "letters"

    def __init__(self) -> None:
        self.texts: list[str] = []

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.texts += texts
        rows = np.array([[letter in text for letter in "abc"] for text in texts], dtype=np.float32)
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


PASSAGES = (Passage("b", "1"), Passage("a b", "2"), Passage("a", "3"), Passage("c a", "4"))


def test_the_nearest_passages_come_first_with_their_cosines() -> None:
    (context,) = RetrieveDense(PASSAGES, Letters(), 4)([Query("a", "q")])
    assert [passage.id for passage in context.passages] == ["3", "2", "4", "1"]
    assert context.scores == pytest.approx((1, 2**-0.5, 2**-0.5, 0), abs=1e-6)


def test_each_question_of_a_batch_gets_its_own_k_passages() -> None:
    contexts = RetrieveDense(PASSAGES, Letters(), 1)([Query("c", "q"), Query("b", "r")])
    assert [(c.query.id, c.passages[0].id) for c in contexts] == [("q", "4"), ("r", "1")]


def test_passages_are_encoded_once_with_their_titles() -> None:
    encoder = Letters()
    retrieve = RetrieveDense([Passage("text", "1", title="Title")], encoder)
    retrieve([Query("one", "q")])
    retrieve([Query("two", "q")])
    assert sorted(encoder.texts) == ["Title\ntext", "one", "two"]
