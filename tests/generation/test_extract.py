from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from ragattr.api import writer
from ragattr.errors import ConfigError
from ragattr.generation.extract import REFUSAL, SPAN_FIELDS, Extract
from ragattr.models.fake import FakeEncoder, FakeModel
from ragattr.models.protocols import ScoredSpan
from ragattr.prompt import Prompt, prompts_folder
from ragattr.setup import Setup
from ragattr.types import Context, Passage, Query, Span

PROMPT = Prompt.load(prompts_folder() / "span.txt", SPAN_FIELDS)
PASSAGES = (
    Passage("Bees make honey. Their queen lays eggs.", "a", "Bees"),
    Passage("Iron rusts in water.", "b"),
)


@dataclass(frozen=True)
class Scoring(FakeModel):
    """Gives each word of a sentence the log-probability that it is told, -9 to all others."""

    logprobs: dict[str, float] = field(default_factory=dict)
    prompts: list[str] = field(default_factory=list)

    def score_spans(self, prompts: Sequence[str], texts: Sequence[str]) -> list[list[ScoredSpan]]:
        self.prompts.extend(prompts)
        return [
            [
                ScoredSpan(Span(at := text.index(word), at + len(word)), self._logprob(word))
                for word in text.rstrip(".").split()
            ]
            for text in texts
        ]

    def _logprob(self, word: str) -> float:
        return self.logprobs.get(word, -9.0)


def _ask(question: str, model: Scoring, **options: float) -> str:
    (answer,) = Extract(model, FakeEncoder(), PROMPT, **options)(  # type: ignore[arg-type]
        [Context(Query(question, "q"), PASSAGES)]
    )
    return answer.text


def test_the_likeliest_span_is_the_answer() -> None:
    assert _ask("What do they give?", Scoring(logprobs={"honey": -1.0, "eggs": -2.0})) == "honey"


def test_a_sentence_near_the_question_outweighs_a_likelier_span_elsewhere() -> None:
    model = Scoring(logprobs={"honey": -2.0, "water": -1.0})
    assert _ask("What do bees make?", model) == "honey"


def test_a_span_that_repeats_the_question_is_no_answer() -> None:
    model = Scoring(logprobs={"Bees": -0.1, "honey": -3.0})
    assert _ask("What do bees make?", model) == "honey"


def test_below_the_bar_the_answer_is_a_refusal_that_needs_no_support() -> None:
    model = Scoring(logprobs={"honey": -3.0})
    (answer,) = Extract(model, FakeEncoder(), PROMPT, bar=2.0)(
        [Context(Query("What do bees make?", "q"), PASSAGES)]
    )
    assert answer.text == REFUSAL
    assert [claim.needs_support for claim in answer.claims] == [False]


def test_only_the_nearest_sentences_are_read_each_under_its_title() -> None:
    model = Scoring()
    _ask("What do bees make?", model, n_sentences=1)
    (prompt,) = model.prompts
    assert prompt.endswith("Passage: Bees. Bees make honey.\nQuestion: What do bees make?\nAnswer:")


@pytest.mark.parametrize("passages", [(), (Passage("", "a"),)])
def test_without_sentences_the_answer_is_a_refusal(passages: tuple[Passage, ...]) -> None:
    (answer,) = Extract(Scoring(), FakeEncoder(), PROMPT)([Context(Query("What?", "q"), passages)])
    assert answer.text == REFUSAL


def test_a_model_that_scores_no_spans_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match="fake scores no spans"):
        writer(Setup(model=FakeModel()), form="span")
