import copy
from typing import Any

import pytest
from anthropic.types import DocumentBlockParam, Message, MessageParam, TextBlock
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from ragattr.adapters.anthropic import matches, read, write
from ragattr.errors import InputError
from ragattr.record import dumps, loads, read_case, to_answer
from tests.adapters.rows import ANSWER, CASE, HARD, Row, record

GRASS = "The grass is green. The sky is blue."
DOCUMENT: Row = {
    "type": "document",
    "source": {"type": "text", "media_type": "text/plain", "data": GRASS},
    "title": "Colours",
    "context": "a primer",
    "citations": {"enabled": True},
}
BLOCKS: Row = {
    "type": "document",
    "title": "Menu",
    "source": {
        "type": "content",
        "content": [
            {"type": "text", "text": "Soup."},
            {"type": "image"},
            {"type": "text", "text": "Tea."},
        ],
    },
}
RESULT: Row = {
    "type": "search_result",
    "source": "https://a.org",
    "title": "A",
    "content": [{"type": "text", "text": "Found."}],
}
PDF: Row = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf"}}


def _chars(start: int, end: int, document: int = 0) -> Row:
    return {
        "type": "char_location",
        "cited_text": GRASS[start:end],
        "document_index": document,
        "document_title": "Colours",
        "start_char_index": start,
        "end_char_index": end,
        "file_id": None,
    }


def _blocks(start: int, end: int, document: int) -> Row:
    return {
        "type": "content_block_location",
        "cited_text": "Tea.",
        "document_index": document,
        "document_title": "Menu",
        "start_block_index": start,
        "end_block_index": end,
    }


SEARCHED: Row = {
    "type": "search_result_location",
    "cited_text": "Found.",
    "search_result_index": 0,
    "source": "https://a.org",
    "title": "A",
    "start_block_index": 0,
    "end_block_index": 1,
}
PAGE: Row = {
    "type": "page_location",
    "cited_text": "From the file.",
    "document_index": 2,
    "document_title": "Report",
    "start_page_number": 3,
    "end_page_number": 4,
}
WEB: Row = {
    "type": "web_search_result_location",
    "cited_text": "From the web.",
    "encrypted_index": "x",
    "title": "B",
    "url": "https://b.org",
}
COLOURS: list[tuple[str, list[Row]]] = [
    ("According to it, ", []),
    ("the grass is green", [_chars(0, 20)]),
    (" and ", []),
    ("the sky is blue", [_chars(20, 36)]),
    (".", []),
]


def _row(blocks: list[tuple[str, list[Row]]], *documents: Row) -> Row:
    content = [{"type": "text", "text": text, "citations": cited or None} for text, cited in blocks]
    asked = [*documents, {"type": "text", "text": "What colour?"}]
    return {
        "id": "r1",
        "messages": [{"role": "user", "content": asked}],
        "response": {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "claude-some",
            "content": content,
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 1, "output_tokens": 1},
        },
    }


def test_each_cited_block_ends_with_the_number_of_its_document() -> None:
    row = _row(COLOURS, DOCUMENT)
    assert read(row) == {
        "id": "r1",
        "generator": "claude-some",
        "question": "What colour?",
        "passages": [{"text": GRASS, "title": "Colours", "context": "a primer"}],
        "answer": "According to it, the grass is green [1] and the sky is blue [1].",
        "anthropic": row["response"],
    }


def test_what_the_sdk_holds_is_read_as_its_dump() -> None:
    row = _row(COLOURS, DOCUMENT)
    message = Message.model_validate(row["response"])
    case = read({**row, "response": message})
    assert case["answer"] == read(row)["answer"]
    assert case["anthropic"] == message.model_dump()
    assert loads(dumps(case)) == case


def test_blocks_and_search_results_are_passages_and_quotes_stand_in_for_the_rest() -> None:
    blocks: list[tuple[str, list[Row]]] = [
        ("Tea", [_blocks(2, 3, 1)]),
        (" or all", [_blocks(0, 3, 1)]),
        (" was found", [SEARCHED]),
        (" in the file", [PAGE, copy.deepcopy(PAGE)]),
        (" on the web.", [WEB, _chars(0, 19)]),
    ]
    case = read(_row(blocks, DOCUMENT, BLOCKS, RESULT, PDF))
    texts = [GRASS, "Soup.", "Tea.", "Found.", "From the file.", "From the web."]
    assert [passage["text"] for passage in case["passages"]] == texts
    assert case["answer"] == (
        "Tea [3] or all [2][3] was found [4] in the file [5] on the web. [6][1]"
    )
    assert case["passages"][4] == {"text": "From the file.", "title": "Report", "page": 3}
    assert case["passages"][5]["source"] == "https://b.org"


def test_documents_of_tool_results_count_with_the_others() -> None:
    row = _row([("Found", [SEARCHED])], DOCUMENT)
    tool = {"type": "tool_result", "tool_use_id": "t", "content": [RESULT]}
    row["messages"].append({"role": "user", "content": [tool]})
    case = read(row)
    assert case["answer"] == "Found [2]"
    assert case["question"] == "What colour?"


def test_without_the_request_quotes_are_the_passages() -> None:
    row = {**_row(COLOURS), "question": "Q?"}
    del row["messages"]
    case = read(row)
    assert [passage["text"] for passage in case["passages"]] == [GRASS[:20], GRASS[20:]]
    assert case["answer"].endswith("green [1] and the sky is blue [2].")


def test_a_request_may_be_held_whole_and_fields_of_ones_own_survive() -> None:
    row = _row(COLOURS, DOCUMENT)
    request = {"messages": row["messages"], "max_tokens": 9}
    logged = {"id": "r1", "request": request, "response": row["response"], "mine": 1}
    assert read(logged) == {**read(row), "mine": 1}


def test_blocks_that_are_not_text_are_passed_over() -> None:
    row = _row(COLOURS, DOCUMENT)
    row["response"]["content"].insert(
        0, {"type": "thinking", "thinking": "Hm [1].", "signature": ""}
    )
    assert read(row)["answer"].startswith("According")


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        ([("a", [_chars(0, 4, 1)])], "content[0].citations[0].document_index: 1, but the request"),
        ([("a", [_blocks(2, 4, 0)])], "content[0].citations[0]: blocks [2, 4), but there are 1"),
        ([("a", [{"type": "char_location"}])], "citations[0].cited_text: this field is missing"),
        ([(None, [])], "response.content[0].text: wanted a string, got null"),
    ],
)
def test_what_is_wrong_is_said_with_its_path(blocks: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read(_row(blocks, DOCUMENT))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([], "row: wanted an object, got list"),
        ({}, "response: this field is missing"),
        ({"response": {"content": "a"}}, "response.content: wanted a list, got a string"),
        ({"response": {"content": [{"type": "text"}]}}, "messages: no user turn has text"),
        ({"response": {"content": []}, "messages": ["a"]}, "messages[0]: wanted an object"),
        ({"response": {"content": []}, "question": 1}, "question: wanted a string, got a number"),
        (
            {"response": {"content": [{"type": "text"}]}, "question": "Q?"},
            "response.content[0].text: this field is missing",
        ),
    ],
)
def test_a_row_that_is_no_answer_is_refused(row: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read(row)
    assert str(caught.value).startswith(message)


def test_a_record_becomes_cited_blocks_that_the_sdk_takes() -> None:
    row = write(record())
    blocks = TypeAdapter(list[TextBlock]).validate_python(row["response"]["content"])
    assert "".join(block.text for block in blocks) == ANSWER.replace(" [1]", "")
    cited = [[c.model_dump()["cited_text"] for c in block.citations or ()] for block in blocks]
    assert cited == [[CASE["passages"][0]["text"]], [], ["It has trams."]]


def test_what_is_written_is_a_conversation_that_could_be_sent() -> None:
    row = write(CASE)
    answered = {name: row["response"][name] for name in ("role", "content")}
    for message in (*row["messages"], answered):
        TypeAdapter(MessageParam).validate_python(message)
    for document in row["messages"][0]["content"][:-1]:
        TypeAdapter(DocumentBlockParam).validate_python(document)
    assert matches(row)


def test_every_written_offset_is_a_code_point_of_its_document() -> None:
    row = write(record())
    documents = row["messages"][0]["content"]
    cited = [c for block in row["response"]["content"] for c in block.get("citations", ())]
    assert len(cited) == 2
    for citation in cited:
        whole = documents[citation["document_index"]]["source"]["data"]
        piece = whole[citation["start_char_index"] : citation["end_char_index"]]
        assert piece == citation["cited_text"]


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(HARD, st.lists(st.sampled_from([0, 1]), max_size=2)), min_size=1))
def test_a_case_that_was_read_comes_back_from_what_it_is_written_as(
    blocks: list[tuple[str, list[int]]],
) -> None:
    cited = [("a" + text, [_chars(0, 4, n) for n in numbers]) for text, numbers in blocks]
    case = read_case(read(_row(cited, DOCUMENT, DOCUMENT)), default_id="1", answered=True)
    assert loads(dumps(case)) == case
    row = write(case)
    TypeAdapter(list[TextBlock]).validate_python(row["response"]["content"])
    again = read_case(read(row), default_id="1", answered=True)
    assert "".join(again["answer"].split()) == "".join(case["answer"].split())
    assert again["passages"] == case["passages"]


def test_a_lone_surrogate_is_kept() -> None:
    row = write({**CASE, "answer": "\ud83d fell [1]."})
    blocks = TypeAdapter(list[TextBlock]).validate_python(row["response"]["content"])
    assert blocks[0].text == "\ud83d fell"
    assert read(row)["answer"] == "\ud83d fell [1]."


def test_the_markers_of_what_was_read_are_the_citations_to_audit() -> None:
    case = read_case(read(_row(COLOURS, DOCUMENT)), default_id="1", answered=True)
    assert [marker.numbers for marker in to_answer(case).markers] == [(1,), (1,)]
