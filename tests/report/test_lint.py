"""The three forms of a finding."""

from io import StringIO

from rich.console import Console

from ragattr.report.lint import Found, as_annotation, as_row, print_finding
from ragattr.text.findings import Finding, change
from ragattr.types import Span

ANSWER = "Bees fly [1. So\x1b[2J it is."
FINDING = Finding(
    "malformed", Span(9, 11), "[1 is not closed", change(ANSWER, Span(9, 11), "[1]", "malformed")
)


def printed(found: Found) -> str:
    console = Console(file=StringIO(), width=40)
    print_finding(found, console)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_a_line_for_people_has_place_rule_message_and_words() -> None:
    assert printed(Found("a.jsonl", 3, "q1", ANSWER, FINDING)) == (
        "a.jsonl:3:9 (q1) malformed: [1 is not closed\n    Bees fly [1. So\ufffd[2J it is.\n"
    )


def test_nothing_in_a_row_can_move_the_cursor() -> None:
    finding = Finding("uncited", Span(0, 4), "cites \x1b[31mnothing\r\nat all")
    shown = printed(Found("a\x1b.jsonl", 3, "q\x071\n", ANSWER, finding))
    assert len(shown.splitlines()) == 2
    assert not any(char < " " and char != "\n" for char in shown)


def test_a_row_for_programs_has_offsets_of_the_answer_and_the_fix() -> None:
    row = as_row(Found("-", 3, "q1", ANSWER, FINDING))
    assert ANSWER[row["start"] : row["end"]] == row["text"] == "[1"
    assert row["fix"] == {"start": 9, "end": 11, "before": "[1", "after": "[1]"}


def test_an_annotation_escapes_what_ends_a_property_or_a_command() -> None:
    finding = Finding("uncited", Span(0, 4), "100 % of\n::error::x")
    said = as_annotation(Found("a,b:c%.jsonl", 3, "q1", ANSWER, finding))
    assert said == (
        "::warning file=a%2Cb%3Ac%25.jsonl,line=3,title=ragattr uncited::(q1) 100 %25 of ::error::x"
    )


def test_standard_input_has_no_file_in_an_annotation() -> None:
    said = as_annotation(Found("-", 3, "q1", ANSWER, FINDING))
    assert said == "::warning title=ragattr malformed::(q1) [1 is not closed"
