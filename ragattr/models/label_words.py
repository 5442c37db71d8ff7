"""Yes or no, read from what a model would write first.

The measure is that of "Attentiveness to Answer Choices Doesn't Always Entail High QA Accuracy".
Every label has many surface forms; each counts by the id of its first token. An id that begins
forms of both labels says nothing and is dropped.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ragattr.errors import ConfigError
from ragattr.types import FloatArray

logger = logging.getLogger(__name__)

ENTAIL_FIELDS = ("hypothesis", "premise")  # of the prompt that asks whether evidence supports
ATTENTIVE_FROM = 0.5


def surface_forms(*words: str) -> tuple[str, ...]:
    """The words in three cases, bare, behind a space and behind a line break."""
    cased = [form for word in words for form in (word.capitalize(), word.lower(), word.upper())]
    return tuple(dict.fromkeys(f"{front}{word}" for word in cased for front in ("", " ", "\n")))


YES, NO = surface_forms("yes", "true"), surface_forms("no", "false")
DIGITS = ("1", "0")


class YesNo(NamedTuple):
    """Answers to yes-or-no questions.

    Attributes:
        score: [questions], p(yes) / (p(yes) + p(no)), 0..1.
        attentiveness: [questions], p(yes) + p(no), 0..1: the mass on valid labels.
    """

    score: FloatArray
    attentiveness: FloatArray

    @property
    def is_low(self) -> NDArray[np.bool_]:
        """[questions], whether less than half of the mass lies on valid labels."""
        return self.attentiveness < ATTENTIVE_FROM

    def log(self, model: str) -> None:
        """Say how much of the mass lay on valid labels."""
        logger.info(
            "%s: mean mass on yes and no %.3f, below %.1f for %d of %d pairs",
            *(model, self.attentiveness.mean(), ATTENTIVE_FROM, self.is_low.sum(), len(self.score)),
        )


@dataclass(frozen=True)
class LabelWords:
    """Ids of the first tokens of either label's forms."""

    yes: tuple[int, ...]
    no: tuple[int, ...]

    @classmethod
    def of(cls, tokenizer: Any, *, yes: Sequence[str], no: Sequence[str]) -> "LabelWords":
        """By a tokenizer; a ConfigError when all forms of a label begin like the other's."""
        of_yes, of_no = _first_ids(tokenizer, yes), _first_ids(tokenizer, no)
        words = cls(tuple(sorted(of_yes - of_no)), tuple(sorted(of_no - of_yes)))
        if not (words.yes and words.no):
            raise ConfigError(
                f"the tokenizer gives {list(yes)} and {list(no)} no first tokens of their own"
            )
        return words

    def weigh(self, logprobs: FloatArray) -> YesNo:
        """What the model says to each question.

        Args:
            logprobs: [questions, vocab], of the first token it would write, nats.
        """
        of_yes = np.logaddexp.reduce(logprobs[:, list(self.yes)], axis=1)
        of_no = np.logaddexp.reduce(logprobs[:, list(self.no)], axis=1)
        return yes_no(of_yes, of_no)


def yes_no(of_yes: FloatArray, of_no: FloatArray) -> YesNo:
    """Score and attentiveness from the log-probabilities of both labels, nats."""
    both = np.logaddexp(of_yes, of_no)
    return YesNo(np.exp(of_yes - both), np.minimum(np.exp(both), 1.0))


def support_rows(score: FloatArray) -> FloatArray:
    """[pairs, 3]: what is not supported is neither; a yes or no tells no contradiction."""
    return np.stack([score, np.zeros_like(score), 1 - score], axis=1)


def _first_ids(tokenizer: Any, forms: Sequence[str]) -> set[int]:
    found = tokenizer(list(forms), add_special_tokens=False)["input_ids"]
    return {ids[0] for ids in found if ids}
