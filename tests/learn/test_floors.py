import numpy as np
import pytest

from ragattr.errors import ConfigError
from ragattr.learn.floors import NOISE_QUANTILE, measure_floors, read_facts
from ragattr.models.fake import FakeModel
from ragattr.setup import answer_prompt
from ragattr.text.sentences import sentence_spans

FACTS = read_facts()


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact["id"])
def test_a_fact_holds_its_answer_in_one_sentence_and_nowhere_else(fact: dict[str, str]) -> None:
    sentences = [span.of(fact["passage"]) for span in sentence_spans(fact["passage"])]
    assert [fact["answer"] in sentence for sentence in sentences].count(True) == 1
    assert fact["answer"] in fact["gold"]
    assert fact["gold"] in sentences
    assert fact["answer"] in fact["paraphrase"]
    assert fact["answer"].lower() not in fact["question"].lower()


def test_every_fact_has_its_own_topic() -> None:
    for name in ("id", "question", "passage"):
        assert len({fact[name] for fact in FACTS}) == len(FACTS) >= 60


def test_floors_are_the_quantiles_of_what_unrelated_sentences_do() -> None:
    facts = FACTS[:12]
    model = FakeModel({fact["question"]: fact["gold"] for fact in facts})
    floors, filter_error, found = measure_floors(model, answer_prompt(), facts)
    assert found["right_answers"] == len(facts)
    assert floors.noise == found["noise"][str(NOISE_QUANTILE)]
    assert filter_error.middle == 0.0  # the fake hides and deletes alike


def test_answers_from_memory_keep_more_of_their_likelihood_than_answers_from_passages() -> None:
    facts = FACTS[:12]
    model = FakeModel({fact["question"]: fact["gold"] for fact in facts})
    _, _, found = measure_floors(model, answer_prompt(), facts)
    assert found["parametric"]["0.5"] < found["parametric_unanswerable"]["0.5"]
    assert found["parametric_share_auroc"] > 0.9


def test_a_model_that_answers_nothing_right_has_no_floors() -> None:
    facts = FACTS[:12]
    silent = FakeModel({fact["question"]: "No idea." for fact in facts})
    with pytest.raises(ConfigError, match="0 of 12"):
        measure_floors(silent, answer_prompt(), facts)


def test_progress_is_told_question_by_question() -> None:
    told = list[int]()
    facts = FACTS[:11]
    model = FakeModel({fact["question"]: fact["gold"] for fact in facts})
    measure_floors(model, answer_prompt(), facts, progress=told.append)
    assert told == np.arange(1, 12).tolist()
