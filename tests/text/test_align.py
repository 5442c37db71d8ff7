import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragattr.errors import AlignmentError
from ragattr.text.align import anchors, claim_columns, token_spans, tokens_within
from ragattr.types import Marker, Span


def test_a_token_ends_where_the_next_one_starts() -> None:
    assert token_spans([0, 3, 3, 5], 8) == (Span(0, 3), Span(3, 3), Span(3, 5), Span(5, 8))
    assert token_spans([], 5) == ()


@settings(deadline=None)
@given(st.lists(st.integers(0, 30), min_size=1), st.integers(30, 40))
def test_tokens_leave_no_gap_between_them(starts: list[int], length: int) -> None:
    spans = token_spans(sorted(starts), length)
    assert [span.end for span in spans] == [*(span.start for span in spans[1:]), length]


@pytest.mark.parametrize(("starts", "length"), [([0, 4, 3], 9), ([0, 9], 8)])
def test_starts_that_fall_or_leave_the_text_are_an_error(starts: list[int], length: int) -> None:
    with pytest.raises(AlignmentError, match=r"must not fall"):
        token_spans(starts, length)


def test_a_token_is_anchored_at_its_first_character_that_is_no_space() -> None:
    tokens = [Span(0, 2), Span(2, 6), Span(6, 8)]  # "Hi", "\n  b", "\n\n"
    assert anchors(tokens, "Hi\n  b\n\n") == [0, 5, 6]


def test_a_token_belongs_to_the_piece_that_holds_its_anchor() -> None:
    tokens = token_spans([0, 2, 3, 6], 9)  # "Hi", ".", " Yo", "u.!"
    anchored = anchors(tokens, "Hi. You.!")
    assert tokens_within(Span(0, 3), anchored) == range(0, 2)
    assert tokens_within(Span(4, 9), anchored) == range(2, 4)


def test_tokens_of_markers_and_white_space_are_left_out() -> None:
    text = "Big [1, 2]. \n Old"
    tokens = token_spans([0, 3, 5, 6, 9, 10, 11, 13], len(text))
    # "Big", " [", "1", ", 2", "]", ".", " \n", " Old"
    columns = claim_columns(Span(0, len(text)), tokens, text, [Marker(Span(4, 10), (1, 2))])
    assert columns == [0, 5, 7]


def test_a_claim_leaves_the_tokens_of_the_next_claim_out() -> None:
    text = "Big. Old."
    tokens = token_spans([0, 3, 4, 8], len(text))  # "Big", ".", " Old", "."
    assert claim_columns(Span(0, 4), tokens, text, []) == [0, 1]
    assert claim_columns(Span(5, 9), tokens, text, []) == [2, 3]


def test_every_token_of_a_character_that_was_split_into_bytes_counts() -> None:
    tokens = token_spans([0, 0, 0, 1, 1, 1], 2)  # three byte tokens for each of 東 and 京
    assert claim_columns(Span(0, 2), tokens, "東京", []) == [0, 1, 2, 3, 4, 5]
