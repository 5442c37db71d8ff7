from ragattr.generation.generate import Generate
from ragattr.models.fake import FakeModel
from ragattr.prompt import answer_chat
from ragattr.setup import answer_prompt
from ragattr.types import Context, Passage, Query

CONTEXT = Context(
    Query("What do bees make?", "q"),
    (Passage("Bees make honey.", "a", "Bees"), Passage("Iron rusts.", "b")),
    (0.9, 0.1),
)


def test_the_answer_brings_its_chat_its_claims_and_its_generator() -> None:
    model = FakeModel({"What do bees make?": "Bees make honey [1]. Iron rusts."})
    (answer,) = Generate(model, answer_prompt())([CONTEXT])
    assert [claim.text for claim in answer.claims] == ["Bees make honey [1].", "Iron rusts."]
    assert answer.generator == "fake"
    assert answer.messages == answer_chat(answer_prompt(), CONTEXT).messages


def test_passages_that_do_not_fit_are_dropped_from_the_end_and_named() -> None:
    room = len(answer_chat(answer_prompt(), CONTEXT).text.split())
    (answer,) = Generate(FakeModel(window=room + 9), answer_prompt(), max_new_tokens=10)([CONTEXT])
    assert [passage.id for passage in answer.context.passages] == ["a"]
    assert answer.warnings[0] == "passage 'b' does not fit the model's window: left out"


def test_an_answer_that_was_cut_off_says_so() -> None:
    model = FakeModel({"What do bees make?": "one two three four"})
    (answer,) = Generate(model, answer_prompt(), max_new_tokens=2)([CONTEXT])
    assert answer.text == "one two"
    assert answer.warnings == ("the answer was cut off after 2 tokens",)


def test_the_prompt_numbers_passages_from_1_with_their_titles() -> None:
    (answer,) = Generate(FakeModel(), answer_prompt())([CONTEXT])
    assert answer.messages is not None
    assert "[1] Bees\nBees make honey.\n\n[2] Iron rusts." in answer.messages[0]["content"]
