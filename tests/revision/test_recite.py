"""Citations follow the text: right ones stay, wrong ones go, missing ones come."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragattr.attribution.unmeasured import Unmeasured
from ragattr.citation.join import Cite
from ragattr.revision.recite import Recite
from ragattr.text.claims import read_claims
from ragattr.text.edits import apply_edits, edits_between
from ragattr.text.markers import cut_markers, find_markers
from ragattr.types import Answer, CitedAnswer, Context, Draft, Passage, Query, Revision
from ragattr.verification.entailment import VerifyEntailment
from tests.revision.facts import WordEncoder, WordVerifier

PASSAGES = (
    "Bees make honey in summer.",
    "The tower opened in Paris in 1889.",
    "Ants dig tunnels.",
)
JUDGE = Unmeasured() >> VerifyEntailment(WordVerifier(), WordEncoder()) >> Cite()


def _cited(text: str, passages: tuple[str, ...] = PASSAGES) -> CitedAnswer:
    context = Context(
        Query("What is known?", "1"), tuple(Passage(p, str(i)) for i, p in enumerate(passages, 1))
    )
    claims, markers = read_claims(text, len(passages))
    (cited,) = JUDGE([Answer(context, text, claims, markers)])
    return cited


def _revision(text: str, new: str | None = None, **options: object) -> Revision:
    cited = _cited(text)
    context = cited.judgement.attribution.answer.context
    edits = edits_between(text, new, "because") if new else ()
    (revision,) = Recite(JUDGE, **options)([Draft(cited, context, edits, "test")])  # type: ignore[arg-type]
    return revision


def _text(revision: Revision) -> str:
    return revision.revised.judgement.attribution.answer.text


@pytest.mark.parametrize(
    ("text", "new"),
    [
        ("Bees make honey [1].", "Bees make honey [1]."),
        ("Bees make honey [2].", "Bees make honey [1]."),
        ("Bees make honey.", "Bees make honey [1]."),
        ("Bees make honey [9].", "Bees make honey [1]."),
        ("Bees make honey [1][3].", "Bees make honey [1]."),
        ("Bees make cars [1].", "Bees make cars."),
        ("Bees make honey [3]. Ants dig tunnels.", "Bees make honey [1]. Ants dig tunnels [3]."),
        ("Bees make honey.[2] Ants dig tunnels.", "Bees make honey.[1] Ants dig tunnels.[3]"),
        ("Hello! Bees make honey (2).", "Hello! Bees make honey (1)."),
        ("What do bees do?", "What do bees do?"),
        ("Bees make honey [3][1].", "Bees make honey [1]."),
        ("Bees make honey [3], [1].", "Bees make honey [1]."),
        ("Bees make honey [1] and [3].", "Bees make honey [1]."),
        ("Bees make cars ([3]).", "Bees make cars."),
        ("[3] Bees make cars.", "Bees make cars."),
        ("Bees make cars.[2][3]Ants dig tunnels [3].", "Bees make cars. Ants dig tunnels [3]."),
        ("Hello [9]! What do bees do [1]?", "Hello! What do bees do [1]?"),
        ("Bees make honey.^2^", "Bees make honey.^1^"),
        ("Bees make honey [^2].", "Bees make honey [^1]."),
        ("Bees make honey【2】. Ants dig tunnels.", "Bees make honey【1】. Ants dig tunnels【3】."),
    ],
)
def test_markers_are_repaired_and_no_word_changes(text: str, new: str) -> None:
    revision = _revision(text)
    assert _text(revision) == new
    assert apply_edits(text, revision.edits) == new
    assert revision.preservation == 1.0


@pytest.mark.parametrize(
    "text",
    ["Bees make honey [2]. Ants dig tunnels [1][9].", "Bees make cars [1]. Ants dig tunnels."],
)
def test_a_second_run_changes_nothing(text: str) -> None:
    once = _text(_revision(text))
    assert _revision(once).edits == ()


def test_edits_of_text_and_markers_index_the_first_answer() -> None:
    text = "Opened in 1890 [1], the tower opened in Paris in 1890."
    revision = _revision(text, "Opened in 1889 [1], the tower opened in Paris in 1889.")
    assert _text(revision) == "Opened in 1889 [2], the tower opened in Paris in 1889."
    assert [(e.before, e.after) for e in revision.edits] == [
        ("1890", "1889"), ("[1]", "[2]"), ("1890", "1889"),
    ]  # fmt: skip
    assert apply_edits(text, revision.edits) == _text(revision)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Bees make honey.", "supported, and cited nothing that supports it"),
        ("Bees make honey [3].", "another passage supports it"),
        ("Bees make cars [3].", "the cited passage does not support it"),
        ("Bees make cars [9].", "no passage has this number"),
        ("Hello [9]!", "no passage has this number"),
    ],
)
def test_every_change_of_a_marker_says_why(text: str, reason: str) -> None:
    (edit,) = _revision(text).edits
    assert edit.reason == reason


def test_statements_without_support_are_named_removed_or_passed_over() -> None:
    text = "Bees make honey [1]. Bees make cars. Ants dig tunnels [3]."
    marked = _revision(text)
    assert (marked.unsupported, _text(marked)) == ((1,), text)
    removed = _revision(text, unsupported="remove")
    assert _text(removed) == "Bees make honey [1]. Ants dig tunnels [3]."
    assert removed.edits[0].reason == "no evidence supports it"
    assert removed.preservation < 1
    kept = _revision(text, unsupported="keep")
    assert (kept.unsupported, _text(kept)) == ((), text)


@pytest.mark.parametrize(
    ("text", "new"),
    [
        ("Bees make cars.\n\nAnts dig tunnels [3].", "Ants dig tunnels [3]."),
        (
            "Bees make honey [1].\n\nBees make cars.\n\nAnts dig tunnels [3].",
            "Bees make honey [1].\n\nAnts dig tunnels [3].",
        ),
        (
            "- Bees make honey [1].\n- Bees make cars. Ants make cars.\n- Ants dig tunnels [3].",
            "- Bees make honey [1].\n- Ants dig tunnels [3].",
        ),
        (
            "Bees make honey [1].\nBees make cars. Ants make cars. Ants dig tunnels [3].",
            "Bees make honey [1].\nAnts dig tunnels [3].",
        ),
    ],
)
def test_a_removed_line_leaves_no_gap(text: str, new: str) -> None:
    assert _text(_revision(text, unsupported="remove")) == new


def test_a_text_of_which_nothing_is_supported_can_be_removed_whole() -> None:
    assert _text(_revision("Bees make cars.", unsupported="remove")) == ""


def test_renumbering_counts_passages_as_they_are_cited_and_points_to_the_same_ones() -> None:
    revision = _revision("Ants dig tunnels [3]. Bees make honey [1].", renumbers=True)
    assert _text(revision) == "Ants dig tunnels [1]. Bees make honey [2]."
    passages = revision.revised.judgement.attribution.answer.context.passages
    assert [passage.id for passage in passages] == ["3", "1", "2"]
    for rows in revision.revised.citations:
        for row in rows:
            assert row.source is not None
            assert row.supports is not None


def test_a_number_that_stays_but_names_another_passage_is_judged_anew() -> None:
    """The wrong [2] becomes [1], and [2] again when passages are counted as they are cited."""
    revision = _revision("Ants dig tunnels [3]. Bees make honey [2].", renumbers=True)
    assert [(e.before, e.after) for e in revision.edits] == [("[3]", "[1]")]
    (row,) = [row for row in revision.revised.citations[1] if row.origin == "answer"]
    passages = revision.revised.judgement.attribution.answer.context.passages
    assert row.source is not None
    assert passages[row.source.passage].text == "Bees make honey in summer."
    assert row.supports is not None
    assert row.supports > 0.5


def test_what_was_measured_stays_with_statements_that_kept_their_words() -> None:
    text = "Bees make honey [1]. The tower opened in Paris in 1890 [2]."
    cited = _cited(text)
    rows = tuple(tuple(replace(row, used=0.25) for row in of) for of in cited.citations)
    cited = replace(cited, citations=rows, context_use=(0.5, 0.5))
    edits = edits_between(text, text.replace("1890", "1889"))
    context = cited.judgement.attribution.answer.context
    (revision,) = Recite(JUDGE)([Draft(cited, context, edits, "test")])
    kept, changed = revision.revised.citations
    assert {row.used for row in kept} == {0.25}
    assert {row.used for row in changed} == {None}
    assert revision.revised.context_use == (0.5, None)


def test_two_passages_that_only_support_it_together_are_both_cited() -> None:
    passages = ("Ada wrote the first program.", "The first program ran in Ulm.")
    cited = _cited("Ada wrote the first program and the program ran in Ulm.", passages)
    context = cited.judgement.attribution.answer.context
    (revision,) = Recite(JUDGE)([Draft(cited, context, (), "test")])
    assert _text(revision).endswith("ran in Ulm [1][2].")


pieces = st.sampled_from(
    ["Bees make honey", "Ants dig tunnels", "Bees make cars", "Hello!", "What is it?", " and ",
     ", ", " ", "\n", "\n- ", ". ", "[1]", " [2]", " [3][1]", " [9]", " [1], [2]", " [1-3]",
     " [^2]", " ([1])", "【2】", " 👩\u200d🔬", "cafe\u0301", "“", "”"]
)  # fmt: skip
texts = st.lists(pieces, min_size=1, max_size=9).map("".join).filter(str.strip)


def _bare(text: str) -> str:
    return "".join(cut_markers(text, find_markers(text, 3)).text.split())


@settings(max_examples=60, deadline=None)
@given(texts)
def test_in_any_text_only_markers_change_and_only_once(text: str) -> None:
    revision = _revision(text)
    new = _text(revision)
    assert apply_edits(text, revision.edits) == new
    assert _bare(new) == _bare(text)
    for claim in revision.revised.judgement.attribution.answer.claims:
        assert claim.span.of(new) == claim.text
    assert _revision(new).edits == ()


@settings(max_examples=40, deadline=None)
@given(texts)
def test_in_any_text_counted_anew_every_number_names_the_passage_that_it_named(text: str) -> None:
    old, revision = _text(_revision(text)), _revision(text, renumbers=True)
    new = _text(revision)
    ids = [p.id for p in revision.revised.judgement.attribution.answer.context.passages]
    before = {str(n) for marker in find_markers(old, 3) for n in marker.numbers}
    after = [n for marker in find_markers(new, 3) for n in marker.numbers]
    assert {ids[n - 1] for n in after} == before
    assert list(dict.fromkeys(after)) == list(range(1, len(before) + 1))
