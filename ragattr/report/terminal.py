"""A record for people at a terminal: the answer, and under it each claim with its best evidence."""

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from ragattr.record import Row
from ragattr.report.sentences import Sentence, beginning, either_of, sentences, verified
from ragattr.report.summary import (
    MARKS,
    alarm_words,
    best_row,
    claim_class,
    code_points,
    contradicts,
    dangling,
    figure,
    measured_by,
    passage_name,
    passage_numbers,
    readable,
    split,
    verdict_word,
)
from ragattr.text.offsets import positions

_STYLES = {
    "grounded": "green",
    "post_rationalised": "blue",
    "misgrounded": "yellow",
    "unsupported": "magenta",
    "contradicted": "red",
    "supported": "cyan",
    "unclear": "dim",
    "none": "",
}
_INDENT = 4
_BAR = 6  # cells
_NAME = 28  # cells
_QUOTE = 40  # characters


def print_record(record: Row, console: Console) -> None:
    """Print one record; no text of it is read as markup or reaches the terminal as a command."""
    print_text(console, Text(one_line(record["question"]), "bold"))
    print_text(console, Text())
    print_text(console, _answer(record))
    measured = sentences(record)
    for number, claim in enumerate(record["claims"], start=1):
        print_text(console, Text())
        print_text(console, _heading(record, claim, number))
        for line in _evidence(record, claim, console):
            print_text(console, line, indent=_INDENT)
        for members in either_of(record, number - 1) if claim["needs_support"] else ():
            print_text(console, _same([measured[i] for i in members]), indent=_INDENT)
    print_text(console, Text())
    for alarm in record["alarms"]:
        said = one_line(alarm_words(record, alarm))
        print_text(console, Text.assemble(("alarm: ", "bold red"), said))
    for warning in record["warnings"]:
        print_text(console, Text.assemble(("warning: ", "bold yellow"), one_line(warning)))
    print_text(console, Text(_measured(record), "dim"))


def _answer(record: Row) -> Text:
    """The answer as it stands, each claim coloured and followed by its glyph and number."""
    answer = record.get("answer") or ""
    places = positions(answer, record["offsets"])
    spans = [(*code_points(places, claim), i) for i, claim in enumerate(record["claims"])]
    text = Text()
    for piece in split(answer, spans):
        name = claim_class(record["claims"][piece.inside[0]]) if piece.inside else "none"
        text.append(readable(piece.text), _STYLES[name])
        if name != "none" and piece.inside[0] in piece.closes:
            number = piece.inside[0] + 1
            text.append(f"{MARKS[name].glyph}{number}", f"bold {_STYLES[name]}")
    return text


def _heading(record: Row, claim: Row, number: int) -> Text:
    """Number and class, then the verdict where it says more, and its probability."""
    name = claim_class(claim)
    glyph, word, _ = MARKS[name]
    line = Text.assemble((f"{number:>3} ", "bold"), (f"{glyph} {word}".strip(), _STYLES[name]))
    verdict = verdict_word(claim, record["verifier"])
    if name != "none" and verdict != word:
        line.append(f", {verdict}")
    if name != "none" and claim["probability"] is not None:
        of = "" if claim["verdict"] == "supported" else ", P(supported)"
        line.append(f"{of} {figure(claim['probability'])}")
    return line


def _evidence(record: Row, claim: Row, console: Console) -> Iterator[Text]:
    """Markers that point nowhere; then the best evidence on one line, and its figures."""
    for marker in dangling(claim):
        yield Text(f"marker {one_line(marker)} points to no passage", "red")
    row = best_row(claim)
    if row is not None:
        number = passage_numbers(record)[row["passage"]]
        place = Text(one_line(f"[{number}] {passage_name(record['passages'][number - 1], number)}"))
        place.truncate(_NAME, overflow="ellipsis")
        line = place.append(": ").append(one_line(row["text"]), "italic")
        line.truncate(max(console.width - _INDENT, _NAME), overflow="ellipsis")
        yield line
        yield _figures(record, row, ascii_only=console.options.ascii_only)
    elif claim["needs_support"]:
        yield Text("no evidence", "dim")


def _figures(record: Row, row: Row, *, ascii_only: bool) -> Text:
    """What was measured and judged of one row, and its own class."""
    line = Text()
    _append_bar(line, "used", row["used"], "not measured", ascii_only)
    _append_bar(line, "supports", row["supports"], "not judged", ascii_only)
    if contradicts(row, record["verifier"]):
        _append_bar(line, "contradicts", row["contradicts"], "not judged", ascii_only)
    if row["jointly"]:
        line.append("jointly  ")
    if row["class"] is not None:
        line.append(MARKS[row["class"]].word, _STYLES[row["class"]])
    line.rstrip()
    return line


def _same(group: Sequence[Sentence]) -> Text:
    """Sentences that say the same, each with its passage and its beginning."""
    named = [f'[{member.number}] "{beginning(member.text, _QUOTE)}"' for member in group]
    return Text(one_line(f"either of: {', '.join(named)} say the same"), "dim")


def _append_bar(line: Text, name: str, value: float | None, absent: str, ascii_only: bool) -> None:
    line.append(f"{name} ", "dim")
    if value is None:
        line.append(f"{absent}  ", "italic dim")
        return
    full, empty = "#-" if ascii_only else "█·"
    n_full = round(_BAR * min(max(value, 0.0), 1.0))
    line.append(full * n_full).append(empty * (_BAR - n_full), "dim").append(f" {figure(value)}  ")


def _measured(record: Row) -> str:
    """One line: whose use was measured, how, and who judged."""
    attribution, verifier = record["attribution"], record["verifier"]
    use = f"use: {measured_by(record)}"
    if attribution is not None:
        passes, seconds = attribution["passes"], attribution["seconds"]
        exact = f", verified {said}" if (said := verified(attribution)) else ""
        use += f" ({attribution['method']}, {passes:.1f} passes, {seconds:.1f} s{exact})"
    judged = f"judged by {verifier['name']}" if verifier else "not judged"
    return one_line(f"{use}; support: {judged}; tier {record['tier']}; ragattr {record['ragattr']}")


def one_line(text: str) -> str:
    """Safe to print, on one line."""
    return " ".join(readable(text).split())


def print_text(console: Console, text: Text, *, indent: int = 0) -> None:
    """Print with what the console's encoding can hold; a character that it lacks becomes "?"."""
    text.plain = text.plain.encode(console.encoding, "replace").decode(console.encoding)
    padded = Padding(text, (0, 0, 0, indent), expand=False)
    console.print(padded if indent else text, highlight=False, markup=False, emoji=False)
