"""Lists of answers in ALCE, as QAMPARI asks for them (Gao et al. 2023, sections 3.2 and 3.3).

Each item, with the question before it, is what its citations have to entail.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ragattr.errors import ConfigError
from ragattr.metrics.alce import CitedOutput, CitedSentence, cited_as_released, cited_by_markers
from ragattr.metrics.answers import normalised
from ragattr.text.markers import find_markers
from ragattr.types import Claim, Marker, Span

ENOUGH = 5  # right answers that a user is content with


@dataclass(frozen=True)
class ListScores:
    """Agreement of one list with the gold answers.

    Attributes:
        precision: of the items, those that are a gold answer, 0..1; 0 without items.
        recall: of the gold answers, those that are an item, 0..1.
        recall_at_5: the same, content with five: five of twenty are 1.
        f1: harmonic mean of precision and recall, and `f1_at_5` of precision and `recall_at_5`.
        n_items: as they were counted: empty ones are left out.
    """

    precision: float
    recall: float
    recall_at_5: float
    f1: float
    f1_at_5: float
    n_items: int


def list_scores(items: Sequence[str], gold: Sequence[Sequence[str]]) -> ListScores:
    """Precision and recall of a list's items, compared whole as SQuAD compares answers.

    QAMPARI (Amouyal et al. 2023) as ALCE scores it; means over questions are the figures.

    Args:
        gold: [answers][wordings].

    Raises:
        ConfigError: no gold answer.
    """
    if not gold:
        raise ConfigError("a list needs at least one gold answer, got none")
    said = [text for text in map(normalised, items) if text]
    wordings = [{normalised(wording) for wording in answer} for answer in gold]
    n_right = sum(any(item in answer for answer in wordings) for item in said)
    n_found = sum(not answer.isdisjoint(said) for answer in wordings)
    precision = n_right / len(said) if said else 0.0
    recall = n_found / len(gold)
    recall_at_5 = min(n_found, ENOUGH) / min(len(gold), ENOUGH)
    return ListScores(
        precision=precision,
        recall=recall,
        recall_at_5=recall_at_5,
        f1=_harmonic(precision, recall),
        f1_at_5=_harmonic(precision, recall_at_5),
        n_items=len(said),
    )


def list_items(plain: str) -> list[str]:
    """What stands between the commas of a list without citations, empty items included."""
    return [item.strip() for item in _without_end(plain).split(",")]


def read_list_as_released(output: CitedOutput) -> list[CitedSentence]:
    """Question and item, for each item between commas; "[1, 2]" is cut in two as well."""
    return [cited_as_released(f"{output.question} {item}") for item in list_items(output.line)]


def read_list_by_markers(output: CitedOutput) -> list[CitedSentence]:
    """Question and item, for each item; a comma in a marker cuts nothing.

    A marker that stands alone between commas belongs to the item before it. Empty items are left
    out, so that a list without any has no sentence.
    """
    line = _without_end(output.line)
    markers, found = find_markers(line, len(output.documents)), list[CitedSentence]()
    for span in _between_commas(line, markers):
        item = cited_by_markers(Claim(span.of(line), span), markers)
        if item.text:
            found.append(replace(item, text=f"{output.question} {item.text}".strip()))
        elif found:
            found[-1] = replace(found[-1], cited=(*found[-1].cited, *item.cited))
    return found


def _between_commas(line: str, markers: Sequence[Marker]) -> Iterator[Span]:
    start = 0
    for place, char in enumerate(line):
        if char == "," and not any(marker.span.holds(place) for marker in markers):
            yield Span(start, place)
            start = place + 1
    yield Span(start, len(line))


def _without_end(line: str) -> str:
    return line.rstrip().rstrip(".").rstrip(",")


def _harmonic(a: float, b: float) -> float:
    return 2 * a * b / (a + b) if a + b else 0.0
