"""What counts as repaired, and answers whose markers are broken."""

import random

import pytest

from eval.citation_repair import N_BESIDE, N_CLAIMS, Answered, broken, numbers
from eval.revision import Revised, Text, _repair, _same
from ragattr.learn.rows import Row
from ragattr.text.claims import read_claims

SIZE = N_CLAIMS + N_BESIDE


def _rows(n: int) -> list[Row]:
    return [
        Row(f"The tower number {i} is old.", (f"Tower {i} is old.",), "s", "supported", str(i))
        for i in range(n)
    ]


def test_markers_case_space_and_thousands_are_no_difference() -> None:
    assert _same("It has 1,200 Rooms [3].", "it has 1200  rooms .")
    assert not _same("It has 1,200 rooms.", "It has 1,300 rooms.")


def test_a_repair_is_the_right_text_and_nothing_else() -> None:
    text = Text("1", "", "It has 4.", ("It has 3.",), "It has 3.", "number")
    rows = [(text, Revised(said, 1, 0.0)) for said in ("It has 3.", "It has 5.", "It has 4.", "")]
    found = _repair(rows)
    assert found["n"] == 4
    assert found["exact"][0] == 0.25
    assert found["changed_otherwise"] == 0.5
    assert found["removed"] == 0.25


def test_broken_answers_hold_four_claims_and_two_passages_too_many() -> None:
    answers = broken(_rows(40), 6, random.Random(0))
    assert len(answers) == 6
    for answer in answers:
        claims, _ = read_claims(answer.text, SIZE)
        assert len(answer.passages) == SIZE
        for claim, right in zip(claims, answer.right, strict=True):
            number = claim.text.split()[3]
            assert answer.passages[right - 1] == f"Tower {number} is old."


def test_the_numbers_of_a_text_against_the_right_ones() -> None:
    answer = Answered(("a", "b", "c"), "", (1, 2))
    found = numbers([answer], ["The tower is old [1]. The bridge is new [3][2]."])
    assert found["precision"] == pytest.approx(2 / 3)
    assert found["recall"] == 1.0
    assert found["claims_exact"][0] == 0.5
