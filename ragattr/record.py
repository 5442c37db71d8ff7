"""JSON to nouns and nouns to JSON, each one way: a record read back stays a record."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ragattr import __version__
from ragattr.errors import InputError
from ragattr.metrics.usage import claim_use, reader_logprob
from ragattr.schema import Case, EvidencePair, Question, check
from ragattr.text.claims import read_claims
from ragattr.text.offsets import OffsetUnit, positions
from ragattr.types import (
    Alarm,
    Answer,
    Attribution,
    Citation,
    CitedAnswer,
    Claim,
    Context,
    GoldFigures,
    Judgement,
    Passage,
    Query,
    Revision,
    Source,
    Span,
    Subset,
)

ALIASES = {
    "contexts": "passages",
    "retrieved_contexts": "passages",
    "response": "answer",
    "user_input": "question",
}
LONGEST_PASSAGE = 1_000_000  # characters
_DIGITS = 6
_SURROGATE = re.compile("[\ud800-\udfff]")
_UNDECODED = re.compile("[\udc80-\udcff]")

Row = dict[str, Any]


def loads(line: str) -> Row:
    """One JSON object; NaN and Infinity are not JSON, and bytes that were no UTF-8 are no text."""
    if undecoded := _UNDECODED.search(line):
        byte = len(line[: undecoded.start()].encode("utf-8", "surrogatepass"))
        raise InputError(f"not UTF-8 (byte {byte} of the line): convert it first")
    try:
        row = json.loads(line, parse_constant=_refuse, parse_float=_finite)
    except RecursionError as error:
        raise InputError("not JSON that can be read: nested too deeply") from error
    except ValueError as error:
        raise InputError(f"not JSON ({error})") from error
    if not isinstance(row, dict):
        raise InputError(f"wanted a JSON object, got {type(row).__name__}")
    return row


def dumps(row: Mapping[str, Any]) -> str:
    """The one serialisation: fields in their order, Unicode as it is, lone surrogates escaped."""
    try:
        text = json.dumps(row, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"cannot be written as JSON: {error}") from error
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return _SURROGATE.sub(lambda match: f"\\u{ord(match.group()):04x}", joined)


def read_case(row: Mapping[str, Any], *, default_id: str, answered: bool) -> Row:
    """A case as the record carries it: aliases resolved, every passage an object with an id.

    Args:
        answered: whether a case without an answer is an error.

    Raises:
        InputError: a field is missing, empty or of the wrong type; the message has its path.
    """
    case = _renamed(row)
    check(case, Case)
    case["id"] = str(case.get("id", default_id))
    if not case["question"].strip():
        raise InputError("question: is empty")
    if not case["passages"]:
        raise InputError("passages: there are none")
    case["passages"] = [_passage_fields(passage, i) for i, passage in enumerate(case["passages"])]
    seen = set[str]()
    for i, passage in enumerate(case["passages"]):
        if passage["id"] in seen:
            raise InputError(f"passages[{i}].id: {passage['id']!r} is the id of an earlier passage")
        seen.add(passage["id"])
    if answered and case.get("answer") is None:
        raise InputError("answer: this field is missing")
    if answered and not case["answer"].strip():
        raise InputError("answer: is empty")
    return case


def read_question(row: Mapping[str, Any], *, default_id: str) -> Row:
    """A question as the record will carry it."""
    question = _renamed(row)
    check(question, Question)
    if not question["question"].strip():
        raise InputError("question: is empty")
    return {**question, "id": str(question.get("id", default_id))}


def read_pair(row: Mapping[str, Any], *, default_id: str) -> Row:
    """A claim with its evidence."""
    check(row, EvidencePair)
    if not row["claim"].strip():
        raise InputError("claim: is empty")
    return {**row, "id": str(row.get("id", default_id))}


def to_query(case: Mapping[str, Any]) -> Query:
    """The question as a noun."""
    return Query(case["question"], case["id"])


def to_answer(case: Mapping[str, Any]) -> Answer:
    """An answered case as nouns: claims and markers are read from the answer."""
    passages = tuple(_to_passage(fields) for fields in case["passages"])
    claims, markers = read_claims(case["answer"], len(passages))
    messages = case.get("messages")
    return Answer(
        context=Context(to_query(case), passages),
        text=case["answer"],
        claims=claims,
        markers=markers,
        generator=case.get("generator"),
        messages=tuple(messages) if messages is not None else None,
    )


def answered_case(question: Mapping[str, Any], answer: Answer) -> Row:
    """The case that a generated answer makes of a question."""
    return {
        **question,
        "passages": _context_fields(answer.context),
        "answer": answer.text,
        "generator": answer.generator,
        "messages": [dict(message) for message in answer.messages or ()],
    }


def retrieved(question: Mapping[str, Any], context: Context) -> Row:
    """A question with the passages that were found, best first, each with its score."""
    passages = _context_fields(context)
    for passage, score in zip(passages, context.scores, strict=True):
        passage["score"] = round(score, 6)
    return {**question, "passages": passages}


def _context_fields(context: Context) -> list[Row]:
    passages = [passage_fields(passage) for passage in context.passages]
    for passage, same in zip(passages, context.duplicates, strict=False):
        if same:
            passage["duplicates"] = list(same)
    return passages


def to_record(
    case: Mapping[str, Any], cited: CitedAnswer, *, offsets: OffsetUnit = "codepoints"
) -> Row:
    """The case with what was measured, judged and decided; unknown fields of the case survive."""
    judgement = cited.judgement
    answer, card = judgement.attribution.answer, judgement.verifier
    convert = _Converter(answer, offsets)
    return {
        **_head(case, judgement.attribution, offsets),
        "warnings": [
            *answer.warnings,
            *judgement.attribution.warnings,
            *judgement.warnings,
            *cited.warnings,
        ],
        "verifier": {
            "name": card.name,
            "revision": card.revision,
            "threshold": card.threshold,
            "contradiction_threshold": card.contradiction_threshold,
        }
        if card
        else None,
        "alarms": [_alarm_fields(answer, alarm, convert) for alarm in cited.alarms],
        "claims": [_claim_fields(cited, i, convert) for i in range(len(answer.claims))],
        "attribution": _attribution_fields(judgement.attribution, convert),
        "revision": None,
    }


def with_gold(record: Row, figures: GoldFigures) -> Row:
    """The record of an answer whose gold answer was judged beside it.

    A gold statement's offsets are code points of the row's own gold text.
    """
    claims = zip(figures.claims, figures.in_passages, figures.in_answer, strict=True)
    return {
        **record,
        "gold": {
            "claims": [
                {
                    "start": claim.span.start,
                    "end": claim.span.end,
                    "text": claim.text,
                    "in_passages": [_rounded(p) for p in in_passages],
                    "in_answer": _rounded(in_answer),
                }
                for claim, in_passages, in_answer in claims
            ],
            "answer_in_gold": [_rounded(p) for p in figures.answer_in_gold],
        },
    }


def to_attribution_record(
    case: Mapping[str, Any], attribution: Attribution, *, offsets: OffsetUnit = "codepoints"
) -> Row:
    """The case with what was measured alone: no verdicts, no citations."""
    answer = attribution.answer
    convert = _Converter(answer, offsets)
    return {
        **_head(case, attribution, offsets),
        "warnings": [*answer.warnings, *attribution.warnings],
        "verifier": None,
        "claims": [
            {
                **convert.answer_span(claim.span),
                "text": claim.text,
                "needs_support": claim.needs_support,
                "verdict": "unclear",
                "probability": None,
                "cited_probability": None,
                **_use_fields(attribution, claim),
                "citations": [],
            }
            for claim in answer.claims
        ],
        "attribution": _attribution_fields(attribution, convert),
        "revision": None,
    }


def to_revision_record(
    case: Mapping[str, Any], revision: Revision, *, offsets: OffsetUnit = "codepoints"
) -> Row:
    """The examined case with its revision; passages that were found for it come after its own."""
    draft = revision.draft
    known = len(case["passages"])
    more = [passage_fields(passage) for passage in draft.context.passages[known:]]
    record = to_record(
        {**case, "passages": [*case["passages"], *more]}, draft.cited, offsets=offsets
    )
    return {**record, "revision": _revision_fields(revision, offsets)}


def _revision_fields(revision: Revision, offsets: OffsetUnit) -> Row:
    draft, new = revision.draft, revision.revised.judgement.attribution.answer
    old = replace(draft.cited.judgement.attribution.answer, context=draft.context)
    before, after = _Converter(old, offsets), _Converter(new, offsets)
    ids = [passage.id for passage in draft.context.passages]

    def source(found: Source) -> Row:
        return {"passage": ids[found.passage], **before.passage_span(found.passage, found.span)}

    return {
        "method": draft.method,
        "text": new.text,
        "claims": [_claim_fields(revision.revised, i, after) for i in range(len(new.claims))],
        "edits": [
            {
                **before.answer_span(edit.span),
                "before": edit.before,
                "after": edit.after,
                "passage": ids[edit.evidence.passage] if edit.evidence else None,
                "reason": edit.reason,
                "evidence": source(edit.evidence) if edit.evidence else None,
            }
            for edit in revision.edits
        ],
        "preservation": round(revision.preservation, _DIGITS),
        "unsupported": list(revision.unsupported),
        "passages": [passage.id for passage in new.context.passages],
        "report": [source(found) for found in draft.report],
        "steps": [dict(step) for step in draft.steps],
        "warnings": list(revision.warnings),
    }


def passage_fields(passage: Passage) -> Row:
    """A passage as JSON; fields that are not known are left out."""
    span = passage.span
    fields = {
        "id": passage.id,
        "text": passage.text,
        "title": passage.title,
        "source": passage.source,
        "page": passage.page,
        "start": span.start if span else None,
        "end": span.end if span else None,
    }
    return {name: value for name, value in fields.items() if value is not None}


class _Converter:
    """Spans to JSON, in the unit that was asked for."""

    def __init__(self, answer: Answer, unit: OffsetUnit) -> None:
        self._answer = positions(answer.text, unit)
        self._passages = [positions(passage.text, unit) for passage in answer.context.passages]

    def answer_span(self, span: Span) -> Row:
        """A span of the answer."""
        return {"start": int(self._answer[span.start]), "end": int(self._answer[span.end])}

    def passage_span(self, passage: int, span: Span) -> Row:
        """A span of a passage's text."""
        places = self._passages[passage]
        return {"start": int(places[span.start]), "end": int(places[span.end])}


def _head(case: Mapping[str, Any], attribution: Attribution, offsets: OffsetUnit) -> Row:
    floors, model = attribution.floors, attribution.model
    return {
        **case,
        "tier": "text" if attribution.model is None else attribution.tier,  # baselines ask no model
        "offsets": offsets,
        "ragattr": __version__,
        "warnings": [],
        "alarms": [],
        "model": {"name": model.name, "revision": model.revision, "dtype": model.dtype}
        if model
        else None,
        "verifier": None,
        "settings": {
            "prompt_sha256": None,
            **attribution.settings,
            "seed": 0,
            "noise_floor": floors.noise if floors else None,
            "context_floor": floors.context if floors else None,
            "reader_floor": floors.reader if floors else None,
            "parametric_floor": floors.parametric if floors else None,
        },
    }


def _alarm_fields(answer: Answer, alarm: Alarm, convert: _Converter) -> Row:
    passage, span = answer.context.passages[alarm.passage], alarm.span
    place = convert.passage_span(alarm.passage, span) if span else {"start": None, "end": None}
    return {
        "passage": passage.id,
        "kind": alarm.kind,
        "used": _rounded(alarm.used),
        "claims": [claim + 1 for claim in alarm.claims],
        **place,
        "text": span.of(passage.text) if span else None,
    }


def _claim_fields(cited: CitedAnswer, index: int, convert: _Converter) -> Row:
    judgement = cited.judgement
    verdict = judgement.verdicts[index]
    claim = verdict.claim
    return {
        **convert.answer_span(claim.span),
        "text": claim.text,
        "needs_support": claim.needs_support,
        "verdict": verdict.label,
        "probability": _rounded(verdict.probability),
        "cited_probability": _rounded(judgement.cited[index]),
        **_use_fields(judgement.attribution, claim),
        "context_use": _rounded(cited.context_use[index]),
        "citations": [_citation_fields(judgement, row, convert) for row in cited.citations[index]],
    }


def _use_fields(attribution: Attribution, claim: Claim) -> Row:
    use = claim_use(attribution, claim)
    return {
        "context_use": _rounded(use.context_use) if use else None,
        "parametric_share": _rounded(use.parametric_share) if use else None,
    }


def _citation_fields(judgement: Judgement, row: Citation, convert: _Converter) -> Row:
    answer, source, marker = judgement.attribution.answer, row.source, row.marker
    passage = answer.context.passages[source.passage] if source else None
    span = (
        convert.passage_span(source.passage, source.span)
        if source
        else {"start": None, "end": None}
    )
    return {
        "origin": row.origin,
        "passage": passage.id if passage else None,
        **span,
        "text": source.span.of(passage.text) if source and passage else None,
        "used": _rounded(row.used),
        "supports": _rounded(row.supports),
        "contradicts": _rounded(row.contradicts),
        "class": row.cls,
        "jointly": row.jointly,
        "group": row.group,
        "marker": {**convert.answer_span(marker.span), "text": marker.span.of(answer.text)}
        if marker
        else None,
        "problem": row.problem,
        **({} if row.without is None else {"without": _rounded(row.without)}),
    }


def _attribution_fields(attribution: Attribution, convert: _Converter) -> Row | None:
    if attribution.scores is None:
        return None
    answer = attribution.answer
    uses = [use for claim in answer.claims if (use := claim_use(attribution, claim))]
    return {
        "method": attribution.method,
        "unit": attribution.unit,
        "interventional": attribution.interventional,
        "proxy": attribution.proxy,
        "reader_logprob": _rounded(reader_logprob(attribution)),
        "sources": [
            {
                "passage": answer.context.passages[s.passage].id,
                **convert.passage_span(s.passage, s.span),
            }
            for s in attribution.sources
        ],
        "groups": [list(members) for members in attribution.groups],
        "group_scores": [_rounded_list(use.group_scores) for use in uses],
        "scores": [_rounded_list(use.scores) for use in uses],
        "drops": None
        if attribution.drops is None
        else [_rounded_list(attribution.drops[:, use.columns].sum(axis=1)) for use in uses],
        "n_tokens": [use.n_tokens for use in uses],
        "passes": _rounded(attribution.passes),
        "seconds": round(attribution.seconds, 3),
        "verified": len(attribution.verified),
        "confidence": _rounded(attribution.confidence),
        "fidelity": attribution.fidelity,
        "partial": attribution.partial,
        "subset": _subset_fields(attribution.subset),
    }


def _subset_fields(subset: Subset | None) -> Row | None:
    if subset is None:
        return None
    return {
        "sources": [*subset.sources],
        "loss": _rounded(subset.loss),
        "drop": _rounded(subset.drop),
        "is_sufficient": subset.is_sufficient,
    }


def _renamed(row: Mapping[str, Any]) -> Row:
    """Canonical names in place of aliases; where both stand, the alias stays an unknown field."""
    renamed: Row = {}
    for name, value in row.items():
        canonical = ALIASES.get(name, name)
        renamed[name if canonical in row or canonical in renamed else canonical] = value
    return renamed


def _passage_fields(passage: str | Mapping[str, Any], index: int) -> Row:
    fields: Row = {"text": passage} if isinstance(passage, str) else dict(passage)
    if len(fields["text"]) > LONGEST_PASSAGE:
        raise InputError(
            f"passages[{index}].text: {len(fields['text']):,} characters, "
            f"at most {LONGEST_PASSAGE:,} are read: split it"
        )
    given = fields.get("id")
    return {
        "id": str(index + 1) if given is None else str(given),
        **{k: v for k, v in fields.items() if k != "id"},
    }


def _to_passage(fields: Mapping[str, Any]) -> Passage:
    start, end = fields.get("start"), fields.get("end")
    return Passage(
        text=fields["text"],
        id=fields["id"],
        title=fields.get("title"),
        source=fields.get("source"),
        page=fields.get("page"),
        span=Span(start, end)
        if start is not None and end is not None and 0 <= start <= end
        else None,
    )


def _rounded(value: float | None) -> float | None:
    """Six digits, None for "not known"; what comes from numpy is made a plain number."""
    return None if value is None or value != value else round(float(value), _DIGITS)


def _rounded_list(values: Sequence[float] | Any) -> list[float]:
    return [round(float(value), _DIGITS) for value in values]


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is not a number that JSON can hold")


def _finite(digits: str) -> float:
    return number if math.isfinite(number := float(digits)) else _refuse(digits)
