"""RAGTruth's responses: what they were written from, and which spans people marked in them.

The release is `response.jsonl` with `source_info.jsonl` beside it; `wandb/RAGTruth-processed` on
the hub has both in one row ("output", "context", "query", "hallucination_labels"). Every marked
span counts, those marked `implicit_true` too (right, but not in the source), and responses that
are not of "good" quality are left out: so does the release's own evaluation.

Evidence becomes passages. Of QA the text is cut at "passage 1:" and its like. The object of
Data2txt is written out, a line for each value, its names cut into words before it ("attributes
Outdoor Seating: yes."; `null` is "not given"), and each object in a list, such as a review, is a
passage of its own. A summary's source is one passage.
"""

import ast
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from eval.public_rows import PublicRow, read_public
from ragattr.errors import InputError
from ragattr.types import Span

TASKS = ("QA", "Data2txt", "Summary")
RESPONSES, SOURCES = "response.jsonl", "source_info.jsonl"
GOOD = "good"

_PASSAGE = re.compile(r"(?:^|\n)\s*passage \d+:")
_WORD_EDGE = re.compile(r"_|(?<=[a-z])(?=[A-Z])")
_SAID = {True: "yes", False: "no", None: "not given"}


@dataclass(frozen=True)
class RagtruthRow:
    """One response.

    Attributes:
        source_id: of what it was written from; others were written from the same.
        labels: the marked spans; ends are clipped to the response.
        n_misplaced: of the labels, those whose text does not stand where they say.
    """

    id: str
    source_id: str
    task: str
    question: str
    passages: tuple[str, ...]
    response: str
    labels: tuple[Span, ...]
    n_misplaced: int
    split: str
    quality: str


def read_ragtruth(name: str, *, split: str) -> list[RagtruthRow]:
    """The responses of a split, of good quality.

    Args:
        name: a folder that holds the release's two files, its `response.jsonl`, or a repository.

    Raises:
        InputError: a file that cannot be read, or a row that is not RAGTruth's.
    """
    path = Path(name)
    path = path / RESPONSES if path.is_dir() else path
    rows = _release(path) if path.is_file() else map(hub_row, read_public(name, split=split))
    found = [
        replace(row, split=row.split or split)
        for row in rows
        if row.quality == GOOD and row.split in (split, "")
    ]
    if not found:
        raise InputError(f"{name} has no response of good quality in the split {split!r}")
    return found


def release_row(row: PublicRow, source: PublicRow) -> RagtruthRow:
    """A row of `response.jsonl` with the row of `source_info.jsonl` that it was written from."""
    task = _task(source)
    info, question = source.fields.get("source_info"), ""
    if task == "QA":
        inner = PublicRow(f"{source.place}, source_info", source.take("source_info", dict))
        info, question = inner.take("passages", str), inner.take("question", str)
    elif not isinstance(info, str | dict):
        raise source.error("source_info", "a text or an object", info)
    return _row(
        row,
        labels=row.rows("labels"),
        source_id=row.name("source_id"),
        task=task,
        question=question,
        passages=passages_of(task, info),
        response=row.take("response", str),
        split=row.take("split", str),
    )


def hub_row(row: PublicRow) -> RagtruthRow:
    """A row of `wandb/RAGTruth-processed`, which keeps no source's id: its text stands for it."""
    written, task = row.fields.get("hallucination_labels") or "[]", _task(row)
    try:
        labels = json.loads(written) if isinstance(written, str) else written
    except json.JSONDecodeError as error:
        raise row.error("hallucination_labels", "JSON", written) from error
    context = row.take("context", str)
    question = row.take("query", str) if task == "QA" else ""
    digest = hashlib.sha256(f"{question}\n{context}".encode("utf-8", "surrogatepass"))
    return _row(
        row,
        labels=PublicRow(row.place, {"hallucination_labels": labels}).rows("hallucination_labels"),
        source_id=digest.hexdigest()[:16],
        task=task,
        question=question,
        passages=passages_of(task, _object(context) if task == "Data2txt" else context),
        response=row.take("output", str),
        split="",
    )


def passages_of(task: str, info: str | Mapping[str, Any]) -> tuple[str, ...]:
    """The evidence of a response as passages, none of them empty."""
    if isinstance(info, Mapping):
        pieces = list(_written_out(info))
    else:
        pieces = _PASSAGE.split(info) if task == "QA" else [info]
    return tuple(piece.strip() for piece in pieces if piece.strip())


def _release(path: Path) -> Iterator[RagtruthRow]:
    beside = path.with_name(SOURCES)
    if not beside.is_file():
        raise InputError(f"{path.name} needs {SOURCES} beside it")
    sources = {row.name("source_id"): row for row in read_public(str(beside), split="")}
    for row in read_public(str(path), split=""):
        source = sources.get(row.name("source_id"))
        if source is None:
            raise row.error("source_id", f"one of {SOURCES}", row.name("source_id"))
        yield release_row(row, source)


def _row(row: PublicRow, *, labels: list[PublicRow], response: str, **fields: Any) -> RagtruthRow:
    spans = [_span(label, len(response)) for label in labels]
    texts = [label.take("text", str) for label in labels]
    return RagtruthRow(
        id=row.name("id"),
        response=response,
        labels=tuple(spans),
        n_misplaced=sum(span.of(response) != t for span, t in zip(spans, texts, strict=True)),
        quality=row.take("quality", str),
        **fields,
    )


def _span(label: PublicRow, length: int) -> Span:
    start, end = label.take("start", int), label.take("end", int)
    if start < 0:
        raise label.error("start", "at least 0", start)
    if end < start:
        raise label.error("end", f"at least the start, {start}", end)
    return Span(min(start, length), min(end, length))


def _task(row: PublicRow) -> str:
    task = row.take("task_type", str)
    if task not in TASKS:
        raise row.error("task_type", f"one of {', '.join(TASKS)}", task)
    return task


def _object(context: str) -> str | dict[str, Any]:
    """The object that a text writes, in JSON or as Python writes it; else the text."""
    for read in (json.loads, ast.literal_eval):
        try:
            found = read(context)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if isinstance(found, dict):
            return found
    return context


def _written_out(info: Mapping[str, Any]) -> Iterator[str]:
    """The values themselves as one text, then every object in a list as one."""
    objects = {
        name: value
        for name, value in info.items()
        if isinstance(value, list) and value and all(isinstance(item, Mapping) for item in value)
    }
    yield "\n".join(_lines({name: info[name] for name in info if name not in objects}))
    for items in objects.values():
        yield from ("\n".join(_lines(item)) for item in items)


def _lines(value: object, *names: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _lines(inner, *names, _WORD_EDGE.sub(" ", str(name)))
        return
    items = value if isinstance(value, list) else [value]
    said = ", ".join(_said(item) for item in items)
    yield f"{' '.join(names)}: {said}" + ("" if said.endswith((".", "!", "?")) else ".")


def _said(value: object) -> str:
    return _SAID[value] if value is None or isinstance(value, bool) else str(value)
