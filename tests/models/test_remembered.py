"""Nothing is asked twice, and every answer is the verifier's own."""

import numpy as np
import pytest

from ragattr.models.protocols import Pair
from ragattr.models.remembered import Remembered
from tests.revision.facts import WordVerifier

PAIRS = [Pair("Bees make honey.", "Bees make honey."), Pair("Ants dig.", "Bees make honey.")]


def test_each_pair_is_asked_about_once() -> None:
    inner = WordVerifier()
    verifier = Remembered(inner)
    first = verifier.entails([*PAIRS, PAIRS[0]])
    again = verifier.entails(PAIRS[::-1])
    assert inner.asked == PAIRS
    assert np.array_equal(first, WordVerifier().entails([*PAIRS, PAIRS[0]]))
    assert np.array_equal(again, first[[1, 0]])
    assert verifier.entails([]).shape == (0, 3)


def test_it_says_what_the_verifier_says_of_itself() -> None:
    verifier = Remembered(WordVerifier(threshold=0.3))
    assert (verifier.name, verifier.revision, verifier.threshold) == ("words", "1", 0.3)
    assert verifier.for_largest().threshold == 0.3
    assert verifier.judge(PAIRS).evidence[0][0].end == len(PAIRS[0].premise)


def test_it_forgets_the_oldest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ragattr.models.remembered.KEPT", 1)
    inner = WordVerifier()
    verifier = Remembered(inner)
    verifier.entails(PAIRS)
    verifier.entails(PAIRS[1:])
    verifier.entails(PAIRS[:1])
    assert inner.asked == [*PAIRS, PAIRS[0]]
