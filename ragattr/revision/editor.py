"""A text corrected by a model after evidence that disagrees, and what is believed of it (RARR)."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from os.path import commonprefix
from typing import NamedTuple

from rapidfuzz.distance import Levenshtein

from ragattr.models.protocols import LanguageModel, Reply
from ragattr.prompt import Prompt
from ragattr.revision.asking import ask
from ragattr.revision.gate import Check
from ragattr.text.claims import rests_on_context
from ragattr.text.edits import apply_edits, edits_between
from ragattr.text.markers import cut_markers, find_markers
from ragattr.text.sentences import sentence_spans
from ragattr.text.support import needs_support
from ragattr.text.words import is_negated, numbers, search_terms, words
from ragattr.types import Edit, Span

EDIT_FIELDS = ("evidence", "question", "text")
MOST_CHARACTERS, MOST_SHARE = 50, 0.5  # of a text; an edit that changes more is no correction
REASONING_TOKENS = 128
_PART = re.compile(
    r"^[\s*#>-]*(?:\d[.)]\s*)?(reason|wrong|fixed)\b[^:\n]{0,20}:[ \t*]*",
    re.IGNORECASE | re.MULTILINE,
)
_NEXT_EXAMPLE = re.compile(r"^\W*(?:text|question|evidence)\W*:", re.IGNORECASE | re.MULTILINE)
_QUOTES = re.compile(r"[\"'“”„«»‘’`]")
_DASHES = re.compile(r"[‐‑‒–—−]")
_SIGN = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_LETTER = rf"[^\W{_SIGN.pattern[1:-1]}]"
_PIECE = re.compile(rf"{_SIGN.pattern}[\u3099\u309a]*|(?:(?!{_SIGN.pattern})\w)+|.", re.DOTALL)
# Function words that search leaves out, and that still say something.
_TELLING = frozenset("before after over between he she his her him during".split())
# A sentence that speaks to whoever reads it.
_VERB = (
    r"(?:write|say|reply|respond|output|replace|rewrite|ignore|disregard|forget|pretend|insert|"
    r"delete|print|tell|repeat|(?:add|answer|change|correct|edit|follow|remove|treat|use)(?= (?:"
    r"the|that|this|these|it|all|any|every|only|with|instead|no|as)\b|\W* ?[:\"'“‘]))\b"
)
_ORDER = re.compile(
    r"^\W*(?:(?:please|now|instead|always|only|then|and|so|also)\W+)*"
    + _VERB
    + r"|^\W*(?:important|attention|instructions?|notes?(?: to \w[\w ]*)?|system|assistant|user|"
    r"verdict|fixed|wrong|(?:dear )?(?:editor|ai|model))s?\W*[:,]"
    r"|\b(?:previous|above|prior|earlier|your) (?:instructions?|prompts?)\b"
    r"|\b(?:you|editors?|assistants?|ai|models?|anyone|everyone|readers?) "
    r"(?:must|should|shall|have to|has to|need to|are to|will) (?:\w+ )?"
    + _VERB
    + r"|\bthe (?:text|answer|claim|statement|reply) (?:must|should|has to) |\bsystem prompt\b",
    re.IGNORECASE,
)


class Correction(NamedTuple):
    """A reply taken apart: why, the words that are wrong, the whole text as it should be."""

    reason: str
    wrong: str
    fixed: str


@dataclass(frozen=True)
class Outcome:
    """What came of asking for an edit.

    Attributes:
        edits: of the text that was asked about; none when the edit was rejected.
        rejected: why nothing changed.
    """

    reasoning: str
    edits: tuple[Edit, ...] = ()
    rejected: str | None = None


@dataclass(frozen=True)
class EditByModel:
    """Asks a model for the corrected text, and believes it as far as the evidence goes.

    Attributes:
        most_characters, most_share: Levenshtein distance, in characters and as a share of the
            text; beyond either an edit is rejected.
    """

    model: LanguageModel
    prompt: Prompt = field(repr=False)
    most_characters: int = MOST_CHARACTERS
    most_share: float = MOST_SHARE

    def __call__(self, check: Check) -> Outcome:
        """The edits, or why there are none."""
        room = REASONING_TOKENS + len(check.text.encode("utf-8", "replace")) // 2
        (reply,) = ask(self.model, self.prompt, [check.filling()], max_new_tokens=room)
        if reply is None:
            return Outcome("", rejected="text and evidence do not fit the model's window")
        correction = read_correction(reply, check.text)
        if correction is None:
            return Outcome(reply.text.strip(), rejected="the reply could not be read")
        edits = changes(check.text, correction.fixed, correction.reason)
        if not edits:
            return Outcome(correction.reason, rejected="the reply changes nothing")
        rejected = self._too_much(check.text, edits) or objection(check, correction.wrong, edits)
        if rejected:
            return Outcome(correction.reason, rejected=f"{rejected} ({_shown(edits)})")
        return Outcome(correction.reason, edits)

    def _too_much(self, text: str, edits: Sequence[Edit]) -> str | None:
        distance = Levenshtein.distance(text, apply_edits(text, edits))
        if distance > self.most_characters:
            return f"{distance} characters would change, more than {self.most_characters}"
        if distance > self.most_share * len(text.strip()):
            return f"{distance} of {len(text.strip())} characters would change, too large a share"
        return None


def read_correction(reply: Reply, text: str) -> Correction | None:
    """The parts of a reply; None when it was cut off or lacks the corrected text.

    The corrected text has one line when the text has one; what a model goes on with is dropped, and
    citation markers that it puts in: the text that it was shown has none.
    """
    parts, stripped = _parts(reply.text), text.strip()
    fixed, is_whole = parts.get("fixed", ""), reply.finished
    if "\n" not in stripped:
        fixed, line_end, _ = fixed.partition("\n")
        is_whole = is_whole or bool(line_end)
    fixed = _unquoted(cut_markers(fixed, find_markers(fixed, 0)).text.strip(), like=stripped)
    if not fixed or not is_whole:
        return None
    start = text.find(stripped)
    fixed = text[:start] + fixed + text[start + len(stripped) :]
    wrong = _unquoted(parts.get("wrong", "").strip(), like="")
    return Correction(" ".join(parts.get("reason", "").split()), wrong, fixed)


def _parts(reply: str) -> dict[str, str]:
    """What stands after each name, the first time, up to the next one or another example."""
    found, parts = list(_PART.finditer(reply)), dict[str, str]()
    ends = [*(match.start() for match in found[1:]), len(reply)]
    for match, end in zip(found, ends, strict=True) if found else ():
        said = reply[match.end() : end]
        parts.setdefault(match[1].lower(), _NEXT_EXAMPLE.split(said)[0].lstrip())
    return parts


def changes(before: str, after: str, reason: str) -> tuple[Edit, ...]:
    """What differs, apart from spaces, quotation marks, dashes and ways to write one character."""
    return tuple(
        _narrowed(edit)
        for edit in edits_between(before, after, reason)
        if _folded(edit.before) != _folded(edit.after)
    )


def objection(check: Check, wrong: str, edits: Sequence[Edit]) -> str | None:
    """Why the edits are not what the evidence asks for; None when they are.

    Args:
        wrong: the words that the model named; where they stand in the text, only they may change.
    """
    named = places(check.text, wrong)
    evidence = [span.of(check.evidence) for span in sentence_spans(check.evidence)]
    trusted = [not _ORDER.search(sentence) for sentence in evidence]
    for edit in edits:
        if named and not any(_lies_in(edit, place) for place in named):
            return f"a change outside of the words that the reply names, {wrong!r}"
        statement = _statement(check.text, edit.span)
        if not needs_support(statement.of(check.text)):
            return "the change is not in a statement of fact"
        new = _new_words(edit)
        facts = [_terms(s) if ok else set[str]() for s, ok in zip(evidence, trusted, strict=True)]
        if strange := sorted(new.difference(*facts)):
            ordered = any(set(strange) <= _terms(sentence) for sentence in evidence)
            where = (
                "stands in an instruction alone" if ordered else "does not stand in the evidence"
            )
            return f"{', '.join(strange)!r} {where}"
        if is_negated(edit.after) and not is_negated(edit.before):
            if not any(is_negated(s) for s, ok in zip(evidence, trusted, strict=True) if ok):
                return "the evidence does not negate anything"
        if not _is_aligned(check, edit, statement, evidence, facts, new):
            return "where the new words stand, the evidence speaks of something else"
    return None


def places(text: str, wanted: str) -> list[Span]:
    """Where whole words stand in a text, and the spaces around; failing that, in any case."""
    if not wanted.strip():
        return []
    said = r"\s+".join(re.escape(word) for word in wanted.split())
    pattern = rf"\s*(?<!{_LETTER}){said}(?!{_LETTER})\s*"
    for flags in (0, re.IGNORECASE):
        if found := [Span(*match.span()) for match in re.finditer(pattern, text, flags)]:
            return found
    return []


def _is_aligned(
    check: Check,
    edit: Edit,
    statement: Span,
    evidence: Sequence[str],
    facts: Sequence[set[str]],
    new: set[str],
) -> bool:
    """Whether a sentence that holds new words shares one with the question or the statement.

    A sentence that begins with a pronoun speaks of what the one before speaks of.
    """
    kept = (
        check.text[statement.start : edit.span.start]
        + " "
        + check.text[edit.span.end : statement.end]
    )
    topic = (_terms(kept) | _terms(check.question)) - new
    reach = list[set[str]]()
    for sentence, terms in zip(evidence, facts, strict=True):
        goes_on = bool(reach) and rests_on_context(sentence)
        reach.append(terms | reach[-1] if goes_on and terms else terms)
    return any(
        (not new or terms & new) and topic & around
        for terms, around in zip(facts, reach, strict=True)
    )


def _new_words(edit: Edit) -> set[str]:
    """The words that the edit brings in; for a script without spaces, pairs of characters."""
    return _terms(edit.after) - _terms(edit.before)


def _terms(text: str) -> set[str]:
    """Stems, numbers without their commas, and function words that tell something."""
    stems = {re.sub(r"(?<=\d),(?=\d)", "", term) for term in search_terms(text)}
    return stems | numbers(text) | (_TELLING & set(words(text)))


def _statement(text: str, place: Span) -> Span:
    """The sentences that a place lies in or touches."""
    touched = [s for s in sentence_spans(text) if s.start <= place.end and place.start <= s.end]
    inside = [s for s in touched if s.start < place.end and place.start < s.end] or touched
    return Span(inside[0].start, inside[-1].end) if inside else place


def _lies_in(edit: Edit, place: Span) -> bool:
    """Whether what the edit changes lies there, apart from what stays the same at its ends."""
    head, tail = _same_ends([*edit.before], [*edit.after])
    start, end = edit.span.start + len("".join(head)), edit.span.end - len("".join(tail))
    return place.start <= start and end <= place.end


def _narrowed(edit: Edit) -> Edit:
    """The edit alone of the signs that change, where a script has no spaces between words."""
    if not _SIGN.search(edit.before + edit.after):
        return edit
    before, after = edit.before, edit.after
    ends = _same_ends(_PIECE.findall(before), _PIECE.findall(after))
    head, tail = (len("".join(pieces)) for pieces in ends)
    return replace(
        edit,
        span=Span(edit.span.start + head, edit.span.end - tail),
        before=before[head : len(before) - tail],
        after=after[head : len(after) - tail],
    )


def _same_ends(before: list[str], after: list[str]) -> tuple[list[str], list[str]]:
    """What both begin with, and what both end with of the rest."""
    head = commonprefix([before, after])
    tail = commonprefix([before[len(head) :][::-1], after[len(head) :][::-1]])
    return [*head], [*reversed(tail)]


def _folded(text: str) -> str:
    plain = _DASHES.sub("-", _QUOTES.sub("'", unicodedata.normalize("NFKC", text)))
    return " ".join(plain.split())


def _unquoted(said: str, like: str) -> str:
    """Without the quotation marks around it, unless what it is to be like has them too."""
    is_quoted = len(said) > 1 and bool(_QUOTES.match(said[0])) and bool(_QUOTES.match(said[-1]))
    return said[1:-1].strip() if is_quoted and not _QUOTES.match(like[:1]) else said


def _shown(edits: Sequence[Edit]) -> str:
    said = "; ".join(f"{e.before!r} to {e.after!r}" for e in edits)
    return said if len(said) <= 160 else f"{said[:159]}…"
