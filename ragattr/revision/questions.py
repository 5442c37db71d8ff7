"""Which questions must be looked up to check a text (RARR, comprehensive question generation)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from ragattr.errors import ModelReplyError, ServerError
from ragattr.models.protocols import LanguageModel, Reply
from ragattr.prompt import Prompt
from ragattr.revision.asking import ask, one_line
from ragattr.text.words import content_words, names

QUESTION_FIELDS = ("question", "text")
MAX_NEW_TOKENS = 256
_QUESTION = re.compile(r"[\s*_>#-]*(?:\d{1,2}[.)]\s*)?Q(?:uestion)?\s*\d*[\s*_]*:[\s*_]*(.*)", re.I)
_NEXT_EXAMPLE = re.compile(r"^\W*(?:asked|text)\W*:", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class Asked:
    """The distinct questions, in the order they came up.

    Attributes:
        n_unreadable: replies that held no question.
        warnings: what went wrong on the way.
    """

    questions: tuple[str, ...]
    n_unreadable: int = 0
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class AskQuestions:
    """Asks a model several times for the questions behind a text, and joins what it says.

    Attributes:
        seed: of the first sample; each further one has the next.
    """

    model: LanguageModel
    prompt: Prompt = field(repr=False)
    n_samples: int = 3
    temperature: float = 0.7
    seed: int = 0
    max_new_tokens: int = MAX_NEW_TOKENS

    def __call__(self, text: str, question: str) -> Asked:
        """The union over all samples.

        Args:
            question: that the text answers; the text alone may not say what it speaks of.

        Raises:
            ServerError, ModelReplyError: there is no first sample; later ones only warn.
        """
        values = {"text": one_line(text), "question": one_line(question)}
        found, n_unreadable, warnings = list[str](), 0, list[str]()
        for n in range(self.n_samples):
            try:
                (reply,) = ask(
                    self.model, self.prompt, [values], max_new_tokens=self.max_new_tokens,
                    temperature=self.temperature, seed=self.seed + n,
                )  # fmt: skip
            except (ServerError, ModelReplyError) as error:
                if n == 0:
                    raise
                warnings.append(f"questions: {n} of {self.n_samples} samples, then: {error}")
                break
            if reply is None:
                warnings.append("no questions were asked: the text does not fit the model's window")
                break
            questions = read_questions(reply)
            n_unreadable += not questions
            found += questions
        if n_unreadable:
            warnings.append(f"{n_unreadable} of {self.n_samples} replies hold no readable question")
        asked = distinct(found)
        kept = tuple(q for q in asked if not self._is_copied(q, f"{text} {question}"))
        if len(kept) < len(asked):
            n_copied = len(asked) - len(kept)
            warnings.append(f"{n_copied} questions were about the prompt's examples: dropped")
        return Asked(kept, n_unreadable, tuple(warnings))

    def _is_copied(self, asked: str, known: str) -> bool:
        """Whether a question holds a name of the prompt's examples that the text does not have."""
        return bool((names(asked) - {*content_words(known)}) & {*content_words(self.prompt.text)})


def read_questions(reply: Reply) -> list[str]:
    """What stands after each "Q:" at the start of a line; other lines are dropped.

    Of a reply that was cut off, the last line is no whole question. Where the model goes on with
    an example of its own, what follows is of another text.
    """
    lines = _NEXT_EXAMPLE.split(reply.text)[0].splitlines()
    if not reply.finished and not _NEXT_EXAMPLE.search(reply.text):
        lines = lines[:-1]
    read = [match[1].strip(" *_") for line in lines if (match := _QUESTION.fullmatch(line))]
    return [question for question in read if any(char.isalnum() for char in question)]


def distinct(questions: Sequence[str]) -> tuple[str, ...]:
    """Each question once, whatever its case, spaces and last sign; the first wording stays."""
    found = dict[str, str]()
    for question in questions:
        found.setdefault(" ".join(question.casefold().split()).rstrip(" ?.!"), question)
    return tuple(found.values())
