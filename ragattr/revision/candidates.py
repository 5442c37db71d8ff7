"""What could be meant instead: a statement with one place changed to agree with its evidence.

Every new word comes from the evidence, from the same kind of detail (a number for a number, a name
for a name), from the words that stand between the same neighbours, or is what a dropped or an added
"not" asks for. Or something goes: a phrase that the evidence does not speak of. So whatever the
evidence says, nothing in it is obeyed.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from rapidfuzz.distance import Levenshtein

from ragattr.text.details import Detail, Said, details, written_like
from ragattr.text.opposites import OPPOSITE
from ragattr.text.verbs import Word, past, present, read_words, verb_groups
from ragattr.text.words import content_words, stem, words
from ragattr.types import Span

Change = Literal["number", "date", "name", "word", "order", "negation", "aligned", "clause"]

_REACH = 5  # words on each side that are compared
_NEAR = 0.3  # of a replacement for what the evidence does say somewhere
_PER_PLACE = 6  # replacements of one place
_LONGEST_GAP = 5  # words of an aligned piece
_UNSAID = 0.34  # share of a phrase's words that the evidence must lack, for it to go
_LEFT, _FEWEST_LEFT = 0.35, 4  # share of the words, and words, that must stay
_CHANGE: dict[str, Change] = {
    "number": "number", "year": "date", "month": "date", "day": "date", "weekday": "date",
    "date": "date", "name": "name", "word": "word",
}  # fmt: skip
_NEGATION = re.compile(
    r"\s(?:not|never)\b|\bwon['’]t\b|(?<=\bcan)(?:['’]t|not)\b|(?<!\bca)n['’]t\b"
)
_DO_NOT = re.compile(r"\b(?P<do>did|does|do) (?:not|never) (?P<verb>[a-z]+)\b")
_DO_NOT_SHORT = re.compile(r"\b(?P<do>did|does|do)n['’]t (?P<verb>[a-z]+)\b")
_AUXILIARY = re.compile(
    r"\b(?:is|are|was|were|has|have|had|can|could|will|would|should|may|might|must|does|do|did)\b"
)
_OPENER = re.compile(
    r",\s+|\s(?=(?:and|but|or|because|although|while|which|who|where|when|after|before|"
    r"with|without|for|in|at|on|by|from|to|as|of|during|until|since|despite|thanks|due|costing|"
    r"using|making|winning|earning|causing|including|along|alongside|together|mainly|shortly|just|"
    r"so|that)\b)"
)
_HANGING = re.compile(
    r"\b(?:and|but|or|because|although|while|which|who|where|when|after|before|with|without|for|in|"
    r"at|on|by|from|to|as|of|during|until|since|despite|due|the|a|an|its|his|her|their|is|was|are|"
    r"were|so|that|along|alongside|together)\s*$"
)


@dataclass(frozen=True)
class Candidate:
    """A statement with one place changed.

    Attributes:
        span: what is replaced, in the statement as it was.
        after: the new words; none where something goes.
        nearness: how alike the words around both places are, 0..1.
        is_unsaid: whether what goes stands nowhere in the evidence.
        origin: where the new words stand: number of the evidence sentence and span; or None.
    """

    text: str
    span: Span
    after: str
    change: Change
    nearness: float
    is_unsaid: bool
    origin: tuple[int, Span] | None = None


def candidates(said: str, evidence: Sequence[str]) -> list[Candidate]:
    """The changed statements, each once, those first whose neighbours are most alike."""
    ground = _Ground.of(said, evidence)
    found = dict[str, Candidate]()
    for change in (_replaced, _aligned, _reordered, _unnegated, _negated, _shortened):
        for candidate in change(ground):
            kept = found.get(candidate.text)
            if candidate.text != said and (kept is None or kept.nearness < candidate.nearness):
                found[candidate.text] = candidate
    return sorted(found.values(), key=lambda c: (-c.is_unsaid, -c.nearness, c.text))


@dataclass(frozen=True)
class _Ground:
    """A statement and the sentences of its evidence, taken apart once."""

    said: str
    evidence: Sequence[str]
    own: list[Detail]
    theirs: list[list[Detail]]
    own_words: list[Word]
    their_words: list[list[Word]]
    there: Said

    @classmethod
    def of(cls, said: str, evidence: Sequence[str]) -> "_Ground":
        return cls(
            said,
            evidence,
            details(said),
            [details(sentence) for sentence in evidence],
            read_words(said),
            [read_words(sentence) for sentence in evidence],
            Said.by(evidence),
        )

    def nearness(self, span: Span, sentence: int, place: Span) -> float:
        """How alike the words around a place of the statement and one of the evidence are, 0..1."""
        before, after = _around(self.own_words, span)
        others = _around(self.their_words[sentence], place)
        total = found = 0.0
        for own, same, other in ((before, *others), (after, *reversed(others))):
            for distance, word in enumerate(own[:_REACH], start=1):
                weight = (1.0 if content_words(word) else 0.3) / distance
                total += weight
                if word in same[: _REACH + 2]:
                    found += weight
                elif word in other[: _REACH + 2]:
                    found += weight / 2
        return found / total if total else 0.0

    def changed(
        self,
        span: Span,
        after: str,
        change: Change,
        *,
        nearness: float,
        is_unsaid: bool,
        origin: tuple[int, Span] | None = None,
    ) -> Candidate:
        """The statement with this place changed, and what grammar asks for around it."""
        span, after = _with_article(self.said, span, after)
        text = self.said[: span.start] + after + self.said[span.end :]
        return Candidate(text, span, after, change, nearness, is_unsaid, origin)


def _replaced(ground: _Ground) -> Iterator[Candidate]:
    """A detail gives way to another of its kind."""
    own_values = {detail.value for detail in ground.own}
    for detail in ground.own:
        is_unsaid = not ground.there.holds(detail)
        if detail.kind == "word" and not is_unsaid and detail.text.lower() not in OPPOSITE:
            continue
        found = [
            (ground.nearness(detail.span, number, other.span), number, other)
            for number, sentence in enumerate(ground.theirs)
            for other in sentence
            if _fits(detail, other) and other.value != detail.value
            and (other.value not in own_values or detail.kind not in ("name", "word"))
        ]  # fmt: skip
        found.sort(key=lambda row: -row[0] - _likeness(detail, row[2]))
        seen = set[str]()
        for nearness, number, other in found:
            if other.value in seen or len(seen) == _PER_PLACE:
                continue
            if not is_unsaid and nearness < _NEAR:
                continue
            seen.add(other.value)
            span, after, place = _with_noun(ground, detail, number, other)
            yield ground.changed(
                span,
                _cased(after, detail, ground.said),
                _CHANGE[detail.kind],
                nearness=min(nearness + _likeness(detail, other), 1.0),
                is_unsaid=is_unsaid,
                origin=(number, place),
            )


def _fits(detail: Detail, other: Detail) -> bool:
    if detail.kind == "name" and OPPOSITE.get(detail.text.lower()) == other.text.lower():
        return True
    if detail.kind == other.kind:
        return detail.kind != "word" or _could_stand_for(detail.text, other.text)
    return {detail.kind, other.kind} == {"year", "number"}


def _could_stand_for(word: str, other: str) -> bool:
    """Whether two words are of one part of speech, as far as their endings show."""
    return OPPOSITE.get(word.lower()) == other.lower() or _ending(word) == _ending(other)


def _ending(word: str) -> str:
    endings = ("ing", "ed", "ly", "est", "tion", "s")
    return next((ending for ending in endings if word.endswith(ending)), "")


def _likeness(detail: Detail, other: Detail) -> float:
    """Extra for what is an opposite, shares a word, or is written alike."""
    if OPPOSITE.get(detail.text.lower()) == other.text.lower():
        return 0.5
    if detail.kind == "name" and set(detail.value.split()) & set(other.value.split()):
        return 0.3
    if detail.kind == "number":
        return 0.15 * (_shape(detail.text) == _shape(other.text))
    return 0.0


def _shape(number: str) -> str:
    return re.sub(r"[\d,.]+", "0", number)


def _with_noun(
    ground: _Ground, detail: Detail, number: int, other: Detail
) -> tuple[Span, str, Span]:
    """With another count comes the noun in its form: "one goal" to "three goals"."""
    text, evidence = ground.said, ground.evidence[number]
    own = re.compile(r"\s+([a-z]+)").match(text, detail.span.end)
    their = re.compile(r"\s+([a-z]+)").match(evidence, other.span.end)
    if (
        detail.kind != "number" or not own or not their
        or own[1] == their[1] or stem(own[1]) != stem(their[1])
    ):  # fmt: skip
        return detail.span, written_like(other, detail), other.span
    place = Span(other.span.start, their.end())
    return Span(detail.span.start, own.end()), f"{written_like(other, detail)} {their[1]}", place


def _aligned(ground: _Ground) -> Iterator[Candidate]:
    """What stands between the same words in the evidence, where it differs."""
    own = [stem(word.text) for word in ground.own_words]
    for number, sentence in enumerate(ground.their_words):
        theirs = [stem(word.text) for word in sentence]
        for op in Levenshtein.opcodes(own, theirs):
            n_own, n_their = op.src_end - op.src_start, op.dest_end - op.dest_start
            if op.tag != "replace" or max(n_own, n_their) > _LONGEST_GAP:
                continue
            span = Span(ground.own_words[op.src_start].start, ground.own_words[op.src_end - 1].end)
            place = Span(sentence[op.dest_start].start, sentence[op.dest_end - 1].end)
            gone = content_words(span.of(ground.said))
            yield ground.changed(
                span,
                place.of(ground.evidence[number]),
                "aligned",
                nearness=ground.nearness(span, number, place),
                is_unsaid=any(word not in ground.there.stems for word in gone),
                origin=(number, place),
            )


def _reordered(ground: _Ground) -> Iterator[Candidate]:
    """Two names of the statement change places; nearness says whether the evidence has them so."""
    names = [
        detail for detail in ground.own if detail.kind == "name" and ground.there.holds(detail)
    ]
    for one, other in combinations(names[:6], 2):
        between = ground.said[one.span.end : other.span.start]
        if not words(between) or one.value == other.value:
            continue
        orders = [
            sentence.find(other.text) < sentence.find(one.text)
            for sentence in ground.evidence
            if one.text in sentence and other.text in sentence
        ]
        yield ground.changed(
            Span(one.span.start, other.span.end),
            other.text + between + one.text,
            "order",
            nearness=sum(orders) / len(orders) if orders else 0.0,
            is_unsaid=False,
        )


def _unnegated(ground: _Ground) -> Iterator[Candidate]:
    """Without its "not", where the evidence says the rest without one."""
    for match in (*_DO_NOT.finditer(ground.said), *_DO_NOT_SHORT.finditer(ground.said)):
        form = _finite_form(match["verb"], match["do"], ground)
        yield ground.changed(Span(*match.span()), form, "negation", nearness=1.0, is_unsaid=True)
    for match in _NEGATION.finditer(ground.said):
        denied = _next_word(ground.said, match.end())
        is_said = any(
            _next_word(sentence, found.end()) == denied
            for sentence in ground.evidence
            for found in _NEGATION.finditer(sentence)
        )
        left = "will" if match.group().startswith("won") else ""
        yield ground.changed(
            Span(*match.span()), left, "negation", nearness=0.9, is_unsaid=not is_said
        )


def _finite_form(verb: str, do: str, ground: _Ground) -> str:
    """The verb without its "do": as the evidence has it, or by rule; "did not open" to "opened"."""
    if do == "do":
        return verb
    for sentence in ground.their_words:
        for word in sentence:
            if word.text != verb and stem(word.text) == stem(verb) and word.text[-3:] != "ing":
                return word.text
    return past(verb) if do == "did" else present(verb)


def _negated(ground: _Ground) -> Iterator[Candidate]:
    """With a "not", only where the evidence has one before the same word."""
    if _NEGATION.search(ground.said):
        return
    for number, sentence in enumerate(ground.evidence):
        for match in _NEGATION.finditer(sentence):
            for auxiliary in _AUXILIARY.finditer(ground.said):
                denied = _next_word(ground.said, auxiliary.end())
                if denied and denied == _next_word(sentence, match.end()):
                    at = auxiliary.end()
                    yield ground.changed(
                        Span(at, at), " not", "negation", nearness=0.9, is_unsaid=True,
                        origin=(number, Span(*match.span())),
                    )  # fmt: skip


def _next_word(text: str, start: int) -> str:
    """The stem of the first word from a place on; none at the end."""
    found = words(text[start:])
    return stem(found[0]) if found else ""


def _shortened(ground: _Ground) -> Iterator[Candidate]:
    """Without a phrase that the evidence does not speak of."""
    said = ground.said
    body = len(said.rstrip(" .!?\"”'’"))
    edges = sorted({match.start() for match in _OPENER.finditer(said, 0, body)} | {body})
    commas = [match.start() for match in re.finditer(r",\s", said[:body])]
    spans = [Span(start, end) for start in edges[:-1] for end in edges if end > start]
    spans += [Span(0, at + 2) for at in commas]
    for span in spans:
        at_end, at_start = span.end == body, span.start == 0
        if not (at_end or at_start or (span.start in commas and span.end in commas)):
            continue
        if span.start in commas and span.end in commas and not at_end:
            span = Span(span.start, span.end + 1)
        gone = content_words(span.of(said))
        left = content_words(said[: span.start] + " " + said[span.end :])
        if not gone or len(left) < 2 or _HANGING.search(said[: span.start]):
            continue
        unsaid = sum(word not in ground.there.stems for word in gone) / len(gone)
        text = said[: span.start] + said[span.end :]
        if unsaid < _UNSAID or not _is_whole(said, text):
            continue
        after = ""
        if at_start and text:
            span, after = Span(span.start, span.end + 1), said[span.end].upper()
        yield ground.changed(span, after, "clause", nearness=unsaid, is_unsaid=unsaid >= 0.5)


def _is_whole(said: str, left: str) -> bool:
    """Whether what is left is a statement yet: not too short, and with a verb if there was one."""
    n_left, n_said = len(words(left)), len(words(said))
    has_verb = bool(verb_groups(read_words(left))) or not verb_groups(read_words(said))
    return n_left >= _FEWEST_LEFT and n_left >= _LEFT * n_said and has_verb


def _around(sequence: Sequence[Word], span: Span) -> tuple[list[str], list[str]]:
    """Stems of the words before a place, nearest first, and of those after it."""
    before = [
        stem(word.text) for word in sequence if word.end <= span.start and word.text[0].isalnum()
    ]
    after = [
        stem(word.text) for word in sequence if word.start >= span.end and word.text[0].isalnum()
    ]
    return before[::-1], after


def _cased(after: str, detail: Detail, said: str) -> str:
    """A capital where the statement begins."""
    return after[0].upper() + after[1:] if detail.span.start == 0 and said[0].isupper() else after


_ARTICLE = re.compile(r"\b([Aa]n?)\s+$")
_VOWEL = re.compile(
    r"(?:[ai]|e(?!u|we)|o(?!ne\b|nce\b)|u(?!ni(?![dmn])|n\b|[ks]\b|\.|s[ae]|t[aio]|r[aeou])"
    r"|8|1[18](?:\d\d)?(?!\d)|hour|honest|honou?r|heir)",
    re.I,
)


def _with_article(said: str, span: Span, after: str) -> tuple[Span, str]:
    """The change with "a" or "an" before it, as its first sound asks."""
    match = _ARTICLE.search(said, 0, span.start)
    if not match or not after.strip() or not after[0].isalnum():
        return span, after
    right = "an" if _VOWEL.match(after) else "a"
    if match[1].lower() == right:
        return span, after
    article = right.capitalize() if match[1][0].isupper() else right
    return Span(match.start(), span.end), f"{article}{said[match.end(1) : match.end()]}{after}"
