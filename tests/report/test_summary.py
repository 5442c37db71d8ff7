from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragattr.report.summary import (
    MARKS,
    best_row,
    claim_class,
    code_points,
    dangling,
    figure,
    measured_by,
    passage_name,
    readable,
    row_class,
    split,
    verdict_word,
)
from ragattr.text.offsets import positions

VERIFIER = {"name": "v", "revision": "1", "threshold": 0.6, "contradiction_threshold": 0.8}


def row(**changes: Any) -> dict[str, Any]:
    figures = {"used": None, "supports": None, "contradicts": None, "class": None}
    place = {"origin": "found", "passage": "a", "start": 0, "end": 1, "text": "x"}
    rest = {"jointly": False, "group": None, "marker": None, "problem": None}
    return {**place, **figures, **rest, **changes}


def claim(verdict: str, *classes: str | None, needs_support: bool = True) -> dict[str, Any]:
    citations = [row(**{"class": name}) for name in classes]
    return {"verdict": verdict, "needs_support": needs_support, "citations": citations}


@pytest.mark.parametrize(
    ("given_claim", "expected"),
    [
        (
            claim("supported", "unsupported", "misgrounded", "post_rationalised", "grounded"),
            "grounded",
        ),
        (claim("supported", "misgrounded", "post_rationalised"), "post_rationalised"),
        (claim("not_enough_information", "unsupported", "misgrounded"), "misgrounded"),
        (claim("not_enough_information", "unsupported", None), "unsupported"),
        (claim("contradicted", "grounded"), "contradicted"),
        (claim("supported", None), "supported"),
        (claim("supported"), "supported"),
        (claim("not_enough_information"), "unsupported"),
        (claim("unclear"), "unclear"),
        (claim("unclear", "misgrounded"), "misgrounded"),
        (claim("unclear", needs_support=False), "none"),
        (claim("supported", "grounded", needs_support=False), "none"),
    ],
)
def test_a_claim_has_the_class_of_its_best_row(given_claim: dict[str, Any], expected: str) -> None:
    assert claim_class(given_claim) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"class": "grounded", "contradicts": 0.79}, "grounded"),
        ({"class": "misgrounded", "contradicts": 0.8}, "contradicted"),
        ({"supports": 0.6}, "supported"),
        ({"supports": 0.59}, "unsupported"),
        ({"supports": 0.1, "jointly": True}, "supported"),
        ({}, "unclear"),
    ],
)
def test_a_row_without_a_class_shows_what_was_judged(fields: dict[str, Any], expected: str) -> None:
    assert row_class(row(**fields), VERIFIER) == expected


def test_no_two_classes_share_a_glyph_or_a_word() -> None:
    assert len({mark.glyph for mark in MARKS.values()}) == len(MARKS)
    assert len({mark.word for mark in MARKS.values()}) == len(MARKS)


def test_the_best_row_supports_most_and_a_sentence_wins_a_tie() -> None:
    passage, sentence = row(origin="answer", supports=0.9), row(supports=0.9)
    rows = [row(passage=None, origin="answer"), passage, sentence, row(supports=0.2)]
    assert best_row({"verdict": "supported", "citations": rows}) is sentence
    assert best_row({"verdict": "supported", "citations": rows[:2]}) is passage
    assert best_row({"verdict": "supported", "citations": rows[:1]}) is None


def test_a_contradicted_claim_shows_the_row_that_contradicts() -> None:
    rows = [row(supports=0.4, contradicts=0.1), row(supports=0.0, contradicts=0.9)]
    assert best_row({"verdict": "contradicted", "citations": rows}) is rows[1]


def test_each_dangling_marker_is_named_once() -> None:
    lost = row(origin="answer", passage=None, problem="dangling", marker={"text": "[8, 9]"})
    assert dangling({"citations": [lost, lost, row()]}) == ["[8, 9]"]


@pytest.mark.parametrize(
    ("attribution", "expected"),
    [
        (None, "not measured"),
        ({"proxy": True}, "as read by tiny"),
        ({"proxy": None}, "as read by tiny"),
        ({"proxy": False}, "measured in tiny, which wrote this answer"),
    ],
)
def test_a_reader_is_not_passed_off_as_the_writer(attribution: Any, expected: str) -> None:
    assert measured_by({"attribution": attribution, "model": {"name": "tiny"}}) == expected


def test_without_a_verifier_nothing_is_called_unclear() -> None:
    assert verdict_word({"verdict": "unclear"}, None) == "not judged"
    assert verdict_word({"verdict": "not_enough_information"}, VERIFIER) == "not enough information"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.0, "0.00"),
        (0.004, "<0.01"),
        (0.005, "0.01"),
        (0.994, "0.99"),
        (0.999, ">0.99"),
        (1.0, "1.00"),
    ],
)
def test_a_figure_is_not_rounded_to_a_certainty(value: float, expected: str) -> None:
    assert figure(value) == expected


@pytest.mark.parametrize(
    ("passage", "expected"),
    [
        ({"id": "a", "title": "T"}, "T"),
        ({"id": "a", "title": None, "source": "f"}, "a"),
        ({"id": "2", "source": "f"}, "f"),
        ({"id": "2"}, ""),
    ],
)
def test_a_passage_is_not_named_after_its_own_number(passage: Any, expected: str) -> None:
    assert passage_name(passage, 2) == expected


@pytest.mark.parametrize("char", ["\x00", "\x1b", "\x7f", "\x9b", "\u202e", "\u2067", "\ud800"])
def test_a_character_that_steers_or_breaks_is_replaced(char: str) -> None:
    assert readable(f"a{char}b") == "a\ufffdb"


def test_ordinary_text_stays_as_it_is() -> None:
    text = "é 😀 שלום\n\tمرحبا\u200f \u200d"
    assert readable(text) == text


def test_overlapping_spans_are_cut_at_every_edge() -> None:
    pieces = split("abcdef", [(0, 3, "x"), (2, 5, "y"), (2, 2, "empty")])
    assert [(piece.text, piece.inside) for piece in pieces] == [
        ("ab", ("x",)),
        ("c", ("x", "y")),
        ("de", ("y",)),
        ("f", ()),
    ]
    assert [piece.opens for piece in pieces] == [("x",), ("y",), (), ()]
    assert [piece.closes for piece in pieces] == [(), ("x",), ("y",), ()]


@given(
    st.text(max_size=12),
    st.lists(st.tuples(st.integers(-2, 14), st.integers(-2, 14), st.integers()), max_size=5),
)
def test_pieces_join_to_the_text_and_know_their_spans(
    text: str, spans: list[tuple[int, int, int]]
) -> None:
    pieces = split(text, spans)
    assert "".join(piece.text for piece in pieces) == text
    for piece in pieces:
        for at in range(piece.start, piece.start + len(piece.text)):
            assert piece.inside == tuple(tag for start, end, tag in spans if start <= at < end)


@pytest.mark.parametrize(
    ("unit", "start", "end"), [("codepoints", 2, 4), ("utf8", 6, 9), ("utf16", 3, 5)]
)
def test_offsets_of_every_unit_find_the_same_text(unit: Any, start: int, end: int) -> None:
    text = "é😀bé."
    first, last = code_points(positions(text, unit), {"start": start, "end": end})
    assert text[first:last] == "bé"
