"""Where the sentences of a text stand.

A text is cut into blocks first (a list item, a table row, a heading, a paragraph whose lines
are wrapped), each block into sentences: Punkt for scripts that write a full stop and a space,
and a rule for the full stops of scripts that write none.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from ragattr.errors import AlignmentError
from ragattr.types import Passage, Source, Span

SEPARATOR = "\n\n"  # between pieces of evidence: their sentences stay apart
_CLOSERS = r"[」』”’）】》〉)\"']*+"
_OTHER_STOPS = re.compile(
    rf"[。！？｡।॥؟۔።፧។៕။։]+{_CLOSERS}(?![\u3041-\u309f])"  # "「行く。」と言った" goes on
    rf"|．(?!\d)|(?<=[\u3040-\u9fff])[!?]+{_CLOSERS}(?=[\u3040-\u9fff])"
)
_MONTHS = "Januar|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember"
# What Punkt's English model takes for an end though the sentence goes on.
_ABBREVIATED = re.compile(r"(?:^|\s)(?:Sr|Sra|Srta|Dra|Hr|Nr|Bd|Mme|Mlle)\.\s*$")
_ONLY_NUMBER = re.compile(r"\(?\d{1,3}[.)]\s*")
_ORDINAL = re.compile(r"(?:^|\s)\d{1,2}\.\s*$")
LIST_MARK = re.compile(r"\s*(?:[-*+•‣–]|\(?\d{1,3}[.)]|\(?[A-Za-z][.)]|#{1,6}|>)\s+")
_TABLE_ROW = re.compile(r"\s*\|.*\||[^\t\n]+\t[^\n]*")
_LINE = re.compile(r"[^\r\n\v\f\x85\u2028\u2029]+")
_WRAPPED_FROM = 50  # characters; a line this long that does not end a sentence was wrapped


@lru_cache(maxsize=512)  # stages cut the passages of a batch one after the other
def sentence_spans(text: str) -> tuple[Span, ...]:
    """The sentences of `text`, in order, apart from each other, all non-space characters covered.

    Example: `"Dr. Who left. He ran."` gives `[0, 13)` and `[14, 21)`.
    """
    spans = tuple(span for block in _blocks(text) for span in _block_sentences(text, block))
    _check_cover(text, spans)
    return spans


def sources_of(passages: Sequence[Passage]) -> tuple[Source, ...]:
    """The sentences of all passages, as sources."""
    return tuple(
        Source(i, span)
        for i, passage in enumerate(passages)
        for span in sentence_spans(passage.text)
    )


def _blocks(text: str) -> list[Span]:
    blocks = list[Span]()
    last_line: Span | None = None
    for match in _LINE.finditer(text):
        if match.group().isspace():
            continue
        line = Span(*match.span())
        if last_line and _goes_on(text, last_line, line):
            blocks[-1] = Span(blocks[-1].start, line.end)
        else:
            blocks.append(line)
        last_line = line
    return blocks


def _goes_on(text: str, last_line: Span, line: Span) -> bool:
    """Whether `line` continues the wrapped paragraph that `last_line` is the end of so far."""
    gap, before, following = text[last_line.end : line.start], last_line.of(text), line.of(text)
    if gap not in ("\n", "\r\n", "\r") or _is_structure(following) or _TABLE_ROW.fullmatch(before):
        return False
    if before.lstrip().startswith("#") or before.rstrip()[-1] in ".!?:;。！？":
        return False
    return len(before) >= _WRAPPED_FROM or following.lstrip()[:1].islower()


def _is_structure(line: str) -> bool:
    return bool(LIST_MARK.match(line) or _TABLE_ROW.fullmatch(line))


def _block_sentences(text: str, block: Span) -> list[Span]:
    whole = block.of(text)
    if _TABLE_ROW.fullmatch(whole):
        return _trimmed(text, [block])
    mark = LIST_MARK.match(whole)
    body = block.start + (mark.end() if mark else 0)
    spans = [
        piece
        for span in _punkt(text[body : block.end])
        for piece in _other_stops(text, span.shift(body))
    ]
    spans = _trimmed(text, spans)
    if not spans:
        return _trimmed(text, [block])
    return [Span(_trimmed(text, [block])[0].start, spans[0].end), *spans[1:]]


def _punkt(text: str) -> list[Span]:
    from nupunkt import sent_spans

    spans = list[Span]()
    for start, end in sent_spans(text):
        if spans and _was_cut_short(spans[-1].of(text), text[start:end]):
            spans[-1] = Span(spans[-1].start, end)
        else:
            spans.append(Span(start, end))
    return spans


def _was_cut_short(before: str, following: str) -> bool:
    """Whether two pieces are one sentence: after abbreviations, ordinals and bare numbers."""
    if before.rstrip().endswith(".") and following.lstrip()[:1].islower():
        return True
    if _ORDINAL.search(before) and re.match(rf"\s*(?:{_MONTHS})\b", following):
        return True
    return bool(_ONLY_NUMBER.fullmatch(before) or _ABBREVIATED.search(before))


def _other_stops(text: str, span: Span) -> list[Span]:
    ends = [span.start + match.end() for match in _OTHER_STOPS.finditer(span.of(text))]
    edges = [span.start, *(end for end in ends if end < span.end), span.end]
    return [Span(start, end) for start, end in zip(edges, edges[1:], strict=False)]


def _trimmed(text: str, spans: list[Span]) -> list[Span]:
    trimmed = []
    for span in spans:
        piece = span.of(text)
        if piece.strip():
            start = span.start + len(piece) - len(piece.lstrip())
            trimmed.append(Span(start, span.end - len(piece) + len(piece.rstrip())))
    return trimmed


def _check_cover(text: str, spans: tuple[Span, ...]) -> None:
    cursor = 0
    for span in (*spans, Span(len(text), len(text))):
        if span.start < cursor or text[cursor : span.start].strip():
            raise AlignmentError(f"sentences overlap or leave out text around character {cursor}")
        cursor = span.end
