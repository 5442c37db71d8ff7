import math
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragattr.retrieval.bm25 import RetrieveBM25
from ragattr.types import Passage, Query

Backend = Literal["bm25s", "rank-bm25"]
BACKENDS: tuple[Backend, ...] = ("bm25s", "rank-bm25")
WORDS = st.sampled_from(["cat", "dog", "fox", "hen", "owl"])  # no stop word, no ending to cut
CORPORA = st.lists(st.lists(WORDS, min_size=1, max_size=8), min_size=1, max_size=8)
QUESTIONS = st.lists(WORDS, min_size=1, max_size=4)


def _passages(texts: list[str]) -> list[Passage]:
    return [Passage(text, str(i)) for i, text in enumerate(texts)]


def _plain_bm25(documents: list[list[str]], question: list[str]) -> list[float]:
    """Lucene's formula, written out: k1 = 1.5, b = 0.75."""
    n, mean = len(documents), sum(map(len, documents)) / len(documents)
    scores = [0.0] * n
    for term in question:
        n_with = sum(term in document for document in documents)
        idf = math.log(1 + (n - n_with + 0.5) / (n_with + 0.5))
        for i, document in enumerate(documents):
            tf, length = document.count(term), 0.25 + 0.75 * len(document) / mean
            scores[i] += idf * tf / (tf + 1.5 * length)
    return scores


def _scores(documents: list[list[str]], question: list[str], backend: Backend) -> list[float]:
    """Each document's score, in the order of the documents."""
    passages = _passages([" ".join(document) for document in documents])
    (context,) = RetrieveBM25(passages, len(passages), backend)([Query(" ".join(question), "q")])
    found = {p.id: s for p, s in zip(context.passages, context.scores, strict=True)}
    return [found[passage.id] for passage in passages]


@pytest.mark.parametrize("backend", BACKENDS)
@settings(max_examples=60, deadline=None)
@given(CORPORA, QUESTIONS)
def test_both_backends_follow_the_written_formula(
    backend: Backend, documents: list[list[str]], question: list[str]
) -> None:
    plain, found = _plain_bm25(documents, question), _scores(documents, question, backend)
    assert found == pytest.approx(plain, rel=1e-4, abs=1e-5)


@settings(max_examples=60, deadline=None)
@given(CORPORA, QUESTIONS)
def test_backends_agree_on_which_of_two_passages_is_better(
    documents: list[list[str]], question: list[str]
) -> None:
    one, other = (_scores(documents, question, backend) for backend in BACKENDS)
    pairs = [(i, j) for i in range(len(one)) for j in range(len(one)) if one[i] > one[j] + 1e-4]
    assert all(other[i] > other[j] for i, j in pairs)


@pytest.mark.parametrize("backend", BACKENDS)
def test_ties_keep_the_order_of_the_passages(backend: Backend) -> None:
    passages = _passages(["hen", "fox cat", "owl", "cat fox", "fox cat"])
    (context,) = RetrieveBM25(passages, 5, backend)([Query("fox", "q")])
    assert [passage.id for passage in context.passages] == ["1", "3", "4", "0", "2"]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("question", ["zebra", "Who is he?", "", "?!"])
def test_a_question_of_unknown_words_scores_0_everywhere(backend: Backend, question: str) -> None:
    (context,) = RetrieveBM25(_passages(["hen", "fox"]), 2, backend)([Query(question, "q")])
    assert context.scores == (0.0, 0.0)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_word_of_the_title_is_found(backend: Backend) -> None:
    passages = [Passage("It is tall.", "a"), Passage("It is tall.", "b", title="The tower")]
    (context,) = RetrieveBM25(passages, 1, backend)([Query("Which towers?", "q")])
    assert context.passages == (passages[1],)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    "texts",
    [
        ["大阪は商業の街です。", "東京は日本の首都です。"],
        ["大阪は商業の街です。", "2020年東京で開催された。"],
        ["大阪は商業の街です。", "NHK東京の番組。"],
    ],
)
def test_a_question_without_spaces_matches_by_pairs_of_characters(
    backend: Backend, texts: list[str]
) -> None:
    (context,) = RetrieveBM25(_passages(texts), 2, backend)([Query("東京はどこ？", "q")])
    assert context.passages[0].id == "1"
    assert context.scores[0] > context.scores[1]


@pytest.mark.parametrize("backend", BACKENDS)
def test_passages_without_a_word_are_no_obstacle(backend: Backend) -> None:
    (context,) = RetrieveBM25(_passages(["", "...", "fox"]), 3, backend)([Query("fox", "q")])
    assert [passage.id for passage in context.passages] == ["2", "0", "1"]


def test_only_k_passages_come_back_for_each_question_of_the_batch() -> None:
    retrieve = RetrieveBM25(_passages(["fox", "hen", "owl"]), 2)
    contexts = retrieve([Query("owl", "a"), Query("hen", "b")])
    assert [[p.id for p in context.passages] for context in contexts] == [["2", "0"], ["1", "0"]]


def test_no_passages_give_an_empty_context() -> None:
    (context,) = RetrieveBM25([], 3)([Query("fox", "q")])
    assert context.passages == ()
