"""A revision at a terminal: what went, what came, and why, of any text."""

import io
from typing import Any

import pytest
from rich.console import Console

from ragattr.report.diff import print_revision
from tests.report.test_terminal import record

Row = dict[str, Any]
ANSWER = "The sky 👩\u200d🔬 is red [2]."
REVISED = "The sky 👩\u200d🔬 is blue."
EVIDENCE = {"passage": "sky", "start": 0, "end": 16}


def edit(start: int, before: str, after: str = "", **more: Any) -> Row:
    place = {"start": start, "end": start + len(before), "passage": None, "evidence": None}
    return {**place, "before": before, "after": after, "reason": "because", **more}


RED = edit(15, "red", "blue", reason="the evidence has another word", evidence=EVIDENCE)
MARKER = edit(18, " [2]", reason="no passage has this number")


def revised(*edits: Row, **changes: Any) -> Row:
    claims = [{"start": 0, "end": len(REVISED), "text": REVISED}]
    revision = {"method": "spans", "text": REVISED, "claims": claims, "edits": list(edits),
                "preservation": 0.905, "unsupported": [], "warnings": []}  # fmt: skip
    return record(answer=ANSWER, revision={**revision, **changes})


def printed(made: Row, *, terminal: bool = False) -> str:
    file = io.StringIO()
    print_revision(made, Console(file=file, width=80, force_terminal=terminal))
    return file.getvalue()


def test_each_edit_stands_in_the_text_and_below_it_with_its_evidence() -> None:
    lines = printed(revised(RED, MARKER)).splitlines()
    assert [line.rstrip() for line in lines] == [
        "What is blue?",
        "",
        "The sky 👩\u200d🔬 is [-red-]{+blue+}[- [2]-].",
        "",
        "  1 red → blue  the evidence has another word",
        "    [1] Sky: The sky is blue.",
        "",
        "  2 [2]  no passage has this number",
        "",
        "2 edits by spans, 90% of the text kept; support: judged by judge; ragattr 0.0.0",
    ]


def test_a_terminal_gets_colours_in_place_of_brackets() -> None:
    said = printed(revised(RED), terminal=True)
    assert "\x1b[9;31mred" in said
    assert "\x1b[1;32mblue" in said
    assert "[-" not in said
    assert "\x1b" not in printed(revised(RED))


def test_offsets_are_read_in_their_unit() -> None:
    """In UTF-16 each of the two emoji is one unit longer."""
    made = revised({**RED, "start": 17, "end": 20})
    made["offsets"] = "utf16"
    assert "is [-red-]{+blue+} [2]." in printed(made)


def test_statements_without_evidence_and_warnings_are_named() -> None:
    said = printed(revised(unsupported=[0], warnings=["the passages contradict each other"]))
    assert f"no evidence supports: {REVISED}" in said
    assert "warning: the passages contradict each other" in said
    assert "0 edits by spans" in said
    assert "1 edit by" in printed(revised(RED))


@pytest.mark.parametrize("text", ["[red]x[/red]", "[/]", ":smile:", "\\[b]", "[link=http://a]b"])
def test_text_is_not_read_as_markup(text: str) -> None:
    made = revised(edit(4, "", text, reason=text), warnings=[text])
    made["question"] = text
    assert printed(made).count(text) == 5


@pytest.mark.parametrize("char", ["\x1b", "\x07", "\x9b", "\r", "\u202e", "\ud800"])
def test_no_text_steers_the_terminal(char: str) -> None:
    made = revised(edit(4, "", f"a{char}b", reason=char), warnings=[char])
    made |= {"question": char, "answer": ANSWER + char}
    assert char not in printed(made)
