"""What is found in an answer without a model, and what is mended."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragattr.text.findings import RULES
from ragattr.text.lint import lint_answer, mend_answer

BEES, IRON, TOWER = (
    "Bees make honey in their hive.",
    "Iron rusts in wet air, and quickly so.",
    "The tower was finished in March 1889 after two years of work.",
)
PASSAGES = (BEES, IRON, TOWER)


def found(text: str, *rules: str) -> list[tuple[str, str]]:
    """The rule and the text of each finding."""
    findings = lint_answer(text, PASSAGES, rules or tuple(RULES))
    return [(finding.rule, finding.span.of(text)) for finding in findings]


@pytest.mark.parametrize(
    "text",
    [
        "Bees make honey [1]. Iron rusts [2].",
        "Bees make honey. [1] Iron rusts. [2]",
        "Bees make honey.[1] Iron rusts.[2]",
        "Bees make honey (1). Tom (45) saw that iron rusts (2).",
        "- Bees make honey [1]\n- [x] Iron rusts [2]\n- [ ] Towers rise [3]",
        "Sure! Here is a summary:\n\n**Bees**\n\nBees make honey [1].\n\nI hope this helps.",
        "The set [0, 1) holds 0.5 [1]. `a[7]` is code, and x[i] and y[] are too [2].",
        "Iron rusts [2]. [sic] See [the page](https://a.b) for more [1][3].",
        "It holds: “Iron rusts in wet air” [2].",
        'It said: "Bees make honey ... hive" [1].',
        "He said “IRON  rusts in wet air.” [2] Bees make honey [1].",
        "| Who | What |\n|---|---|\n| Bees | honey [1] |",
        "Bees make honey.[^1]\n\n[^1]: A book on bees.",
        "The passages do not say “who built the tower first”.",
        "",
        " \n",
    ],
)
def test_nothing_is_found_where_nothing_is_wrong(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Bees make honey [1. Iron rusts [2].", "[1"),
        ("Bees make honey 1]. Iron rusts [2].", "1]"),
        ("Bees make honey.1] Iron rusts.[2]", "1]"),
        ("Bees make honey [1,].", "[1,]"),
        ("Bees make honey [a1].", "[a1]"),
        ("Bees make honey [1.2].", "[1.2]"),
        ("Bees make honey 【1.", "【1"),
        ("Bees make honey [ ].", "[ ]"),
        ("Bees make honey [Source 1].", "[Source 1]"),
        ("Bees make honey (see passage 1).", "(see passage 1)"),
        ("Bees make honey [1 and 2].", "[1 and 2]"),
        ("Bees make honey [1).", "[1)"),
        ("Bees make honey [[1].", "["),
        ("Bees make honey [1, p. 4].", "[1, p. 4]"),
        ("Bees make honey (1. Iron rusts (2).", "(1"),
        ("Bees make honey [^1. Iron rusts [^2].", "[^1"),
    ],
)
def test_what_is_not_read_as_a_citation_is_malformed(text: str, written: str) -> None:
    assert found(text, "malformed") == [("malformed", written)]


def test_a_statement_with_a_malformed_marker_is_not_uncited_too() -> None:
    assert found("Bees make honey [1.") == [("malformed", "[1")]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Bees make honey [4].", "[4]"),
        ("Bees make honey [0].", "[0]"),
        ("Bees make honey [2-5].", "[2-5]"),
        ("Bees make honey (1). Iron rusts (7).", "(7)"),
    ],
)
def test_a_number_without_a_passage_is_out_of_range(text: str, written: str) -> None:
    assert found(text, "out-of-range") == [("out-of-range", written)]


def test_without_passages_only_what_needs_none_is_checked() -> None:
    text = "Bees make “no honey in their hive” [8][8]. Iron rusts."
    rules = [finding.rule for finding in lint_answer(text)]
    assert rules == ["duplicate", "uncited"]
    assert [finding.rule for finding in lint_answer("Bees make honey [0].")] == ["out-of-range"]


def test_a_reference_without_its_note_and_a_note_without_a_reference_dangle() -> None:
    text = "Bees make honey.[^1] Iron rusts.[^2]\n\n[^1]: Bees.\n[^3]: Towers."
    assert found(text) == [("dangling-footnote", "[^2]"), ("dangling-footnote", "[^3]")]


def test_three_passages_are_not_too_many_for_a_sentence_and_four_are() -> None:
    assert found("Bees fly [1][2][3].", "over-cited") == []
    assert found("Bees fly [1, 2] far [3][4].", "over-cited") == [
        ("over-cited", "[1, 2] far [3][4]")
    ]


def test_a_statement_without_a_marker_is_uncited_and_a_question_is_not() -> None:
    assert found("Iron rusts. Why does it rust?") == [("uncited", "Iron rusts.")]


def test_a_quotation_of_two_sentences_has_one_citation() -> None:
    assert (
        found("“Bees make honey in their hive. Bees make honey in their hive.” [1]", "uncited")
        == []
    )


def test_quoted_words_that_no_passage_has_are_absent() -> None:
    text = "Bees “sleep all winter under leaves” [1]."
    assert found(text) == [("quote-absent", "sleep all winter under leaves")]


def test_three_words_are_no_quotation() -> None:
    assert found("Bees “sleep all winter” [1].") == []


def test_a_near_quotation_shows_the_words_that_differ() -> None:
    (finding,) = lint_answer("Bees “make jam in their hive” [1].", PASSAGES)
    assert finding.rule == "quote-near"
    assert finding.message == "passage 1 says it otherwise: “honey” became “jam”"


def test_a_quotation_of_a_passage_that_is_not_cited_names_it() -> None:
    (finding,) = lint_answer("They say “rusts in wet air” [1].", PASSAGES)
    assert finding.rule == "quote-uncited"
    assert "passage 2" in finding.message


@pytest.mark.parametrize(
    "text",
    [
        "Bees make honey [1]. Iron rusts. [2] Towers rise [3].",
        "Bees make honey [1]. Iron rusts. [2]Towers rise [3].",
        "Bees make honey [1]. Iron rusts. The [2] towers rise [3].",
    ],
)
def test_a_marker_between_two_sentences_is_misplaced_and_moved_before_the_stop(text: str) -> None:
    assert found(text, "misplaced") == [("misplaced", "[2]")]
    mended = mend_answer(text, PASSAGES)
    assert mended.replace("The towers", "Towers") == (
        "Bees make honey [1]. Iron rusts [2]. Towers rise [3]."
    )


def test_a_marker_that_two_sentences_could_own_is_found_and_not_moved() -> None:
    text = "Bees make honey [1]. [2] Iron rusts."
    assert ("misplaced", "[2]") in found(text)
    assert mend_answer(text, PASSAGES) == text


@pytest.mark.parametrize(
    ("text", "mended"),
    [
        ("Bees make honey [1. Iron rusts 2].", "Bees make honey [1]. Iron rusts [2]."),
        ("Bees make honey [1][1].", "Bees make honey [1]."),
        ("Bees make honey [1, 1, 2].", "Bees make honey [1, 2]."),
        ("Bees make honey [1], [1], [2].", "Bees make honey [1], [2]."),
        ("Bees make honey [1]. [1]", "Bees make honey [1]."),
        ("Bees make honey [1,,2].", "Bees make honey [1, 2]."),
        ("Bees make honey [Source 1].", "Bees make honey [1]."),
        ("[1] Bees make honey.", "Bees make honey [1]."),
        ("Bees make honey [a1].", "Bees make honey [a1]."),
        ("Bees make honey [1], and wax too [1].", "Bees make honey [1], and wax too [1]."),
        ("Bees make honey [^1, ^1].", "Bees make honey [^1]."),
    ],
)
def test_what_needs_no_judgement_is_mended_and_nothing_else(text: str, mended: str) -> None:
    assert mend_answer(text, PASSAGES) == mended


def test_only_the_rules_that_are_named_mend() -> None:
    assert mend_answer("Bees fly [1][1. Iron rusts.", PASSAGES, ["uncited"]) == (
        "Bees fly [1][1. Iron rusts."
    )


ANSWERS = st.one_of(
    st.text(max_size=80),
    st.lists(
        st.sampled_from(
            [
                *(
                    "[1]",
                    "[2]",
                    "[9]",
                    "[1",
                    "1]",
                    "(1)",
                    "(2",
                    "[^1]",
                    "[^1]: x",
                    "【1】",
                    "【2†a",
                ),
                *(
                    "^1^",
                    "^2",
                    "[1, 1]",
                    "[[",
                    "]]",
                    "()",
                    "[ ]",
                    " ",
                    " ",
                    ". ",
                    ".",
                    "\n",
                    "\n\n",
                ),
                *("Bees fly", "The", "iron rusts", "Why?", '"', "“", "”", "`", "- ", "| a |", "🐝"),
                *("make honey in their hive", "e.g.", "1.5", "Dr. Who", ":", "\r\n", "\ud800"),
            ]
        ),
        max_size=14,
    ).map("".join),
)


@settings(max_examples=150, deadline=None)
@given(ANSWERS)
def test_no_text_raises_and_every_span_lies_in_it(text: str) -> None:
    for passages in (None, PASSAGES):
        for finding in lint_answer(text, passages):
            assert 0 <= finding.span.start < finding.span.end <= len(text)
            assert finding.fix is None or finding.fix.span.of(text) == finding.fix.before


@settings(max_examples=150, deadline=None)
@given(ANSWERS)
def test_mended_again_a_text_stays_as_it_is(text: str) -> None:
    once = mend_answer(text, PASSAGES)
    assert mend_answer(once, PASSAGES) == once
