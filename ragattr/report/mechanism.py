"""Heads and layers as one self-contained HTML page: heat maps with a table of the strongest."""

import math
from collections.abc import Sequence
from typing import Any

from ragattr import __version__
from ragattr.record import Row
from ragattr.report.page import render_page

SHADES = 9


def render_mechanism(rows: Sequence[Row]) -> str:
    """One page with a section for each row of `ragattr mechanism`; nothing is loaded."""
    view = {
        "sections": [_section(row) for row in rows],
        "n_shades": SHADES,
        "version": __version__,
    }
    return render_page("mechanism.html.j2", view)


def _section(row: Row) -> Row:
    if "effects" in row:
        return {
            "title": f"Context and memory heads of {row['model']['name']}",
            "said": row["said"],
            "warnings": [],
            "columns": [f"H{head}" for head in range(len(row["effects"][0]))],
            "layers": _cells(row["effects"], []),
            "unit": "logits, for the context answer and against the memorised one",
            "top": row["verified"],
        }
    extra = [("MLP", row["mlps"]), ("gain, heads", row["attention_gain"])]
    extra.append(("gain, MLP", row["mlp_gain"]))
    return {
        "title": row["question"],
        "said": f"{row['answer']} — with and without: {row['source']['text']} ({_whose(row)})",
        "warnings": row["warnings"],
        "columns": [*(f"H{head}" for head in range(len(row["heads"][0]))), *(n for n, _ in extra)],
        "layers": _cells(row["heads"], [values for _, values in extra]),
        "unit": "nats of divergence; gain in cosine",
        "top": row["top"],
    }


def _whose(row: Row) -> str:
    name = row["model"]["name"]
    return f"as read by {name}" if row["proxy"] else f"in {name}, which wrote this answer"


def _cells(heads: Sequence[Sequence[float]], extra: Sequence[Sequence[float]]) -> list[list[Row]]:
    """[layers][columns]: heads share one scale, every further column has its own."""
    most = max((abs(value) for row in heads for value in row), default=0.0)
    scales = [max((abs(value) for value in column), default=0.0) for column in extra]
    return [
        [
            *(_cell(value, most) for value in row),
            *(_cell(column[i], scale) for column, scale in zip(extra, scales, strict=True)),
        ]
        for i, row in enumerate(heads)
    ]


def _cell(value: float, most: float) -> dict[str, Any]:
    """A shade from 0 to 9, by the square root of the part of the largest."""
    part = abs(value) / most if most else 0.0
    return {
        "value": f"{value:+.3f}",
        "shade": round(SHADES * math.sqrt(part)),
        "sign": "minus" if value < 0 else "plus",
    }
