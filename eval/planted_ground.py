"""A claim over its evidence: what the evidence says, and where it says it of this claim."""

import re
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

from ragattr.text.words import content_words

_WINDOW = 160  # characters on each side of a mention


class Edit(NamedTuple):
    """Characters [start, end) of a claim become `text`."""

    start: int
    end: int
    text: str


class Ground:
    """A claim and the evidence that supports it."""

    def __init__(self, claim: str, evidence: Sequence[str]) -> None:
        self.claim = claim
        self.text = "\n".join(evidence)

    @cached_property
    def lower(self) -> str:
        return self.text.lower()

    @cached_property
    def stems(self) -> frozenset[str]:
        return frozenset(content_words(self.claim))

    def says(self, phrase: str) -> bool:
        """Whether the phrase stands in the evidence, as whole words in either case."""
        return bool(self._places(phrase))

    def near(self, phrases: Sequence[str], right: str) -> bool:
        """Whether one of the phrases stands where the evidence speaks of what the claim does.

        Two other content words of the claim must be around it: a "three" elsewhere proves nothing.
        """
        others = self.stems - set(content_words(right))
        return any(
            len(others & set(content_words(self._around(place)))) >= min(2, len(others))
            for phrase in phrases
            for place in self._places(phrase)[:20]
        )

    def before(self, phrase: str) -> list[str]:
        """What stands before each mention of the phrase, in lower case."""
        return [self.lower[max(place - 30, 0) : place] for place in self._places(phrase)[:20]]

    @cached_property
    def coverage(self) -> float:
        """The share of the claim's content words that the evidence has."""
        return len(self.stems & set(content_words(self.text))) / max(len(self.stems), 1)

    def _around(self, place: int) -> str:
        return self.text[max(place - _WINDOW, 0) : place + _WINDOW]

    def _places(self, phrase: str) -> list[int]:
        pattern = rf"(?<![^\W_]){re.escape(phrase.lower())}(?![^\W_])"
        return [match.start() for match in re.finditer(pattern, self.lower)]
