import pytest

from ragattr.text.markers import cut_markers, find_markers
from ragattr.types import Marker, Span


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Paris is big [1].", [("[1]", (1,))]),
        ("Paris is big.[1]", [("[1]", (1,))]),
        ("Paris [1][2] is big [ 3 ].", [("[1]", (1,)), ("[2]", (2,)), ("[ 3 ]", (3,))]),
        ("Paris is big [1, 3].", [("[1, 3]", (1, 3))]),
        ("Paris is big [2-4].", [("[2-4]", (2, 3, 4))]),
        ("Paris is big [2–4, 1].", [("[2–4, 1]", (2, 3, 4, 1))]),
        ("Paris is big [4-2][1,1].", [("[4-2]", (2, 3, 4)), ("[1,1]", (1,))]),
        ("Paris is big (1).", [("(1)", (1,))]),
        ("Paris is big. (1, 2)", [("(1, 2)", (1, 2))]),
        ("Paris (1)(2) is big.", [("(1)", (1,)), ("(2)", (2,))]),
        ("巴黎很大【1】。", [("【1】", (1,))]),
        ("Paris is big【3†source】.", [("【3†source】", (3,))]),
        ("Paris is big ^1^.", [("^1^", (1,))]),
        ("Paris is big.^1,2^", [("^1,2^", (1, 2))]),
        ("Paris is big [^1].", [("[^1]", (1,))]),
        ("Paris is big [9].", [("[9]", (9,))]),
    ],
)
def test_markers_are_found_where_and_as_they_are_written(
    text: str, found: list[tuple[str, tuple[int, ...]]]
) -> None:
    markers = find_markers(text, 4)
    assert [(marker.span.of(text), marker.numbers) for marker in markers] == found


@pytest.mark.parametrize(
    "text",
    [
        "The tower opened in Paris (1889).",
        "The war (1939-1945) was long.",
        "Tom Smith (45) won the race.",
        "The winner was Tom Smith (45).",
        "They were young (17–19).",
        "(1) the head\n(2) the body",
        "1) the head\n2) the body",
        "1. the head\n2. the body",
        "Three parts: (1) the head, (2) the body and (3) the tail.",
        "First (1) mix the flour, then (2) bake the bread.",
        "An array has a[i], a[n] and a[].",
        "a^2 + b^2 = c^2",
        "It costs [1.5] or [12345] or [-1].",
    ],
)
def test_years_ages_and_list_numbers_are_no_markers(text: str) -> None:
    assert find_markers(text, 3) == ()


def test_a_cut_takes_the_marker_and_the_space_before_it() -> None:
    text = "Paris is big\u00a0 [1][2]. It grew [3] fast."
    assert cut_markers(text, find_markers(text, 3)).text == "Paris is big. It grew fast."


def test_a_cut_remembers_where_each_character_stood() -> None:
    cut = cut_markers("a [1] b", [Marker(Span(2, 5), (1,))])
    assert (cut.text, cut.origin) == ("a b", (0, 5, 6))


def test_a_named_marker_ends_before_the_next_one_begins() -> None:
    text = "It is old【3†source. It is tall【4†source】."
    assert [marker.numbers for marker in find_markers(text, 9)] == [(4,)]
