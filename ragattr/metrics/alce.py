"""ALCE's citation recall and precision (Gao et al. 2023, section 3.3, and the released code).

A sentence is recalled when the documents that it cites entail it together; a citation is precise
unless its document alone does not entail the sentence and the others do without it.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ragattr.errors import ConfigError
from ragattr.text.claims import claim_markers, read_claims, statement
from ragattr.text.markers import cut_markers, find_markers
from ragattr.text.sentences import sentence_spans
from ragattr.types import Claim, Marker, Passage

MOST_CITATIONS = 3  # that count in one sentence: the first ones

_CITATION = re.compile(r"\[(\d+)")
_REMOVED = re.compile(r" ?\[\d+| \||\]")

Pair = tuple[str, str]
Entails = Callable[[Sequence[Pair]], Sequence[bool]]


@dataclass(frozen=True)
class CitedOutput:
    """What a model wrote, and the documents that its markers number from 1.

    Attributes:
        question: that it answers; it goes before each item of a list (`alce_lists`).
    """

    text: str
    documents: tuple[Passage, ...]
    question: str = ""

    @property
    def line(self) -> str:
        """The first line that is not empty: all that ALCE scores."""
        return self.text.strip().split("\n")[0].replace("<|im_end|>", "")


@dataclass(frozen=True)
class CitedSentence:
    """A sentence without its markers, and what it cites: from 0, as written, perhaps nowhere."""

    text: str
    cited: tuple[int, ...]


@dataclass(frozen=True)
class CitationScore:
    """Citation recall and precision of one output, 0..1."""

    recall: float
    precision: float


@dataclass(frozen=True)
class CitationScores:
    """Means over the outputs, in percent.

    Attributes:
        outputs: one for every output that was scored; None where it has no sentence.
    """

    recall: float
    precision: float
    outputs: tuple[CitationScore | None, ...]

    @property
    def f1(self) -> float:
        """Harmonic mean of both, percent; not ALCE's own, but of work that followed it."""
        total = self.recall + self.precision
        return 2 * self.recall * self.precision / total if total else 0.0


def citation_scores(
    outputs: Sequence[CitedOutput],
    entails: Entails,
    *,
    read: Callable[[CitedOutput], list[CitedSentence]] | None = None,
) -> CitationScores:
    """Citation recall and precision of outputs.

    A sentence that cites nothing, or a document that is not there, is not recalled, and its
    citations are not counted. Of the others the first three citations count.

    Args:
        entails: says for pairs of premise and hypothesis whether the first entails the second. It
            is asked at most three times, for all outputs at once and for no pair twice.
        read: cuts an output into sentences; `read_as_released` by default. `read_by_markers`
            gives a marker after the full stop to the sentence before it.

    Raises:
        ConfigError: no output has a sentence.
    """
    found = [
        [_Sentence(sentence, output.documents) for sentence in (read or read_as_released)(output)]
        for output in outputs
    ]
    known = _judged([sentence for sentences in found for sentence in sentences], entails)
    scores = tuple(_score(sentences, known) if sentences else None for sentences in found)
    scored = [score for score in scores if score]
    if not scored:
        raise ConfigError(f"wanted outputs with a sentence, got none in {len(outputs)}")
    return CitationScores(
        recall=100 * float(np.mean([score.recall for score in scored])),
        precision=100 * float(np.mean([score.precision for score in scored])),
        outputs=scores,
    )


def read_as_released(
    output: CitedOutput, *, split: Callable[[str], Sequence[str]] | None = None
) -> list[CitedSentence]:
    """The sentences of the first line, each citing the numbers after a "[" in it.

    So "[1, 2]" cites 1 alone, and a marker after a full stop belongs to the sentence behind it or
    is one itself. Document 0, which the released code takes for the last one, is not there.

    Args:
        split: cuts a line into sentences. The released code takes `nltk.sent_tokenize`; by
            default it is our own splitter, which agrees on plain prose.
    """
    return [cited_as_released(sentence) for sentence in (split or _split)(output.line)]


def read_by_markers(output: CitedOutput) -> list[CitedSentence]:
    """The sentences of the first line, each citing what its markers name, as ragattr reads them.

    A marker after the full stop belongs to the sentence before it; lists and ranges are read.
    """
    claims, markers = read_claims(output.line, len(output.documents))
    return [cited_by_markers(claim, markers) for claim in claims]


def cited_as_released(sentence: str) -> CitedSentence:
    """A sentence whose citations are the numbers after a "["."""
    numbers = tuple(int(number) - 1 for number in _CITATION.findall(sentence))
    return CitedSentence(_REMOVED.sub("", sentence).strip(), numbers)


def cited_by_markers(claim: Claim, markers: Sequence[Marker]) -> CitedSentence:
    """A claim whose citations are its markers, of all those of its text."""
    numbers = [n - 1 for marker in claim_markers(claim, markers) for n in marker.numbers]
    return CitedSentence(statement(claim, markers), tuple(numbers))


def plain_as_released(output: CitedOutput) -> str:
    """The first line without citations, as the released code removes them for all other scores.

    "[1, 2]" leaves ", 2".
    """
    return _REMOVED.sub("", output.line)


def plain_by_markers(output: CitedOutput) -> str:
    """The first line without its markers, as ragattr reads them."""
    return cut_markers(output.line, find_markers(output.line, len(output.documents))).text


@dataclass(frozen=True)
class _Sentence:
    """A sentence with the documents it may cite, and the pairs that judging it asks for."""

    sentence: CitedSentence
    documents: tuple[Passage, ...]

    @property
    def cited(self) -> tuple[int, ...]:
        """The citations that count; none when one of them points nowhere."""
        cited = self.sentence.cited
        is_there = all(0 <= number < len(self.documents) for number in cited)
        return cited[:MOST_CITATIONS] if is_there else ()

    def joined(self) -> Pair:
        return self._pair(self.cited)

    def alone(self, number: int) -> Pair:
        return self._pair((number,))

    def without(self, number: int) -> Pair:
        others = list(self.cited)
        others.remove(number)
        return self._pair(others)

    def _pair(self, numbers: Sequence[int]) -> Pair:
        return "\n".join(_formatted(self.documents[n]) for n in numbers), self.sentence.text


def _judged(sentences: Sequence[_Sentence], entails: Entails) -> dict[Pair, bool]:
    """What scoring needs to know: joined, then each alone, then the rest without it."""
    known = dict[Pair, bool]()

    def ask(pairs: Sequence[Pair]) -> None:
        asked = [pair for pair in dict.fromkeys(pairs) if pair not in known]
        if asked:
            known.update(zip(asked, map(bool, entails(asked)), strict=True))

    ask([s.joined() for s in sentences if s.cited])
    several = [s for s in sentences if len(s.cited) > 1 and known[s.joined()]]
    ask([s.alone(n) for s in several for n in s.cited])
    ask([s.without(n) for s in several for n in s.cited if not known[s.alone(n)]])
    return known


def _score(sentences: Sequence[_Sentence], known: dict[Pair, bool]) -> CitationScore:
    recalled = [s for s in sentences if s.cited and known[s.joined()]]
    n_citations = sum(len(s.cited) for s in sentences)
    n_precise = sum(_is_precise(s, n, known) for s in recalled for n in s.cited)
    return CitationScore(
        recall=len(recalled) / len(sentences),
        precision=n_precise / n_citations if n_citations else 0.0,
    )


def _is_precise(sentence: _Sentence, number: int, known: dict[Pair, bool]) -> bool:
    """Of a recalled sentence: whether the citation suffices, or the others do not without it."""
    if len(sentence.cited) == 1:
        return True
    return known[sentence.alone(number)] or not known[sentence.without(number)]


def _formatted(document: Passage) -> str:
    return f"Title: {document.title or ''}\n{document.text}"


def _split(line: str) -> list[str]:
    return [span.of(line) for span in sentence_spans(line)]
