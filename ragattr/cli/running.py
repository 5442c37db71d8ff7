"""How a command goes through its rows: read, work, write, report."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ragattr import __version__
from ragattr.cli.shown import say, show_json, show_record
from ragattr.errors import ConfigError, InputError
from ragattr.written import write_whole

if TYPE_CHECKING:
    from ragattr.api import Work
    from ragattr.batch.rows import Outcome
    from ragattr.batch.state import RunState
    from ragattr.record import Row
    from ragattr.retrieval.index import Index
    from ragattr.types import Passage

SECONDS_BETWEEN_LINES = 60  # of progress, where there is no terminal


def needed(input: Path | None) -> Path:
    """The input, which this command cannot do without."""
    if input is None:
        raise ConfigError("give --input FILE (JSON Lines), or - for standard input")
    return input


def questions(question: str | None, input: Path | None) -> list[str] | None:
    """The line that one question makes; None when a file has them."""
    if (question is None) == (input is None):
        raise ConfigError("give either --question or --input")
    return None if question is None else [json.dumps({"question": question})]


def corpus_of(docs: list[Path] | None, index: Path | None) -> "Sequence[Passage] | Index":
    """What to search: files and folders, or an index of them."""
    if bool(docs) == (index is not None):
        raise ConfigError("give either --docs PATH... or --index DIR")
    if index is not None:
        from ragattr.retrieval.index import open_index

        return open_index(index)
    from ragattr.retrieval.documents import read_corpus

    corpus = read_corpus(docs or [])
    for line in corpus.skipped:
        say(f"skipped {line}")
    return corpus.passages


def run_work(
    start: Callable[[], "Work"],
    input: Path | None,
    lines: Sequence[str] | None,
    *,
    output: Path | None,
    as_json: bool,
    engine: str = "local",
    workers: int | None = None,
    rows_together: int = 1,
    read: "Callable[[Row], Row] | None" = None,
    shaped: "Callable[[Row], Row] | None" = None,
    html: Path | None = None,
    show: "Callable[[Row], None] | None" = None,
    render: "Callable[[Sequence[Row]], str] | None" = None,
) -> None:
    """Read rows, do the work on each, write and print them; leave with their exit code.

    With input and output files, what is finished is kept beside the output until all is done: the
    same command, given again after it was stopped, goes on, and does failed rows again.

    Args:
        read: makes a case of a row in somebody else's shape.
        shaped: makes such a row of a record, to be written or printed as JSON.
    """
    from ragattr.batch.engine import engine_of
    from ragattr.batch.rows import as_it_is, run_rows
    from ragattr.batch.sources import count_rows, read_rows
    from ragattr.report.html import render_html

    rows = _begun(read_rows(str(input)) if input else enumerate(lines or [], start=1))
    total = count_rows(str(input)) if input else len(lines or [])
    kept = list["Row"]()
    show = show or show_record
    with _state(input, output) as state, sinks(output, html) as write:
        working = engine_of(engine, start, workers=workers, rows_together=rows_together)

        def sink(row: "Row") -> None:
            told = shaped(row) if shaped else row
            write(told)
            if html is not None:
                kept.append(row)
            if as_json:
                show_json(told)
            elif output is None or input is None:
                show(row)

        outcome = run_rows(progress(rows, total), working, sink, read=read or as_it_is, state=state)
        _report(outcome, alone=input is None)
        if html is not None and kept:
            write_whole(html, (render or render_html)(kept))
    if state is not None and not outcome.failures:
        state.path.unlink(missing_ok=True)
    if outcome.exit_code:
        raise typer.Exit(outcome.exit_code)


def _begun(rows: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """The rows, the first of them read: a file that cannot be is found before a model is loaded."""
    left = iter(rows)
    first = list(islice(left, 1))
    return chain(first, left)


@contextmanager
def _state(input: Path | None, output: Path | None) -> "Iterator[RunState | None]":
    """Where finished rows are kept, when both ends are files; known by the command's own words."""
    from ragattr.batch.state import open_state

    if input is None or output is None or (output.exists() and not output.is_file()):
        yield None
        return
    if not os.access(output.absolute().parent, os.W_OK):
        yield None  # whoever opens the output says so
        return
    settings = {"ragattr": __version__, "arguments": sys.argv[1:]}
    path, is_empty = output.with_name(f"{output.name}.run"), False
    try:
        with open_state(path, settings, retries=True) as state:
            try:
                yield state
            finally:
                is_empty = state.is_empty
    finally:
        if is_empty:
            path.unlink(missing_ok=True)


@contextmanager
def sinks(output: Path | None, html: Path | None) -> "Iterator[Callable[[Row], None]]":
    """A writer to the output file, if any; both files are tried before any work is done."""
    from ragattr.batch.rows import jsonl_writer

    if html is not None and not os.access(html.absolute().parent, os.W_OK):
        raise InputError(f"cannot write {html}: no such folder, or no right to write there")
    if output is None:
        yield lambda row: None
    else:
        with jsonl_writer(output) as write:
            yield write


def progress(rows: Iterable[tuple[int, str]], total: int | None) -> Iterator[tuple[int, str]]:
    """The rows, while it is shown how many are done, how quickly, and how long the rest takes.

    A bar on a terminal, a line a minute elsewhere; nothing for a single row.
    """
    if total is not None and total < 2:
        yield from rows
        return
    if not sys.stderr.isatty():
        yield from _told(rows, total)
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("cases"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )  # fmt: skip
    started = time.monotonic()
    with Progress(*columns, console=Console(stderr=True)) as shown:
        task = shown.add_task("cases", total=total, rate="")
        for n, row in enumerate(rows):
            rate = n / max(time.monotonic() - started, 1e-9)
            shown.update(task, completed=n, rate=f"{rate:.1f} a second")
            yield row
        shown.update(task, completed=total or 0)


def _told(rows: Iterable[tuple[int, str]], total: int | None) -> Iterator[tuple[int, str]]:
    started = said = time.monotonic()
    for n, row in enumerate(rows):
        now = time.monotonic()
        if now - said >= SECONDS_BETWEEN_LINES and n:
            rate, said = n / (now - started), now
            left = "" if total is None else f" of {total}, {(total - n) / rate / 60:.0f} min left"
            say(f"{n}{left}, {rate:.1f} a second")
        yield row


@contextmanager
def bar(total: int, what: str) -> "Iterator[Callable[..., None]]":
    """A progress bar on a terminal, nothing in a pipe; it is told how much of what is done."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task(what, total=total)
        yield lambda done, of=total, what=what: progress.update(
            task, completed=done, total=of, description=what
        )


def _report(outcome: "Outcome", *, alone: bool) -> None:
    for failure in outcome.failures:
        say(f"ragattr: {failure.message if alone else failure}")
