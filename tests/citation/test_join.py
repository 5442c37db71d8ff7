"""The join, on figures written by hand."""

from dataclasses import replace

import numpy as np
import pytest

from ragattr.citation.join import Cite, citation_class
from ragattr.text.align import token_spans
from ragattr.text.claims import read_claims
from ragattr.text.sentences import sources_of
from ragattr.types import (
    Answer,
    Attribution,
    Citation,
    CitedAnswer,
    Context,
    Floors,
    Judgement,
    Label,
    ModelCard,
    Passage,
    Query,
    Verdict,
    VerifierCard,
)

PASSAGES = (Passage("Bees make honey. Bees fly.", "a"), Passage("Iron rusts.", "b"))
FLOORS = Floors(noise=0.02, context=0.05, reader=-4.0)


def _judgement(
    text: str,
    per_token: list[list[float]] | None,
    supports: list[float],
    *,
    context: float = 0.5,
    logprob: float = -1.0,
    floors: Floors | None = FLOORS,
    proof: tuple[int, ...] = (),
    contradicts: tuple[float, ...] = (0.0, 0.0, 0.0),
    label: Label = "supported",
) -> Judgement:
    """One claim over three sentences; `per_token` are scores [sources, words of the answer]."""
    claims, markers = read_claims(text, len(PASSAGES))
    starts = [0, *(i for i, char in enumerate(text) if char == " ")]
    n_tokens = len(starts)
    answer = Answer(Context(Query("?", "q"), PASSAGES), text, claims, markers)
    measured = Attribution(
        answer=answer,
        tokens=token_spans(starts, len(text)) if per_token else (),
        sources=sources_of(PASSAGES),
        scores=np.array(per_token) if per_token else None,
        unit="nats",
        context_scores=np.full(n_tokens, context * np.log(2)) if per_token else None,
        logprobs=np.full(n_tokens, logprob) if per_token else None,
        model=ModelCard("reader", "1", "float32") if per_token else None,
        floors=floors,
    )
    alone = np.array([supports])
    return Judgement(
        attribution=measured,
        sources=sources_of(PASSAGES),
        supports=alone,
        contradicts=np.array([contradicts]),
        passage_supports=np.array([[max(supports[:2]), supports[2]]]),
        passage_contradicts=np.array([[max(contradicts[:2]), contradicts[2]]]),
        cited=np.array([np.nan]),
        verdicts=(Verdict(claims[0], label, max(supports)),),
        proofs=(proof,),
        verifier=VerifierCard("v", "1", 0.5, 0.6),
    )


def _cite(judgement: Judgement) -> CitedAnswer:
    (cited,) = Cite()([judgement])
    return cited


def _rows(judgement: Judgement) -> tuple[Citation, ...]:
    return _cite(judgement).citations[0]


@pytest.mark.parametrize(
    ("used", "supports", "expected"),
    [
        (True, True, "grounded"),
        (False, True, "post_rationalised"),
        (True, False, "misgrounded"),
        (False, False, "unsupported"),
        (None, True, None),
        (True, None, None),
    ],
)
def test_used_and_supported_give_the_class(
    used: bool | None, supports: bool | None, expected: str | None
) -> None:
    assert citation_class(used, supports) == expected


def test_used_is_the_share_of_the_claims_scores() -> None:
    rows = _rows(_judgement("Bees sting.", [[0.3, 0.0], [0.0, 0.1], [0.0, 0.0]], [0.9, 0.1, 0.1]))
    assert [row.used for row in rows] == pytest.approx([0.75, 0.25])
    assert [row.cls for row in rows] == ["grounded", "misgrounded"]


def test_whether_it_counts_is_decided_per_token_and_not_by_the_share() -> None:
    # 0.03 nats over two tokens is 0.015 a token, under the floor of 0.02, though its share is 1.
    (row,) = _rows(_judgement("Bees sting.", [[0.03, 0.0], [0, 0], [0, 0]], [0.9, 0.1, 0.1]))
    assert row.used == pytest.approx(1.0)
    assert row.cls == "post_rationalised"


def test_each_number_of_a_marker_gives_a_row_that_spans_its_passage() -> None:
    scores = [[0.3, 0.0, 9.0], [0.0, 0.1, 9.0], [0.0, 0.0, 9.0]]
    rows = _rows(_judgement("Bees sting [1,2].", scores, [0.9, 0.1, 0.1]))
    answer_rows = [row for row in rows if row.origin == "answer"]
    assert [row.source.span.end for row in answer_rows if row.source] == [26, 11]
    assert [row.used for row in answer_rows] == pytest.approx([1.0, 0.0])  # marker tokens left out
    assert [row.cls for row in answer_rows] == ["grounded", "unsupported"]
    assert rows[: len(answer_rows)] == tuple(answer_rows)


def test_a_number_that_points_nowhere_is_dangling_with_null_figures() -> None:
    rows = _rows(
        _judgement("Bees sting [7].", [[0.3, 0, 0], [0, 0, 0], [0, 0, 0]], [0.9, 0.1, 0.1])
    )
    assert rows[0].problem == "dangling"
    assert (rows[0].source, rows[0].used, rows[0].supports, rows[0].cls) == (None, None, None, None)


def test_a_part_of_a_proof_counts_as_supporting_though_it_does_not_suffice() -> None:
    judgement = _judgement("Bees sting.", [[0.3, 0], [0, 0], [0, 0]], [0.2, 0.2, 0.2], proof=(0, 2))
    rows = _rows(judgement)
    assert [(row.jointly, row.cls) for row in rows] == [
        (True, "grounded"),
        (True, "post_rationalised"),
    ]


def test_a_proof_of_one_sentence_is_not_joint() -> None:
    rows = _rows(_judgement("Bees sting.", [[0.3, 0], [0, 0], [0, 0]], [0.9, 0, 0], proof=(0,)))
    assert [row.jointly for row in rows] == [False]


def test_below_the_context_floor_nothing_is_used() -> None:
    judgement = _judgement("Bees sting.", [[0.3, 0], [0, 0], [0, 0]], [0.9, 0, 0], context=0.04)
    cited = _cite(judgement)
    assert cited.context_use[0] == pytest.approx(0.04)
    assert [(row.used, row.cls) for row in cited.citations[0]] == [(0.0, "post_rationalised")]


def test_an_answer_that_the_reader_finds_too_unlikely_has_no_used() -> None:
    judgement = _judgement("Bees sting.", [[0.3, 0], [0, 0], [0, 0]], [0.9, 0, 0], logprob=-5.0)
    cited = _cite(judgement)
    assert [(row.used, row.cls) for row in cited.citations[0]] == [(None, None)]
    assert "too unlikely" in cited.warnings[0]


def test_a_model_without_a_measured_floor_has_no_used_and_a_warning() -> None:
    judgement = _judgement("Bees sting.", [[0.3, 0], [0, 0], [0, 0]], [0.9, 0, 0], floors=None)
    cited = _cite(judgement)
    assert [(row.used, row.supports, row.cls) for row in cited.citations[0]] == [(None, 0.9, None)]
    assert cited.warnings == ("no noise floor was measured for reader: used is null",)


def test_in_the_text_tier_used_and_class_are_null() -> None:
    cited = _cite(_judgement("Bees sting [1].", None, [0.9, 0.1, 0.1]))
    assert {(row.used, row.cls) for row in cited.citations[0]} == {(None, None)}
    assert cited.context_use == (None,)


def test_what_was_not_judged_has_no_class() -> None:
    nan = float("nan")
    judgement = _judgement("Bees sting [1].", [[0.3, 0, 0], [0, 0, 0], [0, 0, 0]], [nan, nan, nan])
    assert [(row.supports, row.cls) for row in _rows(judgement)] == [(None, None), (None, None)]


def test_the_row_that_contradicts_is_shown() -> None:
    judgement = _judgement(
        "Bees sting.", [[0, 0], [0, 0], [0, 0]], [0.1, 0.1, 0.1],
        contradicts=(0.1, 0.7, 0.1), label="contradicted",
    )  # fmt: skip
    (row,) = _rows(judgement)
    assert (row.contradicts, row.source) == (0.7, judgement.sources[1])


def test_a_passage_that_was_not_measured_has_no_used() -> None:
    judgement = _judgement("Bees sting [2].", [[0.3, 0, 0], [0, 0, 0], [0, 0, 0]], [0.9, 0.1, 0.9])
    partial = replace(
        judgement.attribution,
        sources=judgement.sources[:2],
        scores=np.array([[0.3, 0, 0], [0, 0, 0]]),
    )
    row = _rows(replace(judgement, attribution=partial))[0]
    assert (row.used, row.supports, row.cls) == (None, 0.9, None)


# Groups: the two sentences about bees say the same, each alone moves nothing


def _grouped(
    text: str, supports: list[float], *, rust: float = 0.0, proof: tuple[int, ...] = ()
) -> Judgement:
    n_words = len(text.split())
    rows = [[0.0] * n_words, [0.0] * n_words, [rust, *[0.0] * (n_words - 1)]]
    judgement = _judgement(text, rows, supports, proof=proof)
    grouped = replace(
        judgement.attribution,
        groups=((0, 1),),
        group_scores=np.array([[0.3, *[0.0] * (n_words - 1)]]),
    )
    return replace(judgement, attribution=grouped)


def test_members_of_a_group_have_its_number_and_its_share() -> None:
    rows = _rows(_grouped("Bees sting.", [0.9, 0.1, 0.1], rust=0.1))
    assert [(row.group, row.used) for row in rows] == [
        (0, pytest.approx(0.75)),
        (0, pytest.approx(0.75)),
        (None, pytest.approx(0.25)),
    ]
    assert [row.cls for row in rows] == ["grounded", "misgrounded", "misgrounded"]


def test_a_passage_counts_a_group_within_it_once() -> None:
    bees, iron = _rows(_grouped("Bees sting [1,2].", [0.9, 0.1, 0.1], rust=0.1))[:2]
    assert (bees.used, iron.used) == (pytest.approx(0.75), pytest.approx(0.25))
    assert (bees.group, bees.cls) == (None, "grounded")


def test_a_group_that_lies_in_two_passages_is_used_in_both() -> None:
    judgement = _grouped("Bees sting [1] [2].", [0.9, 0.1, 0.9])
    across = replace(judgement.attribution, groups=((0, 2),))
    bees, iron = _rows(replace(judgement, attribution=across))[:2]
    assert (bees.used, iron.used) == (pytest.approx(1.0), pytest.approx(1.0))
    assert (bees.cls, iron.cls) == ("grounded", "grounded")


def test_a_sentence_that_says_the_same_as_a_part_of_a_proof_supports_as_well() -> None:
    rows = _rows(_grouped("Bees sting.", [0.2, 0.2, 0.2], proof=(0, 2)))
    assert [(row.group, row.jointly) for row in rows] == [(0, True), (0, True), (None, True)]
    assert [row.cls for row in rows] == ["grounded", "grounded", "post_rationalised"]


def test_a_copy_of_a_proof_of_one_sentence_is_not_joint() -> None:
    rows = _rows(_grouped("Bees sting.", [0.9, 0.9, 0.0], proof=(0,)))
    assert [row.jointly for row in rows] == [False, False]
