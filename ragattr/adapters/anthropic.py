"""Anthropic citations: a `Message` whose text blocks cite, with the request that was answered.

    {"messages": [{"role", "content": [document | search_result | text blocks]}],
     "response": {"role": "assistant", "content": [{"type": "text", "text", "citations"}]}}

`request` may hold the messages. A plain-text document is one passage; of a document in blocks,
and of a search result, each block is one. Where the request shows no text (PDFs, files, web
pages, or no request at all), each text that was quoted is a passage. The blocks are joined to the
answer, and `[n]` at the end of a block says what it cites. The response, with its offsets, stays
under `anthropic`.

Offsets. Documented are characters, from 0, the end exclusive; pages count from 1. Whether an
emoji is one character or two is not said: code points are written, and reading relies on none.

Losses. Reading: blocks that are not text, the request's chat, and which part of a passage is
cited, which only the kept response tells; numbers in brackets that the answer itself holds are
taken for citations. Writing: every passage is a plain-text document, so ids, sources and pages go,
as do verdicts and figures; a record also cites the sentences that were found to support a claim;
a marker with a number that points nowhere stays in the text.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NotRequired, TypedDict

from ragattr.adapters.pieces import Cite, Piece, answered, cut_answer, joined
from ragattr.adapters.plain import others, plain_row, without_none
from ragattr.adapters.turns import question, turns
from ragattr.errors import InputError
from ragattr.record import Row
from ragattr.schema import check
from ragattr.types import Span

_OWN = frozenset({"question", "messages", "request", "response"})
_BLOCKS = {  # of each location: the kind of block, the field with its index
    "char_location": ("document", "document_index"),
    "page_location": ("document", "document_index"),
    "content_block_location": ("document", "document_index"),
    "search_result_location": ("search_result", "search_result_index"),
}


class CitationFields(TypedDict):
    """What is read of a citation of any kind."""

    type: str
    cited_text: str
    document_index: NotRequired[int]
    search_result_index: NotRequired[int]
    document_title: NotRequired[str | None]
    title: NotRequired[str | None]
    source: NotRequired[str]
    url: NotRequired[str]
    start_page_number: NotRequired[int]
    start_block_index: NotRequired[int]
    end_block_index: NotRequired[int]


class BlockFields(TypedDict):
    """What is read of a content block of the response."""

    type: str
    text: NotRequired[str]
    citations: NotRequired[list[CitationFields] | None]


class ResponseFields(TypedDict):
    """What is read of a message."""

    id: NotRequired[str | None]
    model: NotRequired[str | None]
    content: list[BlockFields]


class AnthropicRow(TypedDict):
    """What is read of a row, but for its messages."""

    response: ResponseFields


def matches(row: Mapping[str, Any]) -> bool:
    """Whether a row holds a message of Anthropic's."""
    response = row.get("response")
    return isinstance(response, Mapping) and isinstance(response.get("content"), list)


def read(value: Any) -> Row:
    """The case that a message with its request is.

    Raises:
        InputError: a field is missing or of the wrong type, or a citation names a document that
            the request does not have; the message has its path.
    """
    row = plain_row(value)
    check(row, AnthropicRow)
    chat, path = turns(row, "messages")
    response, shelf = row["response"], _Shelf(chat)
    return {
        **without_none({"id": response.get("id"), "generator": response.get("model")}),
        **others(row, _OWN),
        "question": question(row, chat, path),
        "passages": shelf.passages,
        "answer": joined(_read_blocks(response["content"], shelf)),
        "anthropic": response,
    }


def write(record: Mapping[str, Any]) -> Row:
    """The request and the response that a case or record would be."""
    case = answered(record)
    passages = case["passages"]
    blocks = [
        {"type": "text", "text": piece.text}
        | (
            {"citations": [_location(cite, passages) for cite in piece.cites]}
            if piece.cites
            else {}
        )
        for piece in cut_answer(case)
    ]
    asked = [*map(_document, passages), {"type": "text", "text": case["question"]}]
    return {
        "id": case["id"],
        "messages": [{"role": "user", "content": asked}],
        "response": {
            "role": "assistant",
            "content": blocks,
            **without_none({"model": case.get("generator")}),
        },
    }


class _Shelf:
    """The passages of a request, and how the indices of its blocks number them, from 1."""

    def __init__(self, chat: Sequence[Mapping[str, Any]]) -> None:
        self.passages: list[Row] = []
        self._numbers: dict[str, list[list[int | None]]] = {"document": [], "search_result": []}
        for block in _sources(chat):
            source = block.get("source")
            fields = {
                "title": block.get("title"),
                "context": block.get("context"),
                "source": source if isinstance(source, str) else None,
            }
            self._numbers[block["type"]].append(
                [
                    None if text is None else self._add({"text": text, **fields})
                    for text in _texts(block)
                ]
            )

    def cited(self, citation: Mapping[str, Any], path: str) -> tuple[int, ...]:
        """The passages that a citation names; its quote, where the request shows no text."""
        kind, name = _BLOCKS.get(citation["type"], ("", ""))
        held, index = self._numbers.get(kind, []), citation.get(name)
        if not held or index is None:
            return (self._quoted(citation),)
        if not 0 <= index < len(held):
            raise InputError(f"{path}.{name}: {index}, but the request has {len(held)} of them")
        blocks = held[index]
        if "start_block_index" in citation and blocks:
            start, end = citation["start_block_index"], citation.get("end_block_index", 0)
            if not 0 <= start < end <= len(blocks):
                raise InputError(f"{path}: blocks [{start}, {end}), but there are {len(blocks)}")
            blocks = blocks[start:end]
        return tuple(n for n in blocks if n is not None) or (self._quoted(citation),)

    def _quoted(self, citation: Mapping[str, Any]) -> int:
        title = citation.get("document_title")
        passage = without_none(
            {
                "text": citation["cited_text"],
                "title": citation.get("title") if title is None else title,
                "source": citation.get("url", citation.get("source")),
                "page": citation.get("start_page_number"),
            }
        )
        known = passage in self.passages
        return self.passages.index(passage) + 1 if known else self._add(passage)

    def _add(self, fields: Mapping[str, Any]) -> int:
        self.passages.append(without_none(fields))
        return len(self.passages)


def _sources(content: Any) -> Iterator[Mapping[str, Any]]:
    """The documents and search results of a request, in order; those of tool results too."""
    for block in content if isinstance(content, list) else ():
        if isinstance(block, Mapping) and block.get("type") in ("document", "search_result"):
            yield block
        elif isinstance(block, Mapping):
            yield from _sources(block.get("content"))


def _texts(block: Mapping[str, Any]) -> list[str | None]:
    """The text of each block of a document or search result; None for one that has none."""
    source = block.get("source")
    held = source if isinstance(source, Mapping) else block
    content = held.get("data") if held.get("type") == "text" else held.get("content")
    if isinstance(content, str):
        return [content]
    parts = content if isinstance(content, list) else []
    texts = [part.get("text") if isinstance(part, Mapping) else None for part in parts]
    return [text if isinstance(text, str) else None for text in texts]


def _read_blocks(blocks: Sequence[Mapping[str, Any]], shelf: _Shelf) -> Iterator[Piece]:
    for i, block in enumerate(blocks):
        if block["type"] != "text":
            continue
        path = f"response.content[{i}]"
        if "text" not in block:
            raise InputError(f"{path}.text: this field is missing")
        numbers = [
            number
            for j, citation in enumerate(block.get("citations") or ())
            for number in shelf.cited(citation, f"{path}.citations[{j}]")
        ]
        yield Piece(block["text"], tuple(map(Cite, numbers)))


def _document(passage: Mapping[str, Any]) -> Row:
    return {
        "type": "document",
        "source": {"type": "text", "media_type": "text/plain", "data": passage["text"]},
        **without_none({name: passage.get(name) for name in ("title", "context")}),
        "citations": {"enabled": True},
    }


def _location(cite: Cite, passages: Sequence[Mapping[str, Any]]) -> Row:
    passage = passages[cite.number - 1]
    span = cite.span or Span(0, len(passage["text"]))
    return {
        "type": "char_location",
        "cited_text": span.of(passage["text"]),
        "document_index": cite.number - 1,
        "document_title": passage.get("title"),
        "start_char_index": span.start,
        "end_char_index": span.end,
    }
