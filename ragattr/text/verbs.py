"""Where finite English verbs stand, as far as closed lists of words can tell."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_LETTERS = r"(?:[^\W_][\u0300-\u036f]*)+"  # with their accents
_TOKEN = re.compile(rf"{_LETTERS}(?:[.'’&/-]{_LETTERS})*|[^\w\s]")
_MODALS = frozenset("will would can could may might must shall should won't can't cannot".split())
_AUXILIARIES = _MODALS | frozenset(
    "is are was were has have had do does did isn't aren't wasn't weren't hasn't haven't hadn't "
    "don't doesn't didn't".split()
)
# Forms that are nothing but a finite verb.
_FINITE = frozenset(
    "became began wrote took gave went came grew flew drew spoke chose drove rode sang swam ran "
    "died remained occurred happened appeared existed arrived consisted belonged lasted emerged "
    "contains includes consists becomes remains belongs occurs exists requires provides describes "
    "depends allows refers serves operates employs publishes attracts owns".split()
)
# Past forms that are participles too, beside those in -ed.
_PAST = frozenset(
    "won led made held built met left sold spent lost sent brought bought taught caught fought "
    "kept paid got put set".split()
)
_PARTICIPLES = frozenset(
    "born written become grown given taken known seen gone been drawn chosen driven shown begun "
    "spoken run".split()
)
# Present forms that are nouns too: verbs before an article, a number or a preposition.
_PRESENT = frozenset(
    "lies lives covers holds plays works offers features uses hosts runs stands makes takes gives "
    "shows leads houses measures costs weighs receives needs helps sells forms marks grows "
    "produces spans connects borders rises flows".split()
)
# After these an article may follow a participle: "a wheel called the Eye".
_NAMING = frozenset(
    "called named titled entitled dubbed considered deemed awarded offered paid elected appointed "
    "nicknamed".split()
)
_INTRANSITIVE = frozenset(
    "moved lived worked served stayed returned emigrated settled studied graduated retired played "
    "competed travelled traveled lasted continued participated resigned debuted "
    "transferred".split()
)
_NO_VERBS = frozenset("need speed seed breed indeed hundred sacred naked united limited".split())
_ARTICLES = frozenset("a an the its his her their our my this these another".split())
_PREPOSITIONS = frozenset(
    "in on at to for from by with as into of after before until during over under through about "
    "near across along between among against".split()
)
_ADVERBS = frozenset(
    "also later then subsequently eventually still now currently often soon thus therefore never "
    "always first not once again even".split()
)


# Past forms that no rule gives.
_IRREGULAR = dict(
    pair.split("/")
    for pair in (
        "be/was become/became begin/began break/broke bring/brought build/built buy/bought "
        "catch/caught choose/chose come/came cost/cost cut/cut deal/dealt do/did draw/drew "
        "drive/drove eat/ate fall/fell feed/fed feel/felt fight/fought find/found fly/flew "
        "forget/forgot get/got give/gave go/went grow/grew have/had hear/heard hide/hid hit/hit "
        "hold/held keep/kept know/knew lay/laid lead/led leave/left lend/lent let/let lie/lay "
        "lose/lost make/made mean/meant meet/met overcome/overcame overtake/overtook pay/paid "
        "put/put read/read ride/rode ring/rang rise/rose run/ran say/said see/saw seek/sought "
        "sell/sold send/sent set/set shake/shook shoot/shot show/showed shut/shut sing/sang "
        "sink/sank sit/sat sleep/slept speak/spoke spend/spent split/split spread/spread "
        "stand/stood steal/stole stick/stuck strike/struck swear/swore swim/swam take/took "
        "teach/taught tell/told think/thought throw/threw understand/understood undergo/underwent "
        "wake/woke wear/wore win/won withdraw/withdrew write/wrote"
    ).split()
)


def past(verb: str) -> str:
    """The simple past of an infinitive: "opened", "carried", "planned", "took"."""
    if verb in _IRREGULAR:
        return _IRREGULAR[verb]
    if verb.endswith("e"):
        return f"{verb}d"
    if re.search(r"[^aeiou]y$", verb):
        return f"{verb[:-1]}ied"
    if re.fullmatch(r"[^aeiou]*[aeiou][bdgmnprt]", verb):
        return f"{verb}{verb[-1]}ed"
    return f"{verb}ed"


def present(verb: str) -> str:
    """The third person of an infinitive: "opens", "carries", "goes", "has"."""
    if verb in ("be", "have"):
        return {"be": "is", "have": "has"}[verb]
    if re.search(r"[^aeiou]y$", verb):
        return f"{verb[:-1]}ies"
    return f"{verb}es" if verb.endswith(("s", "sh", "ch", "x", "z", "o")) else f"{verb}s"


@dataclass(frozen=True)
class Word:
    """A word or a sign, and where it starts and ends in its text."""

    text: str
    start: int
    end: int


@dataclass(frozen=True)
class VerbGroup:
    """Words `first` to `last`: an auxiliary, a verb, or both, with the adverbs between them.

    Attributes:
        is_certain: whether it can only be finite; "founded in" may be a participle.
    """

    first: int
    last: int
    is_certain: bool


def read_words(text: str) -> list[Word]:
    """The words and signs of a text; `3.5`, `AT&T` and `well-known` are one each."""
    return [Word(match.group(), *match.span()) for match in _TOKEN.finditer(text)]


def verb_groups(words: Sequence[Word]) -> list[VerbGroup]:
    """The verb groups, in order. Example: `was first built` in "It was first built in Ulm"."""
    groups, i = list[VerbGroup](), 0
    while i < len(words):
        if _is_verb(words, i):
            last = i
            following = after_adverbs(words, i + 1)
            if words[i].text in _AUXILIARIES and _is_participle(words, following):
                last = following
            groups.append(VerbGroup(i, last, is_finite(words, i)))
            i = last
        i += 1
    return groups


def is_finite(words: Sequence[Word], i: int) -> bool:
    """Whether word `i` can only be a finite verb, by itself or by the article after it."""
    word = words[i].text
    if word in _AUXILIARIES or word in _FINITE:
        return True
    has_object = i + 1 < len(words) and words[i + 1].text in _ARTICLES
    return has_object and _is_verb(words, i) and word not in _NAMING


def is_past(words: Sequence[Word], i: int) -> bool:
    """Whether word `i` is a past form or a participle with no noun after it."""
    if not looks_past(words[i]):
        return False
    following = words[i + 1].text if i + 1 < len(words) else "."
    return following in _PREPOSITIONS or not following[0].isalpha() or following.endswith("ly")


def is_auxiliary(word: Word) -> bool:
    """Whether it is a form of "be", "have" or "do", or a modal."""
    return word.text in _AUXILIARIES


def is_modal(word: Word) -> bool:
    """Whether the verb after it is an infinitive, as after "will"."""
    return word.text in _MODALS


def is_shared(words: Sequence[Word], i: int) -> bool:
    """Whether the participle `i` needs the "was" of the verb before it: "raised in", "built by"."""
    return is_past(words, i) and words[i].text not in _INTRANSITIVE | _FINITE


def looks_past(word: Word) -> bool:
    """Whether it is a past form that is a participle too, such as "founded" or "won"."""
    text = word.text
    is_regular = text.endswith("ed") and len(text) > 4 and text.islower() and text.isalpha()
    return text in _PAST or (is_regular and text not in _NO_VERBS)


def after_adverbs(words: Sequence[Word], i: int) -> int:
    """The first word from `i` on that is no adverb."""
    while i < len(words) and is_adverb(words[i]):
        i += 1
    return i


def is_adverb(word: Word) -> bool:
    """Whether it is one that stands beside verbs, or ends in -ly."""
    return word.text in _ADVERBS or word.text.endswith("ly")


def _is_verb(words: Sequence[Word], i: int) -> bool:
    word = words[i].text
    if word in _AUXILIARIES or word in _FINITE or looks_past(words[i]):
        return True
    following = words[i + 1].text if i + 1 < len(words) else ""
    return word in _PRESENT and (
        following in _ARTICLES or following in _PREPOSITIONS or following[:1].isdigit()
    )


def _is_participle(words: Sequence[Word], i: int) -> bool:
    return i < len(words) and (looks_past(words[i]) or words[i].text in _PARTICIPLES)
