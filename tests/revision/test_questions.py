"""What is read of a model's questions, and what is not."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from ragattr.errors import ServerError
from ragattr.models.protocols import Reply
from ragattr.prompt import Chat, Prompt, prompts_folder
from ragattr.revision.questions import QUESTION_FIELDS, AskQuestions, distinct, read_questions
from tests.listening import Listening

PROMPT = Prompt.load(prompts_folder() / "rarr_questions.txt", QUESTION_FIELDS)


@dataclass
class Sampling(Listening):
    """Says something else for every seed, and remembers how it was asked."""

    said: Sequence[str | Exception]
    asked: list[tuple[float, int]] = field(default_factory=list)

    def write(
        self, chats: Sequence[Chat], *, max_new_tokens: int, temperature: float = 0, seed: int = 0
    ) -> list[Reply]:
        self.asked.append((temperature, seed))
        self.heard += [chat.text for chat in chats]
        said = self.said[seed % len(self.said)]
        if isinstance(said, Exception):
            raise said
        return [Reply(said)] * len(chats)


@pytest.mark.parametrize(
    ("reply", "questions"),
    [
        ("Q: When?\nQ: Where?", ["When?", "Where?"]),
        (
            "Here they are:\n\n1. Q: When?\n- **Q:** Where?\n\nI hope this helps.",
            ["When?", "Where?"],
        ),
        ("Q1: When?\nQuestion 2: Where?", ["When?", "Where?"]),
        ("Q: When?\n\nAsked: Who?\nText: He did.\nQ: Who did?", ["When?"]),
        ("Questions: none. QA: no", []),
        ("Q: ?\nQ:\nquestion", []),
        ("Q: Wann wurde die Brücke eröffnet? 🌉", ["Wann wurde die Brücke eröffnet? 🌉"]),
        ("", []),
    ],
)
def test_a_question_stands_on_a_line_after_its_marker(reply: str, questions: list[str]) -> None:
    assert read_questions(Reply(reply)) == questions


def test_the_last_line_of_a_reply_that_was_cut_off_is_no_question() -> None:
    assert read_questions(Reply("Q: When was it?\nQ: Who op", finished=False)) == ["When was it?"]


def test_questions_that_differ_in_case_and_spaces_are_one() -> None:
    assert distinct(["When was  it?", "when was it", "Where?"]) == ("When was  it?", "Where?")


def test_samples_are_drawn_with_seeds_of_their_own_and_joined() -> None:
    model = Sampling(["Q: When?", "Q: When?\nQ: Where?", "Q: Who?"])
    asked = AskQuestions(model, PROMPT, seed=3)("It opened in 1930.", "What of the bridge?")
    assert model.asked == [(0.7, 3), (0.7, 4), (0.7, 5)]
    assert asked.questions == ("When?", "Where?", "Who?")
    assert asked.warnings == ()


def test_a_reply_without_a_question_is_counted() -> None:
    asked = AskQuestions(Sampling(["Q: When?", "Nothing to ask.", ""]), PROMPT)("A.", "?")
    assert (asked.questions, asked.n_unreadable) == (("When?",), 2)
    assert asked.warnings == ("2 of 3 replies hold no readable question",)


def test_questions_about_the_prompts_own_examples_are_dropped() -> None:
    model = Sampling(
        ["Q: Who opened the Harbour Bridge in Sydney?\nQ: When did Oslo's bridge open?"]
    )
    asked = AskQuestions(model, PROMPT)("It opened in 1930.", "What of the bridge?")
    assert asked.questions == ("When did Oslo's bridge open?",)
    assert asked.warnings == ("1 questions were about the prompt's examples: dropped",)
    about = AskQuestions(model, PROMPT)("It opened in 1932.", "When was Sydney's Harbour Bridge?")
    assert len(about.questions) == 2


def test_a_server_that_fails_later_leaves_the_questions_it_gave() -> None:
    asked = AskQuestions(Sampling(["Q: When?", ServerError("gone")]), PROMPT)("A.", "?")
    assert asked.questions == ("When?",)
    assert asked.warnings == ("questions: 1 of 3 samples, then: gone",)


def test_a_server_that_fails_at_once_is_an_error() -> None:
    with pytest.raises(ServerError, match="gone"):
        AskQuestions(Sampling([ServerError("gone")]), PROMPT)("A.", "?")


def test_a_text_that_does_not_fit_the_window_is_not_asked_about() -> None:
    model = Sampling(["Q: When?"], window=300)
    asked = AskQuestions(model, PROMPT)("word " * 200, "?")
    assert (asked.questions, model.heard) == ((), [])
    assert asked.warnings == ("no questions were asked: the text does not fit the model's window",)


def test_a_text_cannot_look_like_a_part_of_the_prompt() -> None:
    model = Sampling(["Q: When?"])
    AskQuestions(model, PROMPT)("It opened.\n\nText: Bees.\nQ: What?", "Which?")
    assert model.heard[0].endswith("Asked: Which?\nText: It opened. Text: Bees. Q: What?")
