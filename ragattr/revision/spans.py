"""Revision without a large model: the place in conflict is found, and takes what the evidence has.

Each statement is held against the nearest sentences of the passages. Of the statements that it
could be instead (`candidates`) the likeliest is accepted, if it is likely enough (`accept`).
Nothing is asked of a language model but how likely words are.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ragattr.models.protocols import EntailmentModel, Pair
from ragattr.revision.accept import Acceptance
from ragattr.revision.candidates import Change
from ragattr.revision.weigh import FIGURES, Scale, Weighed
from ragattr.stage import Stage
from ragattr.text.claims import hypotheses
from ragattr.text.edits import around_markers, composed, edits_between
from ragattr.text.markers import Cut, cut_markers
from ragattr.text.sentences import LIST_MARK, sources_of
from ragattr.types import Answer, CitedAnswer, Draft, Edit, Source

METHOD = "spans"
ROUNDS = 5  # of one edit to each statement; the last one finds nothing to change
LONGEST = 1500  # characters of a statement
SHOWN = 3  # candidates that a step names
MARGIN = 0.2  # by which one sentence must support what another denies
_REASON: dict[Change, str] = {
    "number": "the evidence has another number",
    "date": "the evidence has another date",
    "name": "the evidence has another name",
    "word": "the evidence has another word",
    "order": "the evidence has these names in each other's place",
    "negation": "the evidence says it the other way",
    "aligned": "the evidence has other words there",
    "clause": "the evidence does not speak of this",
}


@dataclass(frozen=True)
class ReviseSpans(Stage[CitedAnswer, Draft]):
    """Corrects each statement place by place, until there is nothing more to correct."""

    scale: Scale
    acceptance: Acceptance

    def __call__(self, batch: Sequence[CitedAnswer]) -> list[Draft]:
        return [self._draft(cited) for cited in batch]

    def _draft(self, cited: CitedAnswer) -> Draft:
        answer = cited.judgement.attribution.answer
        passages = answer.context.passages
        reads = self.scale.verifier.reads
        sources = tuple(s for s in sources_of(passages) if reads(passages[s.passage].text))
        cut = cut_markers(answer.text, answer.markers)
        found = [s for s in _statements(answer, cut) if reads(s.said)] if sources else []
        statements = {statement.start: statement for statement in found}
        steps, warnings, todo = list[dict[str, object]](), list[str](), found
        for _ in range(ROUNDS):
            outcomes = self._round(answer, todo, sources)
            steps += [outcome.step for outcome in outcomes]
            warnings += [outcome.warning for outcome in outcomes if outcome.warning]
            todo = [outcome.edited for outcome in outcomes if outcome.edited]
            statements |= {statement.start: statement for statement in todo}
            if not todo:
                break
        warnings += [f"{s.now!r} had not settled: another run may change it again" for s in todo]
        edits = [edit for statement in statements.values() for edit in statement.placed()]
        return Draft(
            cited,
            answer.context,
            around_markers(edits, cut, answer.text),
            METHOD,
            steps=tuple(steps),
            report=tuple(dict.fromkeys(edit.evidence for edit in edits if edit.evidence)),
            warnings=tuple(dict.fromkeys(warnings)),
        )

    def _round(
        self, answer: Answer, todo: Sequence["_Statement"], sources: Sequence[Source]
    ) -> list["_Outcome"]:
        """What comes of each statement: at most one place of it changes."""
        passages, question = answer.context.passages, answer.context.query.text
        evidence = [source.span.of(passages[source.passage].text) for source in sources]
        weighed = self.scale.weigh(
            [(s.now, s.before, question) for s in todo], [evidence] * len(todo)
        )
        return [
            self._outcome(answer, statement, found, [sources[i] for i in found.sentences])
            for statement, found in zip(todo, weighed, strict=True)
        ]

    def _outcome(
        self, answer: Answer, statement: "_Statement", found: Weighed, sources: Sequence[Source]
    ) -> "_Outcome":
        chosen = self.acceptance.choose(found)
        step = self._step(statement, found, chosen, sources, answer)
        if chosen is None:
            return _Outcome(step)
        passages = answer.context.passages
        shown = [source.span.of(passages[source.passage].text) for source in sources]
        if said := _denied(self.scale.verifier, statement, found, chosen, shown):
            rejected = f"the evidence contradicts itself: {said!r}"
            told = f"the passages contradict each other on {statement.now!r}: not changed"
            return _Outcome({**step, "edit": None, "rejected": rejected}, warning=told)
        return _Outcome(step, _edited(statement, found, chosen, sources))

    def _step(
        self,
        statement: "_Statement",
        found: Weighed,
        chosen: int | None,
        sources: Sequence[Source],
        answer: Answer,
    ) -> dict[str, object]:
        likely = self.acceptance.probabilities(found.figures)
        order = sorted(range(len(found.candidates)), key=lambda i: -likely[i])[:SHOWN]
        edit = None
        if chosen is not None:
            candidate = found.candidates[chosen]
            edit = {"before": candidate.span.of(statement.now), "after": candidate.after}
        return {
            "statement": statement.now,
            "support": round(found.before, 6),
            "evidence": [
                {
                    "passage": answer.context.passages[s.passage].id,
                    "start": s.span.start, "end": s.span.end,
                }
                for s in sources
            ],
            "tried": [
                {
                    "text": found.candidates[i].text,
                    "change": found.candidates[i].change,
                    "support": round(float(found.after[i]), 6),
                    "likely": round(float(likely[i]), 6),
                }
                for i in order
            ],
            "edit": edit,
            "rejected": None if chosen is not None or not order else "none is likely enough",
        }  # fmt: skip


@dataclass(frozen=True)
class _Statement:
    """A statement of the answer without its markers, as it was and as it is by now.

    Attributes:
        start: where it begins in the answer without markers.
        before: what goes before it when it is judged.
    """

    said: str
    start: int
    before: str
    now: str
    edits: tuple[Edit, ...] = ()

    def placed(self) -> list[Edit]:
        """The edits in the answer without markers."""
        return [replace(edit, span=edit.span.shift(self.start)) for edit in self.edits]


@dataclass(frozen=True)
class _Outcome:
    """What a round made of a statement: a step for the record, and what it says if it changed."""

    step: dict[str, object]
    edited: _Statement | None = None
    warning: str = ""


def _statements(answer: Answer, cut: Cut) -> list[_Statement]:
    found = list[_Statement]()
    for claim, judged in zip(answer.claims, hypotheses(answer), strict=True):
        own = [i for i, at in enumerate(cut.origin) if claim.span.holds(at)]
        if not claim.needs_support or not own:
            continue
        whole = cut.text[own[0] : own[-1] + 1]
        mark = LIST_MARK.match(whole)
        said = whole[mark.end() if mark else 0 :].strip()
        before = judged[: -len(said)] if said and judged.endswith(said) else ""
        if said and len(said) <= LONGEST:
            found.append(_Statement(said, own[0] + whole.rfind(said), before, said))
    return found


def _edited(
    statement: _Statement, found: Weighed, chosen: int, sources: Sequence[Source]
) -> _Statement:
    """The statement with a candidate in place of what it says now.

    Args:
        sources: the sentences that were read.
    """
    candidate = found.candidates[chosen]
    evidence: Source | None = sources[found.nearest]
    if candidate.origin:
        evidence = sources[candidate.origin[0]]
    elif candidate.change == "clause":
        evidence = None
    new = [
        replace(edit, evidence=evidence)
        for edit in edits_between(statement.now, candidate.text, _REASON[candidate.change])
    ]
    edits = composed(statement.said, statement.edits, new)
    return replace(statement, now=candidate.text, edits=edits)


def _denied(
    verifier: EntailmentModel,
    statement: _Statement,
    found: Weighed,
    chosen: int,
    evidence: Sequence[str],
) -> str | None:
    """A sentence that supports what was said, or another value in this place, but not the new one.

    Then the evidence contradicts itself, and there is no saying which of the two is right.
    """
    candidate = found.candidates[chosen]
    if len(evidence) < 2 or candidate.change in ("clause", "order"):
        return None
    likeness = found.figures[:, FIGURES.index("nearness")]
    rivals = [
        other.text
        for i, other in enumerate(found.candidates)
        if i != chosen and other.span == candidate.span and other.change == candidate.change
        and found.after[i] >= verifier.threshold and likeness[i] >= candidate.nearness
    ]  # fmt: skip
    texts = [candidate.text, statement.now, *rivals[:2]]
    pairs = [Pair(sentence, statement.before + text) for sentence in evidence for text in texts]
    alone = verifier.entails(pairs)[:, 0].reshape(len(evidence), len(texts))
    for sentence, (this, *others) in zip(evidence, alone, strict=True):
        if max(others) >= verifier.threshold and max(others) > this + MARGIN:
            return sentence
    return None
