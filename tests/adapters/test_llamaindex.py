from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragattr.adapters.llamaindex import matches, read, write
from ragattr.errors import InputError
from ragattr.record import read_case
from tests.adapters.rows import ANSWER, CASE, HARD, PARIS, TOWER, Row, record

METADATA = {"file_name": "a.pdf", "page_label": "3", "title": "A", "author": "me"}


def _node(text: str, node_id: str, metadata: Row, score: float | None) -> SimpleNamespace:
    node = SimpleNamespace(text=text, node_id=node_id, metadata=metadata, start_char_idx=7)
    return SimpleNamespace(node=node, score=score)


def _response(*nodes: SimpleNamespace) -> SimpleNamespace:
    return SimpleNamespace(response=ANSWER, source_nodes=list(nodes), metadata={})


def test_a_response_is_read_by_its_attributes() -> None:
    response = _response(_node("One.", "n1", METADATA, 0.5), _node("Two.", "n2", {}, None))
    assert matches({"question": "Q?", "response": response})
    assert read({"question": "Q?", "response": response, "mine": 1}) == {
        "mine": 1,
        "question": "Q?",
        "passages": [
            {
                "id": "n1",
                "text": "One.",
                "title": "A",
                "source": "a.pdf",
                "page": 3,
                "score": 0.5,
                "metadata": METADATA,
            },
            {"id": "n2", "text": "Two."},
        ],
        "answer": ANSWER,
    }


def test_dumped_nodes_are_read_by_their_fields_the_newer_ones_too() -> None:
    old = {"node": {"id_": "n1", "text": "One.", "metadata": {}}, "score": 1.0}
    new = {"node": {"id_": "n2", "text_resource": {"text": "Two."}}, "score": None}
    case = read({"question": "Q?", "response": ANSWER, "source_nodes": [old, new]})
    assert [passage["text"] for passage in case["passages"]] == ["One.", "Two."]
    assert [passage["id"] for passage in case["passages"]] == ["n1", "n2"]


def test_the_number_that_a_citation_engine_puts_before_a_node_is_taken_off() -> None:
    nodes = [_node("Source 1:\nOne.\n", "a", {}, 0.1), _node("Source 7:\nTwo.", "b", {}, 0.1)]
    case = read({"question": "Q?", "response": _response(*nodes)})
    assert [passage["text"] for passage in case["passages"]] == ["One.\n", "Source 7:\nTwo."]


def test_a_record_becomes_nodes_with_the_largest_figures_of_their_passages() -> None:
    row = write(record())
    tower, paris = row["source_nodes"]
    assert tower == {
        "node": {
            "id_": "eiffel",
            "text": TOWER["text"],
            "metadata": {"title": "Tower", "ragattr": {"used": 0.5, "supports": 0.9}},
        },
        "score": None,
    }
    assert paris["node"]["metadata"]["source"] == PARIS["source"]


@settings(deadline=None)
@given(HARD.filter(str.strip), st.lists(HARD, min_size=1, max_size=3), st.none() | st.floats(0, 1))
def test_a_case_that_is_written_reads_back(
    answer: str, texts: list[str], score: float | None
) -> None:
    passages = [{"id": f"n{i}", "text": text, "page": 2} for i, text in enumerate(texts)]
    scored = [p if score is None else {**p, "score": score} for p in passages]
    row = {"question": "Q?", "passages": scored, "answer": answer}
    case = read_case(row, default_id="1", answered=True)
    again = read(write(case))
    kept = {**again, "passages": [{**p, "metadata": None} for p in again["passages"]]}
    assert {"id": "1", **kept} == {**case, "passages": [{**p, "metadata": None} for p in scored]}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (_response(), "question: this field is missing"),
        ({"question": "Q?"}, "source_nodes: this field is missing"),
        ({"question": "Q?", "source_nodes": {}}, "source_nodes: wanted a list, got an object"),
        ({"question": "Q?", "source_nodes": ["a"]}, "source_nodes[0]: wanted an object"),
        ({"question": "Q?", "source_nodes": [{"node": {}}]}, "source_nodes[0].node.text: this"),
        (
            {"question": "Q?", "source_nodes": [], "response": 1},
            "response: wanted a string, got a number",
        ),
        (
            {"question": "Q?", "source_nodes": [{"node": {"text": "a", "metadata": 1}}]},
            "source_nodes[0].node.metadata: wanted an object",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_path(row: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read(row)
    assert str(caught.value).startswith(message)


def test_a_response_of_the_real_package_is_read_where_it_is_installed() -> None:
    schema = pytest.importorskip("llama_index.core.schema")
    response = pytest.importorskip("llama_index.core.base.response.schema")
    node = schema.TextNode(text="One.", id_="n1", metadata={"title": "A"})
    found = response.Response("Yes [1].", [schema.NodeWithScore(node=node, score=0.5)])
    case = read({"question": "Q?", "response": found})
    assert case["passages"][0]["text"] == "One."
    assert schema.NodeWithScore.from_dict(write(CASE)["source_nodes"][0]).node.text == TOWER["text"]
