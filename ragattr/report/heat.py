"""Sentence scores as strips of shaded cells, a strip per claim."""

import math
from collections.abc import Sequence
from itertools import groupby

from ragattr.record import Row
from ragattr.report.sentences import Place, Sentence, beginning, groups, parts
from ragattr.report.summary import figure, row_class

SHADES = 9  # the strongest; 0 is none
_TOLD = 5  # sentences that the text alternative names
_COUNTS_AS_USED = ("grounded", "misgrounded")


def shade(part: float) -> int:
    """0 to 9: the square root of the part, so that small parts can be told apart."""
    return round(SHADES * math.sqrt(min(max(part, 0.0), 1.0)))


def legend() -> list[tuple[int, float]]:
    """Shades with the part that each stands for."""
    return [(level, (level / SHADES) ** 2) for level in (0, 2, 4, 6, 9)]


def strip(
    record: Row, claim: int, sentences: Sequence[Sentence], labels: dict[Place, str]
) -> Row | None:
    """A cell per sentence, by passage, and the largest parts in words; None without scores."""
    found = parts(record, claim)
    if found is None or not sentences:
        return None
    used = _used(record, claim)
    titles = _titles(record, claim, sentences, found)
    cells: list[Row] = [
        {
            "number": sentence.number,
            "shade": shade(part),
            "title": title,
            "used": used.get(sentence.place),
            "part": part,
            "name": sentence_name(sentence, labels),
        }
        for sentence, part, title in zip(sentences, found, titles, strict=True)
    ]
    largest = sorted(cells, key=lambda cell: -cell["part"])[:_TOLD]
    return {
        "n_cells": len(cells),
        "passages": [
            {"number": number, "cells": list(inside)}
            for number, inside in groupby(cells, key=lambda cell: cell["number"])
        ],
        "largest": [cell for cell in largest if cell["part"] > 0],
    }


def sentence_name(sentence: Sentence, labels: dict[Place, str]) -> Row:
    """Its label where the page has given it one; its passage and beginning where not."""
    return {
        "label": labels.get(sentence.place),
        "number": sentence.number,
        "beginning": beginning(sentence.text),
    }


def _used(record: Row, claim: int) -> dict[Place, str]:
    """The mark of each sentence whose row counts as used."""
    return {
        (row["passage"], row["start"], row["end"]): row_class(row, record["verifier"])
        for row in record["claims"][claim]["citations"]
        if row["origin"] == "found" and row["class"] in _COUNTS_AS_USED and (row["used"] or 0) > 0
    }


def _titles(
    record: Row, claim: int, sentences: Sequence[Sentence], found: Sequence[float]
) -> list[str]:
    """What a cell says when pointed at."""
    attribution = record["attribution"]
    n_tokens, unit = max(attribution["n_tokens"][claim], 1), f"{attribution['unit']} per token"
    joint = {i: score / n_tokens for members, score in groups(record, claim) for i in members}
    scores = [score / n_tokens for score in attribution["scores"][claim]]
    return [
        f"[{sentence.number}] {score:.4f} {unit}"
        + (f" alone, {joint[i]:.4f} with those that say the same" if i in joint else "")
        + f", part {figure(part)}: {beginning(sentence.text)}"
        for i, (sentence, score, part) in enumerate(zip(sentences, scores, found, strict=True))
    ]
