"""Confidence in two stages: is the evidence enough to judge the claim, and does it support it.

PACE-LM (Zhang et al. 2023): a verifier that is unsure of its evidence should be unsure of its
verdict too. Here the first stage asks whether the passages are enough to judge this claim.
"""

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np

from ragattr.errors import InputError, ModelReplyError
from ragattr.models.entailment import sigmoid
from ragattr.models.protocols import EntailmentModel, LanguageModel, Pair, Reply
from ragattr.prompt import Chat, Prompt, prompts_folder
from ragattr.text.sentences import SEPARATOR
from ragattr.types import FloatArray
from ragattr.verification.evidence import join

logger = logging.getLogger(__name__)

ENOUGH_FIELDS = ("claim", "passages")
SUPPORT_FIELDS = ("analysis", "claim", "passages")
MAX_NEW_TOKENS = 256
_ANSWER = re.compile(r"\W*(?:answer\W+)?(yes|no)\W*", re.IGNORECASE)
_RATING = re.compile(r"\W*(?:rating\W+)?(10|\d)(?:\s*/\s*10|\s+out of 10)?\W*", re.IGNORECASE)


class Confidence(NamedTuple):
    """Of the evidence, that it is enough to judge the claim, and of the claim; each 0..1."""

    enough: float
    supported: float


class TwoStages(Protocol):
    """Answers both questions about a claim and its passages."""

    @property
    def name(self) -> str: ...
    @property
    def revision(self) -> str: ...

    def confidence(self, claim: str, passages: Sequence[str]) -> Confidence:
        """In the evidence, and in the claim given the evidence."""
        ...

    def reads(self, text: str) -> bool:
        """Whether the text is in a language that is judged."""
        ...


@dataclass(frozen=True)
class AskModel:
    """A language model analyses the evidence, says yes or no, and rates the claim from 0 to 10.

    The paper draws K replies at random. A `LanguageModel` writes greedily, so the K samples
    differ by what should not matter: the wording of the prompt, and which passage comes first.
    They repeat exactly, and spread less than random ones. Where that gives fewer than K different
    chats, as with a single passage, each is asked once. Each rating is given one analysis.

    Attributes:
        enough, support: wordings of the two stages' prompts.
        n_samples: K.
    """

    model: LanguageModel
    enough: tuple[Prompt, ...] = field(repr=False)
    support: tuple[Prompt, ...] = field(repr=False)
    n_samples: int = 4

    @classmethod
    def with_own_prompts(cls, model: LanguageModel, *, n_samples: int = 4) -> "AskModel":
        """With the prompts that ship with ragattr, two wordings of each."""
        enough = _prompts("pace_enough.txt", "pace_enough_again.txt", fields=ENOUGH_FIELDS)
        support = _prompts("pace_support.txt", "pace_support_again.txt", fields=SUPPORT_FIELDS)
        return cls(model, enough, support, n_samples)

    @property
    def name(self) -> str:
        return self.model.card.name

    @property
    def revision(self) -> str:
        return self.model.card.revision

    def reads(self, text: str) -> bool:
        """A language model judges what it is given."""
        return True

    def confidence(self, claim: str, passages: Sequence[str]) -> Confidence:
        """The share of analyses that end in yes, and the mean rating over 10.

        Raises:
            InputError: the passages do not fit the model's window.
            ModelReplyError: no reply of a stage could be read; single ones are left out.
        """
        samples = dict.fromkeys(
            (i % len(self.enough), _numbered(passages, first=i // len(self.enough) % len(passages)))
            for i in range(self.n_samples)
        )
        first = [
            self.enough[wording].fill({"claim": claim, "passages": block})[0]
            for wording, block in samples
        ]
        analyses = self._ask(first)
        second = [
            self.support[wording % len(self.support)].fill(
                {"claim": claim, "passages": block, "analysis": analysis}
            )[0]
            for (wording, block), analysis in zip(samples, analyses, strict=True)
        ]
        return Confidence(
            enough=_mean(analyses, _yes, "Answer: yes' or 'Answer: no"),
            supported=_mean(self._ask(second), _rating, "Rating: 0' to 'Rating: 10"),
        )

    def _ask(self, texts: Sequence[str]) -> list[str]:
        chats = [Chat(({"role": "user", "content": text},), (), ()) for text in texts]
        longest = max(self.model.count_tokens(chat, Reply("")) for chat in chats)
        if longest + MAX_NEW_TOKENS > self.model.window:
            raise InputError(
                f"claim and evidence take {longest} tokens and a reply {MAX_NEW_TOKENS}, the "
                f"window of {self.name} holds {self.model.window}"
            )
        return [reply.text for reply in self.model.write(chats, max_new_tokens=MAX_NEW_TOKENS)]


@dataclass(frozen=True)
class SplitVerdict:
    """Both stages from one entailment model: enough is all but "neither"; one reading, no samples.

    Their product is the model's own probability of "supported", and only a fitted combination
    makes something else of it.
    """

    model: EntailmentModel

    @property
    def name(self) -> str:
        return self.model.name

    @property
    def revision(self) -> str:
        return self.model.revision

    def reads(self, text: str) -> bool:
        return self.model.reads(text)

    def confidence(self, claim: str, passages: Sequence[str]) -> Confidence:
        """1 - P(neither), and P(supported) among supported and contradicted."""
        supported, contradicted, _ = self.model.entails([Pair(join(passages), claim)])[0].tolist()
        enough = supported + contradicted
        return Confidence(enough, supported / enough if enough else 0.0)


@dataclass(frozen=True)
class Combination:
    """A logistic function of c1, c2 and c1 c2, as `ragattr.learn.pace` fits it on labelled rows."""

    coefficients: tuple[float, float, float]
    intercept: float

    def __call__(self, found: Confidence) -> float:
        """The calibrated probability of "supported"."""
        terms = np.array(terms_of(found))
        return float(sigmoid(np.array([terms @ self.coefficients + self.intercept]))[0])


def multiply(found: Confidence) -> float:
    """c1 c2, for want of labelled rows: sure only where both stages are; not calibrated."""
    return found.enough * found.supported


def terms_of(found: Confidence) -> tuple[float, float, float]:
    """What is combined: c1, c2, c1 c2."""
    return found.enough, found.supported, found.enough * found.supported


@dataclass(frozen=True)
class PaceVerifier:
    """Two stages as an `EntailmentModel`; passages are what blank lines part.

    What is not "supported" is "contradicted" as far as the evidence was enough to judge, and
    "neither" as far as it was not.
    """

    stages: TwoStages
    combine: Callable[[Confidence], float] = multiply
    threshold: float = 0.5
    contradiction_threshold: float = 0.5

    @property
    def name(self) -> str:
        return f"pace:{self.stages.name}"

    @property
    def revision(self) -> str:
        return self.stages.revision

    def reads(self, text: str) -> bool:
        return self.stages.reads(text)

    def entails(self, pairs: Sequence[Pair]) -> FloatArray:
        """[pairs, 3]: supported, contradicted, neither; an empty premise supports nothing."""
        return np.array([self._row(pair) for pair in pairs]).reshape(len(pairs), 3)

    def _row(self, pair: Pair) -> tuple[float, float, float]:
        passages = [piece for piece in pair.premise.split(SEPARATOR) if piece.strip()]
        if not passages or not pair.hypothesis.strip():
            return 0.0, 0.0, 1.0
        found = self.stages.confidence(pair.hypothesis, passages)
        supported = self.combine(found)
        against, open_ = found.enough * (1 - found.supported), 1 - found.enough
        share = against / (against + open_) if against + open_ else 1.0
        return supported, (1 - supported) * share, (1 - supported) * (1 - share)


def _prompts(*names: str, fields: Sequence[str]) -> tuple[Prompt, ...]:
    return tuple(Prompt.load(prompts_folder() / name, fields) for name in names)


def _numbered(passages: Sequence[str], *, first: int) -> str:
    """The passages, numbered from 1, beginning with number `first`, counted from 0."""
    turned = [*passages[first:], *passages[:first]]
    return "\n\n".join(f"[{number}] {text}" for number, text in enumerate(turned, start=1))


def _mean(replies: Sequence[str], read: Callable[[str], float | None], wanted: str) -> float:
    figures = [figure for reply in replies if (figure := read(reply)) is not None]
    if not figures:
        raise ModelReplyError(f"wanted a line '{wanted}', got {replies[-1][-80:]!r}")
    if len(figures) < len(replies):
        logger.warning(
            "%d of %d replies have no line '%s': left out",
            len(replies) - len(figures),
            len(replies),
            wanted,
        )
    return float(np.mean(figures))


def _yes(reply: str) -> float | None:
    said = _last(_ANSWER, reply)
    return None if said is None else float(said.lower() == "yes")


def _rating(reply: str) -> float | None:
    said = _last(_RATING, reply)
    return None if said is None else int(said) / 10


def _last(pattern: re.Pattern[str], reply: str) -> str | None:
    """What the last line that is nothing else says."""
    found = [match[1] for line in reply.splitlines() if (match := pattern.fullmatch(line))]
    return found[-1] if found else None
