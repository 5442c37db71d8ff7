"""The same checks over fakes and real models."""

import numpy as np
import pytest

from ragattr.models import embedded
from ragattr.models.fake import FakeEncoder, FakeModel, FakeVerifier
from ragattr.models.protocols import Encoder, EntailmentModel, Pair, Reply, WhiteBoxModel
from ragattr.prompt import Chat, answer_chat
from ragattr.setup import answer_prompt
from ragattr.text.sentences import sources_of
from ragattr.types import Context, Passage, Query

PASSAGES = (
    Passage("The tower was completed in 1889. It is made of iron.", "a", "Tower"),
    Passage("Bees make honey. A hive holds one queen.", "b", "Bees"),
)
REPLY = Reply("The tower was completed in 1889.")


@pytest.fixture(params=["fake", pytest.param("embedded", marks=pytest.mark.model)])
def model(request: pytest.FixtureRequest) -> WhiteBoxModel:
    return FakeModel() if request.param == "fake" else embedded.language_model()


@pytest.fixture(params=["fake", pytest.param("embedded", marks=pytest.mark.model)])
def encoder(request: pytest.FixtureRequest) -> Encoder:
    return FakeEncoder() if request.param == "fake" else embedded.encoder()


@pytest.fixture(params=["fake", pytest.param("embedded", marks=pytest.mark.model)])
def verifier(request: pytest.FixtureRequest) -> EntailmentModel:
    return FakeVerifier() if request.param == "fake" else embedded.verifier()


def _chat() -> Chat:
    question = Query("When was the tower completed?", "q")
    return answer_chat(answer_prompt(), Context(question, PASSAGES))


WAYS = ["delete", "knock_out"]


@pytest.mark.parametrize("way", WAYS)
def test_effects_have_a_row_per_removal_and_a_column_per_token(
    model: WhiteBoxModel, way: str
) -> None:
    chat = _chat()
    reading = model.read(chat, REPLY)
    effects = getattr(reading, way)(chat.removals(sources_of(PASSAGES)))
    n_tokens = len(reading.tokens)
    assert effects.jsd.shape == effects.drops.shape == (4, n_tokens) == (4, len(reading.logprobs))
    assert "".join(token.of(REPLY.text) for token in reading.tokens) == REPLY.text


@pytest.mark.parametrize("way", WAYS)
def test_divergence_stays_between_0_and_ln2(model: WhiteBoxModel, way: str) -> None:
    chat = _chat()
    removals = [*chat.removals(sources_of(PASSAGES)), chat.blocks]
    jsd = getattr(model.read(chat, REPLY), way)(removals).jsd
    assert np.all(jsd >= 0)
    assert np.all(jsd <= np.log(2))


@pytest.mark.parametrize("way", WAYS)
def test_removing_nothing_changes_nothing(model: WhiteBoxModel, way: str) -> None:
    # bfloat16 runs of different length differ a little; see methods of leave-one-out, precision
    assert getattr(model.read(_chat(), REPLY), way)([()]).jsd.max() < 0.01


@pytest.mark.parametrize("way", WAYS)
def test_the_sentence_that_holds_the_answer_moves_it_most(model: WhiteBoxModel, way: str) -> None:
    chat = _chat()
    effects = getattr(model.read(chat, REPLY), way)(chat.removals(sources_of(PASSAGES)))
    assert int(effects.jsd.sum(axis=1).argmax()) == 0
    assert effects.drops.sum(axis=1)[0] > 0


@pytest.mark.parametrize("way", WAYS)
def test_no_removal_at_all_is_no_row(model: WhiteBoxModel, way: str) -> None:
    reading = model.read(_chat(), REPLY)
    assert getattr(reading, way)([]).jsd.shape == (0, len(reading.tokens))


def test_the_same_call_twice_gives_the_same_numbers(model: WhiteBoxModel) -> None:
    chat = _chat()
    first, second = (model.read(chat, REPLY).delete([chat.blocks]) for _ in range(2))
    assert np.array_equal(first.jsd, second.jsd)


def test_every_ablation_costs_passes(model: WhiteBoxModel) -> None:
    chat = _chat()
    reading = model.read(chat, REPLY)
    assert reading.passes == pytest.approx(1.0, abs=0.05)
    before = reading.passes
    reading.delete(chat.removals(sources_of(PASSAGES))[:1])
    assert before < reading.passes <= before + 1


def test_a_reply_is_the_same_alone_and_among_others(model: WhiteBoxModel) -> None:
    other = answer_chat(answer_prompt(), Context(Query("What do bees make?", "r"), PASSAGES[1:]))
    (alone,) = model.write([_chat()], max_new_tokens=12)
    among = model.write([other, _chat()], max_new_tokens=12)
    assert among[1] == alone


def test_a_drawn_reply_is_the_same_again_under_its_seed(model: WhiteBoxModel) -> None:
    other = answer_chat(answer_prompt(), Context(Query("What do bees make?", "r"), PASSAGES[1:]))
    chats = [other, _chat(), _chat()]
    drawn = model.write(chats, max_new_tokens=8, temperature=0.7, seed=1)
    assert model.write([_chat()], max_new_tokens=8, temperature=0.7, seed=1) == drawn[1:2]
    assert drawn[1] == drawn[2]


def test_vectors_have_length_one_and_do_not_depend_on_their_neighbours(encoder: Encoder) -> None:
    together = encoder.encode(["one tower", "bees make honey " * 200, "x"])
    assert np.linalg.norm(together, axis=1) == pytest.approx([1, 1, 1], abs=1e-5)
    assert encoder.encode(["one tower"])[0] == pytest.approx(together[0], abs=1e-5)


def test_no_texts_give_no_vectors(encoder: Encoder) -> None:
    assert encoder.encode([]).shape[0] == 0 or encoder.encode([]).size == 0


def test_entailment_gives_three_probabilities_that_sum_to_one(verifier: EntailmentModel) -> None:
    pairs = [Pair("Bees make honey.", "Bees make honey."), Pair("", "Bees."), Pair("Bees.", "")]
    judged = verifier.entails(pairs)
    assert judged.shape == (3, 3)
    assert judged.sum(axis=1) == pytest.approx([1, 1, 1])
    assert judged[1].argmax() == judged[2].argmax() == 2


def test_a_pair_is_judged_the_same_alone_and_among_others(verifier: EntailmentModel) -> None:
    pairs = [Pair("Bees make honey.", "Bees make wax."), Pair("The tower is iron.", "It is iron.")]
    together = verifier.entails(pairs)
    assert verifier.entails(pairs[:1])[0] == pytest.approx(together[0], abs=1e-4)


def test_a_sentence_supports_itself_more_than_a_strange_one_does(verifier: EntailmentModel) -> None:
    claim = "The tower was completed in 1889."
    same, strange = verifier.entails([Pair(claim, claim), Pair("Bees make honey.", claim)])[:, 0]
    assert same >= verifier.threshold > strange


def test_other_languages_are_not_read(verifier: EntailmentModel) -> None:
    assert verifier.reads("The tower was completed in 1889.")
    assert not verifier.reads("塔は1889年に完成した。")
