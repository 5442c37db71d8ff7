"""The claims of an answer: its sentences, each with the markers that belong to it."""

import re
from bisect import bisect_left
from collections.abc import Sequence

from ragattr.text.markers import cut_markers, find_markers
from ragattr.text.sentences import sentence_spans
from ragattr.types import Claim, Marker, Span

_YES = r"(?:sure|certainly|of course|absolutely|ok|okay)"
_COURTESY = re.compile(
    rf"(?:{_YES}[,.!]* )?(?:(?:{_YES}|hello|hi|hey|greetings|welcome)(?: there)?"
    r"|good (?:morning|afternoon|evening|day)"
    r"|thank(?:s| you)(?: (?:so|very) much| a lot)?(?: for (?:your|the|this|that|asking)\b.*)?"
    r"|(?:i )?hope (?:this|that|it) helps\b.*|(?:please )?let me know\b.*"
    r"|(?:please )?feel free to\b.*|(?:i'?m |i am )?(?:glad|happy) to help\b.*"
    r"|you(?:'re| are) welcome\b.*"
    r"|(?:that(?:'s| is) |what )?an? (?:great|good|interesting|excellent) question\b.*"
    r"|here (?:is|are)\b.*:|here's\b.*:)[\s.!,]*",
    re.IGNORECASE,
)
# Only at the start of a sentence: "Einstein wrote: we do not know" is a statement.
_REFUSAL = re.compile(
    r"(?:(?:unfortunately|sorry|however|but|apologies|based on [^,]*|from [^,]*),? )?(?:"
    r"(?:i|we)(?:['’]m| am| are|['’]re)? (?:sorry|unable to|not able to|not sure|afraid)\b"
    r"|(?:i|we) (?:(?:do|did|could|can)(?: not|n['’]t)|cannot|can['’]t) "
    r"(?:\w+ )?(?:know|answer|find|provide|determine|tell|say|see|have|help|confirm)\b"
    r"|(?:none of )?(?:the |these |this |those )?(?:provided |given |available |retrieved )?"
    r"(?:passages?|context|documents?|sources?|texts?|information|excerpts?)(?: provided| given)? "
    r"(?:does|do|did)(?: not|n['’]t) (?:\w+ )?(?:say|mention|contain|provide|include|state|"
    r"specify|answer|give|tell|have|discuss|address)\b"
    r"|(?:there is|there['’]s) (?:no|not enough|insufficient) (?:\w+ )?"
    r"(?:information|mention|answer)\b"
    r"|(?:not enough|insufficient) information\b|as an ai\b)",
    re.IGNORECASE,
)
_FRAGMENT_WORDS = 12
_SENTENCE_END = re.compile(r"[.!?…:;。！？؟।։።]\W*$")
_REFERENCE_HEADING = re.compile(
    r"[#*_\s]*(?:references|sources|citations|bibliography)[*_\s]*:?[*_\s]*", re.I
)


def read_claims(text: str, n_passages: int) -> tuple[tuple[Claim, ...], tuple[Marker, ...]]:
    """The sentences of an answer and its markers.

    A marker belongs to the sentence it stands in; after the full stop, to the sentence before
    it; at the very start, to the first. Every non-space character lies in one claim.
    """
    markers = find_markers(text, n_passages)
    cut = cut_markers(text, markers)
    sentences = sentence_spans(cut.text)
    spans = [Span(cut.origin[span.start], cut.origin[span.end - 1] + 1) for span in sentences]
    if not spans:
        spans = [Span(markers[0].span.start, markers[-1].span.end)] if markers else []
    spans = _with_markers(text, spans, markers)
    claims, in_references = [], False
    for span in spans:
        said = statement(Claim(span.of(text), span), markers)
        in_references = in_references or bool(_REFERENCE_HEADING.fullmatch(said))
        claims.append(Claim(span.of(text), span, not in_references and needs_support(said)))
    return tuple(claims), markers


def hypothesis(said: str, question: str) -> str:
    """What is judged of a claim: itself, or after its question when it is a few words.

    "1889" stands in any passage that holds the number; "When was it completed? 1889" does not.
    """
    is_fragment = len(said.split()) <= _FRAGMENT_WORDS and not _SENTENCE_END.search(said)
    return f"{question} {said}".strip() if is_fragment else said


def statement(claim: Claim, markers: Sequence[Marker]) -> str:
    """What the claim says, without its markers: the text that is judged."""
    inside = [
        Marker(Span(m.span.start - claim.span.start, m.span.end - claim.span.start), m.numbers)
        for m in claim_markers(claim, markers)
    ]
    return cut_markers(claim.text, inside).text.strip()


def claim_markers(claim: Claim, markers: Sequence[Marker]) -> list[Marker]:
    """The markers that stand in the claim."""
    return [marker for marker in markers if claim.span.holds(marker.span.start)]


def needs_support(statement: str) -> bool:
    """False for greetings, questions, refusals, headings and text without a letter or digit."""
    if not any(char.isalnum() for char in statement) or statement.startswith("#"):
        return False
    if statement.rstrip("*_ ").endswith(("?", "？", "؟")):
        return False
    return not (_COURTESY.fullmatch(statement) or _REFUSAL.match(statement))


def _with_markers(text: str, spans: list[Span], markers: Sequence[Marker]) -> list[Span]:
    """Let each claim reach over the markers that lie between it and the next."""
    starts = [span.start for span in spans]
    for marker in markers:
        after = bisect_left(starts, marker.span.end)
        owner = max(after - 1, 0)
        if not spans[owner].holds(marker.span.start) and _opens_line(text, marker, spans, after):
            owner = after
        span = spans[owner]
        spans[owner] = Span(min(span.start, marker.span.start), max(span.end, marker.span.end))
        starts[owner] = spans[owner].start
    return spans


def _opens_line(text: str, marker: Marker, spans: list[Span], after: int) -> bool:
    """Whether the marker labels the line that follows it, as in a list of references."""
    if after >= len(spans):
        return False
    line_start = text.rfind("\n", 0, marker.span.start) + 1
    return (
        not text[line_start : marker.span.start].strip()
        and "\n" not in text[marker.span.end : spans[after].start]
    )
