"""Records as one self-contained HTML page: no script, nothing loaded, one style block."""

import re
from collections import Counter
from collections.abc import Sequence

from ragattr import __version__
from ragattr.record import Row
from ragattr.report.heat import SHADES, legend, sentence_name, strip
from ragattr.report.page import render_page
from ragattr.report.revised import revision_view
from ragattr.report.sentences import (
    Place,
    Sentence,
    alone,
    either_of,
    fidelity_figures,
    sentences,
    verified,
)
from ragattr.report.summary import (
    MARKS,
    alarm_words,
    claim_class,
    code_points,
    contradicts,
    measured_by,
    passage_name,
    passage_numbers,
    row_class,
    split,
    verdict_word,
)
from ragattr.text.offsets import positions

# A line end inside a paragraph that was wrapped at a fixed width, but not one before a list item.
_WRAPPED = re.compile(r"(?<=[^\n]{60})\r?\n(?=[^\s*•#|>+\-\d])")


def render_html(records: Sequence[Row]) -> str:
    """One page with a section for each record.

    Its content security policy lets through the one style block, by hash, and nothing else.
    """
    sections = [section_view(record, number) for number, record in enumerate(records, start=1)]
    view = {
        "sections": sections,
        "n_claims": max((len(section["claims"]) for section in sections), default=0),
        "marks": MARKS,
        "n_shades": SHADES,
        "heat_legend": legend(),
        "version": __version__,
    }
    return render_page("report.html.j2", view)


def section_view(record: Row, number: int) -> Row:
    """What a template shows of one record."""
    classes = [claim_class(claim) for claim in record["claims"]]
    labels, measured = _labels(record), sentences(record)
    return {
        "id": f"r{number}",
        "record": {"generator": None, **record},
        "alarms": [alarm_words(record, alarm) for alarm in record["alarms"]],
        "measured": measured_by(record),
        **_measurement(record["attribution"] or {}),
        "alone": _alone(record["attribution"] or {}, measured, labels),
        "tally": [(name, n) for name in MARKS if (n := Counter(classes)[name]) and name != "none"],
        "answer": _answer(record, classes),
        "claims": [
            {
                "number": i,
                "claim": claim,
                "class": name,
                "verdict": verdict_word(claim, record["verifier"]),
                "rows": [_row(record, row, labels) for row in claim["citations"]],
                **_use(record, i - 1, measured, labels),
            }
            for i, (claim, name) in enumerate(zip(record["claims"], classes, strict=True), start=1)
        ],
        "passages": [
            _passage(record, passage, number, labels)
            for number, passage in enumerate(record["passages"], start=1)
        ],
        "revision": revision_view(record),
    }


def _measurement(attribution: Row) -> Row:
    """How exact the measurement is, where the record says so."""
    return {
        "verified": verified(attribution),
        "fidelity": fidelity_figures(attribution),
        "n_masks": (attribution.get("fidelity") or {}).get("n_masks"),
    }


def _alone(attribution: Row, measured: Sequence[Sentence], labels: dict[Place, str]) -> Row | None:
    if (found := alone(attribution)) is None:
        return None
    members, said = found
    return {"said": said, "names": [sentence_name(measured[i], labels) for i in members]}


def _use(record: Row, index: int, measured: Sequence[Sentence], labels: dict[Place, str]) -> Row:
    """What one claim uses: its strip, the sentences that say the same, and what needs none."""
    return {
        "heat": strip(record, index, measured, labels),
        "either_of": [
            [sentence_name(measured[i], labels) for i in members]
            for members in either_of(record, index)
        ],
        "parametric_share": record["claims"][index].get("parametric_share"),
    }


def _labels(record: Row) -> dict[Place, str]:
    """A number for each sentence that a claim points to: "2.1" is the first one in passage 2."""
    found = {
        (row["passage"], row["start"], row["end"])
        for claim in record["claims"]
        for row in claim["citations"]
        if row["origin"] == "found"
    }
    numbers, labels = passage_numbers(record), dict[Place, str]()
    n_seen = Counter[str]()
    for place in sorted(found, key=lambda place: (numbers[place[0]], *place[1:])):
        n_seen[place[0]] += 1
        labels[place] = f"{numbers[place[0]]}.{n_seen[place[0]]}"
    return labels


def _answer(record: Row, classes: Sequence[str]) -> list[Row]:
    """The answer in pieces, each with its claim; within a claim, its markers are pieces too."""
    text = record.get("answer") or ""
    places = positions(text, record["offsets"])
    claims = [(*code_points(places, claim), i) for i, claim in enumerate(record["claims"], start=1)]
    markers = [
        (*code_points(places, row["marker"]), "dangling" if row["problem"] else "marker")
        for claim in record["claims"]
        for row in claim["citations"]
        if row["marker"]
    ]
    return [
        {
            "claim": piece.inside[0] if piece.inside else None,
            "class": classes[piece.inside[0] - 1] if piece.inside else "none",
            "ends": bool(piece.inside) and piece.inside[0] in piece.closes,
            "parts": split(
                piece.text, [(a - piece.start, b - piece.start, m) for a, b, m in markers]
            ),
        }
        for piece in split(text, claims)
    ]


def _row(record: Row, row: Row, labels: dict[Place, str]) -> Row:
    number = passage_numbers(record).get(row["passage"])
    return {
        "row": row,
        "class": row_class(row, record["verifier"]),
        "contradicts": contradicts(row, record["verifier"]),
        "number": number,
        "label": labels.get((row["passage"], row["start"], row["end"])),
        "name": passage_name(record["passages"][number - 1], number) if number else None,
    }


def _passage(record: Row, passage: Row, number: int, labels: dict[Place, str]) -> Row:
    """A passage with its evidence; a marker's row spans it all and is shown at its border."""
    places = positions(passage["text"], record["offsets"])
    cited, found = list[Row](), list[tuple[int, int, Row]]()
    for i, claim in enumerate(record["claims"], start=1):
        for row in claim["citations"]:
            if row["passage"] != passage["id"]:
                continue
            label = labels.get((row["passage"], row["start"], row["end"]))
            tag = {"claim": i, "class": row_class(row, record["verifier"]), "label": label}
            if row["origin"] == "found":
                found.append((*code_points(places, row), tag))
            elif i not in [other["claim"] for other in cited]:
                cited.append(tag)
    name, page = passage_name(passage, number), passage.get("page")
    details = (passage["id"], passage.get("source"), None if page is None else f"page {page}")
    return {
        "number": number,
        "name": name,
        "details": [text for text in details if text not in (None, name, str(number))],
        "cited": cited,
        "pieces": split(_unwrapped(passage["text"]), found),
    }


def _unwrapped(text: str) -> str:
    """The text with the line ends of hard-wrapped paragraphs as spaces; no offset moves."""
    return _WRAPPED.sub(lambda match: " " * len(match.group()), text)
