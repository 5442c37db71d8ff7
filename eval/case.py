"""A question, the passages to read, and where in them the gold evidence stands."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ragattr.errors import ConfigError
from ragattr.types import Passage, Source, Span

Row = Mapping[str, Any]


@dataclass(frozen=True)
class AttributionCase:
    """One question with its gold evidence.

    Attributes:
        id: of the row that it is made from.
        source: the data set's name.
        answer: the gold answer, "" where there is none.
        gold: character spans in the passages, in no particular unit; see `gold_sources`.
        kind: which collection of cases it belongs to, such as "n20" or "hotpotqa".
    """

    id: str
    source: str
    question: str
    answer: str
    passages: tuple[Passage, ...]
    gold: tuple[Source, ...]
    kind: str

    def __post_init__(self) -> None:
        for gold in self.gold:
            if gold.passage >= len(self.passages):
                raise ConfigError(f"gold in passage {gold.passage} of {len(self.passages)}")
            if not gold.span.of(self.passages[gold.passage].text):
                raise ConfigError(f"gold must hold at least one character, got {gold}")


def gold_sources(case: AttributionCase, sources: Sequence[Source]) -> frozenset[int]:
    """Which of `sources` are gold: those that share half of the shorter one's characters with it.

    Data sets cut sentences in their own way; this is how theirs meet ours.
    """
    return frozenset(
        number
        for number, source in enumerate(sources)
        if any(_is_match(source, gold) for gold in case.gold)
    )


def joined_text(pieces: Iterable[str], *, separator: str = " ") -> tuple[str, tuple[Span, ...]]:
    """The stripped pieces as one text, and where each stands; an empty piece has an empty span.

    Example: `["A b.", "C."]` gives `"A b. C."` with `[0, 4)` and `[5, 7)`.
    """
    text, spans = "", list[Span]()
    for piece in map(str.strip, pieces):
        if text and piece:
            text += separator
        spans.append(Span(len(text), len(text) + len(piece)))
        text += piece
    return text, tuple(spans)


def numbered(texts: Iterable[str]) -> tuple[Passage, ...]:
    """The texts as passages with the ids "1", "2" and so on."""
    return tuple(Passage(text, str(number)) for number, text in enumerate(texts, start=1))


def titled_passages(
    articles: Iterable[tuple[str, Sequence[str]]], gold: Collection[tuple[int, int]]
) -> tuple[tuple[Passage, ...], tuple[Source, ...]]:
    """One passage per article, and the gold sentences as spans; empty articles are left out.

    Args:
        articles: title and sentences of each.
        gold: (article, sentence), both counted from 0; those that do not exist are left out.
    """
    passages, found = list[Passage](), list[Source]()
    for number, (title, sentences) in enumerate(articles):
        text, spans = joined_text(sentences)
        found += [
            Source(len(passages), span)
            for place, span in enumerate(spans)
            if (number, place) in gold and span.of(text)
        ]
        if text:
            passages.append(Passage(text, str(len(passages) + 1), title=title))
    return tuple(passages), tuple(found)


def _is_match(source: Source, gold: Source) -> bool:
    if source.passage != gold.passage:
        return False
    shared = min(source.span.end, gold.span.end) - max(source.span.start, gold.span.start)
    shorter = min(source.span.end - source.span.start, gold.span.end - gold.span.start)
    return shared > 0 and 2 * shared >= shorter
