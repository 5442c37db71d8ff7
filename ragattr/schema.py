"""The JSON contract as types: cases in, records out; JSON Schema and checks come from these."""

import sys
from collections.abc import Mapping
from types import NoneType, UnionType
from typing import (
    Any,
    Literal,
    NotRequired,
    TypedDict,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from ragattr.errors import InputError
from ragattr.types import AlarmKind, CitationClass, Label


class PassageFields(TypedDict):
    """A passage; `start` and `end` are its range in its file's extracted text, in code points."""

    id: NotRequired[str | int]
    text: str
    title: NotRequired[str | None]
    source: NotRequired[str | None]
    page: NotRequired[int | None]
    start: NotRequired[int | None]
    end: NotRequired[int | None]


class MessageFields(TypedDict):
    """One turn of a chat."""

    role: str
    content: str


class Case(TypedDict):
    """One question with its passages and, where there is one, the answer to examine."""

    id: NotRequired[str | int]
    question: str
    passages: list[str | PassageFields]
    answer: NotRequired[str | None]
    generator: NotRequired[str | None]
    messages: NotRequired[list[MessageFields] | None]


class Question(TypedDict):
    """One question to be answered from documents."""

    id: NotRequired[str | int]
    question: str


class EvidencePair(TypedDict):
    """A claim and the evidence that it is to be judged on."""

    id: NotRequired[str | int]
    claim: str
    evidence: list[str]
    question: NotRequired[str | None]


class ModelFields(TypedDict):
    """The model that measured."""

    name: str
    revision: str
    dtype: str


class VerifierFields(TypedDict):
    """The verifier that judged, and the probability from which on it says "supported"."""

    name: str
    revision: str
    threshold: float
    contradiction_threshold: float


class MarkerFields(TypedDict):
    """A marker as the answer wrote it."""

    start: int
    end: int
    text: str


# `class` is a keyword, so this one is written as a call.
CitationFields = TypedDict(
    "CitationFields",
    {
        "origin": Literal["answer", "found"],
        "passage": str | None,
        "start": int | None,
        "end": int | None,
        "text": str | None,
        "used": float | None,
        "supports": float | None,
        "contradicts": float | None,
        "class": CitationClass | None,
        "jointly": bool,
        "without": NotRequired[float | None],
        "group": int | None,
        "marker": MarkerFields | None,
        "problem": str | None,
    },
)


class ClaimFields(TypedDict):
    """A statement of the answer with everything that is known of its evidence."""

    start: int
    end: int
    text: str
    needs_support: bool
    verdict: Label
    probability: float | None
    cited_probability: float | None
    context_use: float | None
    parametric_share: NotRequired[float | None]
    citations: list[CitationFields]


class SourceFields(TypedDict):
    """A sentence of a passage."""

    passage: str
    start: int
    end: int


class SubsetFields(TypedDict):
    """Sources that alone give the same answer; nats per token lost alone, and without them."""

    sources: list[int]
    loss: float
    drop: float
    is_sufficient: bool


class AttributionFields(TypedDict):
    """What was measured.

    `scores` are [claims][sources] and `group_scores` [claims][groups], summed over each claim's
    tokens. `verified` is how many sources were measured exactly.
    """

    method: str
    unit: str
    interventional: bool
    proxy: bool
    reader_logprob: float | None
    sources: list[SourceFields]
    groups: list[list[int]]
    group_scores: NotRequired[list[list[float]]]
    scores: list[list[float]]
    drops: list[list[float]] | None
    n_tokens: list[int]
    passes: float
    seconds: float
    verified: int
    confidence: float | None
    fidelity: dict[str, Any] | None
    partial: bool
    subset: NotRequired[SubsetFields | None]


class EditFields(TypedDict):
    """One change; it indexes the original answer."""

    start: int
    end: int
    before: str
    after: str
    passage: str | None
    reason: str
    evidence: NotRequired[SourceFields | None]


class RevisionFields(TypedDict):
    """The revised answer; its claims index the revised text.

    `unsupported` are the numbers of claims, from 0, that no evidence supports; `passages` the ids
    of the passages in the order in which the new text counts them.
    """

    method: NotRequired[str]
    text: str
    claims: list[ClaimFields]
    edits: list[EditFields]
    preservation: float
    unsupported: NotRequired[list[int]]
    passages: NotRequired[list[str]]
    report: NotRequired[list[SourceFields]]
    steps: NotRequired[list[dict[str, Any]]]
    warnings: NotRequired[list[str]]


class GoldClaimFields(TypedDict):
    """A statement of the gold answer; null where it or the text was not judged."""

    start: int
    end: int
    text: str
    in_passages: list[float | None]
    in_answer: float | None


class GoldFields(TypedDict):
    """The gold answer beside the answer, by an audit: probabilities that one entails the other."""

    claims: list[GoldClaimFields]
    answer_in_gold: list[float | None]


class AlarmFields(TypedDict):
    """A passage that moved the answer most and holds orders, or supports nothing that it moved.

    A reason to look at it, no defence; there is none where nothing was measured. `used` is its
    largest share of a claim, `claims` are the numbers, from 1, of those that it dominates. `start`
    and `end` are offsets into the passage's text; null for "no_entailment".
    """

    passage: str
    kind: AlarmKind
    used: float
    claims: list[int]
    start: int | None
    end: int | None
    text: str | None


class Record(Case):
    """A case with what was measured, judged and decided."""

    tier: Literal["logits", "logprobs", "text"]
    offsets: Literal["codepoints", "utf8", "utf16"]
    ragattr: str
    warnings: list[str]
    alarms: list[AlarmFields]
    model: ModelFields | None
    verifier: VerifierFields | None
    settings: dict[str, Any]
    claims: list[ClaimFields]
    attribution: AttributionFields | None
    revision: RevisionFields | None
    gold: NotRequired[GoldFields]


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a case and of a record; unknown fields are allowed in both."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "ragattr",
        "$defs": {"case": _schema(Case), "record": _schema(Record)},
        "if": {"required": ["claims"]},
        "then": {"$ref": "#/$defs/record"},
        "else": {"$ref": "#/$defs/case"},
    }


def check(value: object, wanted: Any, path: str = "") -> None:
    """Raise an InputError that names the first place where `value` is not of the type `wanted`.

    Example: `passages[1].text: wanted a string, got a number`.
    """
    if is_typeddict(wanted):
        if not isinstance(value, Mapping):
            raise InputError(f"{path or 'row'}: wanted an object, got {_kind(value)}")
        for name, hint in get_type_hints(wanted).items():
            place = f"{path}.{name}" if path else name
            if name in value:
                check(value[name], hint, place)
            elif name in wanted.__required_keys__:
                raise InputError(f"{place}: this field is missing")
    elif get_origin(wanted) is list:
        if not isinstance(value, list | tuple):
            raise InputError(f"{path}: wanted a list, got {_kind(value)}")
        for i, item in enumerate(value):
            check(item, get_args(wanted)[0], f"{path}[{i}]")
    elif get_origin(wanted) is Literal:
        if value not in get_args(wanted):
            got = repr(value) if isinstance(value, str) else _kind(value)
            raise InputError(f"{path}: wanted one of {', '.join(get_args(wanted))}, got {got}")
    elif get_origin(wanted) is dict:
        if not isinstance(value, Mapping):
            raise InputError(f"{path}: wanted an object, got {_kind(value)}")
    elif get_origin(wanted) in (Union, UnionType):
        _check_union(value, get_args(wanted), path)
    elif not _is(value, wanted):
        raise InputError(f"{path}: wanted {_NAMES[wanted]}, got {_kind(value)}")


def _check_union(value: object, choices: tuple[Any, ...], path: str) -> None:
    for choice in choices:  # an object or a list is checked inside, so that the path is exact
        if (
            (is_typeddict(choice) and isinstance(value, Mapping))
            or (get_origin(choice) is list and isinstance(value, list | tuple))
            or (get_origin(choice) is dict and isinstance(value, Mapping))
            or (get_origin(choice) is Literal and isinstance(value, str))
        ):
            return check(value, choice, path)
    if not any(_is(value, choice) for choice in choices if isinstance(choice, type)):
        names = " or ".join(
            _NAMES.get(choice, "an object") for choice in choices if choice is not NoneType
        )
        raise InputError(f"{path}: wanted {names}, got {_kind(value)}")
    return None


_NAMES: dict[Any, str] = {
    str: "a string",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
}


def _is(value: object, wanted: Any) -> bool:
    if wanted in (int, float) and isinstance(value, bool):
        return False
    if wanted is float and isinstance(value, int) and abs(value) > sys.float_info.max:
        return False
    return (
        isinstance(value, (int, float) if wanted is float else wanted)
        if not is_typeddict(wanted)
        else False
    )


def _kind(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, Mapping):
        return "an object"
    return {
        bool: "true or false",
        str: "a string",
        int: "a number",
        float: "a number",
        list: "a list",
    }.get(type(value), type(value).__name__)


def _schema(wanted: Any) -> dict[str, Any]:
    if is_typeddict(wanted):
        hints = get_type_hints(wanted)
        described = (
            {"description": wanted.__doc__}
            if wanted.__doc__ and "dict(" not in wanted.__doc__
            else {}
        )
        return {
            "type": "object",
            **described,
            "properties": {name: _schema(hint) for name, hint in hints.items()},
            "required": sorted(wanted.__required_keys__),
        }
    if get_origin(wanted) is list:
        return {"type": "array", "items": _schema(get_args(wanted)[0])}
    if get_origin(wanted) in (Union, UnionType):
        return {"anyOf": [_schema(choice) for choice in get_args(wanted)]}
    if get_origin(wanted) is Literal:
        return {"enum": list(get_args(wanted))}
    if wanted is Any:
        return {}
    simple = {str: "string", int: "integer", float: "number", bool: "boolean", NoneType: "null"}
    return {"type": simple.get(wanted, "object")}
