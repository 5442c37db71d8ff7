"""Findings of `ragattr lint`: a line each for people, for programs, and for GitHub."""

from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from ragattr.record import Row
from ragattr.report.terminal import one_line
from ragattr.text.findings import Finding

_AROUND = 40  # characters of the answer on either side


@dataclass(frozen=True)
class Found:
    """A finding and where it was found.

    Attributes:
        file: as it was named; "-" is standard input.
        line: of the file, from 1.
        id: of the row, else its line.
    """

    file: str
    line: int
    id: str
    answer: str
    finding: Finding


def print_finding(found: Found, console: Console) -> None:
    """Print a finding, unwrapped, with what the console's encoding can hold."""
    text = as_text(found)
    text.plain = text.plain.encode(console.encoding, "replace").decode(console.encoding)
    console.print(text, soft_wrap=True, highlight=False, markup=False, emoji=False)


def as_text(found: Found) -> Text:
    """Where, which rule and what; below it the words of the answer, the place in colour.

    The number behind the line is the place in the answer, in code points from 0.
    """
    span, rule = found.finding.span, found.finding.rule
    start, end = max(span.start - _AROUND, 0), span.end + _AROUND
    parts = (
        (one_line(f"{found.file}:{found.line}:{span.start}"), "bold"),
        f" ({one_line(found.id)}) ",
        (rule, "yellow"),
        f": {one_line(found.finding.message)}",
        "\n    ",
        ("…" if start else "", "dim"),
        (_excerpt(found.answer[start : span.start]), "dim"),
        (_excerpt(span.of(found.answer)), "bold red"),
        (_excerpt(found.answer[span.end : end]), "dim"),
        ("…" if end < len(found.answer) else "", "dim"),
    )
    return Text.assemble(*parts)


def as_row(found: Found) -> Row:
    """The finding as JSON; its offsets are code points of the answer."""
    span, fix = found.finding.span, found.finding.fix
    return {
        "file": found.file,
        "line": found.line,
        "id": found.id,
        "rule": found.finding.rule,
        "start": span.start,
        "end": span.end,
        "text": span.of(found.answer),
        "message": found.finding.message,
        "fix": {
            "start": fix.span.start,
            "end": fix.span.end,
            "before": fix.before,
            "after": fix.after,
        }
        if fix
        else None,
    }


def as_annotation(found: Found) -> str:
    """A workflow command that GitHub shows beside the line.

    Example: `::warning file=a.jsonl,line=3,title=ragattr uncited::(q1) this statement ...`.
    """
    place = "" if found.file == "-" else f"file={_property(found.file)},line={found.line},"
    said = one_line(f"({found.id}) {found.finding.message}")
    return f"::warning {place}title=ragattr {found.finding.rule}::{_data(said)}"


def _excerpt(text: str) -> str:
    """On one line, with the spaces at its ends."""
    shown = one_line(f"|{text}|")
    return shown[1:-1]


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(one_line(text)).replace(":", "%3A").replace(",", "%2C")
