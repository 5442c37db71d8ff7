"""How good a changed statement is: what the verifier, the words and a language model say of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np

from ragattr.models.protocols import Encoder, EntailmentModel, Pair, WhiteBoxModel
from ragattr.models.protocols import Reply as Written
from ragattr.prompt import Prompt, answer_chat
from ragattr.revision.candidates import Candidate, Change, candidates
from ragattr.text.details import details
from ragattr.text.edits import edits_between
from ragattr.text.opposites import OPPOSITE
from ragattr.text.words import is_negated, stem, words
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
    """A statement, its candidates, and figures of each.

    Attributes:
        figures: [candidates, figures], in the order of `FIGURES`.
        before: probability that the evidence supports the statement as it is.
        after: [candidates], the same of each candidate.
        sentences: which sentences of the evidence were read, by index.
    """

    said: str
    candidates: tuple[Candidate, ...]
    figures: FloatArray
    before: float
    after: FloatArray
    sentences: tuple[int, ...]

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
            Pair("\n\n".join(kept), before + text)
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
        logits, contra = _logit(judged[:, 0]), _logit(judged[:, 1])
        stems = {stem(word) for sentence in evidence for word in words(sentence)}
        values = {d.value for sentence in evidence for d in details(sentence)}
        unsaid = [_unsaid(text, stems, values) for text in (said, *(c.text for c in row))]
        best = np.sort(logits[1:])[::-1]
        table = np.zeros((len(row), len(FIGURES)))
        nearest = _nearest(self.encoder, said, evidence, 1)
        negated = any(is_negated(evidence[i]) for i in nearest)
        for i, candidate in enumerate(row):
            rivals = best[1] if len(best) > 1 and logits[i + 1] == best[0] else best[0]
            before = _changed_words(said, candidate.text)
            n_words = len(words(said))
            n_gone = n_words - len(words(candidate.text))
            table[i, :-2] = [
                logits[0],
                logits[i + 1],
                logits[i + 1] - logits[0],
                contra[0],
                contra[i + 1] - contra[0],
                logits[i + 1] - rivals,
                candidate.nearness,
                candidate.is_unsaid,
                unsaid[0],
                unsaid[i + 1],
                OPPOSITE.get(candidate.span.of(said).lower()) == candidate.after.lower(),
                negated,
                n_words,
                len(words(before)),
                n_gone,
                n_gone / max(n_words, 1),
                any(char.isdigit() for char in before),
                before[:1].isupper(),
                *(candidate.change == change for change in get_args(Change)),
            ]
        near = [evidence[i] for i in _nearest(self.encoder, said, evidence, READ)]
        self._read(said, question, near, row, table)
        return Weighed(said, tuple(row), table, float(judged[0, 0]), judged[1:, 0], tuple(numbers))

    def _read(
        self,
        said: str,
        question: str,
        evidence: Sequence[str],
        row: Sequence[Candidate],
        table: FloatArray,
    ) -> None:
        if self.reader is None:
            table[:, -2], table[:, -1] = UNREAD, UNREAD / max(len(words(said)), 1)
            return
        gains = table[:, FIGURES.index("support_gain")]
        promise = gains + 2 * table[:, FIGURES.index("nearness")]
        kept = [i for i in np.argsort(-promise, kind="stable")[:READ] if gains[i] > 0]
        found = np.full(len(row), UNREAD)
        if kept:
            before = self.likelihood(said, question, evidence)
            for i in kept:
                found[i] = self.likelihood(row[i].text, question, evidence) - before
        table[:, -2], table[:, -1] = found, found / max(len(words(said)), 1)

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


def _changed_words(said: str, new: str) -> str:
    """From the first word that differs to the last one."""
    edits = edits_between(said, new)
    return said[edits[0].span.start : edits[-1].span.end] if edits else ""


def _unsaid(text: str, stems: set[str], values: set[str]) -> float:
    """The share of a statement's details that the evidence does not say."""
    found = details(text)
    missing = [
        d for d in found
        if not (
            all(stem(word) in stems for word in words(d.text))
            if d.kind in ("name", "word")
            else d.value in values
        )
    ]  # fmt: skip
    return len(missing) / len(found) if found else 0.0


def _logit(p: FloatArray) -> FloatArray:
    p = np.clip(p, _CLIPPED, 1 - _CLIPPED)
    logits: FloatArray = np.log(p / (1 - p))
    return logits
