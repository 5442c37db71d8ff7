"""Wrong numbers and dates: found in a claim, moved by the changes of a split."""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from eval.planted_ground import Edit, Ground
from eval.planted_words import DATE_SHIFTS, NUMBER_CHANGES, WEEKDAY_SHIFTS, Split
from ragattr.text.words import numbers

CARDINALS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen twenty"
).split()
ORDINALS = "zeroth first second third fourth fifth sixth seventh eighth ninth tenth".split()
MONTHS = (
    "January February March April May June July August September October November December"
).split()
WEEKDAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
_WRITTEN = {word: i for i, word in enumerate(CARDINALS) if i > 1}
_NTH = {word: i for i, word in enumerate(ORDINALS) if i > 1}
_NUMBER = re.compile(
    r"(?<![\w.,:/#°+^*-])(?<!\d[-–—])(?<!\d [-–—] )"
    r"(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
    r"(?P<nth>st|nd|rd|th)?(?![\w:/+°^*]|[.,]\d|[-–—]\d| ?[-–—] ?\d)"
)
_WORD = re.compile(
    rf"(?<![\w-])(?:{'|'.join([*_WRITTEN, *_NTH])})(?!\w|-(?:{'|'.join(CARDINALS[1:10])}))"
)
# After these a moved number may be as true as the right one.
_LOOSE = re.compile(
    r"\b(?:about|around|over|approximately|approx\.?|nearly|almost|(?:more|less|fewer|later|"
    r"earlier|older|younger|greater|higher|lower) than|at (?:least|most)|up to|under|roughly|some|"
    r"circa|prior to|c\.|ca\.|above|below|exceeding|before|after|by|since|until|till|within|or|"
    r"every|past|beyond|between|early|late|another|other)(?: the)? ?[$€£]?$"
)
_LOOSELY = re.compile(r" ?(?:%|percent|per cent)? ?(?:or|to|plus|and a half|others?)\b|\+")
_MONTH = re.compile(
    rf"(?<!\w)(?:(?P<before>\d{{1,2}}) )?(?P<month>{'|'.join(MONTHS)})(?!\w)"
    r"(?: (?P<after>\d{1,2})(?![\w:/.-]*\d)(?!st|nd|rd|th))?(?P<year>,? \d{4})?"
)
_NAMED = re.compile(r"(?:\b(?!In\b)[A-Z][\w'’.]*|[\[(#§v]|\b[Nn]o\.) ?$")


def one_more(number: str) -> str | None:
    """19 is 20, 96.1 is 97.1; not of large numbers, where it says nearly the same."""
    return _plus(number, 1) if _is_small(number) else None


def last_digits_transposed(number: str) -> str | None:
    """1967 is 1976; none where the two are the same."""
    a, b = number[-2:-1], number[-1:]
    if not a.isdigit() or a == b or (len(number) == 2 and b == "0"):
        return None
    return number[:-2] + b + a


def times_ten(number: str) -> str | None:
    """40 is 400; not of years and decimals."""
    return None if "." in number or _is_year(number) else number + "0"


def two_fewer(number: str) -> str | None:
    """1967 is 1965; not of large numbers."""
    return _plus(number, -2) if _is_small(number) else None


def doubled(number: str) -> str | None:
    """12 is 24; not of years and decimals."""
    return None if "." in number or _is_year(number) else str(2 * int(number))


def first_digit_raised(number: str) -> str | None:
    """48 is 78; not of years."""
    if len(number) < 2 or _is_year(number) or number[0] not in "123456":
        return None
    return str(int(number[0]) + 3) + number[1:]


def decades_later(number: str) -> str | None:
    """1948 is 1968; only of years."""
    return _plus(number, 20 if int(number) < 1990 else -20) if _is_year(number) else None


_CHANGE: dict[str, Callable[[str], str | None]] = {
    change.__name__: change
    for change in (
        one_more,
        last_digits_transposed,
        times_ten,
        two_fewer,
        doubled,
        first_digit_raised,
        decades_later,
    )
}


class _Found(NamedTuple):
    start: int
    end: int
    number: str  # digits without commas
    write: Callable[[str], str | None]  # the same way as it was written


def number_edits(ground: Ground, split: Split) -> Iterator[Edit]:
    """Numbers of the claim that stand in the evidence, each changed in every way of the split."""
    claim = ground.claim
    in_claim = [found.number for found in _found(claim)]
    known = numbers(ground.text) | {found.number for found in _found(ground.text.lower())}
    days = [match.span() for match in _MONTH.finditer(claim)]
    for start, end, number, write in _found(claim):
        if (
            in_claim.count(number) > 1
            or number not in known
            or any(a <= start < b for a, b in days if not _is_year(number))
            or _LOOSE.search(claim[:start].lower())
            or _LOOSELY.match(claim, end)
            or _is_loose_in(ground, _mentions(number))
            or (_NAMED.search(claim[:start]) and not _after_month(claim[:start]))
            or not ground.near(_mentions(number), claim[start:end])
        ):
            continue
        for name in NUMBER_CHANGES[split]:
            changed = _CHANGE[name](number)
            if not changed or changed in known or changed in in_claim:
                continue
            if re.match(r" ?(?:%|per ?cent)", claim[end:]) and float(changed) > 100:
                continue
            if _is_year(number) and not 1000 < int(changed) < 2025:
                continue
            if written := write(changed):
                yield Edit(start, end, written)


def date_edits(ground: Ground, split: Split) -> Iterator[Edit]:
    """Months, days and weekdays that the evidence names, moved."""
    yield from _month_edits(ground, split)
    for match in re.finditer(rf"(?<!\w)(?:{'|'.join(WEEKDAYS)})(?!\w)", ground.claim):
        day = match.group()
        if not ground.says(day) or not ground.near((day,), day):
            continue
        for shift in WEEKDAY_SHIFTS[split]:
            other = WEEKDAYS[(WEEKDAYS.index(day) + shift) % 7]
            if not ground.says(other):
                yield Edit(match.start(), match.end(), other)


def _month_edits(ground: Ground, split: Split) -> Iterator[Edit]:
    for match in _MONTH.finditer(ground.claim):
        before, month, after = match["before"], match["month"], match["after"]
        day = before or after
        lead = ground.claim[: match.start()].lower()
        dated = day or match["year"] or re.search(r"\b(?:in|of|on|during|mid-?|from|to) $", lead)
        if not dated or _LOOSE.search(lead) or not ground.near((month,), month):
            continue
        if day and not any(ground.says(said) for said in _orders(month, day)):
            continue
        for months, days in DATE_SHIFTS[split]:
            if days and not day:
                continue
            new_month = MONTHS[(MONTHS.index(month) + months) % 12]
            new_day = str((int(day) - 1 + days) % 28 + 1) if day else ""
            if days and int(new_day) == int(day or 0):
                continue
            if any(map(ground.says, _orders(new_month, new_day) if day else (new_month,))):
                continue
            text = f"{new_day} {new_month}" if before else f"{new_month} {new_day}".strip()
            start = match.start("before") if before else match.start("month")
            end = match.end("after") if after and not before else match.end("month")
            yield Edit(start, end, text)


def _orders(month: str, day: str) -> tuple[str, ...]:
    return (
        f"{month} {day}", f"{day} {month}", f"{month[:3]} {day}", f"{day} {month[:3]}",
        f"{month} {_ordinal(day)}", f"{_ordinal(day)} {month}", f"{_ordinal(day)} of {month}",
    )  # fmt: skip


def _found(text: str) -> Iterator[_Found]:
    for match in _NUMBER.finditer(text):
        number = match["digits"].replace(",", "")
        if match["nth"]:
            yield _Found(*match.span(), number, _ordinal)
        else:
            yield _Found(*match.span(), number, _commas if "," in match["digits"] else str)
    for match in _WORD.finditer(text):
        word = match.group()
        if word in _NTH:
            yield _Found(*match.span(), str(_NTH[word]), lambda n: _of(ORDINALS, n))
        else:
            yield _Found(*match.span(), str(_WRITTEN[word]), lambda n: _of(CARDINALS, n))


def _is_loose_in(ground: Ground, mentions: tuple[str, ...]) -> bool:
    return any(_LOOSE.search(before) for said in mentions for before in ground.before(said))


def _of(table: list[str], number: str) -> str | None:
    return table[int(number)] if number.isdigit() and 1 < int(number) < len(table) else None


def _commas(number: str) -> str:
    whole, point, rest = number.partition(".")
    return f"{int(whole):,}{point}{rest}"


def _ordinal(number: str) -> str:
    suffix = {"1": "st", "2": "nd", "3": "rd"}.get(number[-1:], "th")
    return number + ("th" if number[-2:] in ("11", "12", "13") else suffix)


def _mentions(number: str) -> tuple[str, ...]:
    forms = [number, _ordinal(number)]
    if number.isdigit():
        forms += [f"{int(number):,}", *(w for t in (CARDINALS, ORDINALS) if (w := _of(t, number)))]
    return tuple(forms)


def _plus(number: str, more: int) -> str | None:
    whole, point, rest = number.partition(".")
    return f"{int(whole) + more}{point}{rest}" if int(whole) + more > 0 else None


def _is_small(number: str) -> bool:
    return _is_year(number) or float(number) <= 200


def _is_year(number: str) -> bool:
    return len(number) == 4 and number.isdigit() and 1000 <= int(number) < 2100


def _after_month(before: str) -> bool:
    return bool(re.search(rf"\b(?:{'|'.join(MONTHS)}),? ?$", before))
