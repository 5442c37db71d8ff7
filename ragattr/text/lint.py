"""What can be said of an answer's markers and quotations without any model."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from ragattr.text.edits import apply_edits
from ragattr.text.findings import RULES, Finding, change
from ragattr.text.malformed import find_malformed
from ragattr.text.placement import find_misplaced
from ragattr.text.quotations import find_misquoted
from ragattr.text.reading import Reading, Sentence, read_answer
from ragattr.types import Edit, Marker, Span

MOST_CITATIONS = 3  # of one sentence; with more, nobody sees which passage says it
_ROUNDS = 10  # of mending; one fix may make way for another
_REFERENCE = re.compile(r"\[(\^[^\]\s]+(?:\s*[,;]\s*\^[^\]\s]+)*)\]")
_ROUND = re.compile(r"\(\s*(\d{1,2}(?:\s*[,;]\s*\d{1,2})*)\s*\)(?=[.!?]|[ \t]*$|\s+[A-Z])", re.M)
_HEADING = re.compile(r"\s*(?:[-*+•]\s+|\d+[.)]\s+)?(?:\*\*|__)[^*_]+(?:\*\*|__):?\s*")
_BARE = re.compile(r"\W*(?:yes|no|correct|true|false|both|neither)\W*", re.IGNORECASE)
_TABLE_RULE = re.compile(r"\s*\|[\s|:+-]+")


def lint_answer(
    text: str, passages: Sequence[str] | None = None, rules: Collection[str] = tuple(RULES)
) -> tuple[Finding, ...]:
    """The findings of an answer, by place.

    Example: `lint_answer("Bees make honey [2].", ["Bees make honey."])` has one, "out-of-range".

    Args:
        passages: the texts that its numbers count, from 1; None where they are not known, which
            leaves out what needs them.
        rules: keys of `RULES`.
    """
    reading = read_answer(text, passages)
    unread = [*find_malformed(reading.text, reading.markers), *_round_out_of_range(reading)]
    findings = [
        *unread,
        *_out_of_range(reading),
        *_dangling_footnotes(reading),
        *find_misplaced(reading),
        *(found for sentence in reading.sentences for found in _counted(reading.text, sentence)),
        *_uncited(reading, [finding.span for finding in unread]),
        *find_misquoted(reading),
    ]
    order = {rule: number for number, rule in enumerate(RULES)}
    findings.sort(key=lambda found: (found.span, order[found.rule]))
    return tuple(_without_code(text, found) for found in findings if found.rule in rules)


def mend_answer(
    text: str, passages: Sequence[str] | None = None, rules: Collection[str] = tuple(RULES)
) -> str:
    """The answer with all fixes; mended again, it stays as it is."""
    mended = text
    for _ in range(_ROUNDS):
        fixes = _apart(found.fix for found in lint_answer(mended, passages, rules) if found.fix)
        if not fixes:
            return mended
        mended = apply_edits(mended, fixes)
    return text  # fixes that never end mend nothing


def _without_code(text: str, found: Finding) -> Finding:
    """The finding, without a fix that reaches over code."""
    is_sound = found.fix is None or found.fix.span.of(text) == found.fix.before
    return found if is_sound else replace(found, fix=None)


def _apart(fixes: Iterator[Edit]) -> list[Edit]:
    """Those that do not overlap an earlier one."""
    apart = list[Edit]()
    for fix in sorted(fixes, key=lambda fix: fix.span):
        if not apart or fix.span.start >= apart[-1].span.end:
            apart.append(fix)
    return apart


def _out_of_range(reading: Reading) -> Iterator[Finding]:
    for marker in reading.markers:
        if missing := _missing(marker.numbers, reading.passages):
            yield _names_nothing(reading, marker.span, missing)


def _round_out_of_range(reading: Reading) -> Iterator[Finding]:
    """Round brackets that name no passage, in an answer whose other markers are round."""
    if not any(reading.text.startswith("(", marker.span.start) for marker in reading.markers):
        return
    for match in _ROUND.finditer(reading.text):
        numbers = [int(number) for number in re.findall(r"\d+", match[1])]
        missing = _missing(numbers, reading.passages)
        numbers_a_line = not reading.text[: match.start()].rpartition("\n")[2].strip()
        if missing and not numbers_a_line:
            yield _names_nothing(reading, Span(*match.span()), missing)


def _missing(numbers: Sequence[int], passages: Sequence[str] | None) -> list[int]:
    known = len(passages) if passages is not None else max([*numbers, 0])
    return [number for number in numbers if not 1 <= number <= known]


def _names_nothing(reading: Reading, span: Span, missing: Sequence[int]) -> Finding:
    listed = ", ".join(str(number) for number in missing[:5])
    there = f"; there are {len(reading.passages)}" if reading.passages is not None else ""
    return Finding(
        "out-of-range", span, f"{span.of(reading.text)} names no passage {listed}{there}"
    )


def _dangling_footnotes(reading: Reading) -> Iterator[Finding]:
    """In an answer that has notes: what is not noted, and notes that nothing refers to."""
    if not reading.notes:
        return
    labels, used = {note.label for note in reading.notes}, set[str]()
    marks = {note.mark.start for note in reading.notes}
    for match in _REFERENCE.finditer(reading.text):
        if match.start() in marks:
            continue
        named = [label.strip().removeprefix("^") for label in re.split("[,;]", match[1])]
        used.update(named)
        if missing := [label for label in named if label not in labels]:
            message = f"{match.group()}: there is no note {', '.join(missing)}"
            yield Finding("dangling-footnote", Span(*match.span()), message)
    for note in reading.notes:
        if note.label not in used:
            message = f"nothing refers to the note {note.mark.of(reading.text)}"
            yield Finding("dangling-footnote", note.mark, message)


def _counted(text: str, sentence: Sentence) -> Iterator[Finding]:
    """Passages that a sentence cites twice, and too many of them; cells of a table apart."""
    if not sentence.markers or sentence.claim.text.startswith("|"):
        return
    seen, previous = set[int](), None
    for marker in sentence.markers:
        yield from _repeated(text, marker, previous, seen)
        seen |= set(marker.numbers)
        previous = marker
    if len(seen) > MOST_CITATIONS:
        span = Span(sentence.markers[0].span.start, sentence.markers[-1].span.end)
        message = f"one sentence cites {len(seen)} passages, more than {MOST_CITATIONS}"
        yield Finding("over-cited", span, message)


def _repeated(
    text: str, marker: Marker, previous: Marker | None, seen: Collection[int]
) -> Iterator[Finding]:
    """A number that the sentence has cited before; behind other words it is for people to judge."""
    written = marker.span.of(text)
    digits = re.findall(r"\d+", written)
    again = [number for number in marker.numbers if number in seen]
    if not again and len(set(digits)) == len(digits):
        return
    kept = [n for n in dict.fromkeys(digits) if int(n) not in seen]
    gap = text[previous.span.end : marker.span.start] if previous else ""
    is_far = bool(again) and any(char.isalnum() for char in gap.replace("and", ""))
    is_plain = not re.search(r"[-–—†]|\]\(", written)
    fix = None
    if not is_far and is_plain and kept:
        fix = change(text, marker.span, _rewritten(written, kept), "duplicate")
    elif not is_far and previous and not (set(marker.numbers) - set(seen)):
        joined = not gap.strip(" \t,;&").removeprefix("and")
        start = previous.span.end if joined else previous.span.end + len(gap.rstrip())
        fix = change(text, Span(start, marker.span.end), "", "duplicate")
    listed = ", ".join(map(str, again)) or next(n for n in digits if digits.count(n) > 1)
    message = f"{written} cites passage {listed} again for the same sentence"
    yield Finding("duplicate", marker.span, message, fix)


def _rewritten(written: str, kept: Sequence[str]) -> str:
    caret = "^" if written.startswith("[^") else ""
    return f"{written[0]}{', '.join(caret + number for number in kept)}{written[-1]}"


def _uncited(reading: Reading, unread: Sequence[Span]) -> Iterator[Finding]:
    """Statements without a marker; those with one that is not read have another finding."""
    for i, sentence in enumerate(reading.sentences):
        span = sentence.claim.span
        if (
            sentence.claim.needs_support
            and not sentence.markers
            and not any(span.holds(place.start) for place in unread)
            and not _is_introduction(reading, i)
            and not _is_quoted_on(reading, i)
        ):
            yield Finding("uncited", span, "this statement cites nothing")


def _is_introduction(reading: Reading, i: int) -> bool:
    """Headings, heads of tables, "yes", and what announces the lines that follow."""
    span = reading.sentences[i].claim.span
    said = span.of(reading.text)
    if _HEADING.fullmatch(said) or _BARE.fullmatch(said):
        return True
    if i + 1 == len(reading.sentences):
        return False
    following = reading.sentences[i + 1].claim
    if said.rstrip("*_ ").endswith(":") and "\n" in reading.text[span.end : following.span.start]:
        return True
    return said.startswith("|") and bool(_TABLE_RULE.fullmatch(following.text))


def _is_quoted_on(reading: Reading, i: int) -> bool:
    """Whether one quotation reaches from the sentence to a later one that has a marker."""
    span = reading.sentences[i].claim.span
    return any(
        quote.start < span.end < quote.end
        and any(later.markers for later in reading.holding(quote) if later.claim.span > span)
        for quote in reading.quotes
    )
