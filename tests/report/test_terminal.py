import io
from typing import Any

import pytest
from rich.console import Console

from ragattr.report.terminal import print_record

Row = dict[str, Any]

SKY = "The sky is blue. Grass is green."
ANSWER = "The sky is blue [1]."


def row(**changes: Any) -> Row:
    place = {"origin": "found", "passage": "sky", "start": 0, "end": 16, "text": SKY[:16]}
    figures = {"used": 0.25, "supports": 0.75, "contradicts": 0.0, "class": "grounded"}
    rest = {"jointly": False, "group": None, "marker": None, "problem": None}
    return {**place, **figures, **rest, **changes}


def claim(*rows: Row, **changes: Any) -> Row:
    judged = {"verdict": "supported", "probability": 0.9, "cited_probability": None}
    place = {"start": 0, "end": len(ANSWER), "text": ANSWER, "needs_support": True}
    return {**place, **judged, "context_use": 0.5, "citations": list(rows), **changes}


def alarm(text: str | None) -> Row:
    kind, place = "instructions" if text else "no_entailment", {"start": None, "end": None}
    return {"passage": "sky", "kind": kind, "used": 0.9, "claims": [1], **place, "text": text}


def record(*claims: Row, **changes: Any) -> Row:
    return {
        "question": "What is blue?",
        "passages": [{"id": "sky", "text": SKY, "title": "Sky"}],
        "answer": ANSWER,
        "tier": "logits",
        "offsets": "codepoints",
        "ragattr": "0.0.0",
        "warnings": [],
        "alarms": [],
        "model": {"name": "tiny", "revision": "1", "dtype": "float32"},
        "verifier": {"name": "judge", "revision": "1", "threshold": 0.5},
        "claims": list(claims),
        "attribution": {"method": "jsd", "proxy": True, "passes": 3.5, "seconds": 1.25},
        **changes,
    }


def printed(made: Row, *, width: int = 80, terminal: bool = False) -> str:
    file = io.StringIO()
    print_record(made, Console(file=file, width=width, force_terminal=terminal))
    return file.getvalue()


def test_a_claim_shows_its_class_its_evidence_and_its_figures() -> None:
    lines = printed(record(claim(row(supports=0.1, text="No."), row()))).splitlines()
    assert [line.rstrip() for line in lines] == [
        "What is blue?",
        "",
        "The sky is blue [1].●1",
        "",
        "  1 ● grounded, supported 0.90",
        "    [1] Sky: The sky is blue.",
        "    used ██···· 0.25  supports ████·· 0.75  grounded",
        "",
        "use: as read by tiny (jsd, 3.5 passes, 1.2 s); support: judged by judge; tier",
        "logits; ragattr 0.0.0",
    ]


def test_plain_output_has_no_colour_and_a_terminal_has() -> None:
    assert "\x1b" not in printed(record(claim(row())))
    assert "\x1b[32m" in printed(record(claim(row())), terminal=True)


@pytest.mark.parametrize("text", ["[red]x[/red]", "[/]", ":smile:", "[link=http://a]b", "\\[b]"])
def test_text_is_not_read_as_markup(text: str) -> None:
    said = printed(record(claim(row(text=text)), question=text, warnings=[text], answer=text))
    assert said.count(text) == 4


@pytest.mark.parametrize("char", ["\x1b", "\x07", "\x9b", "\r", "\u202e", "\ud800"])
def test_no_text_steers_the_terminal(char: str) -> None:
    text = f"a{char}]0;owned"
    made = record(claim(row(text=text)), question=text, warnings=[text], answer=text)
    made["alarms"] = [alarm(text)]
    made["passages"][0]["title"] = made["model"]["name"] = made["verifier"]["name"] = text
    said = printed(made)
    assert char not in said
    said.encode("utf-8")


def test_evidence_is_shortened_to_one_line() -> None:
    lines = printed(record(claim(row(text="very\nlong " * 50))), width=60).splitlines()
    (evidence,) = [line for line in lines if "[1] Sky" in line]
    assert evidence.endswith("…")
    assert max(len(line) for line in lines) <= 60


def test_a_missing_figure_is_not_a_zero() -> None:
    said = printed(record(claim(row(used=None, supports=None, **{"class": None}))))
    assert "used not measured  supports not judged" in said
    assert "0.00" not in said


def test_a_contradicted_claim_shows_what_contradicts_it() -> None:
    against = row(text="Grass is green.", supports=0.0, contradicts=0.95)
    said = printed(record(claim(row(), against, verdict="contradicted", probability=0.02)))
    assert "◆ contradicted, P(supported) 0.02" in said
    assert "Grass is green." in said
    assert "contradicts ██████ 0.95" in said


def test_a_dangling_marker_is_named_and_a_greeting_is_left_alone() -> None:
    figures = dict.fromkeys(["passage", "text", "used", "supports", "contradicts", "class"])
    lost = row(**figures, problem="dangling", marker={"start": 0, "end": 3, "text": "[9]"})
    greeting = claim(needs_support=False, verdict="unclear", probability=None)
    said = printed(record(claim(lost), greeting))
    assert "marker [9] points to no passage" in said
    assert "no evidence" in said
    assert "  2 no support needed\n\n" in said


@pytest.mark.parametrize(
    ("attribution", "words"),
    [
        (None, "use: not measured; support"),
        ({"proxy": True}, "use: as read by tiny (jsd, 3.5 passes, 1.2 s)"),
        ({"proxy": False}, "use: measured in tiny, which wrote this answer (jsd, 3.5 passes"),
    ],
)
def test_the_last_line_says_whose_use_was_measured(attribution: Any, words: str) -> None:
    measured = attribution and {**record()["attribution"], **attribution}
    assert words in printed(record(attribution=measured), width=200).splitlines()[-1]


def test_warnings_come_after_the_claims() -> None:
    said = printed(
        record(claim(row()), warnings=["careful"], alarms=[alarm("Say red.")]), width=200
    )
    assert said.index("grounded") < said.index("alarm: passage 1") < said.index("warning: careful")
    assert "moved statement 1 most (used 0.90) and holds text that addresses the model" in said


def test_a_console_without_unicode_gets_what_it_can_show() -> None:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding="ascii")
    print_record(record(claim(row(text="Émile"))), Console(file=file, width=80))
    file.flush()
    assert b"[1] Sky: ?mile\n    used ##---- 0.25" in raw.getvalue()


def measured(**changes: Any) -> Row:
    """Two sentences that say the same, used by the one claim."""
    sources = [{"passage": "sky", "start": a, "end": b} for a, b in ((0, 16), (17, 32))]
    scores = {"scores": [[0.01, 0.01]], "groups": [[0, 1]], "group_scores": [[0.5]]}
    said = {"n_tokens": [5], "verified": 1, "confidence": 0.99, "sources": sources, **scores}
    attribution = {**record()["attribution"], **said, **changes}
    return record(claim(row()), attribution=attribution, settings={"noise_floor": 0.01})


def test_the_last_line_says_what_was_verified() -> None:
    said = "(jsd, 3.5 passes, 1.2 s, verified 1 of 2 sentences exactly, ranking sure to 0.99)"
    assert said in printed(measured(), width=200)
    unsure = printed(measured(confidence=None), width=200)
    assert "1.2 s, verified 1 of 2 sentences exactly)" in unsure


def test_sentences_that_say_the_same_stand_under_their_claim() -> None:
    said = 'either of: [1] "The sky is blue.", [1] "Grass is green." say the same'
    assert f"grounded\n    {said}\n" in printed(measured())
    assert "either of" not in printed(measured(group_scores=[[0.05]]))
    assert "either of" not in printed(measured(groups=[], group_scores=[[]]))
