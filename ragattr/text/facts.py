"""The facts of one English sentence, by rules: clauses, predicates and items that are joined.

There is no parser here, so a cut is made only where closed lists of words leave little doubt:
before an "and" or "but" that a predicate or a whole clause follows, after a semicolon, and before
a relative clause that follows a name and ends the sentence. Everything else stays whole.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ragattr.text.verbs import (
    Word,
    after_adverbs,
    is_adverb,
    is_auxiliary,
    is_finite,
    is_modal,
    is_past,
    is_shared,
    looks_past,
    read_words,
    verb_groups,
)
from ragattr.types import Span

_JOINT = re.compile(r"(?<=\s)(?P<and>and|but)\s+(?=\S)|(?P<semicolon>;)\s+(?=\S)|(?P<comma>,)\s+")
_LATER_AND = re.compile(r",?\s(?:and|but)\s+")
_RELATIVE = re.compile(
    r"(?<!\S)(?P<name>[^\W\da-z_][\w.'’-]+(?:\s+(?:(?:of|the|de|von|van)\s+)*[^\W\da-z_][\w.'’-]*)*)"
    r",\s+(?P<pronoun>who|which)\s+(?=[^,;]*$)"
)
# Words after which, in the same clause, "and" may join less than it seems to.
_SUBORDINATE = re.compile(
    r"\b(?:(?:that|which|who|whom|whose|where|when|while|because|although|though|what|how|why|"
    r"neither|nor|not only|said|says?|stated?|states|claim(?:ed|s)|believe[ds]|thought|thinks|"
    r"argue[ds]|report(?:ed|s)|suggest(?:ed|s)|found|show(?:ed|s)|knew|knows|note[ds])\b"
    r"|(?:since|after|before|until|once)\b(?!\s+(?:\w+\s)?\d))"
)
_PAIRED = re.compile(r"\b(?:between|both|either)\b(?:(?!\band\b).)*$", re.DOTALL)
_CONDITIONAL = re.compile(r"\b(?:if|unless|whether|as long as|provided)\b", re.IGNORECASE)
_OPENING = re.compile(
    r"\W*(?:when|while|because|although|though|after|before|until|once|according to|like|unlike|"
    r"despite|given|since|as)\b(?!\s+\d)",
    re.IGNORECASE,
)
_ASIDE = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_QUOTED = re.compile(
    r"&#?\w+;|\"[^\"]*\"|“[^“”]*”|«[^«»]*»|(?<!\w)‘[^‘’]*’(?!\w)|(?<!\w)'[^']*'(?!\w)"
)
_UNREADABLE = re.compile(r"[()\[\]\"“”«»„‘`|\t]|(?<!\w)'(?=\w)")
_DETERMINERS = frozenset("the a an its his her their our this these those another both".split())
_NOMINATIVES = frozenset("he she they we it there".split())
_BARE = frozenset("have do".split())  # infinitives too
_NEGATION = re.compile(r"(?:not|never|no|hardly|\w+n['’]t)$")
_SINGULAR = frozenset("is was has does".split())
_STOPPED = re.compile(r"[.!?…][\"”’'»)]*$")
_BULLETS = "-–*•+ "
_LONGEST_SENTENCE = 1000  # characters; a longer one is a list or a table
_AHEAD = 300  # characters that are read after an "and"
_LONGEST_SUBJECT = 8  # words
_FEWEST_WORDS = 2  # of a fact


def fact_spans(sentence: str) -> tuple[Span, ...]:
    """Where the facts of a sentence stand: in order, apart, all non-space characters covered.

    Example: `"Ulm was founded in 850 and has a minster."` gives `[0, 22)` and `[23, 41)`.

    Args:
        sentence: without citation markers; any text, which stays whole when in doubt.
    """
    edges = [0, *(cut.at for cut in _cuts(sentence)), len(sentence)]
    pieces = [(start, sentence[start:end]) for start, end in zip(edges, edges[1:], strict=False)]
    return tuple(
        Span(start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip()))
        for start, piece in pieces
        if piece.strip()
    )


def complete(sentence: str, span: Span) -> str:
    """A piece of a sentence as a statement of its own: with the subject that it shares.

    Example: `and has a minster.` becomes `Ulm has a minster.`; the whole sentence stays as it is.

    Args:
        span: of the piece, within `sentence`.
    """
    piece = span.of(sentence)
    if piece.strip() == sentence.strip():
        return piece
    body = re.sub(r"^\s*(?:and|but)\s+", "", piece).strip().rstrip(",;:").rstrip()
    body = body if _STOPPED.search(body) else f"{body}."
    return body if not sentence[: span.start].strip() else _supplied(sentence, span.start, body)


@dataclass(frozen=True)
class _Cut:
    """Where a fact begins, where what it says begins (after its "and"), and what it is."""

    at: int
    body: int
    kind: Literal["predicate", "clause", "item", "relative"]


def _cuts(sentence: str) -> list[_Cut]:
    if len(sentence) > _LONGEST_SENTENCE:
        return []
    masked = _masked(sentence)
    if _UNREADABLE.search(masked) or _CONDITIONAL.search(masked) or _OPENING.match(masked):
        return []
    cuts, start = list[_Cut](), 0
    for joint in _JOINT.finditer(masked):
        before, rest = masked[start : joint.start()], masked[joint.end() :][:_AHEAD]
        kind = _joined(joint, before, rest)
        if kind:
            at = joint.start() if joint["and"] else joint.end()
            cuts.append(_Cut(at, _after_and(masked, joint.end()), kind))
            start = cuts[-1].body
    if relative := _relative(masked[start:]):
        at = start + relative.start("pronoun")
        cuts.append(_Cut(at, at, "relative"))
    return cuts


def _masked(sentence: str) -> str:
    """As long as the sentence: quotations and `&amp;` become names, brackets space."""
    named = _QUOTED.sub(lambda match: "X" * len(match.group()), sentence)
    return _ASIDE.sub(lambda match: " " * len(match.group()), named)


def _after_and(masked: str, position: int) -> int:
    match = re.compile(r"(?:and|but)\s+").match(masked, position)
    return match.end() if match else position


def _joined(
    joint: re.Match[str], before: str, rest: str
) -> Literal["predicate", "clause", "item"] | None:
    """What the rest of the sentence begins with, if it is a fact beside the one before."""
    coming = read_words(rest)
    if joint["comma"] and not _opens_with_verb(coming):
        return None
    done = read_words(before)
    if min(_n_words(done), _n_words(coming)) < _FEWEST_WORDS:
        return None
    if joint["semicolon"]:
        return _after_semicolon(joint.string[: joint.start()], rest)
    if _SUBORDINATE.search(before) or _PAIRED.search(before) or not verb_groups(done):
        return None
    if joint["comma"]:
        is_series = "," not in before and _ends_series(rest)
        return "predicate" if is_series and _is_predicate(done, coming) else None
    if _is_predicate(done, coming):
        return "predicate"
    is_apart = before.rstrip().endswith(",")
    has_verb = is_apart or any(group.is_certain for group in verb_groups(done))
    return "clause" if has_verb and _is_clause(done, coming, is_apart=is_apart) else None


def _opens_with_verb(words: Sequence[Word]) -> bool:
    i = after_adverbs(words, 0)
    return i < len(words) and is_finite(words, i)


def _n_words(words: Sequence[Word]) -> int:
    return sum(word.text[0].isalnum() for word in words)


def _after_semicolon(before: str, rest: str) -> Literal["predicate", "clause", "item"] | None:
    segment = rest.partition(";")[0]
    aside = _SUBORDINATE.search(segment)
    following = read_words(segment[: aside.start()] if aside else segment)
    following = following[1:] if following and following[0].text in ("and", "but") else following
    if any(word.text.lower() in ("nor", "neither") for word in following[:1]) or not following:
        return None
    if _opens_with_verb(following):
        return "predicate"
    if any(group.is_certain for group in verb_groups(following)):
        return "clause"
    return "item" if ":" in before else None


def _is_predicate(done: Sequence[Word], coming: Sequence[Word]) -> bool:
    """Whether a verb comes that has the subject of the clause before."""
    i = after_adverbs(coming, 0)
    if i >= len(coming):
        return False
    if looks_past(coming[i]) and verb_groups(done)[-1].last == len(done) - 1:
        return False  # "was designed and built": one thing done, not two
    if is_finite(coming, i):
        is_bare = coming[i].text in _BARE
        return not (is_bare and any(word.text == "to" or is_modal(word) for word in done))
    return is_past(coming, i) and _runs_parallel(done, coming[i + 1 :])


def _runs_parallel(done: Sequence[Word], rest: Sequence[Word]) -> bool:
    """Whether a past form continues the one verb before it, and is no participle of a noun."""
    (group, *others) = verb_groups(done)
    is_action = group.first < group.last or not is_auxiliary(done[group.first])
    has_aside = any(word.text == "," for word in done[: group.first])
    segment = list(rest)
    for n, word in enumerate(rest):
        if word.text in (",", ";", "and", "but", "that", "which", "who", "where", "when"):
            segment = segment[:n]
            break
    return (
        is_action
        and not others
        and not has_aside
        and not is_modal(done[group.first])
        and not any(_NEGATION.match(word.text) for word in done)
        and not any(later.is_certain for later in verb_groups(segment))
    )


def _is_clause(done: Sequence[Word], coming: Sequence[Word], *, is_apart: bool) -> bool:
    """Whether a subject comes and then its verb.

    In "in Ulm and Bern were" both names are the subject, and in "in Ulm and Bern died" they may be.
    """
    first = coming[0].text
    if first.lower() in _NOMINATIVES:
        groups = verb_groups(coming[:4])
        return bool(groups) and after_adverbs(coming, 1) == groups[0].first
    if first not in _DETERMINERS and not first[0].isupper():
        return False
    for i, word in enumerate(coming[1 : _LONGEST_SUBJECT + 1], start=1):
        if word.text in (",", ";", ":", "and", "or", "but") or _SUBORDINATE.match(word.text):
            return False
        if is_finite(coming, i):
            joins_names = done[-1].text[0].isupper() and all(
                named.text[0].isupper() for named in coming[:i]
            )
            return is_apart or not joins_names or word.text in _SINGULAR
    return False


def _ends_series(rest: str) -> bool:
    """Whether the last member of a series of predicates is still to come: ", and won"."""
    later = _LATER_AND.search(rest)
    words = read_words(rest[later.end() :]) if later else []
    i = after_adverbs(words, 0)
    return i < len(words) and (is_finite(words, i) or is_past(words, i))


def _relative(clause: str) -> re.Match[str] | None:
    """A relative clause at the end that can only belong to the name before it."""
    match = _RELATIVE.search(clause)
    if match is None:
        return None
    before, words = read_words(clause[: match.start()]), read_words(clause[match.end() :])
    i = after_adverbs(words, 0)
    if not before or before[-1].text in ("of", "and", "or", ",") or i >= len(words):
        return None
    starts_right = bool(verb_groups(words)) and verb_groups(words)[0].first == i
    if match["pronoun"] == "which":  # "he left, which surprised them" is about the leaving
        starts_right = starts_right and is_auxiliary(words[i])
    return match if starts_right and verb_groups(before) else None


def _supplied(sentence: str, start: int, body: str) -> str:
    """The body of a fact that begins at `start`, with the subject or heading that it lacks."""
    words, cuts, masked = read_words(body), _cuts(sentence), _masked(sentence)
    if not words:
        return body
    if words[0].text in ("who", "which"):
        name = _RELATIVE.search(masked)
        if name is None or name.start("pronoun") != start:
            return body
        return sentence[slice(*name.span("name"))] + body[words[0].end :]
    i = after_adverbs(words, 0)
    if i < len(words) and (is_finite(words, i) or is_past(words, i)):
        clause = max([0, *(c.body for c in cuts if c.kind == "clause" and c.at < start)])
        return f"{_subject(sentence, clause, start, is_shared(words, i))} {body}".lstrip()
    heading = masked[:start].rfind(":") + 1
    is_item = heading > 0 and not any(group.is_certain for group in verb_groups(words))
    return f"{sentence[:heading].lstrip(_BULLETS)} {body}" if is_item else body


def _subject(sentence: str, start: int, end: int, with_auxiliary: bool) -> str:
    """The clause up to its verb; with the "was" that a participle shares."""
    clause = sentence[start:end].lstrip(_BULLETS)
    words = read_words(_masked(clause))
    groups = verb_groups(words)
    groups = [group for group in groups if group.is_certain] or groups
    if not groups:
        return ""
    group = groups[0]
    if with_auxiliary and group.first < group.last and words[group.first].text in ("was", "were"):
        return clause[: words[group.first].end].strip()
    last = group.first - 1
    while last > 0 and is_adverb(words[last]):
        last -= 1
    return clause[: words[last].end].strip() if last >= 0 else ""
