"""Tables for the terminal."""

from collections.abc import Sequence
from itertools import zip_longest


def aligned(lines: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell, of lines that have more than one."""
    columns = zip_longest(*(line for line in lines if len(line) > 1), fillvalue="")
    widths = [max(map(len, column)) for column in columns]
    return "\n".join(
        "  ".join(cell.ljust(size) for cell, size in zip(line, widths, strict=False)).rstrip()
        for line in lines
    )
