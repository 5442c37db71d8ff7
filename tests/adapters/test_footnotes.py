from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragattr.adapters.footnotes import matches, read, write
from ragattr.errors import InputError
from ragattr.record import read_case, to_answer
from tests.adapters.rows import CASE, HARD, record

MARKDOWN = """The tower is tall.[^b][^a] It is old[^b].

[^a]: It is 330 m high.
[^b]: Built in
    1889.

    Opened later.

Not part of it.[^c]
"""


def _answer(answer: str, **fields: Any) -> Any:
    return read({"question": "Q?", "answer": answer, **fields})


def test_definitions_are_the_passages_and_references_their_numbers() -> None:
    assert _answer(MARKDOWN, mine=1) == {
        "mine": 1,
        "question": "Q?",
        "passages": [
            {"id": "a", "text": "It is 330 m high."},
            {"id": "b", "text": "Built in\n1889.\n\nOpened later."},
        ],
        "answer": (
            "The tower is tall. [2][1] It is old [2].\n\nNot part of it. [3]"
        ),
    }  # fmt: skip


def test_a_footnote_that_is_nowhere_defined_points_nowhere() -> None:
    case = _answer("One[^1]. Two[^x][^y]. Three[^x].\n\n[^1]: One.")
    assert case["answer"] == "One [1]. Two [2][3]. Three [2]."
    markers = to_answer(read_case(case, default_id="1", answered=True)).markers
    assert [marker.numbers for marker in markers] == [(1,), (2,), (3,), (2,)]


def test_with_passages_a_number_is_a_place_and_a_name_an_id() -> None:
    passages = ["One.", {"id": "1", "text": "Two."}, {"id": "tower", "text": "Three."}]
    case = _answer("a[^1] b[^2] c[^tower] d[^7]\n\n[^1]: One, p. 3", passages=passages)
    assert case["answer"] == "a [1] b [2] c [3] d [4]"
    assert case["passages"] == passages


def test_windows_line_ends_are_read() -> None:
    case = _answer("One.[^1]\r\nTwo.\r\n\r\n[^1]: A\r\n    b.\r\n")
    assert case["answer"] == "One. [1]\r\nTwo."
    assert case["passages"] == [{"id": "1", "text": "A\r\nb."}]


def test_blank_lines_without_end_are_read_in_no_time() -> None:
    case = _answer("One.[^1]\n[^1]: A\n" + " \n" * 50_000 + "x")
    assert case["answer"] == "One. [1]\nx"


def test_a_record_becomes_a_text_with_its_sources_below() -> None:
    row = write({**record(), "passages": [{**p, "page": 3} for p in CASE["passages"]]})
    assert row["answer"] == (
        "😀 Built in 1889[^1]. Paris has trams.[^2]\n\n"
        "[^1]: Tower, p. 3\n[^2]: https://p.fr/a, p. 3"
    )
    assert matches(row)
    assert not matches({**row, "claims": []})


def test_a_passage_without_title_or_source_is_defined_by_its_text() -> None:
    row = write({"question": "Q?", "passages": ["One\nmore."], "answer": "Yes [1]."})
    assert row["answer"] == "Yes[^1].\n\n[^1]: One\n    more."
    alone = {"question": "Q?", "answer": row["answer"]}
    assert read(alone)["passages"] == [{"id": "1", "text": "One\nmore."}]


def test_an_answer_that_cites_nothing_has_no_notes() -> None:
    assert write({**CASE, "answer": "Nothing."})["answer"] == "Nothing."


CITED = st.lists(st.tuples(HARD, st.lists(st.sampled_from([1, 2]), unique=True, max_size=2)))


@settings(deadline=None, max_examples=100)
@given(CITED)
def test_a_case_with_plain_markers_comes_back(pieces: list[tuple[str, list[int]]]) -> None:
    marked = "".join(
        f"a{text}".rstrip() + " " * bool(numbers) + "".join(f"[{n}]" for n in numbers)
        for text, numbers in pieces
    )
    case = read_case({**CASE, "answer": f"b{marked}"}, default_id="1", answered=True)
    again = read(write(case))
    assert "".join(again["answer"].split()) == "".join(case["answer"].split())
    assert again["passages"] == case["passages"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"answer": "a"}, "question: this field is missing"),
        ({"question": "Q?", "answer": 1}, "answer: wanted a string, got a number"),
        ({"question": "Q?", "answer": "a", "passages": "b"}, "passages: wanted a list"),
        (
            {"question": "Q?", "answer": "a[^1]\n[^1]: b\n[^1]: c"},
            "answer: the footnote '1' is defined twice",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_path(row: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read(row)
    assert str(caught.value).startswith(message)
