"""Cases to time an audit on: five passages of about 60 words, an answer of three sentences."""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

from ragattr.batch.rows import read_lines
from ragattr.learn.floors import read_facts
from ragattr.record import Row, loads
from ragattr.text.sentences import sentence_spans

WORDS = 60  # of a passage
MARKERS = ("[1]", "[2][4]", "[3]")


def audit_cases(n: int, data: Sequence[Path] = (), *, seed: int = 0) -> Iterator[Row]:
    """The cases; no two ask the same pairs of a verifier.

    Args:
        data: labelled claims with their evidence; without one, sentences of the shipped facts.
    """
    rng = random.Random(seed)
    known = _labelled(data) if data else _facts()
    for number in range(1, n + 1):
        drawn = rng.sample(known, 5)
        passages = [f"Entry {number}. {evidence}" for _, evidence in drawn]
        said = (
            f"{claim.rstrip('. ')} {marker}."
            for (claim, _), marker in zip(drawn, MARKERS, strict=False)
        )
        yield {
            "id": f"case {number}",
            "question": f"What does entry {number} say?",
            "passages": passages,
            "answer": " ".join(said),
            "source": ("web", "news")[number % 2],
        }


def _labelled(paths: Sequence[Path]) -> list[tuple[str, str]]:
    """Claims of 6 to 40 words with the first of their evidence that is long enough."""
    rows = [loads(line) for path in paths for _, line in read_lines(path)]
    found = list[tuple[str, str]]()
    for row in rows:
        long = [text for text in row["evidence"] if len(text.split()) > WORDS // 2]
        if long and 6 < len(row["claim"].split()) < 40:
            found.append((row["claim"], " ".join(long[0].split()[:WORDS])))
    return found


def _facts() -> list[tuple[str, str]]:
    """Each sentence of a fact's passage, with the passage."""
    passages = [fact["passage"] for fact in read_facts()]
    return [(span.of(text), text) for text in passages for span in sentence_spans(text)]
