"""Questions in contexts to learn on, from labelled rows or from cases."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ragattr.errors import InputError
from ragattr.learn.floors import read_facts
from ragattr.record import Row, loads, read_case
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
        InputError: a row that cannot be read, by its line; or there is no row at all.
    """
    rows = [row for path in paths for row in _rows(path)] if paths else _facts()
    if not rows:
        raise InputError(f"no rows in {', '.join(str(path) for path in paths)}")
    rng = np.random.default_rng(seed)
    paragraphs = [*dict.fromkeys(row["paragraph"] for row in rows if "paragraph" in row)]
    drawn, seen = list[tuple[Context, str | None]](), set[str]()
    for i in rng.permutation(len(rows)):
        row = rows[i]
        texts = [passage["text"] for passage in row.get("passages", ())]
        if "paragraph" in row:
            texts = _surrounded(row, paragraphs, rng)
        own = row.get("paragraph") or "\n".join(texts)
        if own not in seen:
            seen.add(own)
            passages = tuple(Passage(text, str(k)) for k, text in enumerate(texts, start=1))
            query = Query(row["question"], row["id"] or str(i))
            drawn.append((Context(query, passages), row.get("answer") or None))
        if len(drawn) == n:
            break
    return drawn


def _rows(path: Path) -> list[Row]:
    try:
        lines = path.read_text("utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {path}: {error}") from error
    return [_row(line, f"{path}, line {i}") for i, line in enumerate(lines, 1) if line.strip()]


def _row(line: str, where: str) -> Row:
    try:
        row = loads(line)
        if "context_sentences" not in row:
            return read_case(row, default_id="", answered=False)
        sentences = row["context_sentences"]
        if not (isinstance(sentences, list) and all(isinstance(part, str) for part in sentences)):
            raise InputError("context_sentences: wanted a list of strings")
        case = read_case({**row, "passages": [" ".join(sentences)]}, default_id="", answered=False)
    except InputError as error:
        raise InputError(f"{where}: {error}") from error
    return {**case, "paragraph": case["passages"][0]["text"]}


def _facts() -> list[Row]:
    return [{**fact, "paragraph": fact["passage"]} for fact in read_facts()]


def _surrounded(row: Row, paragraphs: Sequence[str], rng: np.random.Generator) -> list[str]:
    own, answer = row["paragraph"], (row.get("answer") or "").casefold()
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
