"""Distractors that look like the gold sentence: another answer put in, or the answer left vague."""

import re
from collections.abc import Sequence
from itertools import islice
from typing import Literal

import numpy as np

from eval.case import AttributionCase, Row, joined_text
from eval.joining import Planned, plan, spread, surround
from ragattr.errors import ConfigError
from ragattr.text.sentences import sentence_spans
from ragattr.types import Span

N_ANSWERS_SEEN = 500

AnswerType = Literal["number", "date", "person", "name", "other"]
VAGUE: dict[AnswerType, str] = {
    "number": "a certain number",
    "date": "some year",
    "person": "somebody",
    "name": "something",
    "other": "something",
}
_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_DATE = re.compile(
    rf"\b(?:1\d{{3}}|20\d\d)s?\b|\bcentur(?:y|ies)\b|\d (?:AD|BCE?|CE)\b|\b(?:{_MONTHS})\b"
)
_NUMBER = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|hundred"
    r"|thousand|[mb]illion|half|twice)\b",
    re.IGNORECASE,
)
_STOP = re.compile(r"[.!?][\"')\]”’]*$")
_SMALL_WORDS = frozenset("a an and at by de del for from in la of on or the to van von".split())


def hard(
    rows: Sequence[Row], *, n_sentences: int, n: int, seed: int, kind: str = "hard"
) -> list[AttributionCase]:
    """As `joined`, with two hard distractors in paragraphs of other rows, never next to gold.

    One is the gold sentence with another row's answer of the same rough type, the other the gold
    sentence with a phrase such as "somebody" for the answer. Rows whose gold sentence does not
    hold the answer's text are left out.
    """
    rng, planned = np.random.default_rng(seed), list[Planned]()
    for row in spread(rows, n=len(rows), rng=rng):
        if len(planned) == n:
            break
        if sentence := _answer_sentence(row):
            planned.append(plan(row, added=_look_alikes(row, sentence, rows, rng)))
    return surround(planned, rows, n_sentences=n_sentences, kind=kind, seed=seed)


def answer_type(question: str, answer: str) -> AnswerType:
    """What an answer looks like: a number, a date, a person, another capitalised name, or none."""
    if re.match(r"how (?:many|much)\b", question, re.IGNORECASE):
        return "number"
    if _DATE.search(answer):
        return "date"
    if _NUMBER.search(answer):
        return "number"
    words = [word for word in re.findall(r"\w+", answer) if word not in _SMALL_WORDS]
    if words and all(word[0].isupper() for word in words):
        return "person" if re.search(r"\bwho\b", question, re.IGNORECASE) else "name"
    return "other"


def _answer_sentence(row: Row) -> str:
    """The first gold sentence with the answer in it as whole words and in no other way, or "".

    One that ragattr would cut otherwise is passed over, and one that ends without a full stop
    when the answer is gone: put into another paragraph, it would run into its neighbour.
    """
    text, spans = joined_text(row["context_sentences"])
    whole, answer = set(sentence_spans(text)), row["answer"].casefold()
    gold: list[Span] = [spans[i] for i in row["gold_sentence_idx"] if answer]
    for sentence in (span.of(text) for span in gold if span in whole):
        changed = _replaced(sentence, row["answer"], "")
        is_gone = changed != sentence and answer not in changed.casefold()
        if is_gone and _STOP.search(changed):
            return sentence
    return ""


def _look_alikes(
    row: Row, sentence: str, rows: Sequence[Row], rng: np.random.Generator
) -> tuple[str, str]:
    answer = row["answer"]
    other = _other_answer(row, rows, rng)
    vague = _vague(answer, answer_type(row["question"], answer))
    bare = re.sub(rf"(?<=\s)(?:the|an?) (?={re.escape(answer)}(?!\w))", "", sentence)
    return _replaced(sentence, answer, other), _replaced(bare, answer, vague)


def _other_answer(row: Row, rows: Sequence[Row], rng: np.random.Generator) -> str:
    """The most alike of many random answers that the row's own paragraph does not hold.

    Alike are answers of one type, then those that end in the same word, then those as long.
    """
    paragraph, answer = " ".join(row["context_sentences"]).casefold(), row["answer"].casefold()
    shuffled = (rows[i] for i in rng.permutation(len(rows)))
    others = (
        other
        for other in shuffled
        if other["answer"].casefold() not in paragraph and answer not in other["answer"].casefold()
    )
    kind = answer_type(row["question"], row["answer"])
    drawn = list(islice(others, N_ANSWERS_SEEN))
    if not drawn:
        raise ConfigError(f"{row['id']}: every other answer stands in its paragraph")
    best = min(
        drawn,
        key=lambda other: (
            answer_type(other["question"], other["answer"]) != kind,
            other["answer"].casefold().split()[-1] != answer.split()[-1],
            abs(len(other["answer"].split()) - len(answer.split())),
        ),
    )
    return str(best["answer"])


def _vague(answer: str, kind: AnswerType) -> str:
    """Example: "738 days" becomes "a certain number of days"."""
    counted = re.fullmatch(r"\d[\d.,]*\s+([^\W\d].*)", answer) if kind == "number" else None
    return f"{VAGUE[kind]} of {counted.group(1)}" if counted else VAGUE[kind]


def _replaced(sentence: str, answer: str, by: str) -> str:
    changed = re.sub(rf"(?<!\w){re.escape(answer)}(?!\w)", lambda _: by, sentence)
    return changed if sentence[:1].islower() else changed[:1].upper() + changed[1:]
