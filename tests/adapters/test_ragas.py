from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragattr.adapters.ragas import matches, read, write
from ragattr.errors import InputError
from ragattr.record import read_case
from tests.adapters.rows import ANSWER, CASE, HARD, PARIS, TOWER, record

ROW = {
    "user_input": "When?",
    "response": ANSWER,
    "retrieved_contexts": [TOWER["text"], PARIS["text"]],
    "retrieved_context_ids": ["eiffel", 7],
    "reference": "In 1889.",
}


def test_a_row_is_read_with_its_ids_and_its_reference() -> None:
    assert matches(ROW)
    assert read(ROW) == {
        "reference": "In 1889.",
        "question": "When?",
        "passages": [
            {"id": "eiffel", "text": TOWER["text"]},
            {"id": "7", "text": PARIS["text"]},
        ],
        "answer": ANSWER,
    }


def test_a_sample_is_read_by_its_dump_and_what_it_leaves_open_is_left_out() -> None:
    dump = {**ROW, "rubrics": None, "retrieved_context_ids": None}
    case = read(SimpleNamespace(model_dump=lambda: dump))
    assert case["passages"] == [{"text": TOWER["text"]}, {"text": PARIS["text"]}]
    assert "rubrics" not in case


def test_a_record_is_written_with_the_fields_that_ragas_knows() -> None:
    assert write({**record(), "reference": "In 1889."}) == {
        **ROW,
        "retrieved_context_ids": ["eiffel", "paris"],
    }


@settings(deadline=None)
@given(HARD.filter(str.strip), HARD.filter(str.strip), st.lists(HARD, min_size=1, max_size=3))
def test_a_row_that_is_written_reads_as_the_same_case(
    question: str, answer: str, texts: list[str]
) -> None:
    row = {"question": question, "passages": texts, "answer": answer}
    case = read_case(row, default_id="1", answered=True)
    assert {"id": "1", **read(write(case))} == case


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"user_input": [{"content": "a"}]}, "user_input: wanted a string, got a list"),
        ({"retrieved_contexts": None}, "retrieved_contexts: wanted a list, got null"),
        ({"retrieved_contexts": ["a", 1]}, r"retrieved_contexts\[1\]: wanted a string, got a numb"),
        ({"retrieved_context_ids": ["a"]}, "retrieved_context_ids: 1 ids for 2 contexts"),
        ({"response": 1}, "response: wanted a string, got a number"),
    ],
)
def test_what_is_wrong_is_said_with_its_path(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=f"^{message}"):
        read({**ROW, **change})


def test_a_case_without_an_answer_is_not_written() -> None:
    with pytest.raises(InputError, match="answer: this field is missing"):
        write({**CASE, "answer": None})
