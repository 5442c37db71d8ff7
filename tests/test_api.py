"""The three lines of Python."""

import math
from typing import Any

import pytest

import ragattr
from ragattr import setup
from ragattr.errors import ConfigError, InputError, ModelNotFound
from ragattr.models import embedded

QUESTION = "When was the tower completed?"
PASSAGES = ["The tower was completed in 1889. It is made of iron.", "Bees make honey."]
ANSWER = "The tower was completed in 1889 [1]."


@pytest.mark.model
def test_cite_finds_the_sentence_that_was_used_and_supports() -> None:
    record = ragattr.cite(question=QUESTION, passages=PASSAGES, answer=ANSWER)
    (claim,) = record["claims"]
    marked, found = claim["citations"][:2]
    assert (marked["origin"], marked["class"]) == ("answer", "grounded")
    assert (found["text"], found["class"]) == ("The tower was completed in 1889.", "grounded")
    assert record["attribution"]["proxy"] is True


@pytest.mark.model
def test_a_loaded_model_and_the_sent_messages_are_used_as_they_are() -> None:
    own = embedded.language_model()
    messages = [{"role": "user", "content": "\n".join([*PASSAGES, QUESTION])}]
    name = own.model.config._name_or_path.rpartition("/")[2]
    record = ragattr.cite(
        question=QUESTION, passages=PASSAGES, answer=ANSWER, messages=messages,
        generator=name, model=own.model, tokenizer=own.tokenizer,
    )  # fmt: skip
    assert record["attribution"]["proxy"] is False
    assert record["settings"]["prompt_sha256"] is None
    assert {row["used"] for row in record["claims"][0]["citations"]} == {None}
    assert any("no noise floor" in warning for warning in record["warnings"])


@pytest.mark.model
def test_without_the_language_model_cite_works_and_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing() -> Any:
        raise ModelNotFound(f"the embedded language model is not installed: {embedded.HOW_TO_GET}")

    monkeypatch.setattr(embedded, "find_gguf", missing)
    monkeypatch.setattr(setup, "_named_model", lambda *name: embedded.language_model.__wrapped__())
    record = ragattr.cite(question=QUESTION, passages=PASSAGES, answer=ANSWER)
    assert (record["tier"], record["attribution"]) == ("text", None)
    assert "ragattr models get" in record["warnings"][0]
    assert record["claims"][0]["verdict"] == "supported"


@pytest.mark.model
def test_scores_are_sums_over_each_claims_tokens_between_0_and_ln2_each() -> None:
    record = ragattr.attribute(question=QUESTION, passages=PASSAGES, answer=f"{ANSWER} Bees.")
    measured = record["attribution"]
    assert [len(row) for row in measured["scores"]] == [3, 3]
    for row, n_tokens in zip(measured["scores"], measured["n_tokens"], strict=True):
        assert all(0 <= score <= n_tokens * math.log(2) for score in row)


@pytest.mark.model
def test_every_offset_of_a_record_round_trips() -> None:
    record = ragattr.cite(
        question=QUESTION, passages=PASSAGES, answer=f"🗼 {ANSWER} Bees make honey.[2]"
    )
    texts = {passage["id"]: passage["text"] for passage in record["passages"]}
    for claim in record["claims"]:
        assert record["answer"][claim["start"] : claim["end"]] == claim["text"]
        for row in claim["citations"]:
            assert texts[row["passage"]][row["start"] : row["end"]] == row["text"]
            if marker := row["marker"]:
                assert record["answer"][marker["start"] : marker["end"]] == marker["text"]


@pytest.mark.model
def test_verify_says_whether_the_evidence_supports_the_claim() -> None:
    assert ragattr.verify(claim=PASSAGES[1], evidence=PASSAGES)["predicted"] == "attributable"
    assert ragattr.verify(claim=PASSAGES[1], evidence=["Iron."])["predicted"] == "not_attributable"


@pytest.mark.model
def test_answer_works_from_passages_too() -> None:
    record = ragattr.answer(question=QUESTION, passages=PASSAGES)
    assert "1889" in record["answer"]
    assert record["messages"][0]["content"].count(PASSAGES[0]) == 1


def test_documents_and_passages_together_are_refused() -> None:
    with pytest.raises(ConfigError, match="docs, an index or passages"):
        ragattr.answer(question="?", docs=["a"], passages=["b"])


def test_a_loaded_model_without_its_tokenizer_is_refused() -> None:
    with pytest.raises(ConfigError, match="needs its tokenizer"):
        ragattr.cite(question="?", passages=["a"], answer="b", model=object())  # type: ignore[arg-type]


@pytest.mark.model
@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("question", " ", "question: is empty"),
        ("passages", [], "there are none"),
        ("answer", "", "answer: is empty"),
    ],
)
def test_an_empty_field_is_named(field: str, value: object, message: str) -> None:
    case: dict[str, Any] = {"question": "?", "passages": ["a"], "answer": "b", field: value}
    with pytest.raises(InputError, match=message):
        ragattr.cite(**case, tier="text")
