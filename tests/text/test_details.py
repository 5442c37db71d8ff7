"""Details are found whole, each of its kind, and say what they say however they are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragattr.text.details import Detail, details, written_like


def _found(text: str, kind: str) -> list[tuple[str, str]]:
    return [(d.text, d.value) for d in details(text) if d.kind == kind]


def test_a_date_is_found_whole_and_in_its_parts() -> None:
    text = "It opened on 31 March 1889."
    assert [t for t, _ in _found(text, "date")] == ["31 March 1889"]
    assert _found(text, "day") == [("31", "31")]
    assert _found(text, "month") == [("March", "mar")]
    assert _found(text, "year") == [("1889", "1889")]
    assert _found(text, "number") == []


def test_dates_of_both_orders_say_the_same() -> None:
    (_, one), (_, other) = _found("On 2nd May, 1901 and on May 2, 1901.", "date")
    assert one == other


@pytest.mark.parametrize(
    ("one", "other"),
    [("three", "3"), ("4,500", "4500"), ("third", "3rd"), ("twenty-five", "25"),
     ("40 percent", "40%"), ("3.5 million", "3.5 million")],
)  # fmt: skip
def test_numbers_say_the_same_however_they_are_written(one: str, other: str) -> None:
    ((_, first),) = _found(f"It has {one} of them.", "number")
    ((_, second),) = _found(f"It has {other} of them.", "number")
    assert first == second


def test_names_are_capitalised_runs_without_what_only_opens_the_sentence() -> None:
    text = "The tower of Gustave Eiffel's company stands in Paris."
    assert [t for t, _ in _found(text, "name")] == ["Gustave Eiffel", "Paris"]
    assert [t for t, _ in _found("Savages is a German film.", "name")] == ["Savages", "German"]


def test_may_is_a_month_only_where_one_stands() -> None:
    assert _found("It may rain. May Smith left.", "month") == []
    assert [t for t, _ in _found("It opened in May.", "month")] == ["May"]


def test_function_words_are_no_details() -> None:
    assert [t for t, _ in _found("It was not the best of them.", "word")] == ["best"]


@pytest.mark.parametrize(
    ("number", "like", "said"),
    [
        ("three", "12", "3"),
        ("3", "two", "three"),
        ("second", "20th", "2nd"),
        ("4,200", "5", "4,200"),
        ("7 million", "two", "seven million"),
        ("twelfth", "1st", "12th"),
    ],
)
def test_a_number_takes_the_form_of_another(number: str, like: str, said: str) -> None:
    (one,) = [d for d in details(f"the {number} ones") if d.kind == "number"]
    (other,) = [d for d in details(f"the {like} ones") if d.kind == "number"]
    assert written_like(one, other) == said


@given(st.text())
def test_any_text_has_details_that_stand_in_it(text: str) -> None:
    for detail in details(text):
        assert isinstance(detail, Detail)
        assert detail.span.of(text) == detail.text
