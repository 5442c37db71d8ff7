"""How a command goes through its rows: read, work, write, report."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ragattr.cli.shown import say, show_json, show_record
from ragattr.errors import ConfigError, InputError

if TYPE_CHECKING:
    from ragattr.api import Work
    from ragattr.batch.rows import Outcome
    from ragattr.record import Row
    from ragattr.retrieval.index import Index
    from ragattr.types import Passage


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
    html: Path | None = None,
    show: "Callable[[Row], None] | None" = None,
    render: "Callable[[Sequence[Row]], str] | None" = None,
) -> None:
    """Read rows, do the work on each, write and print them; leave with their exit code."""
    from ragattr.batch.rows import read_lines, run_rows
    from ragattr.report.html import render_html

    numbered = read_lines(input) if input is not None else enumerate(lines or [], start=1)
    rows = list(numbered)  # a file that cannot be read is found before a model is loaded
    kept = list["Row"]()
    show = show or show_record
    with sinks(output, html) as write:
        work = start()

        def sink(row: "Row") -> None:
            write(row)
            if html is not None:
                kept.append(row)
            if as_json:
                show_json(row)
            elif output is None or input is None:
                show(row)

        outcome = run_rows(_progress(rows), work, sink)
        _report(outcome, alone=input is None)
        if html is not None and kept:
            write_page(html, (render or render_html)(kept))
    if outcome.exit_code:
        raise typer.Exit(outcome.exit_code)


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


def _progress(rows: Sequence[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """The rows, with a progress bar on a terminal when there are several."""
    if len(rows) < 2 or not sys.stderr.isatty():
        yield from rows
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(rows, description="cases", console=Console(stderr=True))


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


def write_page(path: Path, page: str) -> None:
    """Write the whole page or leave the file as it was."""
    unfinished = path.with_name(path.name + ".partial")
    try:
        unfinished.write_text(page, encoding="utf-8")
        unfinished.replace(path)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error
