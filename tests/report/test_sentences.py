from typing import Any

import numpy as np
import pytest

from ragattr.metrics.usage import claim_use
from ragattr.record import to_attribution_record
from ragattr.report.sentences import (
    beginning,
    either_of,
    fidelity_figures,
    parts,
    sentences,
    verified,
)
from ragattr.text.offsets import OffsetUnit, positions
from ragattr.types import (
    Answer,
    Attribution,
    Claim,
    Context,
    Floors,
    ModelCard,
    Passage,
    Query,
    Source,
    Span,
)

Row = dict[str, Any]

SKY = "The sky 😀 is blue. Grass is green."
SEA = "The sea is deep."
PLACES = [("sky", 0, 18), ("sky", 19, 34), ("sea", 0, 16)]
FLOORS = {"noise_floor": 0.01, "context_floor": 0.05, "reader_floor": -8.0}


def record(**changes: Any) -> Row:
    """One claim of 10 tokens over three sentences, of which the last two say the same."""
    return {
        "passages": [{"id": "sky", "text": SKY}, {"id": "sea", "text": SEA}],
        "offsets": "codepoints",
        "settings": FLOORS,
        "claims": [{"context_use": 0.5}],
        "attribution": {
            "sources": [{"passage": p, "start": a, "end": b} for p, a, b in PLACES],
            "scores": [[0.1, 0.02, -0.01]],
            "groups": [[1, 2]],
            "group_scores": [[0.3]],
            "n_tokens": [10],
            "reader_logprob": -1.0,
            **changes,
        },
    }


def test_members_of_a_group_have_its_part_and_it_counts_once() -> None:
    assert parts(record(), 0) == pytest.approx([0.25, 0.75, 0.75])


def test_without_groups_negative_scores_have_no_part() -> None:
    assert parts(record(groups=[], group_scores=[[]]), 0) == pytest.approx([0.1 / 0.12, 1 / 6, 0])


def test_a_record_without_group_scores_has_no_joint_part() -> None:
    made = record()
    del made["attribution"]["group_scores"]
    assert parts(made, 0) == pytest.approx([0.1 / 0.12, 1 / 6, 0])
    assert either_of(made, 0) == []


def test_a_claim_that_moves_nothing_has_parts_of_zero() -> None:
    made = {**record(), "claims": [{"context_use": 0.04}]}
    assert parts(made, 0) == [0, 0, 0]
    assert either_of(made, 0) == []
    assert parts(record(scores=[[0.0, -0.1, 0.0]], group_scores=[[-0.2]]), 0) == [0, 0, 0]


@pytest.mark.parametrize("changes", [{"reader_logprob": -8.1}, {"scores": []}])
def test_what_was_not_measured_has_no_parts(changes: Row) -> None:
    assert parts(record(**changes), 0) is None
    assert parts({**record(), "attribution": None}, 0) is None


def test_parts_are_what_the_record_calls_used() -> None:
    attribution = measured([[0.2, 0.1], [0.02, 0.03], [-0.04, 0.01]], joint=[0.3, 0.2])
    use = claim_use(attribution, attribution.answer.claims[0])
    case = {"passages": [{"id": "sky", "text": SKY}, {"id": "sea", "text": SEA}]}
    assert use is not None
    assert use.shares is not None
    assert parts(to_attribution_record(case, attribution), 0) == pytest.approx(list(use.shares))


def measured(scores: list[list[float]], joint: list[float]) -> Attribution:
    """An answer of two tokens, read by a model whose floors are known."""
    text = "It is."
    answer = Answer(
        context=Context(Query("?", "q"), (Passage(SKY, "sky"), Passage(SEA, "sea"))),
        text=text,
        claims=(Claim(text, Span(0, 6)),),
        markers=(),
    )
    return Attribution(
        answer=answer,
        tokens=(Span(0, 2), Span(2, 6)),
        sources=tuple(Source(int(p == "sea"), Span(a, b)) for p, a, b in PLACES),
        scores=np.array(scores),
        unit="nats",
        groups=((1, 2),),
        group_scores=np.array([joint]),
        logprobs=np.array([-1.0, -2.0]),
        context_scores=np.array([0.5, 0.6]),
        model=ModelCard("tiny", "1", "float32"),
        floors=Floors(noise=0.01, context=0.05, reader=-8.0),
    )


@pytest.mark.parametrize(
    ("joint", "floor", "expected"),
    [(0.11, 0.01, [[1, 2]]), (0.1, 0.01, []), (0.09, 0.01, []), (0.3, None, [])],
)
def test_a_group_is_named_when_its_score_per_token_is_above_the_floor(
    joint: float, floor: float | None, expected: list[list[int]]
) -> None:
    made = {**record(group_scores=[[joint]]), "settings": {**FLOORS, "noise_floor": floor}}
    assert either_of(made, 0) == expected


@pytest.mark.parametrize("unit", ["codepoints", "utf8", "utf16"])
def test_sentences_of_every_unit_are_the_same(unit: OffsetUnit) -> None:
    made = {**record(), "offsets": unit}
    for source in made["attribution"]["sources"]:
        places = positions({"sky": SKY, "sea": SEA}[source["passage"]], unit)
        source["start"], source["end"] = places[source["start"]], places[source["end"]]
    assert [(sentence.number, sentence.text) for sentence in sentences(made)] == [
        (1, "The sky 😀 is blue."),
        (1, "Grass is green."),
        (2, "The sea is deep."),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", ""), ("a\n b", "a b"), ("12345678", "12345678"), ("123456 89", "123456…")],
)
def test_a_beginning_is_one_short_line(text: str, expected: str) -> None:
    assert beginning(text, 8) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, None),
        ({"verified": 2}, "2 of 3 sentences exactly"),
        ({"verified": 2, "confidence": None}, "2 of 3 sentences exactly"),
        ({"verified": 0, "confidence": 0.97}, "0 of 3 sentences exactly, ranking sure to 0.97"),
        ({"verified": 3, "confidence": 0.999}, "3 of 3 sentences exactly, ranking sure to >0.99"),
    ],
)
def test_what_was_verified_is_said_where_it_is_known(fields: Row, expected: str | None) -> None:
    assert verified({"sources": [{}] * 3, **fields}) == expected


def test_only_figures_with_an_interval_are_fidelity() -> None:
    found = {"n_masks": 8, "lds@0.5": [0.5, -0.25, 0.75], "passes": 3.5}
    assert fidelity_figures({"fidelity": found}) == [("lds@0.5", "0.50 (-0.25 to 0.75)")]
    assert fidelity_figures({"fidelity": None}) == fidelity_figures({}) == []
