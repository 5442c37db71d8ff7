"""LangChain's retrievers and vector stores, by their shape."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from ragattr.errors import ConfigError
from ragattr.retrieval.langchain import RetrieveLangChain
from ragattr.types import Query


@dataclass
class Document:
    page_content: str
    metadata: dict[str, Any] = field(default_factory=dict)
    id: str | None = None


DOCUMENTS = [
    Document("Bees make honey.", {"title": "Bees", "source": "b.txt", "page": 2}, "b"),
    Document("  "),
    Document("Iron rusts.", {"id": 7}),
]


class Retriever:
    def invoke(self, text: str) -> list[Document]:
        return DOCUMENTS if text == "Who?" else []


class Store:
    def similarity_search_with_score(self, text: str, k: int) -> list[tuple[Document, float]]:
        return [(document, 0.5) for document in DOCUMENTS][:k]


def test_a_retriever_gives_passages_in_its_order() -> None:
    (context,) = RetrieveLangChain(Retriever())([Query("Who?", "q")])
    assert [(p.id, p.title, p.source, p.page) for p in context.passages] == [
        ("b", "Bees", "b.txt", 2),
        ("7", None, None, None),
    ]
    assert context.scores == (1.0, 1 / 3)


def test_nothing_found_is_an_empty_context() -> None:
    (context,) = RetrieveLangChain(Retriever())([Query("What?", "q")])
    assert (context.passages, context.scores) == ((), ())


def test_a_vector_store_keeps_its_scores() -> None:
    (context,) = RetrieveLangChain(Store(), k=1)([Query("Who?", "q")])
    assert (len(context.passages), context.scores) == (1, (0.5,))


def test_something_else_is_refused() -> None:
    with pytest.raises(ConfigError, match="wanted a LangChain retriever"):
        RetrieveLangChain(object())


def test_the_real_thing() -> None:
    core = pytest.importorskip("langchain_core")
    from langchain_core.embeddings import DeterministicFakeEmbedding
    from langchain_core.vectorstores import InMemoryVectorStore

    store = InMemoryVectorStore(DeterministicFakeEmbedding(size=16))
    store.add_texts(["Bees make honey.", "Iron rusts."])
    assert core
    for source in (store, store.as_retriever()):
        (context,) = RetrieveLangChain(source, k=2)([Query("Bees make honey.", "q")])
        assert {p.text for p in context.passages} == {"Bees make honey.", "Iron rusts."}
