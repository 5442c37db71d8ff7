"""Offsets of others, in code points, bytes or UTF-16 units, as characters of a text."""

import numpy as np

from ragattr.text.offsets import OffsetUnit, positions


class Places:
    """The characters of a text by their offsets in one unit."""

    def __init__(self, text: str, unit: OffsetUnit) -> None:
        self.text, self._positions = text, positions(text, unit)

    def at(self, offset: int) -> int | None:
        """The character that starts at `offset`, or the end of the text; None where none does.

        Example: of "a😀b" in UTF-16 units, 3 is character 2, and 2 is none.
        """
        place = int(np.searchsorted(self._positions, offset))
        is_start = place < len(self._positions) and self._positions[place] == offset
        return place if is_start else None
