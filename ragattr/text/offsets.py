"""Offset units: code points to UTF-8 bytes or UTF-16 units."""

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ragattr.errors import ConfigError

OffsetUnit = Literal["codepoints", "utf8", "utf16"]


def positions(text: str, unit: OffsetUnit) -> NDArray[np.int64]:
    """Where each code point starts, in `unit`; the last entry is the length of the text.

    Lone surrogates count as they are stored: three bytes, one UTF-16 unit.
    Example: `positions("aé😀", "utf8")` is `[0, 1, 3, 7]`.
    """
    if unit not in get_args(OffsetUnit):
        raise ConfigError(f"offsets come in {', '.join(get_args(OffsetUnit))}, not {unit!r}")
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    sizes = np.ones(len(points), dtype=np.int64)
    if unit == "utf8":
        sizes += (points > 0x7F).astype(np.int64) + (points > 0x7FF) + (points > 0xFFFF)
    elif unit == "utf16":
        sizes += points > 0xFFFF
    return np.concatenate([[0], np.cumsum(sizes)])
