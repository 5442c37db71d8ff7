from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion
from openai.types.responses import Response, ResponseOutputMessage
from pydantic import TypeAdapter

from ragattr.adapters.openai import matches, read, write
from ragattr.errors import InputError
from ragattr.record import dumps, loads, read_case
from tests.adapters.rows import ANSWER, CASE, HARD, PARIS, Row, record

SEARCHED = "https://p.fr/a?utm_source=openai"
LINK = f"([p.fr]({SEARCHED}))"


def _url(start: int, end: int, url: str = SEARCHED) -> Row:
    place = {"start_index": start, "end_index": end}
    return {"type": "url_citation", "url": url, "title": "Paris", **place}


def _file(index: int, file_id: str = "eiffel") -> Row:
    return {"type": "file_citation", "file_id": file_id, "filename": "t.pdf", "index": index}


def _row(text: str, *annotations: Row) -> Row:
    part = {"type": "output_text", "text": text, "annotations": list(annotations)}
    message = {
        "type": "message",
        "id": "m1",
        "role": "assistant",
        "status": "completed",
        "content": [part],
    }
    return {
        "id": "r1",
        "input": "When?",
        "passages": CASE["passages"],
        "response": {"id": "resp_1", "model": "gpt-some", "output": [message]},
    }


def _response(row: Row) -> Row:
    return {
        **row["response"],
        "object": "response",
        "created_at": 1.0,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
    }


def _chat(content: str, *annotations: Row) -> Row:
    message = {"role": "assistant", "content": content, "annotations": list(annotations)}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    response = {"id": "c", "model": "gpt-some", "created": 1, "object": "chat.completion"}
    return {
        "messages": [{"role": "user", "content": "When?"}],
        "passages": CASE["passages"],
        "response": {**response, "choices": [choice]},
    }


def _answer(text: str, *annotations: Row) -> Any:
    return read(_row(text, *annotations))["answer"]


def test_a_link_that_is_annotated_becomes_the_number_of_its_passage() -> None:
    text = f"Paris has trams. {LINK}\n\nAll."
    row = _row(text, _url(17, 17 + len(LINK)))
    assert read(row) == {
        "id": "r1",
        "generator": "gpt-some",
        "question": "When?",
        "passages": CASE["passages"],
        "answer": "Paris has trams. [2]\n\nAll.",
        "openai": row["response"],
    }


@pytest.mark.parametrize(
    ("text", "annotation", "answer"),
    [
        ("Big (https://p.fr/a?utm_source=openai).", (5, 37), "Big [2]."),
        ("Paris is big. So.", (0, 13), "Paris is big. [2] So."),
        ("Paris is big [7]. So.", (13, 16), "Paris is big [2]. So."),
        ("Paris is big [7]. So.", (6, 16), "Paris is big [7] [2]. So."),
    ],
)
def test_words_that_are_annotated_stay_and_a_marker_goes(
    text: str, annotation: tuple[int, int], answer: str
) -> None:
    assert _answer(text, _url(*annotation)) == answer


def test_a_file_is_cited_where_its_index_says() -> None:
    assert _answer("Tall . Yes.", _file(5)) == "Tall [1]. Yes."
    assert _answer("Tall. Yes.", _file(5), _file(5, "paris"), _file(10)) == "Tall. [1][2] Yes. [1]"


def test_links_side_by_side_become_markers_side_by_side() -> None:
    end = 4 + len(LINK)
    text = f"Big {LINK} {LINK}."
    assert _answer(text, _url(end + 1, end + 1 + len(LINK)), _url(4, end)) == "Big [2]."
    assert _answer("Big.", _url(0, 3), _file(3)) == "Big [2][1]."


def test_offsets_in_utf16_units_are_read_where_only_they_meet_the_url() -> None:
    text = f"😀😀 Paris {LINK}"
    start = text.index("(")
    points, units = _url(start, len(text)), _url(start + 2, len(text) + 2)
    assert _answer(text, points) == _answer(text, units) == "😀😀 Paris [2]"
    assert _answer("😀 Paris is big. So.", _url(0, 15)) == "😀 Paris is big. [2] So."


def test_file_searches_give_their_passages_one_for_each_file() -> None:
    row = _row("Tall.", _file(5, "f1"))
    del row["passages"]
    results = [
        {"file_id": "f1", "filename": "a.pdf", "text": "One.", "score": 0.9},
        {"file_id": "f2", "filename": "b.pdf", "text": "Two."},
        {"file_id": "f1", "filename": "a.pdf", "text": "Three."},
        {"file_id": "f3", "text": None},
    ]
    row["response"]["output"].insert(0, {"type": "file_search_call", "results": results})
    case = read(row)
    assert case["answer"] == "Tall. [1]"
    assert case["passages"] == [
        {"id": "f1", "text": "One.\n\nThree.", "source": "a.pdf"},
        {"id": "f2", "text": "Two.", "source": "b.pdf"},
    ]


def test_what_the_responses_sdk_holds_is_read_as_its_dump() -> None:
    row = _row("Tall. Paris is big.", _file(5), _url(6, 18))
    response = Response.model_validate(_response(row))
    case = read({**row, "response": response})
    assert case["answer"] == "Tall. [1] Paris is big [2]."
    assert loads(dumps(case)) == case
    assert matches({"response": response.model_dump()})


def test_what_the_chat_sdk_holds_is_read_as_its_dump() -> None:
    note = {name: value for name, value in _url(0, 12).items() if name != "type"}
    row = _chat("Paris is big.", {"type": "url_citation", "url_citation": note})
    chat = ChatCompletion.model_validate(row["response"])
    case = read({**row, "response": chat})
    assert (case["answer"], case["question"]) == ("Paris is big [2].", "When?")
    assert case["openai"] == chat.model_dump()


def test_content_that_a_server_adds_to_a_citation_is_a_passage() -> None:
    page = {**_url(0, 3, "https://x.org"), "content": "From x."}
    case = read(_chat("Big.", {"type": "url_citation", "url_citation": page}))
    assert case["answer"] == "Big [3]."
    assert case["passages"][2] == {"text": "From x.", "title": "Paris", "source": "https://x.org"}


def test_files_that_a_tool_wrote_are_no_citations() -> None:
    path = {"type": "file_path", "file_id": "f", "index": 0}
    assert _answer("Done.", path) == "Done."


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        (_url(0, 9), ".end_index: no character starts at 9"),
        (_url(-1, 2), ".start_index: no character starts at -1"),
        (_url(2, 2), ": wanted a range of the text, got [2, 2)"),
        (_file(6), ".index: no character starts at 6"),
        ({"type": "file_citation", "file_id": "f"}, ".index: this field is missing"),
        ({"type": "file_citation", "index": 1}, ": it names neither a URL nor a file"),
        (_file(1, "f9"), ": the text of f9 is not in the row: give it under 'passages', with"),
        (_url(0, 1, "https://x"), ": the text of https://x is not in the row"),
        ({"type": 1}, ".type: wanted a string, got a number"),
        ("a", ": wanted an object, got a string"),
    ],
)
def test_an_annotation_that_cannot_be_read_is_refused_by_its_path(
    annotation: Any, message: str
) -> None:
    with pytest.raises(InputError) as caught:
        _answer("Tall.", annotation)
    assert str(caught.value).startswith(f"response.output[0].content[0].annotations[0]{message}")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"response": "a"}, "response: wanted an object, got a string"),
        ({"response": {"output": {}}}, "response.output: wanted a list, got an object"),
        ({"response": {"choices": [{}]}}, "response.choices[0].message: this field is missing"),
        ({"response": {}, "passages": [1]}, "passages[0]: wanted a string or an object"),
        ({"response": {}, "input": [{"role": "user"}]}, "input: no user turn has text"),
        ({"response": {}, "input": 3}, "input: wanted a list, got a number"),
    ],
)
def test_a_row_that_is_no_answer_is_refused(row: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read(row)
    assert str(caught.value).startswith(message)


def test_a_record_becomes_a_message_that_the_sdk_takes() -> None:
    row = write(record())
    (message,) = TypeAdapter(list[ResponseOutputMessage]).validate_python(row["response"]["output"])
    part: Any = message.content[0]
    file, url = part.annotations
    assert part.text == "😀 Built in 1889. Paris has trams. ([p.fr](https://p.fr/a))"
    assert (file.file_id, file.filename, part.text[: file.index]) == (
        "eiffel",
        "Tower",
        "😀 Built in 1889",
    )
    assert part.text[url.start_index : url.end_index] == "([p.fr](https://p.fr/a))"
    assert url.url == PARIS["source"]


def test_a_record_reads_back_with_what_was_found() -> None:
    assert read(write(record()))["answer"] == f"{ANSWER} [2]"


CITED = st.lists(st.tuples(HARD, st.lists(st.sampled_from([1, 2]), unique=True, max_size=2)))


@settings(deadline=None, max_examples=100)
@given(CITED)
def test_a_case_with_plain_markers_comes_back(pieces: list[tuple[str, list[int]]]) -> None:
    marked = "".join(
        f"a{text}".rstrip() + " " * bool(numbers) + "".join(f"[{n}]" for n in numbers)
        for text, numbers in pieces
    )
    case = read_case({**CASE, "answer": f"b{marked}"}, default_id="1", answered=True)
    row = write(case)
    message = row["response"]["output"][0]
    ResponseOutputMessage.model_validate(message)
    again = read(row)
    assert "".join(again["answer"].split()) == "".join(case["answer"].split())
    assert again["passages"] == case["passages"]
