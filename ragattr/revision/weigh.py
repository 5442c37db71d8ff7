"""How good a changed statement is: what the verifier, the words and a language model say of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np

from ragattr.models.protocols import Encoder, EntailmentModel, Pair, WhiteBoxModel
from ragattr.models.protocols import Reply as Written
from ragattr.prompt import Prompt, answer_chat
from ragattr.revision.candidates import Candidate, Change, candidates
from ragattr.text.details import Said, details
from ragattr.text.edits import edits_between
from ragattr.text.opposites import OPPOSITE
from ragattr.text.sentences import SEPARATOR
from ragattr.text.words import is_negated, words
from ragattr.types import Context, FloatArray, Passage, Query

SENTENCES = 5  # of the evidence that a statement is held against
JUDGED = 16  # candidates that the verifier judges
READ = 3  # candidates that the language model reads, after as many sentences of evidence
UNREAD = -5.0  # nats, of candidates that the language model does not read
EVEN_ODDS = 0.5
_CLIPPED = 1e-6

FIGURES = (
    "support_before",  # logits of the verifier's probabilities
    "support_after",
    "support_gain",
    "contradiction_before",
    "contradiction_gain",
    "lead",  # logit of support, over the best of the other candidates
    "nearness",
    "is_unsaid",
    "unsaid_before",  # share of the statement's details that the evidence does not say
    "unsaid_after",
    "is_opposite",
    "is_negated_there",  # whether the nearest sentence of the evidence is negated
    "words",
    "words_changed",
    "words_gone",
    "share_gone",
    "has_number",
    "has_capital",
    *(f"is_{change}" for change in get_args(Change)),
    "likelihood_gain",  # nats, of the whole statement, after the evidence
    "likelihood_gain_per_word",
)


@dataclass(frozen=True, eq=False)
class Weighed:
    """The candidates of a statement, and figures of each.

    Attributes:
        figures: [candidates, figures], in the order of `FIGURES`.
        before: probability that the evidence supports the statement as it is.
        after: [candidates], the same of each candidate.
        sentences: which sentences of the evidence were read, by index.
        nearest: which of these is most like the statement.
    """

    candidates: tuple[Candidate, ...]
    figures: FloatArray
    before: float
    after: FloatArray
    sentences: tuple[int, ...]
    nearest: int

    @property
    def is_supported(self) -> bool:
        """Whether the evidence supports the statement as it is, as likely as not."""
        return self.before >= EVEN_ODDS


@dataclass(frozen=True)
class Scale:
    """Holds statements and their candidates against evidence.

    Attributes:
        reader: a language model that says how likely the words are after the evidence; or None.
        prompt: that it reads them under.
    """

    verifier: EntailmentModel
    encoder: Encoder
    reader: WhiteBoxModel | None
    prompt: Prompt

    def weigh(
        self, statements: Sequence[tuple[str, str, str]], evidence: Sequence[Sequence[str]]
    ) -> list[Weighed]:
        """Every statement with the sentences of its evidence; the verifier is asked once for all.

        Args:
            evidence: of each statement, at least one sentence.
            statements: each with what goes before it when it is judged, and its question.
        """
        chosen = [
            _nearest(self.encoder, said, sentences, SENTENCES)
            for (said, _, _), sentences in zip(statements, evidence, strict=True)
        ]
        shown = [[e[i] for i in kept] for e, kept in zip(evidence, chosen, strict=True)]
        found = [
            candidates(said, kept)[:JUDGED]
            for (said, _, _), kept in zip(statements, shown, strict=True)
        ]
        pairs = [
            Pair(SEPARATOR.join(kept), before + text)
            for (said, before, _), kept, row in zip(statements, shown, found, strict=True)
            for text in (said, *(candidate.text for candidate in row))
        ]
        asked = list(dict.fromkeys(pairs))
        judged = dict(zip(asked, self.verifier.entails(asked), strict=True)) if asked else {}
        start, weighed = 0, list[Weighed]()
        for (said, _, question), kept, row, numbers in zip(
            statements, shown, found, chosen, strict=True
        ):
            figures = np.array([judged[pair] for pair in pairs[start : start + len(row) + 1]])
            start += len(row) + 1
            weighed.append(self._figured(said, question, kept, numbers, row, figures))
        return weighed

    def _figured(
        self,
        said: str,
        question: str,
        evidence: Sequence[str],
        numbers: Sequence[int],
        row: Sequence[Candidate],
        judged: FloatArray,
    ) -> Weighed:
        """Every candidate's figures.

        Args:
            judged: [1 + candidates, 3], what the verifier says of the statement, then of each.
        """
        support, contradiction = _logit(judged[:, 0]), _logit(judged[:, 1])
        there, n_words = Said.by(evidence), len(words(said))
        (nearest,) = _nearest(self.encoder, said, evidence, 1)
        gains = support[1:] - support[0]
        likelihoods = self._likelihood_gains(said, question, evidence, row, gains)
        figures = [
            {
                "support_before": support[0],
                "support_after": support[i],
                "support_gain": gains[i - 1],
                "contradiction_before": contradiction[0],
                "contradiction_gain": contradiction[i] - contradiction[0],
                "lead": support[i] - max(np.delete(support[1:], i - 1), default=support[i]),
                "nearness": candidate.nearness,
                "is_unsaid": candidate.is_unsaid,
                "unsaid_before": _unsaid(said, there),
                "unsaid_after": _unsaid(candidate.text, there),
                "is_opposite": OPPOSITE.get(candidate.span.of(said).lower())
                == candidate.after.lower(),
                "is_negated_there": is_negated(evidence[nearest]),
                "words": n_words,
                **_size(said, candidate.text),
                **{f"is_{change}": candidate.change == change for change in get_args(Change)},
                "likelihood_gain": likelihoods[i - 1],
                "likelihood_gain_per_word": likelihoods[i - 1] / max(n_words, 1),
            }
            for i, candidate in enumerate(row, start=1)
        ]
        table = np.array([[of[name] for name in FIGURES] for of in figures], dtype=float)
        return Weighed(
            candidates=tuple(row),
            figures=table.reshape(len(row), len(FIGURES)),
            before=float(judged[0, 0]),
            after=judged[1:, 0],
            sentences=tuple(numbers),
            nearest=nearest,
        )

    def _likelihood_gains(
        self,
        said: str,
        question: str,
        evidence: Sequence[str],
        row: Sequence[Candidate],
        gains: FloatArray,
    ) -> FloatArray:
        """[candidates]; only the most promising are read."""
        found = np.full(len(row), UNREAD)
        promise = gains + 2 * np.array([candidate.nearness for candidate in row])
        kept = [i for i in np.argsort(-promise, kind="stable")[:READ] if gains[i] > 0]
        if self.reader is None or not kept:
            return found
        near = [evidence[i] for i in _nearest(self.encoder, said, evidence, READ)]
        before = self.likelihood(said, question, near)
        for i in kept:
            found[i] = self.likelihood(row[i].text, question, near) - before
        return found

    def likelihood(self, text: str, question: str, evidence: Sequence[str]) -> float:
        """Log-probability of the text after the evidence, nats, as a whole."""
        assert self.reader is not None
        passage = Passage(" ".join(evidence), "1")
        chat = answer_chat(
            self.prompt, Context(Query(question or "What is true?", "1"), (passage,))
        )
        return float(self.reader.read(chat, Written(text)).logprobs.sum())


def _nearest(encoder: Encoder, said: str, sentences: Sequence[str], n: int) -> list[int]:
    if len(sentences) <= n:
        return list(range(len(sentences)))
    similarity = encoder.encode(sentences) @ encoder.encode([said])[0]
    return sorted(np.argsort(-similarity, kind="stable")[:n].tolist())


def _size(said: str, new: str) -> dict[str, float]:
    """What changes from the first word that differs to the last one."""
    edits = edits_between(said, new)
    before = said[edits[0].span.start : edits[-1].span.end] if edits else ""
    n_words, n_gone = len(words(said)), len(words(said)) - len(words(new))
    return {
        "words_changed": len(words(before)),
        "words_gone": n_gone,
        "share_gone": n_gone / max(n_words, 1),
        "has_number": any(char.isdigit() for char in before),
        "has_capital": before[:1].isupper(),
    }


def _unsaid(text: str, there: Said) -> float:
    """The share of a statement's details that the evidence does not say."""
    found = details(text)
    return sum(not there.holds(detail) for detail in found) / len(found) if found else 0.0


def _logit(p: FloatArray) -> FloatArray:
    p = np.clip(p, _CLIPPED, 1 - _CLIPPED)
    logits: FloatArray = np.log(p / (1 - p))
    return logits
