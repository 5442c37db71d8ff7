import hashlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragattr.errors import PromptError
from ragattr.prompt import ANSWER_FIELDS, Chat, Prompt, answer_chat, sent_chat
from ragattr.types import Context, Passage, Query, Source, Span

PROMPT = Prompt("p.txt", "Read.\n\n$passages\n\nQuestion: $question")
PASSAGES = (Passage("One. Two.", "a"), Passage("😀 Three.", "b", title="Numbers"))


def _written(folder: Path, text: str) -> Path:
    path = folder / "p.txt"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "used"),
    [("$q", r"\['q'\]"), ("$passages", r"\['passages'\]"), ("none", r"\[\]")],
)
def test_a_prompt_with_other_fields_is_refused_with_both_lists(
    tmp_path: Path, text: str, used: str
) -> None:
    with pytest.raises(
        PromptError, match=rf"p.txt uses {used}, the stage fills \['passages', 'question'\]"
    ):
        Prompt.load(_written(tmp_path, text), ANSWER_FIELDS)


def test_a_missing_prompt_is_named(tmp_path: Path) -> None:
    with pytest.raises(PromptError, match=r"no prompt at .*p\.txt"):
        Prompt.load(tmp_path / "p.txt", ANSWER_FIELDS)


def test_a_prompt_that_is_not_utf8_is_a_prompt_error(tmp_path: Path) -> None:
    (tmp_path / "p.txt").write_bytes(b"$passages $question \xff")
    with pytest.raises(PromptError, match=r"p\.txt"):
        Prompt.load(tmp_path / "p.txt", ANSWER_FIELDS)


def test_a_dollar_sign_that_is_no_field_is_what_the_message_speaks_of(tmp_path: Path) -> None:
    path = _written(tmp_path, "$passages $question for $5")
    with pytest.raises(PromptError, match=r"\$5|\$\$|dollar"):
        Prompt.load(path, ANSWER_FIELDS)


def test_fields_are_filled_once_and_braces_and_double_dollars_are_text() -> None:
    prompt = Prompt("p.txt", 'Give {"a": "$$"} to ${question}s')
    text, starts = prompt.fill({"question": "$question"})
    assert text == 'Give {"a": "$"} to $questions'
    assert starts == {"question": 19}


def test_the_hash_is_that_of_the_text() -> None:
    assert Prompt("p.txt", "é").sha256 == hashlib.sha256(b"\xc3\xa9").hexdigest()


@settings(deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=())), max_size=4), st.text())
def test_every_passage_stands_in_the_chat_where_its_span_says(
    texts: list[str], question: str
) -> None:
    passages = tuple(Passage(text, str(i), title="T" * (i % 2)) for i, text in enumerate(texts))
    chat = answer_chat(PROMPT, Context(Query(question, "q"), passages))
    assert [span.of(chat.text) for span in chat.passages] == texts


def test_passages_are_numbered_from_1_with_their_titles() -> None:
    chat = answer_chat(PROMPT, Context(Query("How many?", "q"), PASSAGES))
    block = "[1] One. Two.\n\n[2] Numbers\n😀 Three."
    assert chat.text == f"Read.\n\n{block}\n\nQuestion: How many?"
    assert [span.of(chat.text) for span in chat.blocks] == [block]


def test_a_question_that_looks_like_a_field_is_not_filled_again() -> None:
    chat = answer_chat(PROMPT, Context(Query("What is $passages?", "q"), PASSAGES))
    assert chat.text.endswith("Question: What is $passages?")


def test_a_removal_takes_a_sentence_and_one_separator_along() -> None:
    passages = (Passage("One. Two.  Three.", "a"), Passage("Four.", "b"))
    chat = answer_chat(PROMPT, Context(Query("?", "q"), passages))
    places = [(0, 0, 4), (0, 5, 9), (0, 11, 17), (1, 0, 5)]
    removals = chat.removals([Source(p, Span(start, end)) for p, start, end in places])
    gone = [span.of(chat.text) for removal in removals for span in removal]
    assert gone == ["One. ", " Two.", "  Three.", "Four."]


def test_passages_are_found_in_the_messages_that_were_sent() -> None:
    messages = [
        {"role": "system", "content": "Be brief. One. Two."},
        {"role": "user", "content": "Docs: 😀 Three. Why?"},
    ]
    chat = sent_chat(messages, PASSAGES)
    assert isinstance(chat, Chat)
    assert [span.of(chat.text) for span in chat.passages] == ["One. Two.", "😀 Three."]


def test_the_first_passage_that_was_not_sent_in_order_is_named() -> None:
    turned = [{"role": "user", "content": "😀 Three. One. Two."}]
    assert sent_chat(turned, PASSAGES) == "b"


def test_a_passage_does_not_reach_from_one_message_into_the_next() -> None:
    messages = [{"role": "system", "content": "One."}, {"role": "user", "content": " Two."}]
    assert sent_chat(messages, PASSAGES[:1]) == "a"
