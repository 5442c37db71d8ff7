"""LlamaIndex: the response of a query engine, as dicts or as it is.

    {"question", "response", "source_nodes": [{"node": {"id_", "text", "metadata"}, "score"}]}

A response does not hold its question: give it beside it. `CitationQueryEngine` writes `[n]` for
the n-th node and puts "Source n:" before its text; that line is taken off.

Losses. Reading: relationships, embeddings and templates of nodes, and their `start_char_idx` and
`end_char_idx`, which a node that was cut again keeps from its parent. Writing: what was measured
and judged, but for the largest `used` and `supports` of each passage, under `ragattr` in the
metadata of its node; `score` is the retriever's, null where the case does not know it. Other
fields of the case, but for the question and the answer, are left out.
"""

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict

from ragattr.adapters.pieces import answered
from ragattr.adapters.plain import others, plain, without_none
from ragattr.record import Row
from ragattr.schema import check

_OWN = frozenset({"question", "response", "source_nodes"})
_SOURCES = ("source", "url", "file_path", "file_name")


class MetadataFields(TypedDict):
    """What is read of a node's metadata; all of it goes with the passage."""

    title: NotRequired[str | None]
    source: NotRequired[str | None]
    url: NotRequired[str | None]
    file_path: NotRequired[str | None]
    file_name: NotRequired[str | None]
    page: NotRequired[str | int | None]
    page_label: NotRequired[str | int | None]


class NodeFields(TypedDict):
    """What is read of a node."""

    text: str
    id: NotRequired[str | None]
    metadata: NotRequired[MetadataFields]


class NodeWithScoreFields(TypedDict):
    """A node and the retriever's score, in its own unit."""

    node: NodeFields
    score: NotRequired[float | None]


class LlamaIndexRow(TypedDict):
    """What is read of a query engine's response, with its question."""

    question: str
    response: NotRequired[str | None]
    source_nodes: list[NodeWithScoreFields]


def matches(row: Any) -> bool:
    """Whether a row, or an object, is a query engine's response."""
    return any(isinstance(_of(held, "source_nodes"), list) for held in (row, _of(row, "response")))


def read(value: Any) -> Row:
    """The case that a response with its question is.

    Raises:
        InputError: a field is missing or of the wrong type; the message has its path.
    """
    row: Row = dict(value) if isinstance(value, Mapping) else {}
    held = row.get("response", value) if "source_nodes" not in row else row
    given = {
        **without_none({"question": _of(row, "question")}),
        **without_none({"response": _of(held, "response")}),
        **without_none({"source_nodes": _listed(_of(held, "source_nodes"))}),
    }
    check(given, LlamaIndexRow)
    return {
        **plain(others(row, _OWN)),
        "question": given["question"],
        "passages": [_passage(node, i) for i, node in enumerate(given["source_nodes"], start=1)],
        **without_none({"answer": given.get("response")}),
    }


def write(record: Mapping[str, Any]) -> Row:
    """The response of a case or record: its answer, and its passages as nodes with scores."""
    case = answered(record)
    return {
        "question": case["question"],
        "response": case["answer"],
        "source_nodes": [_node(case, passage) for passage in case["passages"]],
    }


def _of(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)


def _listed(nodes: Any) -> Any:
    """The nodes with scores, each by what is read of it, from dicts or from attributes."""
    if not isinstance(nodes, list | tuple):
        return nodes
    return [_listed_node(held) for held in nodes]


def _listed_node(held: Any) -> Any:
    node = _of(held, "node")
    if node is None:
        return plain(held)
    text = _of(node, "text")
    fields = {
        "id": next((i for i in (_of(node, "node_id"), _of(node, "id_")) if i is not None), None),
        "text": _of(_of(node, "text_resource"), "text") if text is None else text,
        "metadata": plain(_of(node, "metadata")) or None,
    }
    return {"node": without_none(fields), "score": _of(held, "score")}


def _passage(held: Mapping[str, Any], number: int) -> Row:
    node = held["node"]
    metadata = node.get("metadata") or {}
    page = str(metadata.get("page_label", metadata.get("page", "")))
    return without_none(
        {
            "id": node.get("id"),
            "text": node["text"].removeprefix(f"Source {number}:\n"),
            "title": metadata.get("title"),
            "source": next((metadata[name] for name in _SOURCES if name in metadata), None),
            "page": int(page) if page.isdecimal() else None,
            "score": held.get("score"),
            "metadata": metadata or None,
        }
    )


def _node(case: Mapping[str, Any], passage: Mapping[str, Any]) -> Row:
    given = passage.get("metadata")
    metadata = {
        **(given if isinstance(given, Mapping) else {}),
        **without_none({name: passage.get(name) for name in ("title", "source")}),
        **without_none({"page_label": str(passage["page"]) if passage.get("page") else None}),
    }
    rows = [
        row
        for claim in case.get("claims", ())
        for row in claim["citations"]
        if row["passage"] == passage["id"]
    ]
    if rows:
        metadata["ragattr"] = {name: _largest(rows, name) for name in ("used", "supports")}
    return {
        "node": {"id_": passage["id"], "text": passage["text"], "metadata": metadata},
        "score": passage.get("score"),
    }


def _largest(rows: list[Row], name: str) -> float | None:
    return max((row[name] for row in rows if row[name] is not None), default=None)
