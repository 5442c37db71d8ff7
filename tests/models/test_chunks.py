"""Long evidence: cut at sentences, judged by the best chunk or by the best few together."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from ragattr.errors import InputError, ModelReplyError
from ragattr.models.chunks import Chunked, Encoding, by_length, chunk_spans, evidence_text
from ragattr.models.protocols import Pair
from ragattr.types import FloatArray, Span

SENTENCES = [f"Word{i} is here with some friends." for i in range(40)]  # six words each
LONG = " ".join(SENTENCES)


@dataclass(frozen=True)
class WordReader:
    name: str = "words"
    revision: str = "1"
    window: int = 60

    def reads(self, text: str) -> bool:
        return text.isascii()

    def token_starts(self, text: str) -> list[int]:
        return [
            i for i in range(len(text)) if not text[i].isspace() and text[:i][-1:].strip() == ""
        ]


@dataclass(frozen=True)
class WordScorer:
    """Supported is the share of the claim's words that the premise holds."""

    reader: WordReader = field(default_factory=WordReader)
    batches: list[int] = field(default_factory=list)
    texts: dict[int, Pair] = field(default_factory=dict)

    def encode(self, pairs: Sequence[Pair]) -> list[Encoding]:
        rows = []
        for pair in pairs:
            self.texts[len(self.texts)] = pair
            n_tokens = len(pair.premise.split()) + len(pair.hypothesis.split())
            rows.append({"input_ids": [len(self.texts) - 1] * n_tokens})
        return rows

    def score(self, batch: Sequence[Encoding]) -> FloatArray:
        self.batches.append(len(batch))
        return np.array([self.of(self.texts[row["input_ids"][0]]) for row in batch])

    def of(self, pair: Pair) -> tuple[float, float, float]:
        assert len(pair.premise.split()) + len(pair.hypothesis.split()) <= self.reader.window
        wanted = pair.hypothesis.split()
        share = sum(word in pair.premise.split() for word in wanted) / len(wanted)
        against = 0.6 if "Word7" in pair.premise.split() else 0.1
        return share, min(against, 1 - share), 1 - share - min(against, 1 - share)


def _n_words(text: str) -> int:
    return len(text.split())


def test_a_premise_that_fits_is_read_whole_and_once() -> None:
    scorer = WordScorer()
    premise = " ".join(SENTENCES[:5])
    judged = Chunked(scorer).judge([Pair(premise, "Word3 Word9")] * 3)
    assert judged.probabilities[:, 0].tolist() == [0.5] * 3
    assert judged.evidence == ((Span(0, len(premise)),),) * 3
    assert scorer.batches == [1]


def test_long_evidence_supports_as_much_as_its_best_chunk_or_the_best_together() -> None:
    scorer = WordScorer()
    claims = ["Word30 friends.", "Word2 Word38 absent", "nothing known"]
    found = Chunked(scorer).entails([Pair(LONG, claim) for claim in claims])[:, 0]
    assert found.tolist() == pytest.approx([1.0, 2 / 3, 0.0])  # the second needs two chunks
    starts = scorer.reader.token_starts(LONG)
    for claim, supported in zip(claims, found, strict=True):
        chunks = chunk_spans(LONG, starts, limit=(60 - _n_words(claim) - 8) // 2)
        assert supported >= max(scorer.of(Pair(chunk.of(LONG), claim))[0] for chunk in chunks)


def test_the_spans_say_which_evidence_decided() -> None:
    pairs = [Pair(LONG, "Word30 friends."), Pair(LONG, "Word2 Word38"), Pair("", "x")]
    (one,), (first, second, *_), none = Chunked(WordScorer()).judge(pairs).evidence
    assert "Word30 " in one.of(LONG)
    assert "Word2 " in first.of(LONG)
    assert "Word38 " in second.of(LONG)
    assert none == ()


def test_evidence_read_together_keeps_its_pieces_apart() -> None:
    assert evidence_text("One. Two. Three.", [Span(0, 4), Span(10, 16)]) == "One.\n\nThree."


def test_one_chunk_that_contradicts_is_enough() -> None:
    judged = Chunked(WordScorer()).judge([Pair(LONG, "nothing known")])
    assert judged.probabilities[0] == pytest.approx([0.0, 0.6, 0.4])
    assert "Word7 " in judged.evidence[0][0].of(LONG)


def test_a_pair_with_an_empty_side_is_neither_and_never_read() -> None:
    scorer = WordScorer()
    found = Chunked(scorer).entails([Pair("", "x"), Pair("x", " "), Pair(" \n", "")])
    assert found.tolist() == [[0.0, 0.0, 1.0]] * 3
    assert scorer.batches == []
    assert Chunked(scorer).entails([]).shape == (0, 3)


def test_a_claim_that_fills_the_window_is_an_error_that_says_so() -> None:
    with pytest.raises(InputError, match="takes 50 of the 60 tokens that words reads"):
        Chunked(WordScorer()).entails([Pair(LONG, "w " * 50)])


def test_scores_that_are_not_finite_are_an_error() -> None:
    class Broken(WordScorer):
        def score(self, batch: Sequence[Encoding]) -> FloatArray:
            return np.full((len(batch), 3), np.nan)

    with pytest.raises(ModelReplyError, match="words gives scores that are not finite"):
        Chunked(Broken()).entails([Pair("a", "b")])


def test_every_row_sums_to_one_whatever_chunks_say() -> None:
    found = Chunked(WordScorer()).entails([Pair(LONG, c) for c in ("Word7 x", "x", "Word7 Word8")])
    assert found.sum(axis=1) == pytest.approx(1.0)
    assert (found >= 0).all()


@pytest.mark.parametrize("limit", [8, 13, 25, 400])
@pytest.mark.parametrize(
    "text",
    [
        LONG,
        "no stop " * 200,
        "Été 😀  double.  Spaces here.\n\nNew paragraph: " + "é " * 90,
        "One. " * 30 + "long " * 50 + ". Two. Three.",
    ],
)
def test_chunks_hold_every_sentence_and_no_more_than_the_limit(text: str, limit: int) -> None:
    starts = WordReader().token_starts(text)
    chunks = chunk_spans(text, starts, limit=limit)
    assert all(_n_words(chunk.of(text)) <= limit for chunk in chunks)
    covered = {i for chunk in chunks for i in range(chunk.start, chunk.end)}
    assert {i for i in range(len(text)) if not text[i].isspace()} <= covered
    assert [c.start for c in chunks] == sorted({c.start for c in chunks})


def test_chunks_of_short_sentences_overlap_by_about_half() -> None:
    text = "Bees make good wax. Bears like their honey. Birds can fly high. Fish swim quite deep."
    chunks = chunk_spans(text, WordReader().token_starts(text), limit=8)
    assert [chunk.of(text) for chunk in chunks] == [
        "Bees make good wax. Bears like their honey.",
        "Bears like their honey. Birds can fly high.",
        "Birds can fly high. Fish swim quite deep.",
    ]


def test_batches_hold_similar_lengths_within_the_budget() -> None:
    assert by_length([5, 1, 9, 2, 30], budget=12) == [[1, 3], [0], [2], [4]]
    assert by_length([]) == []
