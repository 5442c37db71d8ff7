"""Spoofed citations: numbers that name nothing, invented quotations, near ones, another's words.

Quotations are of sentences of the shipped facts; an invented one is made of words of other facts,
a near one has one word or number changed. `lint_answer` sees them without a model; a number that
names nothing is a row with the problem "dangling" in what `cite` returns, too.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

import pytest

import ragattr
from ragattr.learn.floors import read_facts
from ragattr.text.lint import lint_answer
from ragattr.text.sentences import sentence_spans
from tests.reliability.figures import SEED, Shown, sizes

PASSAGES = [fact["passage"] for fact in read_facts()]
MARKERS = ("[{}]", "[{}, 1]", "[1][{}]", "【{}】", "[1, {}]", "^{}^", "[ {} ]")
MARKS = ("“{}”", '"{}"', "«{}»", "„{}“")
FRAMES = ("The text says {} {}.", "It is noted that {} {}.", "One source has {} {}.")
QUOTES = {"quote-absent", "quote-near", "quote-uncited"}


@dataclass(frozen=True)
class Spoofed:
    """An answer with one quotation, or one number that names nothing."""

    answer: str
    passages: tuple[str, ...]

    @property
    def rules(self) -> set[str]:
        return {finding.rule for finding in lint_answer(self.answer, self.passages)}


def drawn(rng: random.Random) -> tuple[list[str], str]:
    """Three to six passages, and a sentence of the first of seven or more words."""
    while True:
        passages = rng.sample(PASSAGES, rng.randint(3, 6))
        sentence = rng.choice(sentence_spans(passages[0])).of(passages[0])
        if len(sentence.split()) >= 7:
            return passages, sentence.rstrip(".")


def quoting(rng: random.Random, quote: str, passages: list[str], number: int) -> Spoofed:
    said = rng.choice(FRAMES).format(rng.choice(MARKS).format(quote), f"[{number}]")
    return Spoofed(said, tuple(passages))


def missing_number(rng: random.Random) -> Spoofed:
    passages, sentence = drawn(rng)
    number = rng.choice((0, len(passages) + 1, len(passages) + rng.randint(2, 90), 999, 1234))
    return Spoofed(f"{sentence} {rng.choice(MARKERS).format(number)}.", tuple(passages))


def invented(rng: random.Random) -> Spoofed:
    """Words of other facts, drawn one by one."""
    passages, _ = drawn(rng)
    words = " ".join(other for other in PASSAGES if other not in passages).split()
    quote = " ".join(rng.choice(words).strip(".,") for _ in range(rng.randint(7, 14)))
    return quoting(rng, quote, passages, 1)


def of_another(rng: random.Random) -> Spoofed:
    """A sentence of a passage that stands there and is not the one that is cited."""
    passages, sentence = drawn(rng)
    return quoting(rng, sentence, passages, rng.randint(2, len(passages)))


def of_a_stranger(rng: random.Random) -> Spoofed:
    """A sentence of a document that is not among the passages."""
    passages, sentence = drawn(rng)
    return quoting(rng, sentence, passages[1:], 1)


def near(rng: random.Random) -> Spoofed:
    """One word, not the first or last, is another one; a number is another number."""
    passages, sentence = drawn(rng)
    words = sentence.split()
    at = rng.randrange(1, len(words) - 1)
    others = [w for p in PASSAGES for w in p.split() if w.isalpha() and w.lower() != words[at]]
    digits = "".join(c for c in words[at] if c.isdigit())
    words[at] = str(int(digits) + rng.randint(1, 9)) if digits else rng.choice(others)
    return quoting(rng, " ".join(words), passages, 1)


def faithful(rng: random.Random) -> Spoofed:
    """The words of the passage; case, spaces, hyphens and what is left out may differ."""
    passages, quote = drawn(rng)
    words = quote.split()
    changes: tuple[Callable[[], str], ...] = (
        lambda: quote,
        lambda: quote[0].swapcase() + quote[1:],
        lambda: "  ".join(words),
        lambda: " ".join([*words[:4], "...", *words[-2:]]) if len(words) > 7 else quote,
        lambda: quote.replace("-", "–"),
        lambda: f"{quote},",
    )
    return quoting(rng, rng.choice(changes)(), passages, 1)


def made(make: Callable[[random.Random], Spoofed], n: int) -> list[Spoofed]:
    return [make(random.Random(f"{SEED} {number}")) for number in range(n)]


@sizes(quick=100, full=1_000)
@pytest.mark.parametrize(
    ("make", "rules"),
    [
        (missing_number, {"out-of-range"}),
        (invented, {"quote-absent"}),
        (of_another, {"quote-uncited"}),
        (of_a_stranger, {"quote-absent", "quote-near"}),
    ],
    ids=["a missing number", "an invented one", "of another passage", "of a stranger"],
)
def test_every_one_is_caught(
    make: Callable[[random.Random], Spoofed], rules: set[str], n: int, shown: Shown
) -> None:
    missed = [case.answer for case in made(make, n) if not case.rules & rules]
    shown(n, len(missed))
    assert missed == []


@sizes(quick=100, full=1_000)
def test_near_quotations_are_found_and_faithful_ones_are_left_alone(n: int, shown: Shown) -> None:
    cases = made(near, n)
    missed = [case.answer for case in cases if not case.rules & QUOTES]
    n_near = sum("quote-near" in case.rules for case in cases)
    alarmed = [case.answer for case in made(faithful, n) if case.rules & QUOTES]
    shown(
        2 * n, recall=1 - len(missed) / n, called_near=n_near / n, false_alarm_rate=len(alarmed) / n
    )
    assert len(missed) <= 0.02 * n, missed
    assert len(alarmed) <= 0.01 * n, alarmed


@sizes(quick=50, full=1_000)
@pytest.mark.usefixtures("fakes")
def test_a_record_calls_every_number_that_names_nothing_dangling(n: int, shown: Shown) -> None:
    missed = [case.answer for case in made(missing_number, n) if not _has_dangling(case)]
    shown(n, len(missed))
    assert missed == []


def _has_dangling(case: Spoofed) -> bool:
    record = ragattr.cite(
        question="What is said?", passages=case.passages, answer=case.answer, tier="text"
    )
    rows = [row for claim in record["claims"] for row in claim["citations"]]
    lost = [row for row in rows if row["problem"] == "dangling"]
    named = {row["passage"] for row in rows if row["origin"] == "answer"} - {None, "1"}
    return len(lost) == 1 and lost[0]["passage"] is None and not named
