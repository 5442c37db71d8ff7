import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragattr.errors import ConfigError
from ragattr.types import (
    Answer,
    Attribution,
    Claim,
    Context,
    Judgement,
    Passage,
    Query,
    Source,
    Span,
    Verdict,
)

CLAIM = Claim("Big.", Span(0, 4))
ANSWER = Answer(Context(Query("?", "q"), (Passage("One.", "a"),)), "Big.", (CLAIM,), ())
SOURCES = (Source(0, Span(0, 4)),)
TOKENS = (Span(0, 3), Span(3, 4))


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=())), st.data())
def test_a_span_of_a_text_is_the_piece_between_its_ends(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    assert text[:start] + Span(start, end).of(text) + text[end:] == text


@pytest.mark.parametrize(("start", "end"), [(-1, 2), (3, 2), (-2, -1)])
def test_a_span_that_ends_before_it_starts_or_starts_before_0_is_refused(
    start: int, end: int
) -> None:
    with pytest.raises(ConfigError, match="0 <= start <= end"):
        Span(start, end)


def test_a_span_beyond_the_text_is_refused_not_cut() -> None:
    with pytest.raises(ConfigError, match=r"\[2, 5\) leaves a text of 4"):
        Span(2, 5).of("four")


def test_a_span_holds_its_first_character_but_not_the_one_at_its_end() -> None:
    held = [position for position in range(6) if Span(2, 4).holds(position)]
    assert held == [2, 3]


def test_a_shifted_span_keeps_its_length_and_cannot_leave_the_text_to_the_left() -> None:
    assert Span(2, 4).shift(-2) == Span(0, 2)
    with pytest.raises(ConfigError):
        Span(2, 4).shift(-3)


def test_spans_are_sorted_by_start_and_then_by_end() -> None:
    assert sorted([Span(3, 4), Span(0, 9), Span(0, 2)]) == [Span(0, 2), Span(0, 9), Span(3, 4)]


@pytest.mark.parametrize("shape", [(2, 1), (1, 3), (2,)])
def test_scores_that_are_not_sources_by_tokens_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ConfigError, match=r"\[sources, tokens\] \(1, 2\), got"):
        Attribution(ANSWER, TOKENS, SOURCES, np.zeros(shape), "nats")


def test_an_attribution_may_have_no_scores() -> None:
    assert Attribution(ANSWER, (), SOURCES, None, "nats").scores is None


def test_supports_that_are_not_claims_by_sources_are_refused() -> None:
    measured = Attribution(ANSWER, (), SOURCES, None, "nats")
    verdicts, wrong, whole = (Verdict(CLAIM, "unclear", None),), np.zeros((2, 1)), np.zeros((1, 1))
    with pytest.raises(ConfigError, match=r"\[claims, sources\] \(1, 1\), got \(2, 1\)"):
        Judgement(measured, SOURCES, wrong, wrong, whole, whole, np.zeros(1), verdicts, ((),))
