import copy
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragattr.adapters.pieces import Cite, Piece, answered, cut_answer, joined
from ragattr.errors import InputError
from ragattr.record import read_case, to_answer
from ragattr.text.offsets import OffsetUnit
from ragattr.types import Span
from tests.adapters.rows import CASE, HARD, PARIS, Row, record

CITES = st.lists(st.integers(1, 3).map(Cite), max_size=3).map(tuple)
PIECES = st.lists(st.builds(Piece, HARD, CITES), max_size=5)


def _case(answer: str, n_passages: int = 3) -> Row:
    passages = [f"Passage {n}." for n in range(n_passages)]
    row = {"question": "Q?", "passages": passages, "answer": answer}
    return read_case(row, default_id="1", answered=False)


@pytest.mark.parametrize(
    ("answer", "pieces"),
    [
        ("No marker. None.", [("No marker. None.", ())]),
        ("One [1]. Two.", [("One", (1,)), (". Two.", ())]),
        ("One. [1] Two [2][3].", [("One.", (1,)), (" Two", (2, 3)), (".", ())]),
        ("One. Two [2].", [("One. ", ()), ("Two", (2,)), (".", ())]),
        ("One [1, 3] and two [2-3].", [("One", (1, 3)), (" and two", (2, 3)), (".", ())]),
        ("One [1][9]. Two [7].", [("One", (1,)), ("[9]. Two [7].", ())]),
        ("[2] Two comes first.", [(" Two comes first.", (2,))]),
        ("[2]", [("", (2,))]),
    ],
)
def test_a_piece_ends_where_a_marker_stood(
    answer: str, pieces: list[tuple[str, tuple[int, ...]]]
) -> None:
    assert [(piece.text, piece.numbers) for piece in cut_answer(_case(answer))] == pieces


@pytest.mark.parametrize(
    "answer",
    [
        "One [1]. Two [2][3].",
        "Eins. [1] Zwei [2]\n\n- drei [3]\n",
        "the grass 😀 [1] and the sky\u0301 [2].\r\nNo more",
        "No marker at all. \n",
        "Nowhere [9], and somewhere [1].",
    ],
)
def test_an_answer_with_plain_markers_comes_back_as_it_was(answer: str) -> None:
    assert joined(cut_answer(_case(answer))) == answer


def test_a_marker_goes_before_the_trailing_space_of_its_piece() -> None:
    pieces = [Piece("One. \n", (Cite(2), Cite(2), Cite(1))), Piece("Two")]
    assert joined(pieces) == "One. [2][1] \nTwo"


@settings(deadline=None, max_examples=150)
@given(PIECES)
def test_cutting_and_joining_settle_at_once(pieces: list[Piece]) -> None:
    once = joined(cut_answer(_case(joined(pieces))))
    assert joined(cut_answer(_case(once))) == once


@settings(deadline=None, max_examples=150)
@given(PIECES)
def test_no_character_and_no_citation_is_lost(pieces: list[Piece]) -> None:
    case = _case(joined(pieces))
    again = cut_answer(case)
    said = "".join(piece.text for piece in pieces)
    assert "".join("".join(piece.text for piece in again).split()) == "".join(said.split())
    cited = {number for piece in pieces for number in piece.numbers}
    assert {number for piece in again for number in piece.numbers} == cited
    assert {number for m in to_answer(case).markers for number in m.numbers} == cited


@pytest.mark.parametrize("unit", get_args(OffsetUnit))
def test_a_record_in_any_unit_cites_what_was_found_to_support(unit: OffsetUnit) -> None:
    sentence = Span(PARIS["text"].index("It"), len(PARIS["text"]))
    assert cut_answer(answered(record(unit))) == (
        Piece("😀 Built in 1889", (Cite(1),)),
        Piece(". "),
        Piece("Paris has trams.", (Cite(2, sentence),)),
    )


@pytest.mark.parametrize(
    ("change", "is_cited"),
    [
        ({"class": None, "supports": 0.8}, True),
        ({"class": None, "supports": 0.7}, False),
        ({"class": None, "supports": None}, False),
        ({"class": None, "supports": 0.1, "jointly": True}, True),
        ({"class": "misgrounded", "supports": 0.9}, False),
        ({"class": "post_rationalised", "supports": 0.1}, True),
    ],
)
def test_without_a_class_the_threshold_of_the_verifier_decides(change: Row, is_cited: bool) -> None:
    row = record()
    card = {"name": "v", "revision": "1", "threshold": 0.75, "contradiction_threshold": 0.9}
    row["verifier"] = card
    row["claims"][1]["citations"][0] |= change
    assert (2 in cut_answer(row)[-1].numbers) is is_cited


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"start": 5}, r"claims\[1\].citations\[0\]: its text does not stand at \[5, 29\)"),
        ({"end": 900}, r"citations\[0\]: its text does not stand at \[16, 900\)"),
        ({"passage": "x"}, r"claims\[1\].citations\[0\].passage: no passage has the id 'x'"),
    ],
)
def test_a_row_that_is_not_where_it_says_is_refused(change: Row, message: str) -> None:
    row: Any = copy.deepcopy(record())
    row["claims"][1]["citations"][0] |= change
    with pytest.raises(InputError, match=message):
        cut_answer(row)


def test_a_record_with_a_field_of_the_wrong_type_is_refused_by_its_path() -> None:
    row = record()
    row["claims"][0]["citations"][1]["supports"] = "yes"
    message = r"claims\[0\].citations\[1\].supports: wanted a number, got a string"
    with pytest.raises(InputError, match=message):
        answered(row)
    with pytest.raises(InputError, match="answer: this field is missing"):
        answered({name: value for name, value in CASE.items() if name != "answer"})
