"""The brackets of a text: pairs, and those that lack a partner on their line."""

import re
from collections.abc import Iterator
from typing import NamedTuple

CLOSERS = {"[": "]", "【": "】", "［": "］", "(": ")"}
_DEEPEST = 8  # brackets in brackets; the outer ones of more are taken for lone
_BRACKET = re.compile(r"[\[\]【】［］()\n]")
_NUMBER = re.compile(r"\s*\^?\d{1,3}\s*")
_INTERVAL = re.compile(r"[\[(]\s*-?\d[\d.,]*\s*[,;]\s*(?:-?\d[\d.,]*|[∞n])\s*[\])]")


class Brackets(NamedTuple):
    """Where a pair opens and closes; one of the two is None where there is no partner."""

    opener: int | None
    closer: int | None


def brackets(text: str) -> Iterator[Brackets]:
    """The brackets, inner ones first.

    Two kinds are a pair around one number alone, as in "[1)"; intervals, "[0, 1)", are left out.
    """
    waiting = list[int]()
    for match in _BRACKET.finditer(text):
        char, at = match.group(), match.start()
        if char in CLOSERS:
            waiting.append(at)
            if len(waiting) > _DEEPEST:
                yield Brackets(waiting.pop(0), None)
        elif char == "\n":
            yield from (Brackets(opener, None) for opener in waiting)
            waiting = []
        elif waiting and _is_pair(text, waiting[-1], at):
            yield Brackets(waiting.pop(), at)
        elif waiting and _INTERVAL.fullmatch(text, waiting[-1], at + 1):
            waiting.pop()
        else:
            mates = [i for i, opener in enumerate(waiting) if CLOSERS[text[opener]] == char]
            if mates:  # what opened after it is lone
                yield from (Brackets(opener, None) for opener in waiting[mates[-1] + 1 :])
                yield Brackets(waiting[mates[-1]], at)
                waiting = waiting[: mates[-1]]
            else:
                yield Brackets(None, at)
    yield from (Brackets(opener, None) for opener in waiting)


def _is_pair(text: str, opener: int, closer: int) -> bool:
    is_alike = CLOSERS[text[opener]] == text[closer]
    return is_alike or bool(_NUMBER.fullmatch(text, opener + 1, closer))
