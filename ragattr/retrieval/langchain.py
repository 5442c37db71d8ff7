"""Any LangChain retriever or vector store as a retrieval stage."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ragattr.errors import ConfigError
from ragattr.stage import Stage
from ragattr.types import Context, Passage, Query


@dataclass(frozen=True)
class RetrieveLangChain(Stage[Query, Context]):
    """The first `k` documents of `retriever.invoke`, or a vector store's most similar ones.

    A document's own id, or the "id" of its metadata, becomes the passage's; else its place.
    Scores are the vector store's own, or, where a retriever gives none, falling ranks.

    Attributes:
        retriever: a `BaseRetriever` or a `VectorStore`.
    """

    retriever: Any = field(repr=False)
    k: int = 5

    def __post_init__(self) -> None:
        if not any(
            hasattr(self.retriever, name) for name in ("similarity_search_with_score", "invoke")
        ):
            raise ConfigError(
                f"wanted a LangChain retriever or vector store, got {type(self.retriever).__name__}"
            )

    def __call__(self, batch: Sequence[Query]) -> list[Context]:
        return [self._retrieve(query) for query in batch]

    def _retrieve(self, query: Query) -> Context:
        if hasattr(self.retriever, "similarity_search_with_score"):
            found = self.retriever.similarity_search_with_score(query.text, k=self.k)
        else:
            documents = self.retriever.invoke(query.text)[: self.k]
            found = [(document, 1 / rank) for rank, document in enumerate(documents, start=1)]
        passages, scores = list[Passage](), list[float]()
        for place, (document, score) in enumerate(found, start=1):
            if document.page_content.strip():
                passages.append(_passage(document, place))
                scores.append(float(score))
        return Context(query, tuple(passages), tuple(scores))


def _passage(document: Any, place: int) -> Passage:
    about = document.metadata or {}
    id, page = document.id or about.get("id") or place, about.get("page")
    title, source = about.get("title"), about.get("source")
    return Passage(
        text=document.page_content,
        id=str(id),
        title=None if title is None else str(title),
        source=None if source is None else str(source),
        page=page if isinstance(page, int) else None,
    )
