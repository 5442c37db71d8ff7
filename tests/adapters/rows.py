"""Cases and a record that the tests of all formats share, and texts that are hard on offsets."""

from typing import Any

from hypothesis import strategies as st

from ragattr.text.offsets import OffsetUnit, positions

Row = dict[str, Any]
TOWER = {"id": "eiffel", "text": "😀 Built in 1889. It is 330 m tall.", "title": "Tower"}
PARIS = {"id": "paris", "text": "Pari\u0301s is big.\r\nIt has trams.", "source": "https://p.fr/a"}
ANSWER = "😀 Built in 1889 [1]. Paris has trams."
CASE: Row = {
    "id": "c1",
    "question": "When?",
    "passages": [TOWER, PARIS],
    "answer": ANSWER,
    "generator": "some-model",
}

# Letters, joiners, combining marks, line ends and a lone surrogate; nothing that makes a marker.
HARD = st.text(
    st.sampled_from("ab .é\u0301😀\u200d\u202e東。\r\n\t") | st.sampled_from(["\ud83d"]),
    max_size=30,
)


def record(unit: OffsetUnit = "codepoints") -> Row:
    """The case as a record: the first claim cites one passage, for the second one was found."""
    answer = positions(ANSWER, unit)
    first, second = (0, ANSWER.index(" Paris")), (ANSWER.index("Paris"), len(ANSWER))
    marker = ANSWER.index("[1]")
    cited = {
        **_row("answer", TOWER, TOWER["text"], unit),
        "marker": {"start": int(answer[marker]), "end": int(answer[marker + 3]), "text": "[1]"},
    }
    return {
        **CASE,
        "tier": "logits",
        "offsets": unit,
        "ragattr": "0",
        "warnings": [],
        "alarms": [],
        "model": None,
        "verifier": None,
        "settings": {},
        "claims": [
            _claim(*first, unit, [cited, _row("found", PARIS, "Pari\u0301s is big.", unit, False)]),
            _claim(*second, unit, [_row("found", PARIS, "It has trams.", unit)]),
        ],
        "attribution": None,
        "revision": None,
    }


def _claim(start: int, end: int, unit: OffsetUnit, citations: list[Row]) -> Row:
    places = positions(ANSWER, unit)
    return {
        "start": int(places[start]),
        "end": int(places[end]),
        "text": ANSWER[start:end],
        "needs_support": True,
        "verdict": "supported",
        "probability": 0.9,
        "cited_probability": None,
        "context_use": None,
        "citations": citations,
    }


def _row(origin: str, passage: Row, text: str, unit: OffsetUnit, supports: bool = True) -> Row:
    places, start = positions(passage["text"], unit), passage["text"].index(text)
    return {
        "origin": origin,
        "passage": passage["id"],
        "start": int(places[start]),
        "end": int(places[start + len(text)]),
        "text": text,
        "used": 0.5,
        "supports": 0.9 if supports else 0.1,
        "contradicts": 0.0,
        "class": "grounded" if supports else "misgrounded",
        "jointly": False,
        "group": None,
        "marker": None,
        "problem": None,
    }
