import pytest

from ragattr.text.words import is_negated, names, numbers, search_terms, stem


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("The towers of Paris", ["tower", "pari"]),
        ("東京都", ["東京", "京都"]),
        ("東", ["東"]),
        ("Who is he?", []),
        ("3.5 of 1,000 café", ["3.5", "1,000", "café"]),
        ("ｱｲｳ", ["アイ", "イウ"]),
        ("cafe\u0301", ["café"]),
    ],
)
def test_search_terms_are_stems_and_pairs_of_characters(text: str, terms: list[str]) -> None:
    assert search_terms(text) == terms


@pytest.mark.parametrize("text", ["2024年東京都", "NHK東京都", "A東京都", "第3回東京都"])
def test_a_script_without_spaces_is_cut_to_pairs_after_latin_letters_and_digits_too(
    text: str,
) -> None:
    assert {"東京", "京都"} <= set(search_terms(text))


@pytest.mark.parametrize("text", ["हिन्दी", "தமிழ்", "العَرَبِيَّة", "שָׁלוֹם"])
def test_vowel_signs_do_not_cut_a_word(text: str) -> None:
    assert len(search_terms(text)) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("tower", "towers"),
        ("bridge", "bridges"),
        ("prize", "prizes"),
        ("name", "named"),
        ("Einstein", "Einstein's"),
        ("France", "France’s"),
    ],
)
def test_forms_of_a_word_are_found_by_one_another(one: str, other: str) -> None:
    assert search_terms(one) == search_terms(other)


def test_short_words_keep_their_endings() -> None:
    assert [stem(word) for word in ("bus", "red", "king")] == ["bus", "red", "king"]


def test_numbers_lose_their_thousands_separators() -> None:
    assert numbers("In 1889 it weighed 10,100 tonnes, 7.3 a part.") == {"1889", "10100", "7.3"}


def test_names_are_capitalised_words_after_the_first() -> None:
    assert names("Later Gustav Eiffel built The Tower") == {"gustav", "eiffel", "tower"}


@pytest.mark.parametrize(
    ("text", "negated"),
    [("It is not tall.", True), ("It isn’t tall.", True), ("A notable knot.", False)],
)
def test_negation_is_a_word_of_its_own(text: str, negated: bool) -> None:
    assert is_negated(text) is negated
