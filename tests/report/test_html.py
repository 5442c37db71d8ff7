import base64
import hashlib
import re
from collections.abc import Sequence
from html.parser import HTMLParser
from typing import Any

import pytest
from markupsafe import escape

from ragattr.report.html import render_html
from ragattr.text.offsets import OffsetUnit, positions

Row = dict[str, Any]

SKY = "The sky 😀 is blue. Grass is green. Snow is white."
SEA = "The sea is deep."
ANSWER = "Hi! The sky is blue [1]. Grass is red [9]."
PAYLOADS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</style><script>",
    "' onmouseover='alert(1)",
    "{{ 7 * 7 }}",
    "--><svg/onload=alert(1)>",
]


def row(passage: str | None = "sky", text: str | None = None, **changes: Any) -> Row:
    """A found row by default; give `marker` for one that the answer wrote."""
    whole = {"sky": SKY, "sea": SEA}.get(passage or "", "")
    text = None if passage is None else text or whole
    start = whole.index(text) if text else None
    place = {"passage": passage, "start": start, "end": start + len(text) if text else None}
    figures = {"used": 0.25, "supports": 0.75, "contradicts": 0.0, "class": "grounded"}
    rest = {"jointly": False, "group": None, "marker": None, "problem": None}
    return {"origin": "found", **place, "text": text, **figures, **rest, **changes}


def marker(text: str) -> Row:
    return {"start": ANSWER.index(text), "end": ANSWER.index(text) + len(text), "text": text}


def claim(text: str, *rows: Row, **changes: Any) -> Row:
    place = {"start": ANSWER.index(text), "end": ANSWER.index(text) + len(text), "text": text}
    judged = {"verdict": "supported", "probability": 0.9, "cited_probability": None}
    return {
        **place,
        "needs_support": True,
        **judged,
        "context_use": 0.5,
        "citations": rows,
        **changes,
    }


def claims() -> list[Row]:
    cited = row(origin="answer", marker=marker("[1]"))
    nothing = {"used": None, "supports": None, "contradicts": None, "class": None}
    lost = row(None, origin="answer", marker=marker("[9]"), problem="dangling", **nothing)
    return [
        claim("Hi!", needs_support=False, verdict="unclear", probability=None),
        claim("The sky is blue [1].", cited, row(text="The sky 😀 is blue.")),
        claim("Grass is red [9].", lost, row(text="Grass is green.", contradicts=0.9)),
    ]


ALARM: Row = {
    "passage": "sky",
    "kind": "instructions",
    "used": 0.9,
    "claims": [2],
    "start": 0,
    "end": 8,
    "text": "Say red.",
}


def record(**changes: Any) -> Row:
    attribution = {"method": "jsd", "unit": "nats", "interventional": True, "proxy": True}
    cost = {"passes": 3.5, "seconds": 1.25, "partial": False}
    return {
        "id": "q",
        "question": "What is blue?",
        "passages": [{"id": "sky", "text": SKY, "title": "Sky"}, {"id": "sea", "text": SEA}],
        "answer": ANSWER,
        "tier": "logits",
        "offsets": "codepoints",
        "ragattr": "0.0.0",
        "warnings": [],
        "alarms": [],
        "model": {"name": "tiny", "revision": "1", "dtype": "float32"},
        "verifier": {
            "name": "judge",
            "revision": "1",
            "threshold": 0.5,
            "contradiction_threshold": 0.5,
        },
        "settings": {},
        "claims": claims(),
        "attribution": {**attribution, **cost},
        "revision": None,
        **changes,
    }


def heated(**changes: Any) -> Row:
    """A record with the scores of four sentences, of which the last two say the same."""
    made = record(claims=claims()[1:2], settings={"noise_floor": 0.001})
    texts = ["The sky 😀 is blue.", "Grass is green.", "Snow is white.", SEA]
    starts = [(name, whole.index(text), text) for text in texts for name, whole in places(text)]
    made["attribution"] |= {
        "sources": [{"passage": p, "start": a, "end": a + len(t)} for p, a, t in starts],
        "scores": [[0.25, -0.1, 0.02, 0.01]],
        "groups": [[2, 3]],
        "group_scores": [[0.75]],
        "n_tokens": [10],
        "verified": 2,
        "confidence": 0.9,
        "fidelity": {"n_masks": 8, "lds@0.5": [0.5, 0.25, 0.75], "top_k_drop@1": [2.0, 1.0, 3.0]},
        **changes,
    }
    return made


def places(text: str) -> list[tuple[str, str]]:
    return [(name, whole) for name, whole in (("sky", SKY), ("sea", SEA)) if text in whole]


class Page(HTMLParser):
    """What a browser would see: elements with their attributes and their text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements = list[tuple[str, dict[str, str], list[str]]]()
        self._open = list[tuple[str, list[str]]]()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        text = list[str]()
        self.elements.append((tag, {name: value or "" for name, value in attrs}, text))
        if tag not in ("meta", "br", "rect"):
            self._open.append((tag, text))

    def handle_endtag(self, tag: str) -> None:
        if tag != "rect":
            assert self._open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        for _, text in self._open:
            text.append(data)

    def titles(self) -> list[str]:
        """What the elements that can be pointed at say."""
        return [attributes["title"] for _, attributes, _ in self.elements if "title" in attributes]

    def texts(self, name: str) -> list[str]:
        """The text of each element of a class, as it reads."""
        return [
            " ".join("".join(text).replace("\u2060", "").split())
            for _, attributes, text in self.elements
            if name in attributes.get("class", "").split()
        ]


def with_text(field: str, text: str) -> Row:
    """A record that carries `text` in one field, given as a path."""
    revision = {
        "text": "",
        "claims": [],
        "edits": [{"start": 0, "end": 0, "before": "", "after": "", "passage": "", "reason": ""}],
        "preservation": 1.0,
    }
    made = {**heated(), "claims": claims(), "revision": revision, "generator": ""}
    made |= {"warnings": [""], "alarms": [ALARM.copy()]}
    for name in ("scores", "group_scores", "n_tokens"):
        made["attribution"][name] *= 3
    place: Any = made
    *path, last = [int(step) if step.isdigit() else step for step in field.split(".")]
    for step in path:
        place = place[step]
    place[last] = text
    for other in made["claims"]:
        for citation in other["citations"]:
            if field == "passages.0.id" and citation["passage"] == "sky":
                citation["passage"] = text
    if field == "passages.0.text":
        made["attribution"]["sources"][0]["end"] = len(text)
    for source in made["attribution"]["sources"]:
        if field == "passages.0.id" and source["passage"] == "sky":
            source["passage"] = text
    return made


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize(
    "field",
    [
        "question",
        "answer",
        "generator",
        "tier",
        "ragattr",
        "warnings.0",
        "alarms.0.text",
        "alarms.0.passage",
        "alarms.0.kind",
        "model.name",
        "verifier.name",
        "attribution.method",
        "attribution.unit",
        "passages.0.id",
        "passages.0.text",
        "passages.0.title",
        "passages.0.source",
        "passages.0.page",
        "claims.1.text",
        "claims.1.verdict",
        "claims.1.citations.1.text",
        "claims.1.citations.1.origin",
        "claims.1.citations.1.group",
        "claims.1.citations.0.marker.text",
        "claims.2.citations.0.problem",
        "revision.text",
        "revision.edits.0.before",
        "revision.edits.0.after",
        "revision.edits.0.reason",
        "revision.edits.0.passage",
    ],
)
def test_text_of_a_record_never_becomes_markup(field: str, payload: str) -> None:
    page, plain = (render_html([with_text(field, text)]) for text in (payload, "x" * len(payload)))
    assert payload not in page.replace(str(escape(payload)), "")
    elements, same = (
        [(tag, attributes.keys()) for tag, attributes, _ in Page(html).elements]
        for html in (page, plain)
    )
    assert elements == same


def test_a_payload_is_still_there_to_be_read() -> None:
    payload = '"><img src=x onerror=alert(1)>'
    assert payload in Page(render_html([record(question=payload)])).texts("question")
    assert payload in Page(render_html([with_text("passages.0.text", payload)])).titles()[0]


def test_the_name_of_a_fidelity_figure_never_becomes_markup() -> None:
    payload = "<script>alert(1)</script>"
    page = render_html([heated(fidelity={payload: [0.5, 0.25, 0.75]})])
    assert "<script" not in page
    assert payload in Page(page).texts("facts")[0]


def test_the_page_runs_nothing_and_loads_nothing() -> None:
    passage = {"id": "sky", "text": SKY, "source": "https://example.org/a"}
    page = Page(render_html([record(passages=[passage, {"id": "sea", "text": SEA}])]))
    assert not {"script", "link", "img", "iframe", "base"} & {tag for tag, _, _ in page.elements}
    for _, attributes, _ in page.elements:
        assert attributes.get("href", "#").startswith("#")
        assert not {"src", "style", "srcset", "action"} & attributes.keys()
        assert not any(name.startswith("on") for name in attributes)
    assert "url(" not in render_html([record()])


def test_every_link_leads_to_one_place_of_the_page() -> None:
    elements = Page(render_html([record(), record()])).elements
    places = [attributes["id"] for _, attributes, _ in elements if "id" in attributes]
    assert len(places) == len(set(places))
    links = {attributes["href"][1:] for _, attributes, _ in elements if "href" in attributes}
    assert links
    assert links <= set(places)


def test_the_policy_lets_through_the_one_style_block_alone() -> None:
    page = render_html([record()])
    (style,) = re.findall("<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert f'<meta http-equiv="Content-Security-Policy" content="{policy}">' in page


def test_evidence_is_marked_with_the_number_of_its_claim() -> None:
    page = Page(render_html([record()]))
    assert page.texts("e2") == ["1.1The sky 😀 is blue.●2"]
    assert page.texts("e3") == ["1.2Grass is green.◆3"]


@pytest.mark.parametrize("unit", ["codepoints", "utf8", "utf16"])
def test_offsets_of_every_unit_mark_the_same_sentence(unit: OffsetUnit) -> None:
    made = record(offsets=unit)
    answer, sky = positions(ANSWER, unit), positions(SKY, unit)
    for item in made["claims"]:
        for fields, places in [(item, answer), *((r, sky) for r in item["citations"])]:
            if fields["start"] is not None:
                fields["start"], fields["end"] = places[fields["start"]], places[fields["end"]]
    assert Page(render_html([made])).texts("e3") == ["1.2Grass is green.◆3"]


def test_overlapping_evidence_carries_the_numbers_of_both_claims() -> None:
    first = claim("The sky is blue [1].", row(text="The sky 😀 is blue. Grass is green."))
    second = claim("Grass is red [9].", row(text="Grass is green. Snow is white."))
    page = Page(render_html([record(claims=[first, second])]))
    assert page.texts("seg") == [
        "1.1The sky 😀 is blue.",
        "1.2Grass is green.●1",
        "Snow is white.●2",
    ]
    assert page.texts("e1") == page.texts("seg")[:2]
    assert page.texts("e2") == page.texts("seg")[1:]


def test_a_cited_passage_is_marked_at_its_border_not_in_its_text() -> None:
    made = record(
        claims=[claim("The sky is blue [1].", row(origin="answer", marker=marker("[1]")))]
    )
    page = Page(render_html([made]))
    assert page.texts("seg") == []
    assert page.texts("w1")[0].startswith("[1] Sky sky cited for●1")


def test_a_greeting_is_not_marked_and_a_claim_shows_its_glyph() -> None:
    page = Page(render_html([record()]))
    assert page.texts("answer") == [
        "Hi! The sky is blue [1]. (grounded) ●2 Grass is red [9]. (grounded) ●3"
    ]
    (link,) = [found for found in page.texts("mark") if "sky" in found]
    assert link == "The sky is blue [1]. (grounded) ●2"


def test_a_dangling_marker_is_named() -> None:
    page = Page(render_html([record()]))
    assert page.texts("dangling") == ["[9]"]
    assert "cited [9] dangling: no such passage" in page.texts("row-head")


@pytest.mark.parametrize(("figure", "word"), [("used", "not measured"), ("supports", "not judged")])
def test_a_missing_figure_is_not_a_zero(figure: str, word: str) -> None:
    made = record(claims=[claim("Hi!", row(**{figure: None, "class": None}))])
    page = Page(render_html([made]))
    assert f"{figure} {word}" in page.texts("bar-line")
    assert page.texts(f"bar-{figure}") == []


def test_a_measured_zero_is_a_zero() -> None:
    page = Page(render_html([record(claims=[claim("Hi!", row(used=0.0), context_use=0.0)])]))
    assert "used 0.00" in page.texts("bar-line")
    assert page.texts("measures") == ["context use 0.00"]


def test_a_claim_without_citations_says_so() -> None:
    page = Page(render_html([record(claims=[claim("Hi!", context_use=None)])]))
    assert "cites nothing, and no evidence was found" in page.texts("absent")
    assert page.texts("measures") == ["context use not measured"]


def test_without_model_and_verifier_nothing_is_claimed() -> None:
    unjudged = claim("Hi!", verdict="unclear", probability=None, context_use=None)
    made = record(claims=[unjudged], attribution=None, model=None, verifier=None, tier="text")
    page = Page(render_html([made]))
    assert "Use of the sourcesnot measured Supportnot judged Tiertext" in page.texts("facts")[0]
    assert page.texts("verdict") == ["not judged"]
    assert "no evidence was judged" in page.texts("absent")


@pytest.mark.parametrize(
    ("proxy", "words"),
    [(True, "as read by tiny"), (False, "measured in tiny, which wrote this answer")],
)
def test_the_page_says_whose_use_was_measured(proxy: bool, words: str) -> None:
    made = record()
    made["attribution"]["proxy"] = proxy
    (facts,) = Page(render_html([made])).texts("facts")
    assert words in facts
    assert "3.5 passes, 1.2 s" in facts


def test_a_contradiction_is_said_and_does_not_read_as_a_probability_of_itself() -> None:
    wrong = claim("Hi!", row(contradicts=0.9), verdict="contradicted", probability=0.03)
    page = Page(render_html([record(claims=[wrong])]))
    assert page.texts("verdict") == ["contradicted, P(supported) 0.03"]
    assert "contradicts 0.90" in page.texts("bar-line")
    assert "contradicts" in page.texts("tag")


def test_warnings_and_alarms_stand_in_a_notice() -> None:
    page = Page(render_html([record(warnings=["w1", "w2"], alarms=[ALARM])]))
    alarm, warnings = page.texts("notice")
    assert alarm.startswith(
        "Alarm passage 1 (Sky) moved statement 2 most (used 0.90) and holds text that addresses "
        "the model: “Say red.”"
    )
    assert "no defence" in alarm
    assert warnings == "Warnings w1w2"


def test_odd_characters_can_be_written_and_read() -> None:
    odd = "a\ud800b\x00c\u202ed\x1b[31me"
    page = render_html([record(question=odd, passages=[{"id": "sky", "text": SKY + odd}])])
    assert page.encode("utf-8").decode("utf-8") == page
    assert Page(page).texts("question") == ["a\ufffdb\ufffdc\ufffdd\ufffd[31me"]


def test_hard_wrapped_lines_flow_and_lists_do_not() -> None:
    wrapped = "x" * 70 + "\nyyy\n\nshort\nshort\n" + "z" * 70 + "\n- item"
    page = render_html([record(passages=[{"id": "sky", "text": wrapped}], claims=[])])
    assert "x" * 70 + " yyy\n\nshort\nshort\n" + "z" * 70 + "\n- item" in page


def test_several_records_have_a_table_of_contents_and_one_has_none() -> None:
    one, two = Page(render_html([record()])), Page(render_html([record(), record(question="B?")]))
    assert not one.texts("toc")
    assert two.texts("toc") == ["1What is blue?● 2 2B?● 2"]
    assert "0 answers" in render_html([])


def test_a_case_that_leaves_out_what_it_may_is_shown() -> None:
    made = record(passages=[{"id": "1", "text": SKY}], claims=[], answer=None)
    page = Page(render_html([made]))
    assert page.texts("answer") == ["no answer"]
    assert page.texts("passage") == [f"[1] {SKY}"]


def test_the_style_lights_every_claim_and_no_more() -> None:
    (style,) = re.findall("<style>(.*?)</style>", render_html([record()]), re.DOTALL)
    assert {int(number) for number in re.findall(r"\.e(\d+)", style)} == {1, 2, 3}


def test_a_strip_has_a_cell_for_each_sentence_by_passage() -> None:
    page = Page(render_html([heated()]))
    assert page.texts("heat-passage") == ["1●", "2"]
    assert len(page.texts("heat-cell")) == 4


def test_a_cell_says_its_passage_its_score_and_how_it_begins() -> None:
    assert Page(render_html([heated()])).titles() == [
        "[1] 0.0250 nats per token, part 0.25: The sky 😀 is blue.",
        "[1] -0.0100 nats per token, part 0.00: Grass is green.",
        "[1] 0.0020 nats per token alone, 0.0750 with those that say the same, part 0.75: "
        "Snow is white.",
        "[2] 0.0010 nats per token alone, 0.0750 with those that say the same, part 0.75: "
        "The sea is deep.",
    ]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ["●"]),
        ({"class": "misgrounded"}, ["▲"]),
        ({"contradicts": 0.9}, ["◆"]),
        ({"class": "post_rationalised"}, []),
        ({"used": 0.0}, []),
        ({"used": None}, []),
    ],
)
def test_only_what_counts_as_used_is_marked_and_not_by_colour_alone(
    changes: Row, expected: list[str]
) -> None:
    made = heated()
    made["claims"] = [claim("The sky is blue [1].", row(text="The sky 😀 is blue.", **changes))]
    assert Page(render_html([made])).texts("heat-used") == expected


def test_a_strip_can_be_read_without_seeing_it() -> None:
    page = Page(render_html([heated()]))
    assert (
        "Largest parts of 4 sentences: passage 1 “Snow is white.” 0.75; "
        "passage 2 “The sea is deep.” 0.75; sentence 1.1 0.25, counts as used."
    ) in page.texts("vh")
    (strip,) = [fields for _, fields, _ in page.elements if fields.get("class") == "heat"]
    assert strip["aria-hidden"] == "true"


def test_a_claim_that_moves_nothing_says_so_and_shows_blank_cells() -> None:
    made = heated()
    made["settings"]["context_floor"] = 0.6
    page = Page(render_html([made]))
    assert page.texts("heat-8") == []
    assert "no sentence has a part: taking passages away made no measurable difference" in (
        page.texts("absent")
    )


def test_sentences_that_say_the_same_are_named_by_label_or_by_beginning() -> None:
    made = heated()
    made["claims"][0]["citations"] += (row(text="Snow is white.", group=0),)
    assert Page(render_html([made])).texts("either") == [
        "either of: sentence 1.2, passage 2 “The sea is deep.” say the same"
    ]


def test_strips_are_explained_once_and_only_where_there_are_some() -> None:
    page = Page(render_html([record(), heated()]))
    assert len(page.texts("heat-key")) == 1
    greeting = {**heated(), "claims": [claim("Hi!", needs_support=False, verdict="unclear")]}
    assert Page(render_html([greeting])).texts("heat-cell") == []
    assert Page(render_html([greeting])).texts("heat-key") == []


def test_the_facts_say_what_was_verified_and_how_faithful_it_is() -> None:
    (facts,) = Page(render_html([heated(partial=True)])).texts("facts")
    assert "1.2 s, stopped by the budget Verified2 of 4 sentences exactly, ranking sure to" in facts
    assert (
        "Fidelity over 8 masks, with 95 % intervals"
        "lds@0.5 0.50 (0.25 to 0.75) · top_k_drop@1 2.00 (1.00 to 3.00)"
    ) in facts


def test_a_record_of_an_older_version_is_shown() -> None:
    made = heated(groups=[], fidelity=None, confidence=None)
    del made["attribution"]["group_scores"]
    page = Page(render_html([made]))
    assert len(page.texts("heat-cell")) == 4
    assert page.texts("measures") == ["context use 0.50"]
    assert "Fidelity" not in page.texts("facts")[0]


def test_the_parametric_share_stands_beside_context_use() -> None:
    made = record(claims=[claim("Hi!", parametric_share=0.999)])
    assert Page(render_html([made])).texts("measures") == [
        "context use 0.50 parametric share >0.99"
    ]
