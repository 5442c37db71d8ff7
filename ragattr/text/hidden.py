"""Characters that nobody sees: runs of them that spell something, and the text without them.

What writing needs is left alone: flags of regions, joiners in emoji and in Persian or Hindi words,
soft hyphens, spaces of no width between the words of Thai.
"""

import re
import unicodedata
from typing import NamedTuple

from ragattr.types import Span

_ZERO_WIDTH = "\u00ad\u034f\u061c\u115f\u1160\u180e\u200b-\u200f\u2060-\u2064\u206a-\u206f\ufeff"
_SELECTORS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_TAGS = "\U000e0000-\U000e007f"
_FLAG = re.compile("\U0001f3f4[\U000e0030-\U000e007a]{3,6}\U000e007f")
_RUN = re.compile(f"[{_TAGS}]{{2,}}|[{_SELECTORS}]{{4,}}|[{_ZERO_WIDTH}]{{8,}}")
_HIDDEN = re.compile(f"[{_ZERO_WIDTH}{_SELECTORS}{_TAGS}]+")
_WIDE = re.compile("[\uff01-\uff5e]")
_SPELT = 2  # different characters of no width: fewer spell nothing


class Visible(NamedTuple):
    """A text without its hidden characters; `places` says where each character stood, and the end.

    Wide Latin letters are plain ones. `places` is None where nothing moved.
    """

    text: str
    places: list[int] | None

    def span(self, start: int, end: int) -> Span:
        """Characters [start, end) of what is seen, as a span of the whole text."""
        if self.places is None:
            return Span(start, end)
        return Span(self.places[start], self.places[max(end - 1, 0)] + 1)


def visible(text: str) -> Visible:
    """The text as it is seen.

    Example: "i\u200bt" is "it" with the places 0, 2 and 3.
    """
    plain = _WIDE.sub(lambda match: unicodedata.normalize("NFKC", match.group()), text)
    if not _HIDDEN.search(plain):
        return Visible(plain, None)
    kept = [i for i, char in enumerate(plain) if not _HIDDEN.match(char)]
    return Visible("".join(plain[i] for i in kept), [*kept, len(text)])


def hidden_runs(text: str) -> list[Span]:
    """Stretches of hidden characters that no writing needs and that could spell something."""
    flags = {match.end() for match in _FLAG.finditer(text)}
    return [
        Span(*match.span())
        for match in _RUN.finditer(text)
        if match.end() not in flags and len(set(match.group())) >= _SPELT
    ]
