"""Citations that are not written as markers, and are therefore not read: `[1`, `[1,]`, `[a1]`.

What only resembles one is left alone: intervals, `[sic]`, `a[i]`, links, check boxes, list
numbers, code.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ragattr.text.brackets import CLOSERS, Brackets, brackets
from ragattr.text.findings import Finding, change
from ragattr.types import Marker, Span

_LONGEST = 24  # characters of a list of numbers, looked back for
_NUMBER = r"\^?\d{1,3}(?!\d)"
_LIST = rf"{_NUMBER}(?:\s*[,;、，]\s*{_NUMBER})*"
_LABEL = (
    r"(?:sources?|passages?|documents?|docs?|ref(?:erence)?s?|citations?|cites?|contexts?|chunks?|"
    r"excerpts?|snippets?|search results?)\.?"
)
_LABELLED = (
    rf"\s*(?:see )?{_LABEL}\s*:?\s*#?{_LIST}"
    rf"(?:(?:\s*[,;&]\s*|\s+and\s+){_LABEL}\s*#?{_LIST})*\s*"
)
_PLACE = r"(?:p|pp|page|pages|sec|section|ch|chapter|lines?|para|§)\b"


class _Kind(NamedTuple):
    """What stands between square brackets, and why it is not read."""

    inside: re.Pattern[str]
    why: str
    has_clear_numbers: bool


_KINDS = (
    _Kind(re.compile(r"\s*"), "is empty", False),
    _Kind(re.compile(rf"\s*{_LIST}\s*"), "has other brackets than markers have", True),
    _Kind(re.compile(r"\s*\d{1,2}\.\d{1,2}\s*"), "is no whole number", False),
    _Kind(
        re.compile(rf"[\s,;、，]*{_NUMBER}(?:[\s,;、，&]+(?:and )?{_NUMBER})*[\s,;、，.–—-]*"),
        "is no list of numbers",
        True,
    ),
    _Kind(
        re.compile(rf"\s*{_NUMBER}(?:\s*(?:[+|]|\.\.+|and|or)\s*{_NUMBER})+\s*"),
        "is no list of numbers",
        False,
    ),
    _Kind(re.compile(_LABELLED, re.IGNORECASE), "names its passage in words", True),
    _Kind(re.compile(rf"\s*#{_LIST}\s*"), "has a sign before its number", True),
    _Kind(
        re.compile(r"\s*(?:[a-z]{1,2}|[CDPRS])[ -]?\d{1,3}\s*|\s*\d{1,3}[a-z]\s*"),
        "has a letter beside its number",
        False,
    ),
    _Kind(re.compile(rf"\s*{_LIST}\s*[,:]\s*{_PLACE}.*"), "says more than a number", False),
)
_ROUND = re.compile(_LABELLED, re.IGNORECASE)
_OPENED = re.compile(rf"\s*({_LIST})(?!\.?\d)(?:†\w*)?[ ]?,?(?=[\s.,;:!?\[【”\"]|$)")
_CLEARLY_OVER = re.compile(r"[.,;:!?\[【]|\s*$|\s+[A-Z“\"]", re.MULTILINE)
_ENDED = re.compile(rf"(?<!\d)({_LIST})\s*$")
_CLEARLY_ALONE = re.compile(r"(?:^|\s|[^\W\d]\W|[.!?”»\"])\^?\d{1,3}\s*$")
_ROUND_OPENED = re.compile(r"(\d{1,2})(?=[.!?]?(?:\s*$|\s+[A-Z“\"]))", re.MULTILINE)
_ROUND_ENDED = re.compile(r"(?:\w |[^\W\d]|[.!?”»\"] ?)(\d{1,2})$")
_CARET = re.compile(r"(?<![\d\s=+*/^(-])\s?(\^(\d{1,2}))(?=[\s.,;:!?]|$)")
_NEW_SENTENCE = re.compile(r"[.!?]\s")
_LISTED = re.compile(r"\d[,;]|[,;]\s*\d")
_CHECK_BOX = re.compile(r"\s*(?:[-*+]|\d+[.)])\s+$")


@dataclass(frozen=True)
class _Answer:
    """An answer and how it cites.

    Attributes:
        starts: where its markers begin; `ends` where they end.
        is_round: whether they stand in round brackets; `is_caret` between carets.
        is_tight: whether one touches the word before it, as in "Bees fly[1]."
    """

    text: str
    starts: frozenset[int]
    ends: frozenset[int]
    is_round: bool
    is_caret: bool
    is_tight: bool


def find_malformed(text: str, markers: Sequence[Marker]) -> list[Finding]:
    """Citations that are not read, in order.

    Unclosed round brackets and carets are looked for only where other markers of the answer are
    written so; brackets that touch a word are code where no marker of the answer does.

    Args:
        markers: those that are read.
    """
    read = [marker.span for marker in markers if not _runs_on(marker.span.of(text))]
    styles = {text[marker.span.start] for marker in markers}
    answer = _Answer(
        text=text,
        starts=frozenset(span.start for span in read),
        ends=frozenset(span.end for span in read),
        is_round="(" in styles,
        is_caret="^" in styles,
        is_tight=any(text[max(span.start - 1, 0) : span.start].isalnum() for span in read),
    )
    candidates = [found for pair in brackets(text) for found in _in_brackets(answer, pair)]
    if answer.is_caret:
        candidates += [
            _found(text, Span(*match.span(1)), f"^{match[2]}^", "is not closed")
            for match in _CARET.finditer(text)
        ]
    found, starts = list[Finding](), [span.start for span in read]
    for finding in sorted(candidates, key=lambda finding: finding.span):
        earlier = bisect_left(starts, finding.span.end)
        is_read = earlier > 0 and read[earlier - 1].end > finding.span.start
        if not is_read and not (found and found[-1].span.end > finding.span.start):
            found.append(finding)
    return found


def _runs_on(written: str) -> bool:
    """Whether a source's name was not closed: "【1†source. It grew 【2】" is read as one marker."""
    return "【" in written[1:]


def _in_brackets(answer: _Answer, pair: Brackets) -> Iterator[Finding]:
    opener, closer = pair
    if opener is None and closer is not None:
        yield from _unopened(answer, closer)
    elif opener is not None and closer is None:
        yield from _unclosed(answer, opener)
    elif opener is not None and closer is not None and opener not in answer.starts:
        if answer.text[opener] + answer.text[closer] == "()":
            yield from _in_words(answer, Span(opener, closer + 1))
        else:
            yield from _closed(answer, Span(opener, closer + 1))


def _in_words(answer: _Answer, span: Span) -> Iterator[Finding]:
    inside = span.of(answer.text)[1:-1]
    if _ROUND.fullmatch(inside):
        yield _found(answer.text, span, _marker(answer, inside), "names its passage in words")


def _closed(answer: _Answer, span: Span) -> Iterator[Finding]:
    text, inside = answer.text, span.of(answer.text)[1:-1]
    kind = next((kind for kind in _KINDS if kind.inside.fullmatch(inside)), None)
    if kind is not None and not _is_something_else(answer, span):
        after = _marker(answer, inside) if kind.has_clear_numbers else None
        yield _found(text, span, after, kind.why)
    elif _OPENED.match(text, span.start + 1) and _NEW_SENTENCE.search(inside):
        yield from _unclosed(answer, span.start)  # "One [1. Two 2]."
        yield from _unopened(answer, span.end - 1)


def _is_something_else(answer: _Answer, span: Span) -> bool:
    """A link or its target, a formula, a picture, a check box, code."""
    text, following = answer.text, answer.text[span.end : span.end + 1]
    before = text[text.rfind("\n", 0, span.start) + 1 : span.start]
    is_code = before[-1:].isalnum() and not answer.is_tight and not _LISTED.search(span.of(text))
    return (
        following == "("
        or (following == ":" and not before.strip())
        or before.endswith(("\\", "!"))
        or bool(_CHECK_BOX.fullmatch(before))
        or is_code
    )


def _unclosed(answer: _Answer, opener: int) -> Iterator[Finding]:
    text = answer.text
    if text[opener] == "(":
        match = _ROUND_OPENED.match(text, opener + 1) if answer.is_round else None
        if match:
            yield _found(text, Span(opener, match.end()), f"({match[1]})", "is not closed")
    elif opener + 1 in answer.starts:
        yield _found(text, Span(opener, opener + 1), "", "is a bracket too many")
    elif match := _OPENED.match(text, opener + 1):
        is_clear = bool(_CLEARLY_OVER.match(text, match.end()))
        whole = f"{text[opener]}{match.group().strip(' ,')}{CLOSERS[text[opener]]}"
        span = Span(opener, match.end())
        yield _found(text, span, whole if is_clear else None, "is not closed")


def _unopened(answer: _Answer, closer: int) -> Iterator[Finding]:
    text = answer.text
    if text[closer] == ")":
        yield from _round_unopened(answer, closer)
    elif closer in answer.ends:
        yield _found(text, Span(closer, closer + 1), "", "is a bracket too many")
    elif match := _ENDED.search(text, max(closer - _LONGEST, 0), closer):
        opener = next(key for key, value in CLOSERS.items() if value == text[closer])
        span = Span(match.start(1), closer + 1)
        is_clear = bool(_CLEARLY_ALONE.search(text, max(span.start - 2, 0), closer))
        whole = f"{opener}{match[1]}{text[closer]}" if is_clear else None
        yield _found(text, span, whole, "is not opened")


def _round_unopened(answer: _Answer, closer: int) -> Iterator[Finding]:
    """At the end of a sentence alone: "1) to mix, 2) to bake" counts steps."""
    text = answer.text
    after = text[closer + 1 : closer + 3].partition("\n")[0]
    match = _ROUND_ENDED.search(text, max(closer - _LONGEST, 0), closer)
    is_last = not after.strip() or (after[0] in ".!?," and not after[1:].strip())
    if answer.is_round and match and is_last:
        span = Span(closer - len(match[1]), closer + 1)
        yield _found(text, span, f"({match[1]})", "is not opened")


def _marker(answer: _Answer, inside: str) -> str:
    """The marker that was meant, in round brackets where the answer has those."""
    listed = ", ".join(re.findall(r"\d+", inside))
    return f"({listed})" if answer.is_round else f"[{listed}]"


def _found(text: str, span: Span, after: str | None, why: str) -> Finding:
    fix = None if after is None else change(text, span, after, "malformed")
    return Finding("malformed", span, f"{span.of(text)} {why}: it is not read as a citation", fix)
