"""Labelled claims out of questions with answers: the right answer, a wrong one, less evidence."""

import random
import re
from collections import defaultdict
from collections.abc import Sequence

from ragattr.learn.perturb import change_number, names_of
from ragattr.learn.rows import Label, QuestionRow, Row

# A question whose first words stand where the answer stands: "Who wrote X?" "Homer wrote X."
_ABOUT_SUBJECT = re.compile(
    r"^(?:who|what|(?:which|what) [\w'-]+) (?!did\b|does?\b)"
    r"(is|are|was|were|has|had|can|won|wrote|made|[a-z]+(?:s|ed))\b(.*)$",
    re.IGNORECASE,
)
_ASKS_NUMBER = re.compile(r"(?:when|how (?:many|much)|(?:in )?what year)\b", re.IGNORECASE)
_NUMBER = re.compile(r"\b\d[\d,.]*\b")
_GOLD_ALONE, _ALSO_DROPPED = 0.35, 0.5  # shares of the questions


def declare(question: str, answer: str) -> str:
    """Question and answer as one statement where a rule can do it, else one after the other.

    Examples: "who sings the song Go" and "Milira" give "Milira sings the song Go.";
    "When was it built?" and "1889" give "When was it built? 1889."
    """
    asked = question.strip().rstrip("?").strip()
    if match := _ABOUT_SUBJECT.match(asked):
        return f"{_capital(answer)} {match[1]}{match[2]}."
    return f"{_capital(asked)}? {answer}."


def statements(questions: Sequence[QuestionRow], *, seed: int = 0) -> list[Row]:
    """For every question claims that its context supports, and claims that it does not."""
    rng = random.Random(seed)
    of_context = defaultdict[tuple[str, ...], list[QuestionRow]](list)
    for row in questions:
        of_context[row.sentences].append(row)
    found = list[Row]()
    for group in of_context.values():
        for row in group:
            if row.statement and row.gold:
                found += _proved(row, rng)
            elif row.gold:
                found += _answered(row, [other.answer for other in group if other.answer], rng)
            else:
                found += _unanswerable(row, rng)
    return found


def _answered(row: QuestionRow, answers: Sequence[str], rng: random.Random) -> list[Row]:
    text, gold = " ".join(row.sentences), " ".join(row.sentences[i] for i in row.gold)
    premise = gold if rng.random() < _GOLD_ALONE else text
    right = declare(row.question, row.answer)
    found = [_row(row, premise, right, "supported")]
    wrong = [other for other in answers if not _overlap(other, row.answer)]
    choices = [rng.choice(wrong)] if wrong else []
    if any(char.isdigit() for char in row.answer):
        if changed := change_number(row.answer, text, rng):
            choices.append(changed)
    elif row.answer[:1].isupper():
        names = [name for name in names_of(row.sentences) if not _overlap(name, row.answer)]
        choices += [rng.choice(names)] if names else []
    if choices:
        said = declare(row.question, rng.choice(choices))
        found.append(_row(row, premise, said, "not_supported"))
    rest = " ".join(s for i, s in enumerate(row.sentences) if i not in row.gold)
    if rest and rng.random() < _ALSO_DROPPED and row.answer.lower() not in rest.lower():
        found.append(_row(row, rest, right, "neither"))
    return found


def _unanswerable(row: QuestionRow, rng: random.Random) -> list[Row]:
    text = " ".join(row.sentences)
    choices = _NUMBER.findall(text) if _ASKS_NUMBER.match(row.question) else names_of(row.sentences)
    if not choices:
        return []
    return [_row(row, text, declare(row.question, rng.choice(choices)), "not_supported")]


def _proved(row: QuestionRow, rng: random.Random) -> list[Row]:
    """A statement that several facts prove together, and the same with one of them missing."""
    others = [i for i in range(len(row.sentences)) if i not in row.gold]
    beside = rng.sample(others, min(len(others), rng.choice((0, 2, 4))))
    found = [_row(row, _facts(row, [*row.gold, *beside]), row.statement, "supported")]
    if len(row.gold) > 1:
        missing = rng.choice(row.gold)
        left = [i for i in row.gold if i != missing]
        found.append(_row(row, _facts(row, [*left, *beside]), row.statement, "neither"))
    return found


def _facts(row: QuestionRow, chosen: Sequence[int]) -> str:
    return " ".join(f"{row.sentences[i].rstrip('.')}." for i in sorted(chosen))


def _row(row: QuestionRow, premise: str, claim: str, label: Label) -> Row:
    return Row(claim, (premise,), f"questions {label}", label, row.question)


def _overlap(one: str, other: str) -> bool:
    return one.lower() in other.lower() or other.lower() in one.lower()


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
