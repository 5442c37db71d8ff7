"""Measured, judged and written citations, joined into rows."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ragattr.citation.alarm import find_alarms
from ragattr.metrics.usage import ClaimUse, claim_use, is_unreadable, passage_use, with_mates
from ragattr.stage import Stage
from ragattr.text.claims import claim_markers
from ragattr.types import (
    Citation,
    CitationClass,
    CitedAnswer,
    Claim,
    Judgement,
    Marker,
    Source,
    Span,
)


@dataclass(frozen=True)
class Cite(Stage[Judgement, CitedAnswer]):
    """A row per number of a marker, then one per sentence that is used, supports or contradicts."""

    def __call__(self, batch: Sequence[Judgement]) -> list[CitedAnswer]:
        return [_cite(judgement) for judgement in batch]


def citation_class(counts_as_used: bool | None, supports: bool | None) -> CitationClass | None:
    """The class of a row; None when one of the two is not known."""
    if counts_as_used is None or supports is None:
        return None
    if supports:
        return "grounded" if counts_as_used else "post_rationalised"
    return "misgrounded" if counts_as_used else "unsupported"


def _cite(judgement: Judgement) -> CitedAnswer:
    attribution = judgement.attribution
    uses = [claim_use(attribution, claim) for claim in attribution.answer.claims]
    return CitedAnswer(
        judgement=judgement,
        citations=tuple(
            (*_answer_rows(judgement, i, use), *_found_rows(judgement, i, use))
            for i, use in enumerate(uses)
        ),
        context_use=tuple(use.context_use if use else None for use in uses),
        warnings=tuple(_warnings(judgement)),
        alarms=find_alarms(judgement, uses),
    )


def _answer_rows(judgement: Judgement, index: int, use: ClaimUse | None) -> Iterator[Citation]:
    claim = judgement.verdicts[index].claim
    groups = judgement.attribution.groups
    passages = judgement.attribution.answer.context.passages
    for marker in claim_markers(claim, judgement.attribution.answer.markers):
        for number in marker.numbers:
            if not 1 <= number <= len(passages):
                yield _dangling(claim, marker)
                continue
            passage = number - 1
            used, counts = passage_use(judgement.attribution, use, passage)
            yield _row(
                judgement,
                index,
                source=Source(passage, Span(0, len(passages[passage].text))),
                figures=(used, counts),
                supports=judgement.passage_supports[index, passage],
                contradicts=judgement.passage_contradicts[index, passage],
                parts=with_mates(
                    (i for i, source in enumerate(judgement.sources) if source.passage == passage),
                    groups,
                ),
                marker=marker,
                group=None,
                without=_without(judgement, index, passage),
            )


def _found_rows(judgement: Judgement, index: int, use: ClaimUse | None) -> Iterator[Citation]:
    for i, source in enumerate(judgement.sources):
        used, counts = _sentence_use(use, i)
        row = _row(
            judgement,
            index,
            source=source,
            figures=(used, counts),
            supports=judgement.supports[index, i],
            contradicts=judgement.contradicts[index, i],
            parts=with_mates([i], judgement.attribution.groups),
            marker=None,
            group=_group_of(i, judgement.attribution.groups),
        )
        if _is_finding(judgement, row, counts):
            yield row


def _row(
    judgement: Judgement,
    index: int,
    *,
    source: Source,
    figures: tuple[float | None, bool | None],
    supports: float,
    contradicts: float,
    parts: set[int],
    marker: Marker | None,
    group: int | None,
    without: float | None = None,
) -> Citation:
    proof, threshold = (
        judgement.proofs[index],
        judgement.verifier.threshold if judgement.verifier else 1.0,
    )
    jointly = len(proof) > 1 and not parts.isdisjoint(proof)
    judged = None if math.isnan(supports) else bool(supports >= threshold or jointly)
    return Citation(
        claim=judgement.verdicts[index].claim,
        source=source,
        used=figures[0],
        supports=None if math.isnan(supports) else float(supports),
        contradicts=None if math.isnan(contradicts) else float(contradicts),
        cls=citation_class(figures[1], judged),
        origin="found" if marker is None else "answer",
        marker=marker,
        jointly=jointly,
        group=group,
        without=without,
    )


def _without(judgement: Judgement, index: int, passage: int) -> float | None:
    if judgement.without is None or math.isnan(judgement.without[index, passage]):
        return None
    return float(judgement.without[index, passage])


def _dangling(claim: Claim, marker: Marker) -> Citation:
    return Citation(claim, None, None, None, None, None, "answer", marker, problem="dangling")


def _sentence_use(use: ClaimUse | None, index: int) -> tuple[float | None, bool | None]:
    """The sentence's share, and whether it counts as used; None where it was not measured."""
    if use is None or use.shares is None or use.counts is None or index >= len(use.shares):
        return None, None
    return float(use.shares[index]), bool(use.counts[index])


def _group_of(source: int, groups: Sequence[Sequence[int]]) -> int | None:
    return next((i for i, members in enumerate(groups) if source in members), None)


def _is_finding(judgement: Judgement, row: Citation, counts_as_used: bool | None) -> bool:
    card = judgement.verifier
    supports = card is not None and row.supports is not None and row.supports >= card.threshold
    contradicts = (
        card is not None
        and row.contradicts is not None
        and row.contradicts >= card.contradiction_threshold
    )
    return bool(counts_as_used) or supports or row.jointly or contradicts


def _warnings(judgement: Judgement) -> Iterator[str]:
    attribution = judgement.attribution
    if attribution.scores is None:
        return
    if not attribution.decides:
        yield f"{attribution.method} does not decide what counts as used: used is null"
    elif attribution.floors is None and attribution.model:
        yield f"no noise floor was measured for {attribution.model.name}: used is null"
    if is_unreadable(attribution):
        yield "the reader finds this answer too unlikely to be measured on it: used is null"
