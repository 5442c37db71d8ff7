"""Where an answer quotes, and whether a passage has the words."""

import pytest

from ragattr.text.quotes import find_quotes, is_quoted, most_like, plain

PASSAGE = plain("The tower—built in 1889 [3]—is “a truly tragic street lamp”, they said.")


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("He said “one two three four” and left.", ["one two three four"]),
        ('He said "one two three four".', ["one two three four"]),
        ("Il a dit «un deux trois quatre».", ["un deux trois quatre"]),
        ("He said ‘it’s one two three’ twice.", ["it’s one two three"]),
        ("He said “one two three”.", []),
        (
            'A 5" pipe and a 7" pipe are not the same, "one two three four" is.',
            ["one two three four"],
        ),
        ("They don't say it's one of the two, don't they?", []),
        ("“one two\nthree four”", ["one two\nthree four"]),
        ("“one two\n\nthree four”", []),
        ("彼は「蜂は蜜を作るのだ」と言った。", ["蜂は蜜を作るのだ"]),
        ("“one two three [1]” [2]", []),
    ],
)
def test_four_words_between_marks_are_a_quotation(text: str, quoted: list[str]) -> None:
    assert [span.of(text) for span in find_quotes(text)] == quoted


@pytest.mark.parametrize(
    "quote",
    [
        "a truly tragic street lamp",
        "A Truly  tragic\nstreet lamp.",
        "The tower - built in 1889 - is “a truly",
        "a truly … street lamp",
        "[It] is 'a truly [...] lamp'",
        "The tower—built in 1889—is",
    ],
)
def test_what_only_looks_otherwise_is_quoted(quote: str) -> None:
    assert is_quoted(plain(quote), PASSAGE)


@pytest.mark.parametrize("quote", ["tragic street lam", "lamp ... truly tragic", "built in 188"])
def test_parts_of_words_and_parts_out_of_order_are_not(quote: str) -> None:
    assert not is_quoted(plain(quote), PASSAGE)


def test_the_nearest_passage_is_named_with_what_differs() -> None:
    like = most_like(plain("a truly ugly street lamp"), [plain("Bees fly."), PASSAGE])
    assert like is not None
    assert (like.passage, like.differences) == (1, ("“tragic” became “ugly”",))
    assert most_like(plain("nobody ever liked their colour"), [PASSAGE]) is None
