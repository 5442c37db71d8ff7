"""The command that checks markers and quotations, without any model."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ragattr.cli.app import app
from ragattr.cli.shown import say, show_json
from ragattr.errors import ConfigError, InputError
from ragattr.text.findings import RULES

if TYPE_CHECKING:
    from ragattr.report.lint import Found


class FormatName(StrEnum):
    """Who reads the findings."""

    text = "text"
    json = "json"
    github = "github"


class RuleName(StrEnum):
    """What is looked for: the keys of `RULES`."""

    malformed = "malformed"
    out_of_range = "out-of-range"
    dangling_footnote = "dangling-footnote"
    duplicate = "duplicate"
    misplaced = "misplaced"
    over_cited = "over-cited"
    uncited = "uncited"
    quote_absent = "quote-absent"
    quote_near = "quote-near"
    quote_uncited = "quote-uncited"


@app.command()
def lint(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="JSON Lines, cases or records; - for stdin."),
    ],
    format: Annotated[
        FormatName, typer.Option("--format", help="For people, programs, or GitHub workflows.")
    ] = FormatName.text,
    fix: Annotated[
        bool, typer.Option("--fix", help="Mend in the files what needs no judgement.")
    ] = False,
    rule: Annotated[
        list[RuleName] | None, typer.Option("--rule", help="Only this rule; may be repeated.")
    ] = None,
    ignore: Annotated[
        list[RuleName] | None, typer.Option("--ignore", help="Not this rule; may be repeated.")
    ] = None,
) -> None:
    """Check markers and quotations, without a model; exit code 1 says that something was found."""
    from ragattr.batch.answers import read_answers
    from ragattr.batch.rows import Failure, Outcome, read_lines
    from ragattr.report.lint import Found
    from ragattr.text.lint import lint_answer

    rules = [name for name in RULES if (not rule or name in rule) and name not in (ignore or ())]
    if fix:
        _mend(files, rules)
    n_found, n_mendable, n_done, failures = 0, 0, 0, list[Failure]()
    for path in files:
        for answer in read_answers(read_lines(path)):
            if isinstance(answer, Failure):
                failures.append(answer)
                say(f"ragattr: {path}, {answer}")
                continue
            n_done += 1
            for finding in lint_answer(answer.text, answer.passages, rules):
                n_found += 1
                n_mendable += finding.fix is not None and not answer.has_offsets
                _show(Found(str(path), answer.line, answer.id, answer.text, finding), format)
    if not n_done and not failures:
        raise InputError("the input holds no rows")
    if format == FormatName.text:
        typer.echo(_summary(n_found, n_mendable, n_done))
    code = Outcome(n_done, tuple(failures)).exit_code or int(n_found > 0)
    if code:
        raise typer.Exit(code)


def _mend(files: Sequence[Path], rules: Sequence[str]) -> None:
    from ragattr.batch.answers import change_answers
    from ragattr.text.lint import mend_answer

    if any(str(path) == "-" for path in files):
        raise ConfigError("--fix changes files: standard input is none")
    for path in files:
        n_changed = change_answers(path, lambda row: mend_answer(row.text, row.passages, rules))
        if n_changed:
            say(f"{path}: {_counted(n_changed, 'answer')} mended")


def _show(found: "Found", format: FormatName) -> None:
    from rich.console import Console

    from ragattr.report.lint import as_annotation, as_row, print_finding

    if format == FormatName.json:
        show_json(as_row(found))
    elif format == FormatName.github:
        typer.echo(as_annotation(found))
    else:
        print_finding(found, Console())


def _summary(n_found: int, n_mendable: int, n_done: int) -> str:
    mendable = f"; --fix mends {n_mendable}" if n_mendable else ""
    return f"{_counted(n_found, 'finding')} in {_counted(n_done, 'answer')}{mendable}"


def _counted(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"
