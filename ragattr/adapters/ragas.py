"""Ragas: one row of an evaluation data set, or a `SingleTurnSample`.

    {"user_input", "response", "retrieved_contexts", "retrieved_context_ids"?, "reference"?, ...}

Losses. Reading: nothing; what a case does not know (`reference`, `rubrics`, ...) goes with it.
Writing: a passage's title, source, page and range, and every field of the case or record that
Ragas has no name for; markers stay in the response as they are. Several turns are not read.
"""

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict

from ragattr.adapters.pieces import answered
from ragattr.adapters.plain import others, plain_row, without_none
from ragattr.errors import InputError
from ragattr.record import Row
from ragattr.schema import check

_OWN = frozenset({"user_input", "response", "retrieved_contexts", "retrieved_context_ids"})
_SHARED = ("reference", "reference_contexts", "reference_context_ids", "rubrics")


class RagasRow(TypedDict):
    """What is read of a Ragas row."""

    user_input: str
    response: NotRequired[str | None]
    retrieved_contexts: list[str]
    retrieved_context_ids: NotRequired[list[str | int] | None]


def matches(row: Mapping[str, Any]) -> bool:
    """Whether a row is one of Ragas."""
    return "user_input" in row and isinstance(row.get("retrieved_contexts"), list)


def read(value: Any) -> Row:
    """The case that a Ragas row is.

    Raises:
        InputError: a field is missing or of the wrong type; the message has its path.
    """
    row = plain_row(value)
    check(row, RagasRow)
    contexts, ids = row["retrieved_contexts"], row.get("retrieved_context_ids")
    if ids is not None and len(ids) != len(contexts):
        raise InputError(f"retrieved_context_ids: {len(ids)} ids for {len(contexts)} contexts")
    return {
        **without_none(others(row, _OWN)),
        "question": row["user_input"],
        "passages": [
            {"text": text} if ids is None else {"id": str(ids[i]), "text": text}
            for i, text in enumerate(contexts)
        ],
        **without_none({"answer": row.get("response")}),
    }


def write(record: Mapping[str, Any]) -> Row:
    """The Ragas row of a case or record."""
    case = answered(record)
    return {
        "user_input": case["question"],
        "response": case["answer"],
        "retrieved_contexts": [passage["text"] for passage in case["passages"]],
        "retrieved_context_ids": [passage["id"] for passage in case["passages"]],
        **{name: case[name] for name in _SHARED if name in case},
    }
