"""Edits reproduce the new text, touch as little as they can, and leave markers alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragattr.errors import ConfigError
from ragattr.text.edits import apply_edits, around_markers, composed, edits_between, moved
from ragattr.text.markers import Cut, cut_markers, find_markers
from ragattr.types import Edit, Span

words = st.lists(
    st.sampled_from(
        ["the", "bees", "hum", "1889", ",", " ", "\n", "é", "e\u0301", "👩\u200d🔬", "x"]
    ),
    max_size=12,
).map("".join)


@given(words, words)
def test_edits_between_two_texts_turn_one_into_the_other(before: str, after: str) -> None:
    assert apply_edits(before, edits_between(before, after)) == after


@given(st.text(), st.text())
def test_any_two_texts(before: str, after: str) -> None:
    assert apply_edits(before, edits_between(before, after)) == after


def test_one_word_is_one_edit_and_two_neighbours_are_one() -> None:
    (edit,) = edits_between("It opened in 1890.", "It opened in 1889.", "number")
    assert (edit.span, edit.before, edit.after, edit.reason) == (
        Span(13, 17), "1890", "1889", "number",
    )  # fmt: skip
    (edit,) = edits_between("by Gustave Eiffel in Paris", "by Armand Moisant in Paris")
    assert (edit.before, edit.after) == ("Gustave Eiffel", "Armand Moisant")


def test_a_letter_is_not_parted_from_its_accent() -> None:
    (edit,) = edits_between("cafe\u0301 noir", "cafe noir")
    assert (edit.before, edit.after) == ("cafe\u0301", "cafe")


def test_an_edit_of_another_text_is_refused() -> None:
    with pytest.raises(ConfigError, match="no edit of this text"):
        apply_edits("abc", [Edit(Span(0, 1), "x", "y", "")])
    with pytest.raises(ConfigError, match="not in order"):
        apply_edits("abc", [Edit(Span(1, 2), "b", "", ""), Edit(Span(0, 1), "a", "", "")])


def test_what_stands_around_edits_is_found_again() -> None:
    edits = [Edit(Span(4, 8), "1890", "the year 1889", ""), Edit(Span(12, 12), "", "!", "")]
    assert moved(Span(0, 3), edits) == Span(0, 3)
    assert moved(Span(9, 12), edits) == Span(18, 21)
    assert moved(Span(3, 6), edits) is None


@given(words, words, words)
def test_edits_one_after_the_other_are_edits_of_the_first_text(a: str, b: str, c: str) -> None:
    both = composed(a, edits_between(a, b), edits_between(b, c))
    assert apply_edits(a, both) == c


def test_an_edit_of_an_edit_is_one_edit_with_both_reasons() -> None:
    first = [Edit(Span(0, 4), "1890", "in 1889", "date"), Edit(Span(6, 6), "", "x", "put in")]
    (both, other) = composed("1890 y", first, [Edit(Span(0, 3), "in ", "", "style")])
    assert both == Edit(Span(0, 4), "1890", "1889", "date; style")
    assert other == first[1]


def test_an_edit_over_a_marker_goes_around_it() -> None:
    text = "It opened in May [1] 1890 [2]."
    cut = cut_markers(text, find_markers(text, 2))
    assert cut.text == "It opened in May 1890."
    edits = around_markers(edits_between(cut.text, "It opened in 1889."), cut, text)
    assert apply_edits(text, edits) == "It opened in 1889 [1] [2]."


def test_what_is_put_in_comes_before_the_marker() -> None:
    text = "It opened [1]."
    cut = cut_markers(text, find_markers(text, 1))
    edits = around_markers(edits_between(cut.text, "It opened late."), cut, text)
    assert apply_edits(text, edits) == "It opened late [1]."


@pytest.mark.parametrize(
    ("text", "new"),
    [
        ("It opened quickly [1] in Paris.", "It opened [1] in Paris."),
        ("It opened [1] quickly in Paris.", "It opened [1] in Paris."),
        ("It opened [1] quickly [2] in Paris.", "It opened [1] [2] in Paris."),
    ],
)
def test_what_goes_takes_one_space_and_leaves_one(text: str, new: str) -> None:
    cut = cut_markers(text, find_markers(text, 2))
    edits = around_markers(edits_between(cut.text, "It opened in Paris."), cut, text)
    assert apply_edits(text, edits) == new


marked = st.lists(
    st.sampled_from(["Bees", " hum", " loudly", ".", "[1]", " [2]", "[1, 2]", "One.[1]Two", "\n"]),
    max_size=10,
).map("".join)


@given(marked, words)
def test_no_edit_ever_changes_a_marker(text: str, after: str) -> None:
    markers = find_markers(text, 2)
    edits = around_markers(edits_between(cut_markers(text, markers).text, after), _cut(text), text)
    new = apply_edits(text, edits)
    for marker in markers:
        assert marker.span.of(text) in new
    for edit in edits:
        for marker in markers:
            assert edit.span.end <= marker.span.start or edit.span.start >= marker.span.end


def _cut(text: str) -> Cut:
    return cut_markers(text, find_markers(text, 2))
