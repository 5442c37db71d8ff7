"""Labelled rows, judged as the rows to come will be: what a guarantee is taken from."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from ragattr.errors import InputError
from ragattr.record import Row, loads, read_pair
from ragattr.schema import EvidencePair, check
from ragattr.verification.guarantee import Guarantee, choose_threshold

_AT_ONCE = 64  # rows


class LabelledPair(EvidencePair):
    """A claim and evidence whose answer is known."""

    label: Literal["attributable", "not_attributable"]


def read_labelled(path: Path) -> list[Row]:
    """The rows of a JSON Lines file: claim, evidence, label.

    Raises:
        InputError: the file or a row of it cannot be read; the message names the line.
    """
    try:
        lines = path.read_text("utf-8-sig").split("\n")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 (byte {error.start}): convert it first") from error
    return [
        _labelled(line, f"{path}, line {number}", str(number))
        for number, line in enumerate(lines, start=1)
        if line.strip()
    ]


def guarantee_from(
    path: Path, judge: Callable[[Sequence[Row]], list[Row]], *, precision: float
) -> Guarantee:
    """The guarantee that a labelled file allows; rows without a probability are left out.

    Args:
        judge: adds "probability" to rows; the guarantee holds for rows that it judges.

    Raises:
        InputError: the file cannot be read, or does not allow it; the message says why.
    """
    rows = read_labelled(path)
    groups = [rows[start : start + _AT_ONCE] for start in range(0, len(rows), _AT_ONCE)]
    judged = [done["probability"] for group in groups for done in judge(group)]
    known = [
        (row["label"] == "attributable", p)
        for row, p in zip(rows, judged, strict=True)
        if p is not None
    ]
    left_out = f" ({len(rows) - len(known)} rows could not be judged)"
    try:
        return choose_threshold(
            [label for label, _ in known], [p for _, p in known], precision=precision
        )
    except InputError as error:
        raise InputError(f"{path}: {error}{left_out if len(known) < len(rows) else ''}") from error


def _labelled(line: str, place: str, number: str) -> Row:
    try:
        row = loads(line)
        check(row, LabelledPair)
        return read_pair(row, default_id=number)
    except InputError as error:
        raise InputError(f"{place}: {error}") from error
