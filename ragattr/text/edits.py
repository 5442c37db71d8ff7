"""Changes of a text: found between two versions, applied, and followed by what stands around."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import accumulate

from rapidfuzz.distance import Levenshtein

from ragattr.errors import ConfigError
from ragattr.text.markers import Cut
from ragattr.types import Edit, Span

# A word with its combining marks, white space, or one sign with what is joined to it.
_MARKS = "\u0300-\u036f\u20d0-\u20ff\ufe00-\ufe0f"
_PIECE = re.compile(
    rf"\s+|(?:\w[{_MARKS}]*)+|[^\w\s][{_MARKS}\U0001f3fb-\U0001f3ff]*(?:\u200d.[{_MARKS}]*)*",
    re.DOTALL,
)


def edits_between(before: str, after: str, reason: str = "") -> tuple[Edit, ...]:
    """The words that changed, as few as there are; changes that only a space parts are one.

    Example: from "in 1890 by train" to "in 1889" gives "1890 by train" to "1889".
    """
    old, new = _PIECE.findall(before), _PIECE.findall(after)
    edits, at = list[Edit](), [0]
    for piece in old:
        at.append(at[-1] + len(piece))
    changed = list[list[int]]()
    for op in Levenshtein.opcodes(old, new):
        if op.tag == "equal":
            continue
        if changed and not "".join(old[changed[-1][1] : op.src_start]).strip():
            changed[-1][1], changed[-1][3] = op.src_end, op.dest_end
        else:
            changed.append([op.src_start, op.src_end, op.dest_start, op.dest_end])
    for first, last, start, end in changed:
        gone, said = "".join(old[first:last]), "".join(new[start:end])
        head = _shared(gone, said)
        tail = _shared(gone[head:][::-1], said[head:][::-1])
        span = Span(at[first] + head, at[last] - tail)
        edits.append(Edit(span, span.of(before), said[head : len(said) - tail], reason))
    return tuple(edits)


def around_markers(edits: Iterable[Edit], cut: Cut, text: str) -> tuple[Edit, ...]:
    """Edits of a text without its markers as edits of the text that has them; markers stay.

    Where one reaches over a marker, its new words come before the marker.

    Args:
        cut: `text` without its markers.
    """
    found = list[Edit]()
    for edit in edits:
        runs, after = _runs(_with_space_before(edit, cut), cut, text), edit.after
        for span in runs:
            found.append(replace(edit, span=span, before=span.of(text), after=after))
            after = ""
    return tuple(found)


def _with_space_before(edit: Edit, cut: Cut) -> Span:
    """Of what only goes, with the space before it and not with the one after, behind a marker."""
    start, end = edit.span.start, edit.span.end
    if edit.after or start == 0 or cut.text[end - 1 : end] != " " or cut.text[start - 1] != " ":
        return edit.span
    return Span(start - 1, end - 1)


def _runs(span: Span, cut: Cut, text: str) -> list[Span]:
    """Where a span of the cut text stands in the whole: in pieces, between the markers."""
    if span.start == span.end:
        at = cut.origin[span.start - 1] + 1 if span.start else 0
        return [Span(at, at)]
    runs = list[Span]()
    for i in range(span.start, span.end):
        at = cut.origin[i]
        if text[at] != cut.text[i]:
            continue  # the space that stands for a marker
        if runs and runs[-1].end == at:
            runs[-1] = Span(runs[-1].start, at + 1)
        else:
            runs.append(Span(at, at + 1))
    return runs


def apply_edits(text: str, edits: Sequence[Edit]) -> str:
    """The text with its edits.

    Raises:
        ConfigError: the edits overlap, are out of order, or are of another text.
    """
    pieces, cursor = list[str](), 0
    for edit in edits:
        if edit.span.start < cursor or edit.span.of(text) != edit.before:
            raise ConfigError(f"no edit of this text, or not in order: {edit}")
        pieces += [text[cursor : edit.span.start], edit.after]
        cursor = edit.span.end
    return "".join([*pieces, text[cursor:]])


def composed(text: str, first: Sequence[Edit], second: Sequence[Edit]) -> tuple[Edit, ...]:
    """Edits of a text that do what these do one after the other; those that touch become one.

    Args:
        second: edits of the text with the first edits.
    """
    middle = _woven([(char, i) for i, char in enumerate(text)], first)
    final = _woven(middle, second)
    places = [i for _, i in middle]
    before = [*accumulate(places, lambda last, i: last if i is None else i + 1, initial=0)]
    behind = accumulate(places[::-1], lambda last, i: last if i is None else i, initial=len(text))
    after = [*behind][::-1]
    causes = [(edit.span, edit) for edit in first]
    causes += [(Span(before[e.span.start], after[e.span.end]), e) for e in second]
    found, start, said = list[Edit](), 0, ""
    for char, i in [*final, ("", len(text))]:
        if i is None:
            said += char
            continue
        span = Span(start, i)
        if span.of(text) != said:
            found.append(_joined(span, span.of(text), said, causes))
        start, said = i + 1, ""
    return tuple(found)


_Woven = list[tuple[str, int | None]]  # characters, and where each stood in the first text


def _woven(chars: Sequence[tuple[str, int | None]], edits: Sequence[Edit]) -> _Woven:
    woven, cursor = _Woven(), 0
    for edit in edits:
        woven += [*chars[cursor : edit.span.start], *((char, None) for char in edit.after)]
        cursor = edit.span.end
    return [*woven, *chars[cursor:]]


def _joined(span: Span, before: str, after: str, causes: Sequence[tuple[Span, Edit]]) -> Edit:
    """One edit for all that happened in a span."""
    own = [edit for place, edit in causes if span.start <= place.start and place.end <= span.end]
    reason = "; ".join(dict.fromkeys(edit.reason for edit in own if edit.reason))
    evidence = next((edit.evidence for edit in own if edit.evidence), None)
    return Edit(span, before, after, reason, evidence)


def moved(span: Span, edits: Iterable[Edit]) -> Span | None:
    """Where a piece of the old text stands in the new one; None when an edit reaches into it."""
    shift = 0
    for edit in edits:
        if edit.span.end <= span.start and (edit.span != Span(span.start, span.start)):
            shift += len(edit.after) - len(edit.before)
        elif edit.span.start < span.end:
            return None
    return span.shift(shift)


def _shared(one: str, other: str) -> int:
    """How much white space both begin with alike."""
    length = 0
    for a, b in zip(one, other, strict=False):
        if a != b or not a.isspace():
            break
        length += 1
    return length
