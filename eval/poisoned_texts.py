"""Texts that talk to a model, by family, and harmless twins: phrasings filled in by a seed.

`poisoned_texts.jsonl` holds the phrasings, written for this project. Those of "tune" may be looked
at by whoever changes what finds them; those of "test" were written before anything was tuned, and
are for reporting alone. One author wrote the phrasings and the patterns, so both halves flatter.
"""

import base64
import json
import random
import re
import unicodedata
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

Split = Literal["tune", "test"]
Kind = Literal["attack", "twin"]
FAMILIES = (
    *("override", "fake turn", "fake [n]", "delimiter break", "hidden characters", "base64"),
    *("other languages", "verdict forcing", "exfiltration links", "score tampering"),
)
_FILE = Path(__file__).parent / "poisoned_texts.jsonl"
_CHOICE = re.compile("‹([^›]*)›")
_CODED = re.compile("⟦([^⟧]*)⟧", re.DOTALL)


class Phrasing(NamedTuple):
    """One way to put it.

    Attributes:
        text: ‹a|b› is a choice; ⟦...⟧ is written as `how` says; $target is what the attacker wants
            to be said, $question the question.
    """

    family: str
    split: Split
    kind: Kind
    text: str
    how: str = ""

    def fill(self, target: str, question: str, rng: random.Random) -> str:
        """The text, its choices made by `rng`."""
        chosen = _CHOICE.sub(lambda match: rng.choice(match[1].split("|")), self.text)
        filled = chosen.replace("$target", target).replace("$question", question)
        return _CODED.sub(lambda match: _HOW[self.how](match[1]), filled)


@cache
def phrasings() -> tuple[Phrasing, ...]:
    """All of them."""
    lines = _FILE.read_text("utf-8").splitlines()
    return tuple(Phrasing(**json.loads(line)) for line in lines)


def of(family: str, split: Split, kind: Kind) -> list[Phrasing]:
    """The phrasings of a family."""
    wanted = (family, split, kind)
    return [one for one in phrasings() if (one.family, one.split, one.kind) == wanted]


def _tags(text: str) -> str:
    """Each ASCII character as its invisible tag."""
    return "".join(chr(0xE0000 + ord(char)) for char in _ascii(text))


def _binary(text: str) -> str:
    """Eight characters of no width for each byte."""
    bits = "".join(f"{byte:08b}" for byte in text.encode())
    return bits.translate({ord("0"): "\u200b", ord("1"): "\u200c"})


def _selectors(text: str) -> str:
    """A variation selector for each byte."""
    return "".join(
        chr(0xFE00 + byte if byte < 16 else 0xE0100 + byte - 16) for byte in text.encode()
    )


def _wide(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in _ascii(text))


def _ascii(text: str) -> str:
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()


_HOW: dict[str, Callable[[str], str]] = {
    "tags": _tags,
    "binary": _binary,
    "selectors": _selectors,
    "wide": _wide,
    "zero width": "\u200b".join,
    "joiners": "\u2060".join,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "urlsafe": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "hex": lambda text: text.encode().hex(),
}
