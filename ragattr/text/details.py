"""The details of an English statement: numbers, dates, names and words, each apart.

Rules and closed lists, no parser. A detail is a piece of text that another of its kind can replace.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from ragattr.text.words import content_words, stem, words
from ragattr.types import Span

Kind = Literal["number", "year", "month", "day", "weekday", "date", "name", "word"]

_MONTHS = (
    "January February March April May June July August September October November December"
).split()
_MONTH = rf"(?:(?:{'|'.join(_MONTHS)})\b|(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\b\.?)"
_DAY = r"(?:[12]\d|3[01]|0?[1-9])(?:st|nd|rd|th)?"
_YEAR = r"(?:1[0-9]|20)\d\d"
_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_ORDINALS = (
    "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"
).split()
_VALUES = (
    {word: str(i) for i, word in enumerate(_ONES)}
    | {word: str(10 * i) for i, word in enumerate(_TENS, start=2)}
    | {
        f"{ten}-{one}": str(10 * i + j)
        for i, ten in enumerate(_TENS, start=2)
        for j, one in enumerate(_ONES[1:10], start=1)
    }
    | {word: f"{i}th" for i, word in enumerate(_ORDINALS) if i}
    | {"once": "1x", "twice": "2x", "thrice": "3x", "half": "0.5", "dozen": "12"}
)  # fmt: skip
_WRITTEN = "|".join(sorted(_VALUES, key=len, reverse=True))
_SCALE = r"(?:[ -]?(?:%|percent\b|per cent\b|hundred\b|thousand\b|million\b|billion\b|trillion\b))"
_DATE = re.compile(
    rf"\b{_DAY} (?:of )?{_MONTH}(?:,? {_YEAR}\b)?|\b{_MONTH} {_DAY}\b(?:,? {_YEAR}\b)?"
    rf"|\b{_MONTH},? {_YEAR}\b"
)
_IN_DATE = re.compile(rf"(?P<month>{_MONTH})|(?P<year>\b{_YEAR}\b)|(?P<day>\b{_DAY}\b)")
_WEEKDAY = re.compile(r"\b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b")
_LONE_MONTH = re.compile(rf"\b(?!May\b){_MONTH}|(?<=[Ii]n )May\b|(?<=of )May\b")
_LONE_YEAR = re.compile(rf"(?<![\w.,$€£]){_YEAR}(?:s\b|(?![\w]|[.,]\d))")
_NUMBER = re.compile(
    rf"(?<![\w.])(?:[$€£]\s?)?(?:\d+(?:,\d{{3}})*(?:\.\d+)?(?:st|nd|rd|th)?|(?i:{_WRITTEN})\b)"
    rf"(?![\w]|[.,]\d){_SCALE}?"
)
_PATTERNS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("weekday", _WEEKDAY), ("month", _LONE_MONTH), ("year", _LONE_YEAR), ("number", _NUMBER),
)  # fmt: skip
_NAME = re.compile(
    r"[^\W\d_a-zß-ÿ][\w'’&.-]*(?<![.'’-])"
    r"(?:(?: (?:of the|of|de|la|von|van|der|the|and the))? [^\W\d_a-zß-ÿ][\w'’&-]*(?<![.'’-]))*"
)
_ORDINAL = re.compile(r"(?<=\d)(?:st|nd|rd|th)$")
_LETTERS = r"(?:[^\W\d_][\u0300-\u036f]*)+"
_WORD = re.compile(rf"{_LETTERS}(?:['’-]{_LETTERS})*")
_POSSESSIVE = re.compile(r"['’]s?$")
_FUNCTION = frozenset(
    "a an the this that these those it its he she they his her their him them we our us you your "
    "i my me who whom whose which what there here one such and or but nor so yet if because while "
    "although though when where as than then also too very just only even both either neither "
    "each every is are was were be been being am do does did has have had will would can could "
    "may might must shall should not no never to of in on at by for from with into onto".split()
)
_DIGITS = {value: word for word, value in reversed(_VALUES.items())}


@dataclass(frozen=True)
class Detail:
    """A piece of a statement that another of its kind could replace.

    Attributes:
        value: what it says, however it is written: "1,200" and "1200" say the same, as do
            "Three" and "3".
    """

    kind: Kind
    span: Span
    text: str
    value: str


@dataclass(frozen=True)
class Said:
    """What some sentences say, to ask whether they say a detail somewhere.

    Attributes:
        stems: of all their words.
        values: of their numbers and dates.
    """

    stems: frozenset[str]
    values: frozenset[str]

    @classmethod
    def by(cls, sentences: Sequence[str]) -> "Said":
        """What these sentences say."""
        return cls(
            frozenset(stem(word) for sentence in sentences for word in words(sentence)),
            frozenset(
                detail.value
                for sentence in sentences
                for detail in details(sentence)
                if detail.kind not in ("name", "word")
            ),
        )

    def holds(self, detail: Detail) -> bool:
        """Whether they say this detail, however it is written."""
        if detail.kind in ("name", "word"):
            return all(stem(word) in self.stems for word in words(detail.text))
        return detail.value in self.values


def written_like(detail: Detail, model: Detail) -> str:
    """A number in the digits or letters of another: "three" like "12" is "3"."""
    number, _, scale = detail.text.partition(" ")
    plain = _ORDINAL.sub("th", number.lower().replace(",", ""))
    if detail.kind != "number" or model.kind != "number":
        return detail.text
    if model.text[0].isalpha():
        said = _DIGITS.get(plain, number)
    else:
        said = _VALUES.get(plain, number)
        said = _with_ending(said) if said.endswith("th") else said
    return f"{said} {scale}".strip()


def details(text: str) -> list[Detail]:
    """All details of a text, in order; the parts of a date beside the date itself."""
    found = [*_dates(text)]
    taken = [detail.span for detail in found]
    for kind, pattern in _PATTERNS:
        found += _untaken(kind, pattern, text, taken)
    found += _names(text, taken)
    found += [
        Detail("word", Span(*m.span()), m.group(), stem(m.group()))
        for m in _WORD.finditer(text)
        if m.group()[0].islower()
        and m.group() not in _FUNCTION
        and not any(span.start < m.end() and m.start() < span.end for span in taken)
    ]
    return sorted(found, key=lambda detail: (detail.span, detail.kind))


def _with_ending(ordinal: str) -> str:
    """An ordinal in digits as it is written: from "2th", "2nd"."""
    value = int(ordinal[:-2].replace(",", "")) if ordinal[:-2].isdigit() else 0
    ending = {1: "st", 2: "nd", 3: "rd"}.get(value % 10 if value % 100 not in (11, 12, 13) else 0)
    return f"{ordinal[:-2]}{ending or 'th'}"


def _dates(text: str) -> Iterator[Detail]:
    for match in _DATE.finditer(text):
        parts = [
            Detail(_part_kind(part), Span(*part.span()).shift(match.start()), part.group(),
                   _part_value(part))
            for part in _IN_DATE.finditer(match.group())
        ]  # fmt: skip
        value = " ".join(sorted(part.value for part in parts))
        yield Detail("date", Span(*match.span()), match.group(), value)
        yield from parts


def _part_kind(part: re.Match[str]) -> Kind:
    return "month" if part["month"] else "year" if part["year"] else "day"


def _part_value(part: re.Match[str]) -> str:
    if part["month"]:
        return part.group().lower()[:3]
    return part.group() if part["year"] else re.sub(r"\D", "", part.group()).lstrip("0")


def _untaken(
    kind: Kind, pattern: re.Pattern[str], text: str, taken: list[Span]
) -> Iterator[Detail]:
    for match in pattern.finditer(text):
        span = Span(*match.span())
        if any(other.start < span.end and span.start < other.end for other in taken):
            continue
        taken.append(span)
        yield Detail(kind, span, match.group(), _value(kind, match.group()))


def _value(kind: Kind, written: str) -> str:
    plain = written.lower().replace(",", "")
    if kind == "month":
        return plain[:3]
    if kind != "number":
        return plain
    plain = plain.replace("per cent", "%").replace("percent", "%")
    first, _, scale = plain.partition(" ")
    return _ORDINAL.sub("th", _VALUES.get(first, first)) + scale


def _names(text: str, taken: list[Span]) -> Iterator[Detail]:
    """Capitalised runs; of one that opens a sentence, what is no function word."""
    for match in _NAME.finditer(text):
        start, end = match.span()
        run = list(_WORD.finditer(text, start, end))
        if run and run[0].group().lower() in _FUNCTION:
            if len(run) == 1:
                continue
            start = run[1].start()
            if not text[start].isupper():
                continue
        said = _POSSESSIVE.sub("", text[start:end])
        span = Span(start, start + len(said))
        if not said or any(o.start < span.end and span.start < o.end for o in taken):
            continue
        taken.append(span)
        yield Detail("name", span, said, " ".join(content_words(said)) or said.lower())
