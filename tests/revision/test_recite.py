"""Citations follow the text: right ones stay, wrong ones go, missing ones come."""

from dataclasses import replace

import pytest

from ragattr.attribution.unmeasured import Unmeasured
from ragattr.citation.join import Cite
from ragattr.revision.recite import Recite
from ragattr.text.claims import read_claims
from ragattr.text.edits import apply_edits, edits_between
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
