"""Whether a text and a piece of evidence disagree about a question (RARR, agreement gate)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from ragattr.models.protocols import LanguageModel, Reply
from ragattr.prompt import Prompt
from ragattr.revision.asking import ask, one_line

Gate = Literal["agrees", "disagrees", "irrelevant", "unreadable"]
GATE_FIELDS = ("evidence", "question", "text")
MAX_NEW_TOKENS = 160
_WORD = r"(disagree|agree|irrelevant)(?:s|d)?\b"
_VERDICT = re.compile(rf"\W*verdict\W+{_WORD}(.*)|\W*{_WORD}\W*", re.IGNORECASE)
_ANY_WORD = re.compile(_WORD, re.IGNORECASE)
_NEXT_EXAMPLE = re.compile(r"^\W*text\W*:", re.IGNORECASE | re.MULTILINE)
_NAMED: dict[str, Gate] = {
    "agree": "agrees", "disagree": "disagrees", "irrelevant": "irrelevant",
}  # fmt: skip


class Check(NamedTuple):
    """A text to be held against evidence on one question; `title` is of the evidence's passage."""

    text: str
    question: str
    evidence: str
    title: str | None = None

    def filling(self) -> dict[str, str]:
        """The fields of a prompt: all in one line but the text."""
        shown = f"{self.title}: {self.evidence}" if self.title else self.evidence
        return {
            "text": self.text.strip(),
            "question": one_line(self.question),
            "evidence": one_line(shown),
        }


class Opinion(NamedTuple):
    """What the model concluded, and what it wrote on the way."""

    gate: Gate
    reasoning: str


@dataclass(frozen=True)
class AgreementGate:
    """Asks a model; the gate is open on "disagrees" alone, and closed on what cannot be read."""

    model: LanguageModel
    prompt: Prompt = field(repr=False)
    max_new_tokens: int = MAX_NEW_TOKENS

    def __call__(self, checks: Sequence[Check]) -> list[Opinion]:
        """An opinion on each, written in one batch."""
        fillings = [{**c.filling(), "text": one_line(c.text)} for c in checks]
        replies = ask(self.model, self.prompt, fillings, max_new_tokens=self.max_new_tokens)
        return [read_opinion(reply) for reply in replies]


def read_opinion(reply: Reply | None) -> Opinion:
    """The verdict on a line of its own; none, or different ones, cannot be read."""
    if reply is None:
        return Opinion("unreadable", "text and evidence do not fit the model's window")
    lines = _NEXT_EXAMPLE.split(_without_echo(reply.text))[0].splitlines()
    found = [(line.strip(), _VERDICT.fullmatch(line)) for line in lines]
    reasoning = "\n".join(line for line, match in found if line and not match)
    verdicts = {word.lower() for _, match in found if match for word in _ANY_WORD.findall(match[0])}
    if len(verdicts) != 1:
        return Opinion("unreadable", "\n".join(line for line, _ in found if line))
    return Opinion(_NAMED[verdicts.pop()], reasoning)


def _without_echo(text: str) -> str:
    """Without a copy of the prompt's last lines that some models begin with."""
    match = re.match(r"\s*text\s*:.*\n\s*question\s*:.*\n\s*evidence\s*:.*\n", text, re.IGNORECASE)
    return text[match.end() :] if match else text
