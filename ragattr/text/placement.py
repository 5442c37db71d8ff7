"""Markers that a reader takes for another sentence's.

A marker after the full stop is read as belonging to the sentence before it. That is fine where
the answer does so throughout ("One. [1] Two. [2]"). It is misplaced

- where it touches the next sentence: "One. [1]Two [2].";
- where at least as many sentences have theirs before the stop, and another sentence follows:
  "One [1]. Two. [2] Three [3].";
- where the next sentence has begun: "One. The [1] second [2].";
- where it comes before the first word of its paragraph: "[1] One." (several lines that each open
  with one are a list of sources).

A stop inside a closing quotation mark ends the quotation, not the sentence: "He said “one.” [1]".
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ragattr.text.findings import Finding, change
from ragattr.text.markers import begins_line, marker_cuts
from ragattr.text.reading import Reading, Sentence
from ragattr.types import Span

_BEGUN = re.compile(
    r"\W*(?:the|an?|it|its|he|she|they|his|her|their|we|this|that|these|those|but|and|however|"
    r"moreover|also|furthermore|additionally|(?:it|he|she|they|this) (?:is|was|has|had|were)|"
    r"in addition)",
    re.IGNORECASE,
)
_WORD = re.compile(r"\W*[\w'’-]+")
_WORD_NOW = re.compile(r"(?!\(\d)[\"“«(]?[^\W_]")
_SAID = re.compile(r"[^\W_]")
_STOP = re.compile(r"[.!?]+[*_]*$")
_OPENS_LINE = re.compile(r"^[ \t]*[\[【^(]\^?\d[^\]】)\n]*[\]】)^](?!:)", re.MULTILINE)


@dataclass(frozen=True)
class _Group:
    """Markers that stand together.

    Attributes:
        span: with the white space before them.
        markers: as they are written.
        sentence: whose they are; `before` and `after` stand on the same line, if any.
        stop: the full stop right before a group that ends its sentence, else nothing.
        is_before_stop: whether the full stop of the sentence comes right after them.
        opens: whether they come before the first word of their line.
    """

    span: Span
    markers: str
    sentence: Sentence
    before: Sentence | None
    after: Sentence | None
    stop: str
    is_before_stop: bool
    opens: bool


def find_misplaced(reading: Reading) -> list[Finding]:
    """The misplaced markers, in order; a fix puts one where the others of the answer stand."""
    text, groups = reading.text, _groups(reading)
    before = [group for group in groups if group.is_before_stop]
    behind = [group for group in groups if group.stop]
    leading = [group for group in groups if group.opens]
    if leading and len(_OPENS_LINE.findall(text)) > 1:
        leading = []
    is_mixed = bool(leading) or len(before) >= max(len(behind), 1)
    space = " " if not before or any(text[group.span.start].isspace() for group in before) else ""
    found = list[Finding]()
    for group in groups:
        if group.stop:
            found += _behind_stop(text, group, is_mixed, space if before else None)
        elif group in leading:
            found.append(_leading(text, group, space))
        else:
            found += _begun(text, group, space if len(before) >= len(behind) else None)
    return found


def _groups(reading: Reading) -> list[_Group]:
    text, sentences, groups = reading.text, reading.sentences, list[_Group]()
    for i, sentence in enumerate(sentences):
        if not sentence.markers:
            continue
        claim = sentence.claim.span
        before = sentences[i - 1] if i and _on_one_line(text, sentences[i - 1], sentence) else None
        after = sentences[i + 1] if i + 1 < len(sentences) else None
        after = after if after and _on_one_line(text, sentence, after) else None
        cuts = [cut for cut, _ in marker_cuts(text, sentence.markers)]
        for cut, is_last in zip(cuts, _are_last(text, cuts, claim.end), strict=True):
            span = Span(max(cut.start, claim.start), cut.end)
            has_said = _SAID.search(text, claim.start, span.start) is not None
            stop = _STOP.search(text[claim.start : span.start]) if is_last and has_said else None
            groups.append(
                _Group(
                    span=span,
                    markers=span.of(text).strip(),
                    sentence=sentence,
                    before=before,
                    after=after,
                    stop=stop.group() if stop else "",
                    is_before_stop=is_last
                    and has_said
                    and span.end < claim.end
                    and text[span.end] in ".!?",
                    opens=sentence.claim.needs_support
                    and begins_line(text, span.start)
                    and _opens(text[span.end : claim.end]),
                )
            )
    return groups


def _opens(rest: str) -> bool:
    """Whether what follows a marker says something on its line, and is not the page it names."""
    return _says(rest.partition("\n")[0]) and not rest.lstrip().startswith(("http", "www."))


def _are_last(text: str, cuts: Sequence[Span], end: int) -> list[bool]:
    """Of each cut, whether nothing is said between it and the end beside other cuts."""
    found, is_last = list[bool](), True
    for cut in reversed(cuts):
        is_last = is_last and not _says(text[cut.end : end])
        found.append(is_last)
        end = cut.start
    return found[::-1]


def _on_one_line(text: str, one: Sentence, other: Sentence) -> bool:
    return "\n" not in text[one.claim.span.end : other.claim.span.start]


def _says(text: str) -> bool:
    return _SAID.search(text) is not None


def _behind_stop(text: str, group: _Group, is_mixed: bool, space: str | None) -> Iterator[Finding]:
    """Where the answer is not of one style, and where it touches the next sentence.

    Args:
        space: before a marker that stands before the stop; None where none does.
    """
    if group.after is None:
        return
    is_glued = bool(_WORD_NOW.match(text, group.span.end))
    if not is_glued and not is_mixed:
        return
    is_doubtful = (
        group.sentence.markers[0].span.start < group.span.start and not group.after.markers
    )
    fix, gap = None, " " if is_glued else ""
    if space is not None and not is_doubtful:
        whole = Span(group.span.start - len(group.stop), group.span.end)
        fix = change(text, whole, f"{space}{group.markers}{group.stop}{gap}", "misplaced")
    elif is_glued and not is_doubtful:
        fix = change(text, group.span, f"{group.span.of(text)} ", "misplaced")
    message = f"{group.markers} stands between two sentences and may be taken for the next one's"
    yield Finding("misplaced", _shown(group), message, fix)


def _leading(text: str, group: _Group, space: str) -> Finding:
    said = Span(group.span.end, group.sentence.claim.span.end)
    body = said.of(text).lstrip()
    stop = _STOP.search(body)
    end = stop.start() if stop else len(body)
    fix = None
    if group.sentence.markers[-1].span.end <= group.span.end:
        after = f"{body[:end]}{space}{group.markers}{body[end:]}"
        fix = change(text, Span(_shown(group).start, said.end), after, "misplaced")
    message = f"{group.markers} comes before the sentence that it is read for"
    return Finding("misplaced", _shown(group), message, fix)


def _begun(text: str, group: _Group, space: str | None) -> Iterator[Finding]:
    """Behind a word that cannot be cited, or any first word where the sentence is cited at its end.

    Args:
        space: before a marker that stands before the stop; None where it comes after.
    """
    before, own = group.before, group.sentence
    said = text[own.claim.span.start : group.span.start]
    if before is None or before.markers or not before.claim.needs_support:
        return
    has_another = own.markers[-1].span.start >= group.span.end
    is_sure = bool(_BEGUN.fullmatch(said))
    if not is_sure and not (has_another and _WORD.fullmatch(said)):
        return
    fix, stop = None, _STOP.search(before.claim.text)
    if stop and has_another and is_sure:
        end, marks = before.claim.span.end, stop.group()
        moved = f"{marks} {group.markers}" if space is None else f"{space}{group.markers}{marks}"
        gap = text[end : own.claim.span.start]
        span = Span(end - len(marks), group.span.end)
        fix = change(text, span, f"{moved}{gap}{said}", "misplaced")
    message = f"{group.markers} stands where the next sentence has begun"
    yield Finding("misplaced", _shown(group), message, fix)


def _shown(group: _Group) -> Span:
    return Span(group.span.end - len(group.markers), group.span.end)
