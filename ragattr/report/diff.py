"""A revision for people at a terminal: what went, what came, and the evidence for each edit."""

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from ragattr.record import Row
from ragattr.report.summary import code_points, passage_name, passage_numbers, readable
from ragattr.report.terminal import one_line, print_text
from ragattr.text.offsets import positions

_GONE, _NEW = "red strike", "bold green"
_INDENT = 4


def print_revision(record: Row, console: Console) -> None:
    """Print question, the answer with its edits, and under it each edit with its evidence."""
    revision = record["revision"]
    answer = record["answer"]
    places = positions(answer, record["offsets"])
    edits = [(*code_points(places, edit), edit) for edit in revision["edits"]]
    print_text(console, Text(one_line(record["question"]), "bold"))
    print_text(console, Text())
    print_text(console, _marked(answer, edits, plain=console.no_color or not console.is_terminal))
    for number, (_, _, edit) in enumerate(edits, start=1):
        print_text(console, Text())
        print_text(console, _heading(edit, number))
        if quoted := _evidence(record, edit):
            print_text(console, quoted, indent=_INDENT)
    print_text(console, Text())
    for i in revision.get("unsupported", ()):
        said = one_line(revision["claims"][i]["text"])
        print_text(console, Text.assemble(("no evidence supports: ", "bold yellow"), said))
    for warning in [*record["warnings"], *revision.get("warnings", ())]:
        print_text(console, Text.assemble(("warning: ", "bold yellow"), one_line(warning)))
    print_text(console, Text(_summary(record), "dim"))


def _marked(answer: str, edits: Sequence[tuple[int, int, Row]], *, plain: bool) -> Text:
    """The answer, with what goes struck out before what comes; in a pipe in brackets."""
    text, cursor = Text(), 0
    for start, end, edit in edits:
        text.append(readable(answer[cursor:start]))
        if edit["before"]:
            text.append(readable(f"[-{edit['before']}-]" if plain else edit["before"]), _GONE)
        if edit["after"]:
            text.append(readable(f"{{+{edit['after']}+}}" if plain else edit["after"]), _NEW)
        cursor = end
    return text.append(readable(answer[cursor:]))


def _heading(edit: Row, number: int) -> Text:
    before, after = one_line(edit["before"]), one_line(edit["after"])
    line = Text.assemble((f"{number:>3} ", "bold"))
    if before:
        line.append(before, _GONE)
    if before and after:
        line.append(" → ")
    if after:
        line.append(after, _NEW)
    return line.append(f"  {one_line(edit['reason'])}", "dim")


def _evidence(record: Row, edit: Row) -> Text | None:
    place = edit.get("evidence")
    if place is None:
        return None
    number = passage_numbers(record)[place["passage"]]
    passage = record["passages"][number - 1]
    start, end = code_points(positions(passage["text"], record["offsets"]), place)
    name = one_line(passage_name(passage, number))
    line = Text(f"[{number}] {name}: ")
    return line.append(one_line(passage["text"][start:end]), "italic")


def _summary(record: Row) -> str:
    revision, verifier = record["revision"], record["verifier"]
    n = len(revision["edits"])
    judged = f"; support: judged by {verifier['name']}" if verifier else ""
    return one_line(
        f"{n} edit{'' if n == 1 else 's'} by {revision['method']}, "
        f"{revision['preservation']:.0%} of the text kept{judged}; ragattr {record['ragattr']}"
    )
