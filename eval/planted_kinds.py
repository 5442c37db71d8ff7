"""The kinds of planted errors: for each, all the edits of a claim that would make one."""

import random
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple

from eval.planted_ground import Edit, Ground
from eval.planted_names import Name, Pool, evidence_name_edits, name_edits, names_of
from eval.planted_numbers import MONTHS, date_edits, number_edits
from eval.planted_opposites import (
    quantifier_edits,
    relation_edits,
    superlative_edits,
    unit_edits,
)
from eval.planted_words import (
    BOTH_WAYS,
    CLAUSES,
    FILLERS,
    NEGATIONS,
    ONE_WAY,
    PASTS,
    TAKEN_OUT,
    Split,
)
from ragattr.text.words import content_words, is_negated, words


class Setting(NamedTuple):
    """What the edits of a claim may draw on."""

    ground: Ground
    split: Split
    pool: Pool
    rng: random.Random


_AUX = re.compile(
    r"(?<![\w'’-])(?:(?P<be>is|are|was|were|can|could|should|would|must|will)"
    r"|(?P<have>has|have|had)(?= (?:also |since |recently )?(?:been|become|won|made"
    r"|\w{3,}ed (?:an?|the|in|on|at|to|by|from|for|as|his|her|its|their|that|over))\b))"
    r"(?![\w'’-])"
)
_NO_NOT_AFTER = re.compile(
    r" (?:not|only|just|never|no|none|nothing|merely|at least|either|neither|still|already|"
    r"hardly|little|few|said|going|usually|often|sometimes|generally|typically|likely|also|actually"
    r"|now)\b"
)
_SUBORDINATE = re.compile(
    r"^the more\b.*|\b(?:if|when|whether|unless|although|though|while|what|how|where|why|because"
    r"|as|than|until|that|who|which|whose|or|and|some|many|most|several|few|part of|one of)\b"
    r"[^,.;]*$|[a-z] (?:it|he|she|they) $",
    re.IGNORECASE,
)
_VERB = re.compile(  # the first one that can be told for a verb
    r"\b(?:(?P<present>is)|are|has|have|can|could|will|would|may|might|should|must|do|does"
    rf"|(?P<past>was|were|had|did|won|made|led|{'|'.join(PASTS)}|(?<=\w )\w{{3,}}ed(?= (?:the|an?"
    r"|in|on|at|to|from|for|as|his|her|their|its|into|over|that|against|[A-Z0-9]))))\b"
)
_NO_SUBJECT = re.compile(
    r"[,;:.?!\"”]|^(?:it|he|she|they|this)$"
    r"|\b(?:that|which|who|there|what|how|and|if|when|because|to|says|said|thinks?|believes?)\b",
    re.IGNORECASE,
)
_DETERMINERS = frozenset(
    "the a an it he she they this that these those in on at its his her their there some most "
    "many all both one two as after before during since by for from with".split()
)
_NO_SIDE = frozenset([*MONTHS, *"Both While When Although However He She It They Its".split()])
_CAPITALS = r"[A-Z][\w'’-]*(?: (?:of |the |de )?[A-Z][\w'’-]*)*"
_SIDES = re.compile(
    rf"(?P<a>{_CAPITALS})(?P<between> (?!and\b)[a-z][a-z -]*?)(?P<b>{_CAPITALS})"
    r"(?![\w-]| (?:and|or)\b)"
)


def negations(setting: Setting) -> Iterator[Edit]:
    """A negation put in; where claim and evidence are both negated, one taken out."""
    ground, wordings = setting.ground, NEGATIONS[setting.split]
    if is_negated(ground.claim):
        yield from _taken_out(ground, setting.split)
        return
    if aux := _first_auxiliary(ground.claim):
        for wording in wordings:
            if not wording.startswith("{aux}"):
                continue
            text = wording.removeprefix("{aux}")
            if text == "n't" and aux.group() == "will":
                continue
            yield Edit(
                aux.end(), aux.end(), "'t" if (aux.group(), text) == ("can", "n't") else text
            )
        return
    match = re.search(rf"(?<![\w-])(?:{'|'.join(PASTS)})(?![\w-])", ground.claim)
    if match and not _SUBORDINATE.search(ground.claim[: match.start()]):
        past = match.group()
        for wording in wordings:
            if "{aux}" not in wording:
                said = wording.format(past=past, base=PASTS[past])
                yield Edit(*match.span(), said)


def clauses(setting: Setting) -> Iterator[Edit]:
    """An invented addition at the start, after the subject or at the end."""
    claim = setting.ground.claim
    verb = _VERB.search(claim)
    suits = {"any"}
    if verb and verb["past"]:
        suits |= {"event", "person"} if _is_of_person(claim) else {"event"}
    elif verb and verb["present"]:
        suits |= {"state"}
    places = {"start": _at_start(setting.ground), "inside": _inside(claim), "end": _at_end(claim)}
    for clause in CLAUSES[setting.split]:
        place = places[clause.where]
        if place is None or clause.suits not in suits:
            continue
        slot = clause.text[clause.text.index("{") + 1 : clause.text.index("}")]
        text = clause.text.format(**{slot: setting.rng.choice(FILLERS[setting.split][slot])})
        if clause.where == "inside" and claim[place.end :].startswith(","):
            continue
        if not _is_said(setting.ground, text):
            yield Edit(place.start, place.end, text + place.text)


def roles(setting: Setting) -> Iterator[Edit]:
    """Two names change places, around a verb that does not go both ways."""
    claim = setting.ground.claim
    for a, b in _sides(claim):
        between = claim[a.end : b.start]
        if all(_is_side(setting.ground, side) for side in (a.text, b.text)):
            yield Edit(a.start, b.end, f"{b.text}{between}{a.text}")


KINDS: Mapping[str, Callable[[Setting], Iterator[Edit]]] = {
    "number": lambda setting: number_edits(setting.ground, setting.split),
    "date": lambda setting: date_edits(setting.ground, setting.split),
    "name": lambda setting: name_edits(setting.ground, setting.pool),
    "name, of the evidence": lambda setting: evidence_name_edits(setting.ground),
    "negation": negations,
    "relation": lambda setting: relation_edits(setting.ground, setting.split),
    "clause": clauses,
}
HELD_OUT: Mapping[str, Callable[[Setting], Iterator[Edit]]] = {
    "quantifier": lambda setting: quantifier_edits(setting.ground),
    "superlative": lambda setting: superlative_edits(setting.ground),
    "unit": lambda setting: unit_edits(setting.ground),
    "role": roles,
}


def kind_of(name: str) -> str:
    """The kind of an entry of `KINDS`: "name" of "name, of the evidence"."""
    return name.partition(",")[0]


def _sides(claim: str) -> Iterator[tuple[Name, Name]]:
    """Pairs of names with a relation between them that goes one way."""
    found = names_of(claim)
    for a, b in pairwise(found):
        said = claim[a.end : b.start].split()
        alike = a.sort == b.sort or {a.sort, b.sort} == {"man", "woman"}
        if alike and a.sort != "people" and 2 <= len(said) <= 12 and not set(said) & set(BOTH_WAYS):
            if "," not in "".join(said):
                yield a, b
    for match in _SIDES.finditer(claim):
        a, b = (Name(*match.span(side), match[side], "any") for side in "ab")
        said = match["between"].split()
        if (
            said[-1] != "the"
            and len(said) <= 7
            and set(said) & set(ONE_WAY)
            and not set(said) & set(BOTH_WAYS)
        ):
            yield a, b


def _is_side(ground: Ground, name: str) -> bool:
    return (
        name in ground.text
        and ground.claim.count(name) == 1
        and name.lower() not in _DETERMINERS
        and name not in _NO_SIDE
        and not any(found.sort == "people" for found in names_of(f"{name} ones"))
    )


def _first_auxiliary(claim: str) -> re.Match[str] | None:
    for match in _AUX.finditer(claim):
        if _SUBORDINATE.search(claim[: match.start()]):
            continue
        return None if _NO_NOT_AFTER.match(claim, match.end()) else match
    return None


def _taken_out(ground: Ground, split: Split) -> Iterator[Edit]:
    found = [word for word in words(ground.claim) if is_negated(word)]
    if len(found) != 1 or not is_negated(ground.text):
        return
    if not ground.near(("not", "never", "no", "cannot", "longer", "n't", "n’t", "t"), found[0]):
        return
    for said in TAKEN_OUT[split]:
        lead = "(?<=can)" if said == "not" else r"(?<=\w)" if said[0] == "n" else ""
        pattern = (
            lead + re.escape(said) + r"(?![\w'’])(?! (?:only|just|to|all|every|necessarily)\b)"
        )
        for match in re.finditer(pattern, ground.claim):
            before = ground.claim[: match.start()]
            if not re.search(r"\b(?:ca|wo|may|might|whether|or|but|and)$|,$", before):
                yield Edit(*match.span(), "")


def _is_of_person(claim: str) -> bool:
    first = next(iter(names_of(claim)), None)
    named = first is not None and first.start == 0 and first.sort in ("man", "woman")
    return named or re.match(r"(?:He|he|She|she)\b", claim) is not None


def _at_start(ground: Ground) -> Edit | None:
    first = re.match(r"[^\W\d_]+", ground.claim)
    if not first or re.search(
        r"^(?:In|On|At|After|Before|During|By|Since|According)\b", ground.claim
    ):
        return None
    if first.group().lower() in _DETERMINERS:
        return Edit(0, 1, ground.claim[0].lower())
    name = re.search(rf"(?<=[a-z,] ){first.group()}\b", ground.text)
    return Edit(0, 0, "") if name and first.group()[0].isupper() else None


def _inside(claim: str) -> Edit | None:
    match = _AUX.search(claim)
    if not match:
        return None
    subject = claim[: match.start()].rstrip()
    if not 1 <= len(subject.split()) <= 8 or len(subject) + 1 != match.start():
        return None
    if _NO_SUBJECT.search(subject):
        return None
    return Edit(len(subject), len(subject), "")


def _at_end(claim: str) -> Edit | None:
    match = re.search(r"(?<=[\w%)]) ?\.?$", claim)
    return (
        None
        if match is None or claim.endswith(("etc.", "Jr."))
        else Edit(match.start(), match.start(), "")
    )


def _is_said(ground: Ground, clause: str) -> bool:
    stems = content_words(clause)
    evidence = set(words(ground.text)) | set(content_words(ground.text))
    return 2 * sum(stem in evidence for stem in stems) >= len(stems)
