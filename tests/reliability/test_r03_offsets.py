"""Offsets under joiners, bidi, combining marks, CRLF, NUL, surrogates and 4-byte characters.

`text == whole[start:end]` for whatever has a place: sentences, markers, claims, quotations, edits,
findings, and every field of a record, in all units of offsets.
"""

import random
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

import ragattr
from ragattr.record import dumps, loads
from ragattr.text.claims import read_claims
from ragattr.text.edits import apply_edits, edits_between
from ragattr.text.lint import lint_answer, mend_answer
from ragattr.text.markers import cut_markers, find_markers
from ragattr.text.offsets import positions
from ragattr.text.quotes import find_quotes
from ragattr.text.sentences import sentence_spans
from ragattr.types import Span
from tests.reliability.figures import SEED, Shown, sizes

PIECES = (
    *(
        "👩\u200d🔬",
        "👨\u200d👩\u200d👧",
        "🏳\ufe0f\u200d🌈",
        "🇩🇪",
        "👍🏽",
        "\u200d",
        "\u200b",
        "\ufeff",
    ),
    *("\u202eabc\u202c", "\u2066x\u2069", "\u200f", "שלום", "مرحبا.", "\u061c"),
    *("e\u0301", "é", "n\u0303o", "ñ", "\u0301", "Å", "A\u030a", "ﬁ", "한글", "한", "ẛ\u0323"),
    *(
        "\r\n",
        "\r",
        "\n",
        "\n\n",
        "\t",
        "\u2028",
        "\x85",
        "\v",
        " ",
        "  ",
        "\xa0",
        "\x00",
        "\x1b[2J",
    ),
    *("\ud800", "\udc00", "\ud83d", "\ude00", "\ud83d\ude00", "\udfff\ud800"),
    *("𝒳", "𐍈", "😀", "𠀀", "蜂蜜。", "これは。", "क्षि।", "؟"),
    *("Bees make honey.", "It is 330 m.", "Dr. A.", "No stop", "1889", "- a", "# b", "| c | d |"),
    *(
        "[1]",
        "[2, 3]",
        "【1】",
        "^1^",
        "(2)",
        "[9]",
        "[1][2].",
        "“bees make honey here”",
        '"a b c d"',
    ),
)
UNITS = ("codepoints", "utf8", "utf16")
Check = Callable[[random.Random], bool]


def text(rng: random.Random) -> str:
    """Up to 14 pieces, at times normalised in one way or the other."""
    pieces = [rng.choice(PIECES) for _ in range(rng.randint(1, 14))]
    joined = rng.choice(("", " ", " ", "\r\n")).join(pieces)
    form = rng.choice((None, None, "NFC", "NFD"))
    return unicodedata.normalize(form, joined) if form else joined


def in_order(spans: list[Span], whole: str) -> bool:
    """Within the text, one behind the other, none empty."""
    edges = [0, *(edge for span in spans for edge in (span.start, span.end)), len(whole)]
    return edges == sorted(edges) and all(span.start < span.end for span in spans)


def covered(spans: list[Span], whole: str) -> bool:
    """Every character that is no white space lies in one of them."""
    left = list(whole)
    for span in spans:
        left[span.start : span.end] = " " * (span.end - span.start)
    return not "".join(left).strip()


def sentences(rng: random.Random) -> bool:
    whole = text(rng)
    spans = [*sentence_spans(whole)]
    return in_order(spans, whole) and covered(spans, whole)


def markers(rng: random.Random) -> bool:
    whole = text(rng)
    found = find_markers(whole, 3)
    cut = cut_markers(whole, found)
    kept = all(
        whole[at] == char or char == " " for char, at in zip(cut.text, cut.origin, strict=True)
    )
    digits = all(str(m.numbers[0]) in m.span.of(whole) for m in found)
    return in_order([m.span for m in found], whole) and kept and digits


def claims(rng: random.Random) -> bool:
    whole = text(rng)
    found, _ = read_claims(whole, 3)
    spans = [claim.span for claim in found]
    exact = all(claim.text == claim.span.of(whole) for claim in found)
    return exact and in_order(spans, whole) and covered(spans, whole)


def quotations(rng: random.Random) -> bool:
    whole = text(rng)
    spans = find_quotes(whole)
    return in_order(spans, whole) and all(
        not whole[s.start - 1].isalnum() and not whole[s.end].isalnum() for s in spans
    )


def edits(rng: random.Random) -> bool:
    before, after = text(rng), text(rng)
    found = edits_between(before, after)
    exact = all(edit.before == edit.span.of(before) for edit in found)
    return exact and apply_edits(before, found) == after


def findings(rng: random.Random) -> bool:
    whole = text(rng)
    found = lint_answer(whole, [text(rng), "Bees make honey here."])
    mended = mend_answer(whole, ["Bees make honey here."])
    fixes = [finding.fix for finding in found if finding.fix]
    bounds = all(0 <= f.span.start <= f.span.end <= len(whole) for f in found)
    exact = all(fix.before == fix.span.of(whole) for fix in fixes)
    return bounds and exact and mend_answer(mended, ["Bees make honey here."]) == mended


def units(rng: random.Random) -> bool:
    """Places in bytes of UTF-8 and in units of UTF-16 are those of the encoded text."""
    whole = text(rng)
    start, end = sorted((rng.randint(0, len(whole)), rng.randint(0, len(whole))))
    return all(
        piece_of(whole, unit, int(at[start]), int(at[end])) == encoded(whole[start:end], unit)
        for unit in UNITS
        for at in [positions(whole, unit)]
    )


def record(rng: random.Random) -> bool:
    """Every place of a record, and the record after it was written and read."""
    unit = rng.choice(UNITS)
    made = ragattr.cite(
        question="Who?",
        passages=[text(rng) + " Bees make honey.", {"id": "é\ud800", "text": text(rng) + "x"}],
        answer=f"Bees make honey. {text(rng)}",
        tier="text",
        offsets=unit,
    )
    written = dumps(made)
    return dumps(loads(written)) == written and all(
        piece_of(whole, unit, place["start"], place["end"]) == encoded(place["text"], unit)
        for whole, place in places(made)
    )


def places(made: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each text of a record with a place in it, and the whole that it is a part of."""
    whole = {passage["id"]: passage["text"] for passage in made["passages"]}
    for claim in made["claims"]:
        yield made["answer"], claim
        for row in claim["citations"]:
            if row["passage"] is not None:
                yield whole[row["passage"]], row
            if row["marker"] is not None:
                yield made["answer"], row["marker"]


def encoded(part: str, unit: str) -> bytes:
    names = {"codepoints": "utf-32-le", "utf8": "utf-8", "utf16": "utf-16-le"}
    return part.encode(names[unit], "surrogatepass")


def piece_of(whole: str, unit: str, start: int, end: int) -> bytes:
    """From `start` to `end` of the encoded text, by the definition of the unit."""
    size = {"codepoints": 4, "utf8": 1, "utf16": 2}[unit]
    return encoded(whole, unit)[size * start : size * end]


CHECKS: dict[str, Check] = {
    check.__name__: check
    for check in (sentences, markers, claims, quotations, edits, findings, units, record)
}


@sizes(quick=500, full=10_000)
@pytest.mark.parametrize("name", CHECKS)
@pytest.mark.usefixtures("fakes")
def test_every_place_holds_its_text(name: str, n: int, shown: Shown) -> None:
    failed = [i for i in range(n) if not CHECKS[name](random.Random(f"{SEED} {name} {i}"))]
    shown(n, len(failed))
    assert failed == []
