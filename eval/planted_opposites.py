"""Words that say otherwise: relations, quantifiers, superlatives and units."""

import re
from collections.abc import Iterator, Mapping

from eval.planted_ground import Edit, Ground
from eval.planted_numbers import CARDINALS
from eval.planted_words import QUANTIFIERS, RELATIONS, SUPERLATIVES, UNITS, Split

_OPPOSITE = {
    split: {a: b for pair in pairs for a, b in (pair.split("/"), pair.split("/")[::-1])}
    for split, pairs in RELATIONS.items()
}


def relation_edits(ground: Ground, split: Split) -> Iterator[Edit]:
    """The opposite of a verb, an adjective or a preposition."""
    yield from _replaced(ground, _OPPOSITE[split])


def quantifier_edits(ground: Ground) -> Iterator[Edit]:
    """All for some, few for many, rarely for often."""
    claim = ground.claim
    for edit in _replaced(ground, QUANTIFIERS):
        word, after = claim[edit.start : edit.end].lower(), claim[edit.end :]
        before = claim[: edit.start].lower()
        counted = re.match(rf" (?:[$€£]?\d|{'|'.join(CARDINALS)})", after)
        if word in ("more than", "less than", "at least", "up to", "over"):
            good = bool(counted)
        elif word in ("most", "all", "few", "many", "each", "every", "some", "numerous"):
            good = (
                not counted
                and bool(re.match(r" [a-z]", after))
                and not re.match(
                    r" (?:the|his|her|its|their|over|other|sorts|kinds|was|is|a)\b", after
                )
                and not re.search(
                    r"(?:\b(?:the|a|at|and|of|how|as|so|too|very|not|is|was)|,) $", before
                )
                and not (word == "most" and not re.match(r" (?:of\b|\w+s\b)", after))
                and not (
                    word == "some" and not re.match(r" (?:of the|\w+(?:es|s|people))\b", after)
                )
            )
        else:
            good = not re.search(r"\b(?:most|more|as|not|so|more than) $", before)
        if good:
            yield edit


def superlative_edits(ground: Ground) -> Iterator[Edit]:
    """The smallest for the largest."""
    claim = ground.claim
    for edit in _replaced(ground, SUPERLATIVES):
        if re.match(r" (?:one|two|three|four|five|\d+|time|known|name|of|to)\b", claim[edit.end :]):
            continue
        if not re.search(r"\bat $", claim[: edit.start]):
            yield edit


def unit_edits(ground: Ground) -> Iterator[Edit]:
    """A million for a billion, feet for metres."""
    amount = rf"(?P<amount>\d[\d,.]*|{'|'.join(CARDINALS[2:])})(?P<gap>[ -])"
    pattern = (
        rf"(?<![\w.,-]){amount}(?P<unit>{'|'.join(sorted(UNITS, key=len, reverse=True))})(?![\w-])"
    )
    for match in re.finditer(pattern, ground.claim):
        wrong = UNITS[match["unit"]]
        loose = re.search(
            r"\b(?:than|least|most|to|over|under|nearly) [$€£]?$", ground.claim[: match.start()]
        )
        if (
            not loose
            and ground.says(match.group())
            and not ground.says(f"{match['amount']} {wrong}")
        ):
            if ground.near((match.group(),), match.group()):
                yield Edit(*match.span("unit"), wrong)


def _replaced(ground: Ground, instead: Mapping[str, str]) -> Iterator[Edit]:
    """Words of the claim that the evidence has, by what says otherwise and it does not have."""
    pattern = "|".join(map(re.escape, sorted(instead, key=len, reverse=True)))
    for match in re.finditer(rf"(?<![\w'’-])(?:{pattern})(?![\w'’-])", ground.claim.lower()):
        right = match.group()
        written = ground.claim[match.start() : match.end()]
        if written[1:] != right[1:] or (written[:1] != right[:1] and match.start() > 0):
            continue  # a name, or a text whose lower case has another length
        after = ground.claim[match.end() :]
        if re.match("-| as ", after) or (written[:1].isupper() and re.match(" [A-Z]", after)):
            continue  # "as early as", "Northern Ireland"
        if re.search(r"\b(?:named|day|well|ever|shortly|soon|as) $", ground.claim[: match.start()]):
            continue
        wrong = instead[right]
        if ground.says(wrong) or not ground.near((right,), right):
            continue
        yield Edit(*match.span(), wrong.capitalize() if written[:1].isupper() else wrong)
