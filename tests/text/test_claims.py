import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ragattr.text.claims import (
    ClaimContext,
    claim_markers,
    hypotheses,
    hypothesis,
    in_context,
    read_claims,
    rests_on_context,
    split_claims,
    statement,
)
from ragattr.text.facts import fact_spans
from ragattr.types import Answer, Context, Passage, Query

ANY_CHARACTER = st.characters(exclude_categories=())  # lone surrogates too
FRAGMENTS = (
    *("[1]", "[1][2]", "[1, 3]", "[2-4]", "(1)", "(2), ", "【1】", "^1^", "[^2]", "(1999)", "[9]"),
    *(". ", ".", "? ", "。", "\n", "\n\n", "\r\n", "  ", "\u00a0", "\u2028", "\x00", "\u202e"),
    *(
        "\ud83d",
        "\ude00",
        "e\u0301",
        "👩‍👩‍👧",
        "- ",
        "1. ",
        "| a [1] |",
        "# ",
        "Sources:",
        "Tower ",
        "東京",
    ),
)
ANSWERS = st.lists(st.sampled_from(FRAGMENTS) | st.text(ANY_CHARACTER, max_size=4)).map("".join)


@settings(deadline=None)
@given(ANSWERS)
@example("[1]")
@example("[1]\n\n[2]")
@example("A.\n[1] [2] B")
@example("[1]\n[2] Paris is big. Rome is old.")
@example("Paris is big. ([1]) Rome is old. ([2])")
def test_every_character_that_is_no_space_lies_in_exactly_one_claim(text: str) -> None:
    claims, _ = read_claims(text, 3)
    inside = [sum(claim.span.holds(i) for claim in claims) for i in range(len(text))]
    assert all(n == 1 or (n == 0 and text[i].isspace()) for i, n in enumerate(inside))


@settings(deadline=None)
@given(ANSWERS)
@example("[1]\n[2] Paris is big. Rome is old.")
def test_every_marker_lies_in_exactly_one_claim(text: str) -> None:
    claims, markers = read_claims(text, 3)
    owned = [marker for claim in claims for marker in claim_markers(claim, markers)]
    assert owned == list(markers)
    assert all(
        sum(c.span.start <= m.span.start and m.span.end <= c.span.end for c in claims) == 1
        for m in markers
    )


@settings(deadline=None)
@given(ANSWERS)
def test_a_claim_says_what_stands_in_its_span(text: str) -> None:
    claims, markers = read_claims(text, 3)
    assert [claim.text for claim in claims] == [claim.span.of(text) for claim in claims]
    assert [c.span for c in claims] == sorted(c.span for c in claims)


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        ("Paris is big [1]. Rome is old [2].", ["Paris is big [1].", "Rome is old [2]."]),
        ("Paris is big. [1] Rome is old. [2]", ["Paris is big. [1]", "Rome is old. [2]"]),
        ("Paris is big.[1][2] Rome is old.", ["Paris is big.[1][2]", "Rome is old."]),
        ("Paris is big. [1]\n\nRome is old. [2]", ["Paris is big. [1]", "Rome is old. [2]"]),
        ("Paris is big.\n[1]\nRome is old.", ["Paris is big.\n[1]", "Rome is old."]),
        ("Paris is big. (1) Rome is old. (2)", ["Paris is big. (1)", "Rome is old. (2)"]),
        ("Paris is big.[1]Rome is old.[2]", ["Paris is big.[1]", "Rome is old.[2]"]),
        ("Paris is big.^1^ Rome is old.", ["Paris is big.^1^", "Rome is old."]),
        (
            "東京は首都です。【1】大阪は街です【2】。",
            ["東京は首都です。【1】", "大阪は街です【2】。"],
        ),
        ("[1] Paris is big. Rome is old.", ["[1] Paris is big.", "Rome is old."]),
        ("Paris is big.\n[1] Smith\n[2] Jones", ["Paris is big.", "[1] Smith", "[2] Jones"]),
        ("- Paris [1]\n- Rome [2]", ["- Paris [1]", "- Rome [2]"]),
        ("[1]\n[2] Paris is big. Rome is old.", ["[1]\n[2] Paris is big.", "Rome is old."]),
        ("", []),
        (" \n ", []),
        ("[1][2]", ["[1][2]"]),
        ("Paris is big. ([1]) Rome is old.", ["Paris is big. ([1])", "Rome is old."]),
        ("([1]) Paris is big.", ["([1]) Paris is big."]),
    ],
)
def test_a_marker_belongs_to_the_sentence_before_it(text: str, claims: list[str]) -> None:
    assert [claim.text for claim in read_claims(text, 2)[0]] == claims


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Paris is big [1].", "Paris is big."),
        ("Paris is big. [1][2]", "Paris is big."),
        ("Paris [1] is big [2, 3].", "Paris is big."),
        ("Paris is big (1999) (1).", "Paris is big (1999)."),
        ("巴黎很大【1】。", "巴黎很大。"),
        ("[1] Paris is big.", "Paris is big."),
    ],
)
def test_a_statement_is_the_claim_without_its_markers(text: str, said: str) -> None:
    (claim,), markers = read_claims(text, 3)
    assert (claim.text, statement(claim, markers)) == (text, said)


def test_the_statement_of_a_later_claim_loses_its_own_markers() -> None:
    claims, markers = read_claims("😀 Paris is big [1]. Rome is old [2].", 2)
    assert statement(claims[1], markers) == "Rome is old."
    assert claim_markers(claims[1], markers) == [markers[1]]


def test_a_list_of_references_needs_no_support() -> None:
    claims, _ = read_claims("Paris is big [1].\n\nReferences:\n[1] The big book of Paris.", 1)
    assert [claim.needs_support for claim in claims] == [True, False, False]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("1889", "When was it built? 1889"),
        ("in March 1889", "When was it built? in March 1889"),
        ("It was built in 1889.", "It was built in 1889."),
        ('He said "in 1889."', 'He said "in 1889."'),
        ("1889年に完成した。", "1889年に完成した。"),
        ("a b c d e f g h i j k l m", "a b c d e f g h i j k l m"),
    ],
)
def test_a_few_words_are_judged_after_their_question(said: str, expected: str) -> None:
    assert hypothesis(said, "When was it built?") == expected


def _answer(text: str, *, atomic: bool = False) -> Answer:
    claims, markers = read_claims(text, 2)
    claims = split_claims(claims, markers, fact_spans) if atomic else claims
    context = Context(Query("How old is Ulm?", "q"), (Passage("a", "1"), Passage("b", "2")))
    return Answer(context, text, claims, markers)


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        (
            "Ulm was founded in 850 [1] and has a minster.[2] Bern is old.",
            ["Ulm was founded in 850 [1]", "and has a minster.[2]", "Bern is old."],
        ),
        (
            "[1] Ulm was founded in 850, ([2]) and has 😀 a minster.",
            ["[1] Ulm was founded in 850, ([2])", "and has 😀 a minster."],
        ),
        ("Ulm is old; [1] it has a minster.", ["Ulm is old; [1]", "it has a minster."]),
        ("Who was born in Ulm and has a dog?", ["Who was born in Ulm and has a dog?"]),
    ],
)
def test_a_marker_stays_with_the_piece_before_it(text: str, pieces: list[str]) -> None:
    answer = _answer(text, atomic=True)
    assert [claim.text for claim in answer.claims] == pieces
    assert [claim.span.of(text) for claim in answer.claims] == pieces


@settings(deadline=None)
@given(st.lists(st.sampled_from((*FRAGMENTS, "Ulm was old ", "and has ", "; "))).map("".join))
def test_pieces_cover_the_same_characters_as_the_sentences(text: str) -> None:
    covered = [
        {i for claim in answer.claims for i in range(claim.span.start, claim.span.end)}
        for answer in (_answer(text), _answer(text, atomic=True))
    ]
    assert all(text[i].isspace() for i in covered[0] ^ covered[1])


def test_a_refusal_after_a_fact_is_a_piece_that_needs_no_support() -> None:
    answer = _answer("Ulm is in Baden, but the passages do not mention its age.", atomic=True)
    assert [claim.needs_support for claim in answer.claims] == [True, False]


def test_a_piece_is_judged_with_the_subject_and_without_markers() -> None:
    answer = _answer("Ulm was founded in 850 [1] and has a minster.[2]", atomic=True)
    assert hypotheses(answer) == ("Ulm was founded in 850.", "Ulm has a minster.")


def test_sentences_are_judged_as_they_are_without_context() -> None:
    answer = _answer("Ulm is old [1]. It has a minster [2]. 850")
    assert hypotheses(answer) == ("Ulm is old.", "It has a minster.", "How old is Ulm? 850")


@pytest.mark.parametrize(
    ("context", "last"),
    [
        ("none", "It is tall."),
        ("question", "How old is Ulm? It is tall."),
        ("previous", "Ulm has a minster. It is tall."),
    ],
)
def test_a_pronoun_comes_after_the_question_or_the_nearest_statement_without_one(
    context: ClaimContext, last: str
) -> None:
    answer = _answer("Ulm has a minster. It was begun in 1377. What else? It is tall.")
    assert hypotheses(answer, context)[-1] == last


def test_a_pronoun_with_nothing_before_it_stays_alone() -> None:
    assert in_context("It is tall.", "How tall?", "", "previous") == "It is tall."
    assert in_context("Ulm is tall.", "How tall?", "Bern is old.", "previous") == "Ulm is tall."


@pytest.mark.parametrize(
    ("said", "rests"),
    [
        ("It was completed in 1889.", True),
        ("In 1889, it was completed.", True),
        ("In May 1889, they left.", True),
        ("However, this theory failed.", True),
        ("Its capital is Ulm.", True),
        ("He’s the founder.", True),
        ("The latter was older.", True),
        ("Ulm and its minster are old.", False),
        ("When Einstein left Ulm, he was one.", False),
        ("It is known that bees make honey.", False),
        ("Italy is a country.", False),
        ("Thesis writing is hard.", False),
        ("", False),
    ],
)
def test_text_rests_on_context_when_a_pronoun_comes_first(said: str, rests: bool) -> None:
    assert rests_on_context(said) == rests
