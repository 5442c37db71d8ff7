"""The claims of an answer: its sentences or facts, each with the markers that belong to it."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import Literal

from ragattr.text.facts import complete
from ragattr.text.markers import begins_line, cut_markers, find_markers
from ragattr.text.sentences import sentence_spans
from ragattr.text.support import needs_support
from ragattr.types import Answer, Claim, Marker, Span

ClaimContext = Literal["none", "question", "previous"]

_FRAGMENT_WORDS = 12
# A pronoun first, after no more than a few words without a name: "In May 1889, it".
_PRONOUN = re.compile(
    r"\W*(?:[A-Z]?[a-z]*(?: (?:[a-z]+|\d+|[A-Z][a-z]+(?= \d)))*, )?(?:and |but )?"
    r"(?i:it|he|she|they|this|that|these|those|its|his|her|their|the (?:latter|former))"
    r"(?:['’](?:s|re|ve|d|ll))?(?= )"
)
_EXPLETIVE = re.compile(
    r"\W*it (?:is|was|has been|seems|appears|may be|can be)(?: \w+)? (?:\w+ )?(?:that|to)\b"
    r"|\W*that (?:said|is|being said),",
    re.IGNORECASE,
)
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
    spans = _covering(text, _with_markers(text, spans, markers))
    claims, in_references = [], False
    for span in spans:
        said = statement(Claim(span.of(text), span), markers)
        in_references = in_references or bool(_REFERENCE_HEADING.fullmatch(said))
        claims.append(Claim(span.of(text), span, not in_references and needs_support(said)))
    return tuple(claims), markers


def split_claims(
    claims: Sequence[Claim], markers: Sequence[Marker], pieces: Callable[[str], Sequence[Span]]
) -> tuple[Claim, ...]:
    """Claims taken apart; each piece reaches to the next one, so that no character is lost.

    A marker stays with the piece that it follows. What needs no support stays whole.

    Args:
        pieces: from a statement, without its markers, to where its pieces stand in it.
    """
    return tuple(piece for claim in claims for piece in _split(claim, markers, pieces))


def hypotheses(answer: Answer, context: ClaimContext = "none") -> tuple[str, ...]:
    """What is judged of each claim of an answer: its statement, with what it needs to be read.

    A piece of a sentence has the subject that it shares with the pieces before. Text that rests
    on a pronoun comes after the question, or after the nearest earlier statement that does not.
    """
    question, before, texts = answer.context.query.text, "", list[str]()
    sentences, _ = read_claims(answer.text, len(answer.context.passages))
    starts = [sentence.span.start for sentence in sentences]
    for claim in answer.claims:
        sentence = sentences[max(bisect_right(starts, claim.span.start) - 1, 0)]
        said = _completed(claim, sentence, answer.markers)
        texts.append(in_context(said, question, before, context))
        if claim.needs_support and not rests_on_context(said):
            before = said
    return tuple(texts)


def in_context(said: str, question: str, before: str, context: ClaimContext) -> str:
    """What is judged of a claim, after what its pronoun stands for.

    Example: "It was built in 1889." with "previous" becomes "The tower is old. It was built in
    1889."

    Args:
        before: an earlier statement of the same answer, or nothing.
        context: which of the two goes before text that rests on a pronoun; "none" does nothing.
    """
    if context == "none" or not rests_on_context(said):
        return hypothesis(said, question)
    return f"{question if context == 'question' else before} {said}".strip()


def hypothesis(said: str, question: str) -> str:
    """What is judged of a claim: itself, or after its question when it is a few words.

    "1889" stands in any passage that holds the number; "When was it completed? 1889" does not.
    """
    is_fragment = len(said.split()) <= _FRAGMENT_WORDS and not _SENTENCE_END.search(said)
    return f"{question} {said}".strip() if is_fragment else said


def rests_on_context(said: str) -> bool:
    """Whether a statement begins with a pronoun whose noun stands elsewhere.

    "In 1889, it was opened." does; "It is known that bees make honey." does not.
    """
    return bool(_PRONOUN.match(said)) and not _EXPLETIVE.match(said)


def statement(claim: Claim, markers: Sequence[Marker]) -> str:
    """What the claim says, without its markers: the text that is judged."""
    return cut_markers(claim.text, _inside(claim, markers)).text.strip()


def claim_markers(claim: Claim, markers: Sequence[Marker]) -> list[Marker]:
    """The markers that stand in the claim; all are in the order of the text."""
    first, last = (
        bisect_left(markers, edge, key=lambda marker: marker.span.start)
        for edge in (claim.span.start, claim.span.end)
    )
    return [*markers[first:last]]


def _split(
    claim: Claim, markers: Sequence[Marker], pieces: Callable[[str], Sequence[Span]]
) -> list[Claim]:
    if not claim.needs_support:
        return [claim]
    cut = cut_markers(claim.text, _inside(claim, markers))
    said = cut.text.strip()
    margin = cut.text.find(said)
    starts = sorted({cut.origin[margin + piece.start] for piece in pieces(said)})
    edges = [0, *starts[1:], len(claim.text)]
    found = list[Claim]()
    for start, end in zip(edges, edges[1:], strict=False):
        text = claim.text[start:end].rstrip()
        span = Span(start, start + len(text)).shift(claim.span.start)
        completed = _completed(Claim(text, span), claim, markers)
        found.append(Claim(text, span, needs_support(completed)))
    return found if len(found) > 1 else [claim]


def _inside(claim: Claim, markers: Sequence[Marker]) -> list[Marker]:
    """The claim's markers, where they stand in its own text."""
    start = claim.span.start
    return [
        Marker(Span(marker.span.start - start, marker.span.end - start), marker.numbers)
        for marker in claim_markers(claim, markers)
    ]


def _completed(claim: Claim, sentence: Claim, markers: Sequence[Marker]) -> str:
    """What the claim says; a piece of the sentence, with the subject that it shares."""
    if claim.span == sentence.span:
        return statement(claim, markers)
    cut = cut_markers(sentence.text, _inside(sentence, markers))
    kept = [i for i, at in enumerate(cut.origin) if claim.span.holds(at + sentence.span.start)]
    return complete(cut.text, Span(kept[0], kept[-1] + 1)) if kept else ""


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


def _covering(text: str, spans: Sequence[Span]) -> list[Span]:
    """Let each claim reach over the brackets that stood around a marker, as in "([1])"."""
    if not spans:
        return []
    inner = [span.start for span in spans[1:]]
    edges = zip([len(text) - len(text.lstrip()), *inner], [*inner, len(text)], strict=True)
    return [Span(start, start + len(text[start:end].rstrip())) for start, end in edges]


def _opens_line(text: str, marker: Marker, spans: list[Span], after: int) -> bool:
    """Whether the marker labels the line that follows it, as in a list of references."""
    if after >= len(spans):
        return False
    return (
        begins_line(text, marker.span.start)
        and "\n" not in text[marker.span.end : spans[after].start]
    )
