"""Questions in contexts to learn on, from labelled rows or from cases."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ragattr.errors import InputError
from ragattr.learn.floors import read_facts
from ragattr.text.sentences import sentence_spans
from ragattr.types import Context, Passage, Query

FEWEST, MOST = 12, 32  # sentences of a context that is made up of paragraphs


def read_contexts(
    paths: Sequence[Path], *, n: int, seed: int = 0
) -> list[tuple[Context, str | None]]:
    """Up to `n` contexts in random order, each with the answer that its row brings.

    Without files, the shipped facts. A row with "passages" is a context as it stands. One with
    "context_sentences" is a paragraph: paragraphs of other rows, which do not hold its answer,
    come around it, to 12 to 32 sentences.

    Raises:
        InputError: a row has neither, or no question; or there is no row at all.
    """
    rows = [row for path in paths for row in _rows(path)] if paths else _facts()
    if not rows:
        raise InputError(f"no rows in {', '.join(str(path) for path in paths)}")
    rng = np.random.default_rng(seed)
    paragraphs = list(
        dict.fromkeys(" ".join(row["context_sentences"]) for row in rows if "passages" not in row)
    )
    drawn, seen = list[tuple[Context, str | None]](), set[str]()
    for i in rng.permutation(len(rows)):
        row = rows[i]
        texts = _surrounded(row, paragraphs, rng) if "passages" not in row else _texts(row)
        key = json.dumps(sorted(row.get("context_sentences") or texts))
        if key not in seen and len(drawn) < n:
            seen.add(key)
            passages = tuple(Passage(text, str(k)) for k, text in enumerate(texts, start=1))
            query = Query(row["question"], str(row.get("id", i)))
            drawn.append((Context(query, passages), row.get("answer") or None))
    return drawn


def _rows(path: Path) -> list[dict[str, Any]]:
    rows = []
    for number, line in _lines(path):
        try:
            row = json.loads(line)
        except ValueError as error:
            raise InputError(f"{path}, line {number}: not JSON ({error})") from error
        if "question" not in row or not ("passages" in row or "context_sentences" in row):
            raise InputError(
                f'{path}, line {number}: wanted "question" and "passages" or "context_sentences"'
            )
        rows.append(row)
    return rows


def _lines(path: Path) -> list[tuple[int, str]]:
    try:
        lines = path.read_text("utf-8").splitlines()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    return [(number, line) for number, line in enumerate(lines, start=1) if line.strip()]


def _facts() -> list[dict[str, Any]]:
    return [
        {
            **fact,
            "context_sentences": [
                span.of(fact["passage"]) for span in sentence_spans(fact["passage"])
            ],
        }
        for fact in read_facts()
    ]


def _texts(row: dict[str, Any]) -> list[str]:
    return [passage if isinstance(passage, str) else passage["text"] for passage in row["passages"]]


def _surrounded(
    row: dict[str, Any], paragraphs: Sequence[str], rng: np.random.Generator
) -> list[str]:
    own, answer = " ".join(row["context_sentences"]), (row.get("answer") or "").casefold()
    texts, wanted = [own], int(rng.integers(FEWEST, MOST + 1))
    n_sentences = len(sentence_spans(own))
    for i in rng.permutation(len(paragraphs))[:MOST]:
        if n_sentences >= wanted:
            break
        other = paragraphs[i]
        if other != own and not (answer and answer in other.casefold()):
            texts.append(other)
            n_sentences += len(sentence_spans(other))
    return [texts[i] for i in rng.permutation(len(texts))]
