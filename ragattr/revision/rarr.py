"""RARR: research and revise (Gao et al. 2023, "Researching and Revising What Language Models Say").

Questions are asked about the text, evidence is found for each, and where the two disagree the text
is edited; everything else stays. Every step is kept, so that a reader sees why a word changed.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ragattr.errors import ModelReplyError, ServerError
from ragattr.models.protocols import Encoder, LanguageModel
from ragattr.prompt import Prompt, prompts_folder
from ragattr.revision.coverage import choose
from ragattr.revision.editor import EDIT_FIELDS, EditByModel, Outcome
from ragattr.revision.gate import GATE_FIELDS, AgreementGate, Check, Gate, Opinion
from ragattr.revision.questions import QUESTION_FIELDS, AskQuestions
from ragattr.revision.research import Finding, Findings, Research
from ragattr.stage import Stage
from ragattr.text.edits import apply_edits, around_markers, moved
from ragattr.text.markers import cut_markers
from ragattr.types import CitedAnswer, Context, Draft, Edit, Query, Span

logger = logging.getLogger(__name__)

METHOD = "rarr"
CONTRADICTS_ITSELF = "the evidence for this question contradicts itself"
CHANGED_BEFORE = "other evidence has changed these words before"


@dataclass(frozen=True)
class ReviseRARR(Stage[CitedAnswer, Draft]):
    """Corrects an answer after evidence that disagrees with it; markers stay where they are.

    Attributes:
        questions, gate, edit: the prompts of the three things that the model is asked.
        retrieve: where evidence is looked for; None: among the case's own passages.
        n_samples: of questions; their union is looked up.
        temperature: of these samples; gate and edit are greedy.
        evidence_per_question: pieces, each of another passage.
        snippets: the most that the report shows.
    """

    model: LanguageModel
    encoder: Encoder
    questions: Prompt = field(repr=False)
    gate: Prompt = field(repr=False)
    edit: Prompt = field(repr=False)
    retrieve: Stage[Query, Context] | None = None
    n_samples: int = 3
    temperature: float = 0.7
    evidence_per_question: int = 1
    snippets: int = 5
    seed: int = 0

    @classmethod
    def with_own_prompts(
        cls,
        model: LanguageModel,
        encoder: Encoder,
        *,
        retrieve: Stage[Query, Context] | None = None,
        seed: int = 0,
    ) -> "ReviseRARR":
        """With the prompts that ship with ragattr and the settings of the paper."""
        folder = prompts_folder()
        return cls(
            model,
            encoder,
            questions=Prompt.load(folder / "rarr_questions.txt", QUESTION_FIELDS),
            gate=Prompt.load(folder / "rarr_gate.txt", GATE_FIELDS),
            edit=Prompt.load(folder / "rarr_edit.txt", EDIT_FIELDS),
            retrieve=retrieve,
            seed=seed,
        )

    def __call__(self, batch: Sequence[CitedAnswer]) -> list[Draft]:
        return [self._revise(cited) for cited in batch]

    def _revise(self, cited: CitedAnswer) -> Draft:
        answer = cited.judgement.attribution.answer
        if not any(claim.needs_support for claim in answer.claims):
            return Draft(cited, answer.context, (), METHOD)
        cut = cut_markers(answer.text, answer.markers)
        asked = AskQuestions(
            self.model, self.questions, self.n_samples, self.temperature, self.seed
        )(cut.text, answer.context.query.text)
        findings = Research(self.encoder, self.retrieve, self.evidence_per_question)(
            answer.context, asked.questions
        )
        walk = Walk(
            cut.text, findings, AgreementGate(self.model, self.gate),
            EditByModel(self.model, self.edit),
        )  # fmt: skip
        walk.go()
        chosen = choose(findings.relevance, most=self.snippets)
        return Draft(
            cited,
            findings.context,
            around_markers(walk.edits, cut, answer.text),
            METHOD,
            steps=tuple(walk.steps),
            report=tuple(findings.sources[i] for i in chosen),
            warnings=(*asked.warnings, *_without_evidence(asked.questions, findings), *walk.told()),
        )


class Walk:
    """Holds a text against its evidence, the most relevant first; the text changes on the way.

    Attributes:
        text: as it is now.
        edits: of the text as it was, sorted and apart from each other.
        steps: what was tried and what came of it.
    """

    def __init__(
        self, text: str, findings: Findings, gate: AgreementGate, editor: EditByModel
    ) -> None:
        self.text, self.edits, self._before = text, tuple[Edit, ...](), text
        self.steps, self.warnings = list[dict[str, object]](), list[str]()
        self._findings, self._gate, self._editor = findings, gate, editor
        self._opinions = dict[Check, Opinion]()

    def go(self) -> None:
        """Through all the evidence, or until the model fails; what was done stays done.

        The gate is asked about the text as it was in one batch. Where the text has changed since,
        it is asked again, one by one.
        """
        ranked = self._findings.ranked
        try:
            self._ask([self._check(finding) for finding in ranked])
        except (ServerError, ModelReplyError) as error:
            logger.warning("gates are asked one by one: %s", error)
        for n, finding in enumerate(ranked):
            try:
                self.steps.append(self._step(finding))
            except (ServerError, ModelReplyError) as error:
                self.warnings.append(
                    f"stopped after {n} of {len(ranked)} pieces of evidence: {error}"
                )
                return

    def told(self) -> list[str]:
        """The warnings, with what can be counted."""
        n_unreadable = sum(step["gate"] == "unreadable" for step in self.steps)
        n_rejected = sum(
            step["gate"] == "disagrees" and step["edit"] is None for step in self.steps
        )
        unreadable = f"{n_unreadable} of {len(self.steps)} gates could not be read: kept closed"
        rejected = f"{n_rejected} edits were rejected: the steps say why"
        counted = [line for line, n in ((unreadable, n_unreadable), (rejected, n_rejected)) if n]
        return [*dict.fromkeys(self.warnings), *counted]

    def _step(self, finding: Finding) -> dict[str, object]:
        """What comes of one piece of evidence, as it is recorded."""
        (opinion,) = self._ask([self._check(finding)])
        edits, reasoning, rejected = tuple[Edit, ...](), opinion.reasoning, None
        before = self.text
        if opinion.gate == "disagrees":
            outcome = self._edited(finding)
            edits, rejected = outcome.edits, outcome.rejected
            reasoning = "\n".join(filter(None, (reasoning, outcome.reasoning)))
        if rejected:
            logger.info("edit rejected: %s: %s", finding.question, rejected)
        passage = self._findings.context.passages[finding.source.passage]
        span = finding.source.span
        return {
            "question": finding.question,
            "evidence": {
                "passage": passage.id, "start": span.start, "end": span.end,
                "text": span.of(passage.text),
            },
            "gate": opinion.gate,
            "reasoning": reasoning,
            "edit": _changed(before, edits),
            "rejected": rejected,
        }  # fmt: skip

    def _edited(self, finding: Finding) -> Outcome:
        """The edit that the evidence asks for, made if nothing speaks against it."""
        if self._says_elsewhere(finding, self.text, "agrees"):
            return self._contradicted(finding, "")
        outcome = self._editor(self._check(finding))
        if outcome.rejected:
            return outcome
        changed = apply_edits(self.text, outcome.edits)
        if self._says_elsewhere(finding, changed, "disagrees"):
            return self._contradicted(finding, outcome.reasoning)
        spans = [moved(edit.span, _back(self.edits)) for edit in outcome.edits]
        placed = [
            replace(edit, span=span, evidence=finding.source)
            for edit, span in zip(outcome.edits, spans, strict=True)
            if span is not None
        ]
        together = tuple(sorted((*self.edits, *placed), key=lambda edit: edit.span))
        if len(placed) < len(spans) or apply_edits(self._before, together) != changed:
            self.warnings.append(f"evidence disagrees with other evidence on {finding.question!r}")
            return Outcome(outcome.reasoning, rejected=CHANGED_BEFORE)
        self.edits, self.text = together, changed
        return outcome

    def _contradicted(self, finding: Finding, reasoning: str) -> Outcome:
        self.warnings.append(
            f"the passages contradict each other on {finding.question!r}: nothing was changed"
        )
        return Outcome(reasoning, rejected=CONTRADICTS_ITSELF)

    def _says_elsewhere(self, finding: Finding, text: str, gate: Gate) -> bool:
        """Whether other evidence for the same question has this opinion of a text."""
        others = [
            other
            for other in self._findings.ranked
            if other.question == finding.question and other.source != finding.source
        ]
        opinions = self._ask([self._check(other, text) for other in others])
        return any(opinion.gate == gate for opinion in opinions)

    def _check(self, finding: Finding, text: str | None = None) -> Check:
        passage = self._findings.context.passages[finding.source.passage]
        evidence = finding.source.span.of(passage.text)
        return Check(self.text if text is None else text, finding.question, evidence, passage.title)

    def _ask(self, checks: Sequence[Check]) -> list[Opinion]:
        """The gate's opinions; none is asked for twice."""
        new = [check for check in dict.fromkeys(checks) if check not in self._opinions]
        if new:
            self._opinions.update(zip(new, self._gate(new), strict=True))
        return [self._opinions[check] for check in checks]


def _back(edits: Sequence[Edit]) -> list[Edit]:
    """From the new text back to the old one."""
    back, shift = list[Edit](), 0
    for edit in edits:
        start = edit.span.start + shift
        span = Span(start, start + len(edit.after))
        back.append(replace(edit, span=span, before=edit.after, after=edit.before))
        shift += len(edit.after) - len(edit.before)
    return back


def _changed(text: str, edits: Sequence[Edit]) -> dict[str, str] | None:
    """From the first word that changed to the last one, before and after."""
    if not edits:
        return None
    place = Span(edits[0].span.start, edits[-1].span.end)
    inside = [
        replace(e, span=Span(e.span.start - place.start, e.span.end - place.start)) for e in edits
    ]
    before = place.of(text)
    return {"before": before, "after": apply_edits(before, inside)}


def _without_evidence(questions: Sequence[str], findings: Findings) -> list[str]:
    n_missing = len({*questions} - {finding.question for finding in findings.ranked})
    missing = f"no evidence was found for {n_missing} of {len(questions)} questions"
    return [missing] if n_missing else []
