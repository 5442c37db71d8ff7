"""What was found for labelled claims, kept on disk: a run that was stopped goes on where it was."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from eval.attribution_sets import AttributionRow, content_key
from eval.results import append_jsonl, read_jsonl

ROWS_AT_ONCE = 64  # that are worked on, and then kept, together


def kept(
    rows: Sequence[AttributionRow],
    work: Path,
    name: str,
    find: Callable[[Sequence[AttributionRow]], Sequence[Any]],
) -> list[Any]:
    """[rows] what `find` finds, asked only for claims and evidence that the folder does not hold.

    Args:
        work: a folder of JSON Lines files of key and value.
        name: says all that the values depend on, beside claim and evidence.
        find: finds a value, ready for JSON, for each of some rows.
    """
    work.mkdir(parents=True, exist_ok=True)
    path = work / (re.sub(r"[^\w.-]+", "_", name) + ".jsonl")
    found = {row["key"]: row["value"] for row in _whole_lines(path)}
    keys = [content_key(row) for row in rows]
    missing = {key: row for key, row in zip(keys, rows, strict=True) if key not in found}
    for start in range(0, len(missing), ROWS_AT_ONCE):
        batch = list(missing.items())[start : start + ROWS_AT_ONCE]
        for (key, _), value in zip(batch, find([row for _, row in batch]), strict=True):
            found[key] = value
            append_jsonl(path, {"key": key, "value": value})
    return [found[key] for key in keys]


def _whole_lines(path: Path) -> list[dict[str, Any]]:
    """The rows of a file; half a line, left by a program that was stopped, is cut off."""
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        path.write_text(whole, encoding="utf-8")
    return read_jsonl(path)
