"""Long evidence for a verifier with a token limit: nothing is cut off silently.

A premise that fits is read whole. A longer one is cut at its sentences into overlapping chunks;
each is judged, and so are the best two or three together, since some claims need more than one.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ragattr.errors import InputError, ModelReplyError
from ragattr.models.protocols import Judged, Pair
from ragattr.text.sentences import sentence_spans
from ragattr.types import FloatArray, Span

CHUNK_TOKENS = 400
BATCH_TOKENS = 8192
FEWEST_TOKENS = 16  # of evidence that a claim must leave room for
_MARGIN = 8  # tokens: texts put together may be tokenised a little longer than apart
_GAP = "\n\n"

Encoding = Mapping[str, list[int]]  # "input_ids", and what else the model reads of one pair


class Reader(Protocol):
    """A model and its tokenizer, as far as cutting evidence to its window needs it.

    Attributes:
        window: how many tokens claim and evidence may have together, with all that is added.
    """

    @property
    def name(self) -> str: ...
    @property
    def revision(self) -> str: ...
    @property
    def window(self) -> int: ...

    def reads(self, text: str) -> bool:
        """Whether the text is in a language that the model judges."""
        ...

    def token_starts(self, text: str) -> list[int]:
        """The character at which each token of the text begins; they never fall."""
        ...


class PairScorer(Protocol):
    """Judges pairs that fit its window."""

    @property
    def reader(self) -> Reader: ...

    def encode(self, pairs: Sequence[Pair]) -> list[Encoding]:
        """Each pair as the model will read it, whole however long; a premise may be empty."""
        ...

    def score(self, batch: Sequence[Encoding]) -> FloatArray:
        """[pairs, 3]: probabilities of supported, contradicted, neither."""
        ...


@dataclass(frozen=True)
class Chunked:
    """An `EntailmentModel` made of a scorer with a token limit ("Document Attribution").

    Chunks have at most 400 tokens and at most half of what the claim leaves of the window, so
    that two always fit together; each begins about half a chunk after the last. Supported is the
    largest over chunks and joined chunks, and so is contradicted, as far as there is room below
    1. In one call every distinct pair of chunk and claim is read once.
    """

    scorer: PairScorer
    threshold: float = 0.5
    contradiction_threshold: float = 0.5

    @property
    def name(self) -> str:
        """The model's."""
        return self.scorer.reader.name

    @property
    def revision(self) -> str:
        """The model's."""
        return self.scorer.reader.revision

    def reads(self, text: str) -> bool:
        """Whether the text is in a language that the model judges."""
        return self.scorer.reader.reads(text)

    def entails(self, pairs: Sequence[Pair]) -> FloatArray:
        """[pairs, 3]: supported, contradicted, neither; an empty side supports nothing."""
        return self.judge(pairs).probabilities

    def judge(self, pairs: Sequence[Pair]) -> Judged:
        """The same, and the evidence that decided; an InputError when a claim fills the window."""
        desk = _Desk(self.scorer)
        desk.encode(pair for pair in pairs if _says_something(pair))
        cuts = [desk.cut(pair) for pair in pairs]
        desk.score(_all(pairs, cuts))
        for pair, options in zip(pairs, cuts, strict=True):
            options.extend(desk.joined(pair, options))
        desk.score(_all(pairs, cuts))
        decided = [desk.decide(pair, options) for pair, options in zip(pairs, cuts, strict=True)]
        return Judged(
            np.array([row for row, _ in decided]).reshape(len(pairs), 3),
            tuple(spans for _, spans in decided),
        )


def chunk_spans(text: str, starts: Sequence[int], *, limit: int) -> list[Span]:
    """Overlapping pieces of the text with at most `limit` tokens, cut at sentences, in order.

    A sentence longer than that is cut at tokens. Together they cover every sentence.

    Args:
        text: the premise.
        starts: the character at which each of its tokens begins.
        limit: tokens, 2 or more.
    """
    units = [
        unit
        for span in sentence_spans(text)
        for unit in _units(span, starts, limit=limit, half=limit // 2)
    ]
    edges = [bisect_left(starts, unit.start) for unit in units] + [len(starts)]
    chunks, first = list[Span](), 0
    while first < len(units):
        last = first + 1
        while last < len(units) and edges[last + 1] - edges[first] <= limit:
            last += 1
        chunks.append(Span(units[first].start, units[last - 1].end))
        if last == len(units):
            break
        middle = (edges[first] + edges[last]) / 2
        first = next(i for i in range(first + 1, last + 1) if i == last or edges[i] >= middle)
    return chunks


def _units(span: Span, starts: Sequence[int], *, limit: int, half: int) -> list[Span]:
    """The sentence; or pieces of half a chunk, where it is longer than one."""
    inside = range(bisect_left(starts, span.start), bisect_left(starts, span.end))
    if len(inside) <= limit:
        return [span]
    cuts = sorted({starts[i] for i in inside[half::half]} - {span.start})
    edges = [span.start, *cuts, span.end]
    return [Span(start, end) for start, end in zip(edges, edges[1:], strict=False)]


def by_length(lengths: Sequence[int], *, budget: int = BATCH_TOKENS) -> list[list[int]]:
    """Indices in batches of similar length, each with at most `budget` tokens when padded."""
    batches = list[list[int]]()
    for i in sorted(range(len(lengths)), key=lambda i: lengths[i]):
        if batches and (len(batches[-1]) + 1) * lengths[i] <= budget:
            batches[-1].append(i)
        else:
            batches.append([i])
    return batches


_Option = tuple[Span, ...]  # pieces of a premise that are read together


class _Desk:
    """One call's pairs as they are read: each is encoded and scored once."""

    def __init__(self, scorer: PairScorer) -> None:
        self._scorer = scorer
        self._encoded = dict[Pair, Encoding]()
        self._scores = dict[Pair, FloatArray]()
        self._starts = dict[str, list[int]]()
        self._chunks = dict[tuple[str, int], list[Span]]()

    def encode(self, pairs: Iterable[Pair]) -> None:
        """Encode what has not been encoded yet, all at once."""
        new = [pair for pair in dict.fromkeys(pairs) if pair not in self._encoded]
        if new:
            self._encoded.update(zip(new, self._scorer.encode(new), strict=True))

    def cut(self, pair: Pair) -> list[_Option]:
        """The whole premise where it fits, its chunks where not, nothing where a side is empty."""
        if not _says_something(pair):
            return []
        if self._fits(pair):
            return [(Span(0, len(pair.premise)),)]
        return [(chunk,) for chunk in self._cut(pair.premise, self._room(pair.hypothesis) // 2)]

    def joined(self, pair: Pair, options: Sequence[_Option]) -> list[_Option]:
        """The best three chunks apart from each other where they fit together, else two."""
        best = list[Span]()
        for (chunk,) in sorted(options, key=lambda option: -self._scores[_read(pair, option)][0]):
            if all(chunk.end <= other.start or other.end <= chunk.start for other in best):
                best.append(chunk)
        for n_chunks in (3, 2):
            together = tuple(sorted(best[:n_chunks]))
            if len(best) >= n_chunks and self._fits(_read(pair, together)):
                return [together]
        return []

    def score(self, pairs: Iterable[Pair]) -> None:
        """Judge what has not been judged yet, similar lengths together."""
        new = [pair for pair in dict.fromkeys(pairs) if pair not in self._scores]
        self.encode(new)
        encoded = [self._encoded[pair] for pair in new]
        for rows in by_length([len(row["input_ids"]) for row in encoded]):
            scores = self._scorer.score([encoded[i] for i in rows])
            if not np.isfinite(scores).all():
                raise ModelReplyError(
                    f"{self._scorer.reader.name} gives scores that are not finite "
                    f"for the claim {new[rows[0]].hypothesis[:80]!r} or one judged with it"
                )
            self._scores.update(zip([new[i] for i in rows], scores, strict=True))

    def decide(self, pair: Pair, options: Sequence[_Option]) -> tuple[FloatArray, _Option]:
        """The row of the pair, and what of the premise decided it."""
        if not options:
            return np.array([0.0, 0.0, 1.0]), ()
        scores = np.stack([self._scores[_read(pair, option)] for option in options])
        supported = scores[:, 0].max()
        contradicted = min(scores[:, 1].max(), 1 - supported)
        column = int(contradicted > supported)
        row = np.array([supported, contradicted, 1 - supported - contradicted])
        return row, options[int(scores[:, column].argmax())]

    def _fits(self, pair: Pair) -> bool:
        return self._length(pair) <= self._scorer.reader.window

    def _room(self, hypothesis: str) -> int:
        """Tokens that the claim leaves for evidence."""
        reader = self._scorer.reader
        n_tokens = self._length(Pair("", hypothesis))
        room = reader.window - n_tokens - _MARGIN
        if room < FEWEST_TOKENS:
            raise InputError(
                f"the claim {hypothesis[:40]!r}... takes {n_tokens} of the {reader.window} tokens "
                f"that {reader.name} reads: it leaves no room for evidence"
            )
        return room

    def _cut(self, premise: str, limit: int) -> list[Span]:
        limit = min(limit, CHUNK_TOKENS)
        if premise not in self._starts:
            self._starts[premise] = self._scorer.reader.token_starts(premise)
        if (premise, limit) not in self._chunks:
            self._chunks[premise, limit] = chunk_spans(premise, self._starts[premise], limit=limit)
        return self._chunks[premise, limit]

    def _length(self, pair: Pair) -> int:
        if pair not in self._encoded:
            self.encode([pair])
        return len(self._encoded[pair]["input_ids"])


def _says_something(pair: Pair) -> bool:
    return bool(pair.premise.strip() and pair.hypothesis.strip())


def _all(pairs: Sequence[Pair], cuts: Sequence[list[_Option]]) -> list[Pair]:
    return [_read(p, option) for p, options in zip(pairs, cuts, strict=True) for option in options]


def _read(pair: Pair, option: _Option) -> Pair:
    return Pair(evidence_text(pair.premise, option), pair.hypothesis)


def evidence_text(premise: str, spans: Sequence[Span]) -> str:
    """The pieces of a premise as they are read together, a blank line between them."""
    return _GAP.join(span.of(premise) for span in spans)
