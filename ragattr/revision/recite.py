"""Citations follow a revised text: kept, dropped, added, each at its new place.

A statement cites what supports it. Wrong numbers go, and a statement that is supported but cites
nothing that supports it gets the passage that does, or the passages that only do so together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ragattr.metrics.revision import preservation
from ragattr.stage import Stage
from ragattr.text.citing import MarkerStyle, cite_claim, renumbered
from ragattr.text.claims import claim_markers, read_claims
from ragattr.text.edits import apply_edits, composed, moved
from ragattr.text.markers import cut_markers
from ragattr.types import (
    Answer,
    Citation,
    CitedAnswer,
    Draft,
    Edit,
    Marker,
    Revision,
    Source,
    Span,
)

Unsupported = Literal["keep", "mark", "remove"]
ROUNDS = 3  # of judging and citing; more change nothing


@dataclass(frozen=True)
class Recite(Stage[Draft, Revision]):
    """Judges the new text, and makes its markers right.

    Attributes:
        judge: says of each claim what supports it, without measuring.
        unsupported: what happens to statements that no evidence supports; "remove" takes them out,
            "mark" names them in the revision, "keep" says nothing of them.
        renumbers: whether passages are counted in the order in which the new text cites them.
    """

    judge: Stage[Answer, CitedAnswer]
    unsupported: Unsupported = "mark"
    renumbers: bool = False

    def __call__(self, batch: Sequence[Draft]) -> list[Revision]:
        return [self._recite(draft) for draft in batch]

    def _recite(self, draft: Draft) -> Revision:
        edits, warnings = draft.edits, list(draft.warnings)
        text = draft.cited.judgement.attribution.answer.text
        cited = self._judged(draft, edits)
        if self.unsupported == "remove" and (gone := _removals(cited)):
            edits = composed(text, edits, gone)
            cited = self._judged(draft, edits)
        for _ in range(ROUNDS):
            new = _marker_edits(cited)
            if not new:
                break
            edits = composed(text, edits, new)
            cited = self._judged(draft, edits)
        else:
            warnings.append("citations had not settled: another run may change them again")
        if self.renumbers:
            order, anew = _in_order(cited)
            edits = composed(text, edits, anew)
            cited = self._judged(draft, edits, order)
        before = draft.cited.judgement.attribution.answer
        after = cited.judgement.attribution.answer
        return Revision(
            draft=draft,
            revised=cited,
            edits=edits,
            preservation=preservation(_bare(before), _bare(after)),
            unsupported=_unsupported(cited) if self.unsupported == "mark" else (),
            warnings=tuple(warnings),
        )

    def _judged(
        self, draft: Draft, edits: Sequence[Edit], order: Sequence[int] | None = None
    ) -> CitedAnswer:
        """The text with its edits; statements that did not change keep what was measured of them.

        Args:
            order: of the passages, by their places in the draft's context.
        """
        old = draft.cited.judgement.attribution.answer
        passages = draft.context.passages
        order = range(len(passages)) if order is None else order
        context = replace(
            draft.context, passages=tuple(passages[i] for i in order), scores=(), duplicates=()
        )
        text = apply_edits(old.text, edits)
        claims, markers = read_claims(text, len(passages))
        answer = replace(
            old, context=context, text=text, claims=claims, markers=markers, token_ids=None,
            messages=None, warnings=(),
        )  # fmt: skip
        (cited,) = self.judge([answer])
        places = {passage: place for place, passage in enumerate(order)}
        return _with_what_was_measured(cited, draft.cited, edits, places)


def _bare(answer: Answer) -> str:
    return cut_markers(answer.text, answer.markers).text.strip()


def _stays(row: Citation, threshold: float) -> bool:
    """Whether a written citation is kept: it supports its claim, or nobody could judge it."""
    if row.source is None:
        return False
    return row.supports is None or row.supports >= threshold or row.jointly


def _marker_edits(cited: CitedAnswer) -> tuple[Edit, ...]:
    answer = cited.judgement.attribution.answer
    style = MarkerStyle.of(answer.text, answer.markers)
    found = list[Edit]()
    for i, claim in enumerate(answer.claims):
        own = claim_markers(claim, answer.markers)
        wanted, added = _wanted(cited, i) if claim.needs_support else (_pointing(cited, i), [])
        for edit in cite_claim(answer.text, claim, own, wanted, style):
            reason = _reason(edit, _written(cited, i), added)
            found.append(replace(edit, reason=reason, evidence=added[0][1] if added else None))
    return tuple(sorted(found, key=lambda edit: edit.span))


def _pointing(cited: CitedAnswer, index: int) -> list[int]:
    """The numbers that a claim cites and that are of passages."""
    return [row.source.passage + 1 for row in _written(cited, index) if row.source]


def _written(cited: CitedAnswer, index: int) -> list[Citation]:
    return [row for row in cited.citations[index] if row.origin == "answer"]


def _reason(edit: Edit, written: Sequence[Citation], added: Sequence[tuple[int, Source]]) -> str:
    if not edit.before:
        return "supported, and cited nothing that supports it"
    if added:
        return "another passage supports it"
    gone = [row for row in written if row.marker and edit.span.holds(row.marker.span.start)]
    if all(row.source is None for row in gone):
        return "no passage has this number"
    return "the cited passage does not support it"


def _wanted(cited: CitedAnswer, index: int) -> tuple[list[int], list[tuple[int, Source]]]:
    """The numbers that a claim should cite, and of these the ones that it did not, with why."""
    judgement = cited.judgement
    threshold = judgement.verifier.threshold if judgement.verifier else 1.0
    kept = [
        row.source.passage + 1
        for row in _written(cited, index)
        if row.source and _stays(row, threshold)
    ]
    kept = list(dict.fromkeys(kept))
    if judgement.verdicts[index].label != "supported":
        return kept, []
    proof = [judgement.sources[i] for i in judgement.proofs[index]]
    together = list(dict.fromkeys(source.passage + 1 for source in proof))
    cited_alone = judgement.cited[index]
    if kept and not (cited_alone == cited_alone and cited_alone < threshold and len(together) > 1):
        return kept, []
    if len(together) > 1:
        new = [number for number in together if number not in kept]
    else:
        new = [] if kept else [_best_passage(cited, index) + 1]
    by_number = {source.passage + 1: source for source in reversed(proof)}
    whole = judgement.attribution.answer.context.passages
    added = [(n, by_number.get(n, Source(n - 1, Span(0, len(whole[n - 1].text))))) for n in new]
    return kept + new, added


def _best_passage(cited: CitedAnswer, index: int) -> int:
    """The passage that supports a claim most; of those that do, one that was used first."""
    judgement = cited.judgement
    threshold = judgement.verifier.threshold if judgement.verifier else 1.0
    supports = np.nan_to_num(judgement.passage_supports[index])
    used = [
        row.source.passage
        for row in cited.citations[index]
        if row.source and row.cls == "grounded" and supports[row.source.passage] >= threshold
    ]
    return used[0] if used else int(np.argmax(supports))


def _unsupported(cited: CitedAnswer) -> tuple[int, ...]:
    verdicts = enumerate(cited.judgement.verdicts)
    return tuple(
        i
        for i, verdict in verdicts
        if verdict.claim.needs_support
        and verdict.label in ("contradicted", "not_enough_information")
    )


def _removals(cited: CitedAnswer) -> tuple[Edit, ...]:
    """Edits that take out the statements that nothing supports, with the space before them.

    Where one stands at the start of a line, the space or the line breaks after it go instead.
    """
    answer = cited.judgement.attribution.answer
    edits, cursor, starts_line = list[Edit](), 0, False
    for i in _unsupported(cited):
        span = answer.claims[i].span
        start, end = max(len(answer.text[: span.start].rstrip(" \t")), cursor), span.end
        starts_line = (starts_line and start == cursor) or answer.text[:start][-1:] in ("", "\n")
        if starts_line:
            rest = answer.text[end:]
            end += len(rest) - len(rest.lstrip(" \t").lstrip("\r\n"))
        gone, cursor = Span(start, end), end
        edits.append(Edit(gone, gone.of(answer.text), "", "no evidence supports it"))
    return tuple(edits)


def _in_order(cited: CitedAnswer) -> tuple[list[int], list[Edit]]:
    """Passages as the text first cites them, then the others; and the markers counted so."""
    answer = cited.judgement.attribution.answer
    n_passages = len(answer.context.passages)
    said = [n - 1 for marker in answer.markers for n in marker.numbers if 1 <= n <= n_passages]
    order = list(dict.fromkeys([*said, *range(n_passages)]))
    numbers = {passage + 1: place for place, passage in enumerate(order, start=1)}
    return order, renumbered(answer.text, answer.markers, numbers, "passages are counted anew")


def _with_what_was_measured(
    new: CitedAnswer, old: CitedAnswer, edits: Sequence[Edit], places: Mapping[int, int]
) -> CitedAnswer:
    """The rows of claims that kept their words, with what is known of their use.

    Args:
        places: of the old passages among the new.
    """
    answer, before = new.judgement.attribution.answer, old.judgement.attribution.answer
    by_span = {claim.span: i for i, claim in enumerate(answer.claims)}
    citations, use = list(new.citations), list(new.context_use)
    for i, claim in enumerate(before.claims):
        span = moved(claim.span, edits)
        k = by_span.get(span) if span else None
        if k is None or answer.claims[k].text != claim.text:
            continue
        cites = [places[row.source.passage] for row in _written(old, i) if row.source]
        if cites != [row.source.passage for row in _written(new, k) if row.source]:
            continue  # counted anew, the same number names another passage
        use[k] = old.context_use[i]
        citations[k] = tuple(
            replace(
                row,
                claim=answer.claims[k],
                marker=_moved_marker(row.marker, edits),
                source=replace(row.source, passage=places[row.source.passage])
                if row.source
                else None,
            )
            for row in old.citations[i]
        )
    return replace(new, citations=tuple(citations), context_use=tuple(use))


def _moved_marker(marker: Marker | None, edits: Sequence[Edit]) -> Marker | None:
    span = moved(marker.span, edits) if marker else None
    return replace(marker, span=span) if marker and span else None
