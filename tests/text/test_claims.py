import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ragattr.text.claims import claim_markers, hypothesis, needs_support, read_claims, statement

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


@pytest.mark.parametrize(
    "said",
    [
        "Hello!",
        "Good morning.",
        "Sure, here is the answer:",
        "I hope this helps!",
        "Let me know if you have other questions.",
        "What is the capital of France?",
        "法国的首都是什么？",
        "I'm sorry, but I cannot answer this.",
        "The passages do not mention the height of the tower.",
        "There is not enough information in the context.",
        "## Sources",
        "---",
        "",
    ],
)
def test_greetings_questions_and_refusals_need_no_support(said: str) -> None:
    assert not needs_support(said)


@pytest.mark.parametrize(
    "said",
    [
        "Paris is the capital of France.",
        "42",
        "巴黎是法国的首都。",
        "Here is Rome, the capital of Italy.",
        "Good Morning America premiered in 1975.",
        "There is no evidence that vitamin C prevents colds.",
        "The Articles of Confederation did not provide for an executive.",
        "In 1927 Einstein wrote: we do not know the cause.",
        "Thank you for smoking is the title of a film from 2005.",
    ],
)
def test_statements_of_fact_need_support(said: str) -> None:
    assert needs_support(said)


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
