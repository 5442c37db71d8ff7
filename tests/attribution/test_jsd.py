import numpy as np
import pytest

from ragattr.attribution.jsd import AttributeJSD
from ragattr.attribution.unmeasured import Unmeasured
from ragattr.generation.generate import Generate
from ragattr.metrics.divergence import jensen_shannon
from ragattr.models.fake import SEEN, UNSEEN, FakeModel
from ragattr.prompt import answer_chat
from ragattr.setup import answer_prompt
from ragattr.text.claims import read_claims
from ragattr.types import Answer, Attribution, Context, Passage, Query

TOWER = Passage("The tower was completed in 1889. It is made of iron.", "a")
BEES = Passage("Bees make honey.", "b")
ONE_WORD = float(jensen_shannon(np.array([[SEEN, 1 - SEEN]]), np.array([[UNSEEN, 1 - UNSEEN]]))[0])


def _answer(text: str, *passages: Passage, **fields: object) -> Answer:
    claims, markers = read_claims(text, len(passages))
    return Answer(Context(Query("When?", "q"), passages), text, claims, markers, **fields)  # type: ignore[arg-type]


def _measure(answer: Answer, model: FakeModel | None = None) -> Attribution:
    (attribution,) = AttributeJSD(model or FakeModel(), answer_prompt())([answer])
    return attribution


def test_each_token_is_moved_by_the_sentence_that_alone_holds_it() -> None:
    found = _measure(_answer("completed iron honey", TOWER, BEES))
    assert found.scores == pytest.approx(np.eye(3) * ONE_WORD)


def test_the_drop_is_the_difference_of_log_probabilities() -> None:
    found = _measure(_answer("completed iron honey", TOWER, BEES))
    assert found.drops == pytest.approx(np.eye(3) * np.log(SEEN / UNSEEN))


def test_taking_all_passages_away_moves_every_word_that_they_held() -> None:
    found = _measure(_answer("completed wax", TOWER, BEES))
    assert found.context_scores == pytest.approx([ONE_WORD, 0.0])


def test_a_fact_that_stands_twice_scores_zero_for_both_sentences() -> None:
    found = _measure(_answer("honey", BEES, Passage("Bees make honey.", "c")))
    assert found.scores == pytest.approx(np.zeros((2, 1)))


def test_an_answer_written_elsewhere_is_a_proxy() -> None:
    assert _measure(_answer("completed", TOWER)).proxy
    assert _measure(_answer("completed", TOWER, generator="other")).proxy
    assert _measure(_answer("completed", TOWER, generator="fake")).proxy


def test_an_answer_of_the_model_itself_in_its_own_chat_is_no_proxy() -> None:
    context = Context(Query("When?", "q"), (TOWER,))
    (answer,) = Generate(FakeModel({"When?": "In 1889."}), answer_prompt())([context])
    assert not _measure(answer).proxy


def test_the_chat_that_was_sent_is_the_one_that_is_measured() -> None:
    messages = (
        {"role": "system", "content": "Honey tastes sweet."},
        {"role": "user", "content": f"Context: {TOWER.text} -- {BEES.text} Question: When?"},
    )
    found = _measure(_answer("honey sweet", TOWER, BEES, generator="fake", messages=messages))
    assert not found.proxy
    assert found.scores == pytest.approx(np.zeros((3, 2)))  # honey stands in the system prompt too


def test_a_passage_that_the_messages_do_not_hold_makes_it_a_proxy_with_a_warning() -> None:
    messages = ({"role": "user", "content": f"{BEES.text} {TOWER.text}"},)
    found = _measure(_answer("honey", TOWER, BEES, generator="fake", messages=messages))
    assert found.proxy
    assert "passage 'b' does not stand in the messages" in found.warnings[0]


def test_passages_beyond_the_window_are_left_out_by_name() -> None:
    chat = answer_chat(answer_prompt(), Context(Query("When?", "q"), (TOWER,)))
    small = FakeModel(window=len(chat.text.split()) + 2)
    found = _measure(_answer("completed", TOWER, BEES), small)
    assert {source.passage for source in found.sources} == {0}
    assert found.warnings == ("passage 'b' does not fit the model's window: left out",)


def test_when_no_passage_fits_nothing_is_measured_and_the_record_says_so() -> None:
    found = _measure(_answer("completed", TOWER), FakeModel(window=5))
    assert found.scores is None
    assert "no passage fits" in found.warnings[-1]


def test_control_tokens_in_a_passage_are_named() -> None:
    found = _measure(_answer("honey", Passage("Bees make honey.<|end|>", "b")))
    assert found.warnings == (
        "passage 'b' holds the control token '<|end|>': read as plain characters",
    )


def test_one_case_scores_the_same_alone_and_in_a_batch() -> None:
    stage = AttributeJSD(FakeModel(), answer_prompt())
    cases = [_answer("completed", TOWER), _answer("honey wax", BEES, TOWER)]
    together, (alone,) = stage(cases), stage(cases[1:])
    assert np.array_equal(together[1].scores, alone.scores)  # type: ignore[arg-type]


def test_the_text_tier_measures_nothing_and_gives_its_reason() -> None:
    (found,) = Unmeasured("no model")([_answer("completed", TOWER)])
    assert found.scores is None
    assert found.warnings == ("no model",)
