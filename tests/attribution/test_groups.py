"""Sentences that say the same, on fakes: each hides the other until both are gone."""

from dataclasses import dataclass

import numpy as np
import pytest

from ragattr.attribution.fast import AttributeFast
from ragattr.attribution.groups import alike
from ragattr.attribution.jsd import AttributeJSD
from ragattr.attribution.measure import Measure
from ragattr.metrics.divergence import jensen_shannon
from ragattr.metrics.usage import claim_use
from ragattr.models.fake import SEEN, UNSEEN, FakeEncoder, FakeModel, FakeReading
from ragattr.models.protocols import Effects, Reply
from ragattr.prompt import Chat
from ragattr.setup import answer_prompt
from ragattr.text.claims import read_claims
from ragattr.types import Answer, Attribution, Context, Passage, Query, Span

ONE_WORD = float(jensen_shannon(np.array([[SEEN, 1 - SEEN]]), np.array([[UNSEEN, 1 - UNSEEN]]))[0])
METHODS = [AttributeJSD, AttributeFast]


def _measure(
    method: type[Measure], text: str, *sentences: str, model: FakeModel | None = None
) -> Attribution:
    claims, markers = read_claims(text, len(sentences))
    passages = tuple(Passage(sentence, f"p{i}") for i, sentence in enumerate(sentences))
    answer = Answer(Context(Query("What?", "q"), passages), text, claims, markers)
    (attribution,) = method(model or FakeModel(), answer_prompt())([answer])
    return attribution


# What is proposed


def test_equal_words_are_one_group_whatever_their_case_and_points() -> None:
    assert alike(["Bees make honey.", "Iron rusts.", "bees make HONEY!"], None) == [(0, 2)]


def test_sentences_that_share_most_words_are_proposed_and_others_are_not() -> None:
    texts = ["Bees make sweet honey daily.", "Bees make sweet honey.", "Iron rusts in rain."]
    assert alike(texts, None) == [(0, 1)]


def test_a_chain_of_alike_sentences_is_proposed_whole_and_pair_by_pair() -> None:
    # The ends share three words of five, 0.6: just alike. Neighbours share three of four.
    texts = ["red bees make honey", "bees make honey", "bees make honey daily"]
    assert alike(texts, None)[0] == (0, 1, 2)
    assert set(alike(texts, None)) == {(0, 1, 2), (0, 1), (1, 2), (0, 2)}


def test_a_pair_brings_those_that_equal_one_of_them() -> None:
    texts = ["Bees make honey.", "Bees make honey now.", "Bees make honey."]
    assert alike(texts, None) == [(0, 2), (0, 1, 2)]


def test_an_encoder_proposes_by_meaning() -> None:
    assert alike(["Bees make honey.", "Honey: bees make it.", "Iron."], FakeEncoder()) == [(0, 1)]


@pytest.mark.parametrize("texts", [[], ["One."], ["One.", "Two."], ["!", "?"]])
def test_few_or_wordless_sentences_propose_no_group(texts: list[str]) -> None:
    assert alike(texts, None) == []


# What stands


@pytest.mark.parametrize("method", METHODS)
def test_a_repeated_sentence_is_found_with_the_score_of_the_single_fact(
    method: type[Measure],
) -> None:
    twice = _measure(method, "honey", "Bees make honey.", "Iron rusts.", "Bees make honey.")
    once = _measure(method, "honey", "Bees make honey.", "Iron rusts.")
    assert twice.groups == ((0, 2),)
    assert twice.scores == pytest.approx(np.zeros((3, 1)))
    assert twice.group_scores == pytest.approx(once.scores[:1])  # type: ignore[index]


@pytest.mark.parametrize("method", METHODS)
def test_members_share_their_use_and_count_once(method: type[Measure]) -> None:
    found = _measure(method, "honey rusts", "Bees make honey.", "Iron rusts.", "Bees make honey.")
    use = claim_use(found, found.answer.claims[0])
    assert use is not None
    assert use.shares is not None
    assert use.shares.tolist() == pytest.approx([0.5, 0.5, 0.5])  # the group a half, iron a half
    assert use.counts is not None
    assert use.counts.all()


@pytest.mark.parametrize("method", METHODS)
def test_three_copies_are_one_group(method: type[Measure]) -> None:
    found = _measure(method, "honey", "Bees make honey.", "Bees make honey.", "Bees make honey.")
    assert found.groups == ((0, 1, 2),)
    assert found.group_scores == pytest.approx(np.array([[ONE_WORD]]))


@pytest.mark.parametrize("method", METHODS)
def test_two_facts_that_each_stand_twice_are_two_groups(method: type[Measure]) -> None:
    bees, iron = "Bees make honey.", "Iron rusts."
    found = _measure(method, "honey rusts", bees, iron, bees, iron)
    assert sorted(found.groups) == [(0, 2), (1, 3)]
    assert np.sort(found.group_scores, axis=0) == pytest.approx(  # type: ignore[arg-type]
        np.array([[0, 0], [1, 1]]) * ONE_WORD
    )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "sentences",
    [
        ("Bees make honey.", "Iron rusts."),
        ("The red tower opened in 1889.", "The red tower opened in 1925."),
    ],
)
def test_sentences_that_are_both_needed_are_no_group(
    method: type[Measure], sentences: tuple[str, str]
) -> None:
    text = "honey rusts" if "honey" in sentences[0] else "1889 1925"
    found = _measure(method, text, *sentences)
    assert found.groups == ()
    assert found.scores == pytest.approx(np.eye(2) * ONE_WORD)


@pytest.mark.parametrize("method", METHODS)
def test_a_repeated_sentence_that_the_answer_does_not_use_is_no_group(
    method: type[Measure],
) -> None:
    found = _measure(method, "rusts", "Bees make honey.", "Bees make honey.", "Iron rusts.")
    assert (found.groups, found.group_scores.shape) == ((), (0, 1))  # type: ignore[union-attr]


def test_scores_by_drop_have_groups_by_drop() -> None:
    stage = AttributeJSD(FakeModel(), answer_prompt(), score="drop")
    claims, markers = read_claims("honey", 2)
    passages = (Passage("Bees make honey.", "a"), Passage("Bees make honey.", "b"))
    (found,) = stage([Answer(Context(Query("?", "q"), passages), "honey", claims, markers)])
    assert found.groups == ((0, 1),)
    assert found.group_scores == pytest.approx(np.array([[np.log(9)]]))


@dataclass(frozen=True)
class ContraryModel(FakeModel):
    """Its knock-outs show nothing, or twice as much as deletion: only deletion decides."""

    factor: float = 0.0

    def read(self, chat: Chat, reply: Reply) -> "ContraryReading":
        return ContraryReading(chat, reply, factor=self.factor)


@dataclass
class ContraryReading(FakeReading):
    factor: float = 0.0

    def knock_out(self, removals: list[tuple[Span, ...]]) -> Effects:
        shown = self.delete(removals)
        many = np.array([[len(removal) > 1] for removal in removals])
        return Effects(np.where(many, shown.jsd * self.factor, shown.jsd), shown.drops)


def test_a_group_that_only_the_filter_sees_does_not_stand() -> None:
    alike_but_needed = ("The red tower opened in 1889.", "The red tower opened in 1925.")
    model = ContraryModel(factor=2.0)
    assert _measure(AttributeFast, "1889 1925", *alike_but_needed, model=model).groups == ()


# Bugs


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("added", ["", " old"])
def test_a_sentence_that_adds_a_fact_of_its_own_is_no_member(
    method: type[Measure], added: str
) -> None:
    first = "The great iron tower was completed in 1889."
    second = f"The great{added} iron tower was completed in 1889."
    found = _measure(
        method, "1889 Paris", first, second, "The great iron tower was completed in Paris."
    )
    assert found.groups == ((0, 1),)


@pytest.mark.parametrize("method", METHODS)
def test_a_member_is_not_used_for_what_only_another_member_says(method: type[Measure]) -> None:
    found = _measure(
        method,
        "It was 1889. Iron it was.",
        "The great tower was completed in 1889 of iron.",
        "The great tower was completed in 1889.",
    )
    assert found.groups == ((0, 1),)
    use = claim_use(found, found.answer.claims[1])
    assert use is not None
    assert use.shares is not None
    assert use.shares.tolist() == pytest.approx([1.0, 0.0])
