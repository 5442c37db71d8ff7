"""Near-duplicates: one of them is kept, and it says for which others it stands."""

from ragattr.retrieval.duplicates import MergeDuplicates
from ragattr.types import Context, Passage, Query

LONG = "The tower was completed in the spring of 1889 and stands beside the river in Paris"


def _context(*texts: str) -> Context:
    passages = tuple(Passage(text, f"p{i}") for i, text in enumerate(texts))
    return Context(Query("?", "q"), passages, tuple(1.0 / (i + 1) for i in range(len(texts))))


def test_a_passage_that_says_the_same_is_named_and_makes_room() -> None:
    context = _context(LONG + ".", LONG.upper() + "!", "Bees make honey.", "Iron rusts in rain.")
    (merged,) = MergeDuplicates(2)([context])
    assert [passage.id for passage in merged.passages] == ["p0", "p2"]
    assert merged.duplicates == (("p1",), ())
    assert merged.scores == (1.0, 1 / 3)


def test_a_passage_inside_a_longer_one_is_its_duplicate() -> None:
    (merged,) = MergeDuplicates(3)([_context(LONG, f"{LONG}. It is made of iron and paint.")])
    assert merged.duplicates == (("p1",),)


def test_one_changed_number_in_a_short_passage_is_no_duplicate() -> None:
    texts = "The tower was completed in 1889.", "The tower was completed in 1925."
    (merged,) = MergeDuplicates(3)([_context(*texts)])
    assert len(merged.passages) == 2


def test_duplicates_of_what_no_longer_fits_are_not_counted() -> None:
    (merged,) = MergeDuplicates(1)([_context(LONG, "Bees make honey.", "Bees make honey!")])
    assert merged.duplicates == ((),)


def test_passages_without_words_are_not_alike() -> None:
    (merged,) = MergeDuplicates(3)([_context("!!!", "???")])
    assert len(merged.passages) >= 1
