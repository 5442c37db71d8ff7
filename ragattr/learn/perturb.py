"""Hard negatives: a supported claim with one detail changed, or without the evidence it needs.

Fine detail (numbers, dates, names, relations) is two thirds of the known errors of verifiers
(AttributionBench, section 6). Each change returns None where the claim offers nothing to change.
"""

import random
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

from ragattr.text.opposites import OPPOSITE
from ragattr.text.sentences import sentence_spans
from ragattr.text.words import content_words

Wrong = Literal["contradicted", "neither", "not_supported"]


class Changed(NamedTuple):
    """What a supported pair became.

    Attributes:
        kind: which detail was changed.
        label: "not_supported" where it may be contradicted or neither.
    """

    evidence: tuple[str, ...]
    claim: str
    kind: str
    label: Wrong


_NUMBER = re.compile(r"(?<![\w.,])\d+(?:,\d{3})*(?:\.\d+)?(?![\w])")
_MONTHS = (
    "January February March April May June July August September October November December".split()
)
_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
_WRITTEN = "two three four five six seven eight nine ten eleven twelve".split()
_AUXILIARY = re.compile(
    r"\b(is|are|was|were|has|have|had|can|could|will|would|should|may|might|must|does|do|did)\b"
    r"(?! not\b|n't)",
    re.IGNORECASE,
)
_NEGATED = re.compile(
    r"\b(is|are|was|were|has|have|had|could|would|should|does|do|did|can|will)(?: not|n't)\b"
    r"|\b(?:can|can)not\b"
)
_NAME = re.compile(r"\b[A-Z][\w'’-]+(?:(?: of| de| van| von| the)? [A-Z][\w'’-]+)*")
_JOINED = re.compile(r"[\s,]*(?:and|or|&|,|of|in|with|married)?[\s,]*")
_FIRST_WORD = re.compile(r"\W*[\w'’-]*")
_SCOPE = {
    "some": "all", "many": "all", "most": "all", "several": "all", "may": "will", "might": "will",
    "could": "will", "can": "must", "often": "always", "sometimes": "always", "usually": "always",
    "generally": "always", "rarely": "never", "likely": "certain", "about": "exactly",
    "one of the": "the only", "at least": "at most", "up to": "more than", "nearly": "more than",
    "almost": "more than", "over": "under", "partly": "entirely", "mainly": "only",
    "mostly": "only",
}  # fmt: skip
_WORD = re.compile(r"[A-Za-z]+")


def change_number(
    claim: str, evidence: str, rng: random.Random, strangers: Sequence[str] = ()
) -> str | None:
    """Another number in place of one, near it and not in the evidence."""
    found = list(_NUMBER.finditer(claim))
    if found:
        match = rng.choice(found)
        return _put(claim, match.span(), _another_number(match.group(), evidence, rng))
    written = [m for m in _WORD.finditer(claim) if m.group().lower() in _WRITTEN]
    if not written:
        return None
    match = rng.choice(written)
    others = [w for w in _WRITTEN if w != match.group().lower() and w not in evidence.lower()]
    return _put(claim, match.span(), _cased(rng.choice(others), match.group())) if others else None


def change_date(
    claim: str, evidence: str, rng: random.Random, strangers: Sequence[str] = ()
) -> str | None:
    """Another month or day of the week."""
    for names in (_MONTHS, _DAYS):
        found = [m for m in _WORD.finditer(claim) if m.group() in names]
        others = [name for name in names if name not in evidence and name not in claim]
        if found and others:
            return _put(claim, rng.choice(found).span(), rng.choice(others))
    return None


def change_name(
    claim: str, evidence: str, rng: random.Random, strangers: Sequence[str] = ()
) -> str | None:
    """A name of the claim gives way to another of the evidence, or to a stranger."""
    inside = [m for m in _names(claim) if len(m.group()) > 2]
    if not inside:
        return None
    match = rng.choice(inside)
    words = len(match.group().split())
    others = [
        name
        for name in sorted({m.group() for m in _names(evidence)})
        if not set(name.lower().split()) & set(claim.lower().split()) and len(name.split()) == words
    ]
    pool = others if others and rng.random() < 0.6 else strangers
    pool = [name for name in pool if name not in claim and len(name.split()) == words]
    return _put(claim, match.span(), rng.choice(pool)) if pool else None


def change_polarity(
    claim: str, evidence: str, rng: random.Random, strangers: Sequence[str] = ()
) -> str | None:
    """Put "not" in, or take it out."""
    if match := _NEGATED.search(claim):
        return _put(claim, match.span(), match.group(1) or "can")
    found = list(_AUXILIARY.finditer(claim))
    if not found:
        return None
    match = found[0]
    return _put(claim, match.span(), f"{match.group()} not")


def change_relation(
    claim: str, evidence: str, rng: random.Random, strangers: Sequence[str] = ()
) -> str | None:
    """The opposite of one word."""
    found = [
        m for m in _WORD.finditer(claim)
        if m.group().lower() in OPPOSITE
    ]  # fmt: skip
    if not found:
        return None
    match = rng.choice(found)
    return _put(claim, match.span(), _cased(OPPOSITE[match.group().lower()], match.group()))


def change_scope(
    claim: str, evidence: str, rng: random.Random, strangers: Sequence[str] = ()
) -> str | None:
    """A guarded statement made a general one: some to all, may to will."""
    found = [
        match for narrow in _SCOPE for match in re.finditer(rf"\b{narrow}\b", claim, re.IGNORECASE)
    ]
    if not found:
        return None
    match = rng.choice(found)
    return _put(claim, match.span(), _cased(_SCOPE[match.group().lower()], match.group()))


def change_order(
    claim: str, evidence: str, rng: random.Random, strangers: Sequence[str] = ()
) -> str | None:
    """Two names of the claim change places, where a verb may stand between them."""
    found = [m for m in _names(claim, first_word=True) if m.group() in evidence]
    pairs = [
        (one, other)
        for one, other in pairwise(found)
        if not _JOINED.fullmatch(claim[one.end() : other.start()])
        and content_words(one.group())
        and not set(one.group().split()) & set(other.group().split())
    ]
    if not pairs:
        return None
    one, other = rng.choice(pairs)
    between = claim[one.end() : other.start()]
    return _put(claim, (one.start(), other.end()), other.group() + between + one.group())


def change_word(
    claim: str, evidence: str, rng: random.Random, strangers: Sequence[str] = ()
) -> str | None:
    """A word of the claim gives way to another of the evidence with the same ending."""
    said = set(content_words(claim))
    others = [
        m.group()
        for m in _WORD.finditer(evidence)
        if len(m.group()) > 3 and m.group().islower() and set(content_words(m.group())) - said
    ]
    choices = [
        (match, other)
        for match in _WORD.finditer(claim)
        if len(match.group()) > 3 and match.group().islower() and content_words(match.group())
        for other in others
        if _ending(other) == _ending(match.group())
    ]
    if not choices:
        return None
    match, other = rng.choice(choices)
    return _put(claim, match.span(), other)


def drop_evidence(claim: str, evidence: Sequence[str]) -> tuple[str, ...] | None:
    """The evidence without the sentences that hold most of the claim's words; None if one is all.

    A claim of which more than half still stands in what is left may still be supported.
    """
    wanted = set(content_words(claim))
    sentences = [
        (number, span.of(passage))
        for number, passage in enumerate(evidence)
        for span in sentence_spans(passage)
    ]
    if not wanted or len(sentences) < 2:
        return None
    shares = [len(wanted & set(content_words(s))) / len(wanted) for _, s in sentences]
    bar = max(max(shares) * 0.6, 0.3)
    kept = [place for place, share in zip(sentences, shares, strict=True) if share < bar]
    left = set().union(*(content_words(s) for _, s in kept)) if kept else set()
    if not kept or len(kept) == len(sentences) or len(wanted & left) > 0.5 * len(wanted):
        return None
    numbers = sorted({number for number, _ in kept})
    return tuple(" ".join(s for n, s in kept if n == number) for number in numbers)


CHANGES: tuple[tuple[str, Callable[..., str | None], Wrong], ...] = (
    ("number", change_number, "not_supported"),
    ("date", change_date, "not_supported"),
    ("name", change_name, "not_supported"),
    ("polarity", change_polarity, "contradicted"),
    ("relation", change_relation, "not_supported"),
    ("scope", change_scope, "neither"),
    ("order", change_order, "not_supported"),
    ("word", change_word, "not_supported"),
)
_SHARE = {"relation": 3, "scope": 3, "word": 0.5}  # how often drawn where others have 1


def perturb(
    claim: str,
    evidence: Sequence[str],
    rng: random.Random,
    *,
    n: int = 1,
    strangers: Sequence[str] = (),
) -> list[Changed]:
    """At most `n` wrong versions of a supported claim, of different kinds, drawn at random.

    Kinds that few claims offer are drawn more often, those that all offer less.

    Args:
        strangers: names to put in where the evidence has none.
    """
    found = list(_wrong_versions(claim, tuple(evidence), rng, strangers))
    found.sort(key=lambda changed: rng.random() ** (1 / _SHARE.get(changed.kind, 1)), reverse=True)
    return found[:n]


def _wrong_versions(
    claim: str, evidence: tuple[str, ...], rng: random.Random, strangers: Sequence[str]
) -> Iterator[Changed]:
    for kind, change, label in CHANGES:
        said = change(claim, " ".join(evidence), rng, strangers)
        if said is not None and said != claim:
            yield Changed(evidence, said, kind, label)
    left = drop_evidence(claim, evidence)
    if left is not None:
        yield Changed(left, claim, "dropped evidence", "neither")


def names_of(texts: Iterable[str]) -> list[str]:
    """The capitalised names of the texts, each once, in order; first words apart."""
    return list(dict.fromkeys(match.group() for text in texts for match in _names(text)))


def _names(text: str, *, first_word: bool = False) -> Iterator[re.Match[str]]:
    """Capitalised names; one that begins with the first word only when asked for."""
    first = _FIRST_WORD.match(text)
    return _NAME.finditer(text, first.end() if first and not first_word else 0)


def _ending(word: str) -> str:
    """What tells verbs, adverbs and plurals apart."""
    return next((ending for ending in ("ing", "ed", "ly", "s") if word.endswith(ending)), "")


def _another_number(number: str, evidence: str, rng: random.Random) -> str:
    plain = number.replace(",", "")
    for _ in range(20):
        if "." in plain:
            decimals = len(plain.split(".")[1])
            other = f"{float(plain) * rng.choice((0.5, 0.8, 1.3, 2)) + 0.1:.{decimals}f}"
        elif 1000 <= int(plain) <= 2100 and "," not in number:
            other = str(int(plain) + rng.choice((-40, -12, -5, -2, -1, 1, 2, 3, 7, 20)))
        else:
            value = int(plain)
            other = str(rng.choice([value + 1, value + 2, value * 2, value * 3, value // 2 + 1]))
        if "," in number:
            other = f"{int(float(other)):,}"
        if other != number and not re.search(rf"(?<!\d){re.escape(other)}(?!\d)", evidence):
            return other
    return f"{plain}7"


def _put(text: str, span: tuple[int, int], new: str) -> str:
    return text[: span[0]] + new + text[span[1] :]


def _cased(word: str, like: str) -> str:
    return word[0].upper() + word[1:] if like[0].isupper() else word
