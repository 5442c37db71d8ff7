"""Structured junk: valid rows with parts swapped, dropped, nested, or replaced by what is hard."""

import copy
import random
from typing import Any

ODD = (
    *("", " ", "\x00", "\ud800", "\udfff\ud83d", "😀\u200d👩", "e\u0301", "\u202eabc\u202c"),
    *("[1]", "[0]", "[1, 2]", "[9999]", "[1-9999]", "[1][2].", "(1)", "^1^", "【1†a】", "[^1]"),
    *("“bees make honey in the hive”", '"', "'", "```\n[1]\n```", "| a | b |\n|---|---|", "[1"),
    *("Bees make honey.", "1889", "$answer", "{x}", "%s", "../../etc/passwd", "<b>", "- a\n- b"),
    *("a" * 300, "[1]" * 40, "no stop " * 40, "。！？", "Dr. A. B. C.", "http://x.y/[1]", "\\"),
    *("\t|\t", "\u2028", "\ufeff", "\r\n"),
)
NUMBERS = (0, -1, 1, 2**31, 2**63, 10**30, -(10**400), 0.5, -0.0, 1e308, float("nan"), float("inf"))


def text(rng: random.Random) -> str:
    """Odd pieces joined, some words between them."""
    words = ("bees", "make", "honey", "not", "in", "1889", "The", "tower.", "Iron", "rusts")
    pieces = [rng.choice(ODD if rng.random() < 0.5 else words) for _ in range(rng.randint(0, 12))]
    return rng.choice(("", " ", "\n")).join(pieces)


def value(rng: random.Random, depth: int = 3) -> Any:
    """Anything that Python's JSON reader can give, and a little more."""
    kind = rng.randrange(9 if depth else 6)
    if kind < 2:
        return text(rng)
    if kind == 2:
        return rng.choice(NUMBERS)
    if kind == 3:
        return rng.choice((None, True, False))
    if kind == 4:
        return nested(rng.choice((3, 60, 3_000)), rng)
    if kind == 5:
        return rng.choice(([], {}, "1", 1))
    if kind < 8:
        return [value(rng, depth - 1) for _ in range(rng.randint(0, 4))]
    return {text(rng)[:20]: value(rng, depth - 1) for _ in range(rng.randint(0, 4))}


def nested(depth: int, rng: random.Random) -> Any:
    """A list in a list in a list, or the same of objects."""
    inner: Any = 0
    for _ in range(depth):
        inner = [inner] if rng.random() < 0.5 else {"passages": inner}
    return inner


def mutated(row: Any, rng: random.Random) -> Any:
    """The row with one to three changes somewhere in it."""
    changed = copy.deepcopy(row)
    for _ in range(rng.randint(1, 3)):
        places = [*_places(changed)]
        if not places:
            return value(rng)
        owner, key = rng.choice(places)
        _change(owner, key, places, rng)
    return changed


def broken(line: str, rng: random.Random) -> str:
    """The line with a piece cut out, doubled, or replaced by other characters."""
    at = rng.randint(0, len(line))
    end = min(len(line), at + rng.randint(0, 9))
    piece = rng.choice(("", line[at:end] * 2, text(rng)[:9], "}", '"', "\\ud800", "[" * 50))
    return line[:at] + piece + line[end:]


def _places(value: Any, depth: int = 8) -> list[tuple[Any, Any]]:
    keys = list(value) if isinstance(value, dict) else range(len(value))
    found = [(value, key) for key in keys]
    for key in keys if depth else ():
        if isinstance(value[key], dict | list):
            found += _places(value[key], depth - 1)
    return found


def _change(owner: Any, key: Any, places: list[tuple[Any, Any]], rng: random.Random) -> None:
    kind = rng.randrange(6)
    if kind == 0 and isinstance(owner, dict):
        del owner[key]
    elif kind == 1:
        other, at = rng.choice(places)
        owner[key] = _copy(other[at])
    elif kind == 2 and isinstance(owner, list):
        owner.append(_copy(owner[key]))
    elif kind == 3:
        owner[key] = [owner[key]]
    elif isinstance(owner[key], str) and kind == 4:
        owner[key] = text(rng) + owner[key] + text(rng)
    else:
        owner[key] = value(rng)


def _copy(value: Any) -> Any:
    try:
        return copy.deepcopy(value)
    except RecursionError:
        return []
