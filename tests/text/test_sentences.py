import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ragattr.text.sentences import sentence_spans, sources_of
from ragattr.types import Passage, Source, Span

ANY_CHARACTER = st.characters(exclude_categories=())  # lone surrogates too
FRAGMENTS = (
    *(". ", "? ", "! ", "...", "。", "！」", "؟", "।", "\n", "\n\n", "\r\n", "\r", "\t", "  "),
    *("\u2028", "\x85", "\x1c", "\u3000", "\x00", "\u202e", "\u200f", "\ud83d", "\ude00"),
    *(
        "e\u0301",
        "👩‍👩‍👧",
        "Dr. ",
        "e.g. ",
        "3.14",
        "https://a.org/b.c",
        "“Yes.” ",
        "- ",
        "2) ",
        "# ",
    ),
    *("| a. b | c |", "a\tb. c", "Tower", "東京", "word " * 12),
)
TEXTS = st.lists(st.sampled_from(FRAGMENTS) | st.text(ANY_CHARACTER, max_size=4)).map("".join)


@settings(deadline=None)
@given(TEXTS)
@example("")
@example(" \r\n\x1c\u2028 ")
def test_sentences_stand_in_order_apart_and_inside_the_text(text: str) -> None:
    edges = [edge for span in sentence_spans(text) for edge in (span.start, span.end)]
    assert edges == sorted(edges)
    assert all(0 <= edge <= len(text) for edge in edges)


@settings(deadline=None)
@given(TEXTS)
def test_what_no_sentence_covers_is_white_space(text: str) -> None:
    covered = {i for span in sentence_spans(text) for i in range(span.start, span.end)}
    left_out = [char for i, char in enumerate(text) if i not in covered]
    assert all(char.isspace() for char in left_out)


@settings(deadline=None)
@given(TEXTS)
def test_no_sentence_is_empty_or_has_white_space_at_its_edges(text: str) -> None:
    found = [span.of(text) for span in sentence_spans(text)]
    assert found == [sentence.strip() for sentence in found]
    assert all(found)


def test_offsets_count_code_points_of_emoji_combining_marks_and_line_ends() -> None:
    assert sentence_spans("👩‍👩‍👧 ran.\r\ne\u0301 sat.") == (Span(0, 10), Span(12, 19))


@pytest.mark.parametrize(
    "sentences",
    [
        ["Dr. Who left.", "He ran."],
        ["The U.S. economy grew by 2.7%.", "It shrank later."],
        ["See https://example.com/a.b?x=1.", "Then go to www.example.org.", "Done!"],
        ['He said "Stop."', "Then he left."],
        ["(He left.)", "She stayed."],
        ["Really?!", "Yes.", "Write to a.b@c.org."],
        ["J. K. Rowling has a Ph.D. in physics.", "She was born in St. Louis."],
        ["¿Qué es?", "Nada.", "¡Hola!"],
        ["Привет!", "Как дела?", "Она основана в 1990 г. в Москве."],
        ["이것은 문장입니다.", "두 번째 문장입니다."],
        ["यह एक वाक्य है।", "यह दूसरा है॥"],
        ["هل هذا نص؟", "هذا نص."],
        ["یہ ہے۔", "وہ ہے۔"],
        ["Սա առաջինն է։", "Սա երկրորդն է։"],
        ["ክብር ነው።", "ሰላም ነው።"],
        ["ပထမ။", "ဒုတိယ။"],
        ["នេះជាប្រយោគ។", "នេះជាប្រយោគទីពីរ។"],
    ],
)
def test_sentences_are_cut_where_a_reader_ends_them(sentences: list[str]) -> None:
    text = " ".join(sentences)
    assert [span.of(text) for span in sentence_spans(text)] == sentences


@pytest.mark.parametrize(
    "sentences",
    [
        ["東京は日本の首都です。", "人口は1,400万人です。"],
        ["真的吗？", "是的！！", "好。"],
        ["他说：“你好。”", "然后走了。"],
        ["円周率は3．14です。", "次。"],
        ["你好!", "再见?", "好。"],
        ["彼は「行く。」と言った。", "次の日。"],
    ],
)
def test_scripts_without_spaces_end_sentences_at_their_own_full_stops(sentences: list[str]) -> None:
    text = "".join(sentences)
    assert [span.of(text) for span in sentence_spans(text)] == sentences


@pytest.mark.parametrize(
    "sentences",
    [
        ["Das ist z.B. ein Haus.", "Es ist rot."],
        ["Er kam am 3. Mai 1990.", "Sie ging heim."],
        pytest.param(
            ["Er kam am 3. Mai 1990 an.", "Sie ging."],
            marks=pytest.mark.xfail(reason="Punkt's English model takes 'an.' for an abbreviation"),
        ),
        ["El Sr. García vino.", "La Sra. López no."],
        ["M. Dupont est parti.", "Il est loin."],
        ["Это другое, т.е. второе.", "Да."],
    ],
)
def test_abbreviations_of_other_languages_end_no_sentence(sentences: list[str]) -> None:
    text = " ".join(sentences)
    assert [span.of(text) for span in sentence_spans(text)] == sentences


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("- one item\n- two. Three\n* four", ["- one item", "- two.", "Three", "* four"]),
        ("1. One.\r\n2. Two.", ["1. One.", "2. Two."]),
        ("| a. b | c |\n|---|---|\n| 1. d | e |", ["| a. b | c |", "|---|---|", "| 1. d | e |"]),
        ("Name\tAge\nBob. B\t3", ["Name\tAge", "Bob. B\t3"]),
        ("# The title\nA text. More.", ["# The title", "A text.", "More."]),
        ("One\n\nTwo", ["One", "Two"]),
        ("1. First thing. 2. Second thing.", ["1. First thing.", "2. Second thing."]),
    ],
)
def test_list_items_table_rows_and_headings_stand_alone(text: str, sentences: list[str]) -> None:
    assert [span.of(text) for span in sentence_spans(text)] == sentences


def test_a_wrapped_line_goes_on_in_the_next() -> None:
    first = "The tower is three hundred and thirty metres tall and\nstands in Paris."
    text = f"{first} It is iron."
    assert [span.of(text) for span in sentence_spans(text)] == [first, "It is iron."]


def test_sources_name_the_passage_that_each_sentence_is_from() -> None:
    passages = [Passage("One. Two.", "a"), Passage("", "b"), Passage("Three.", "c")]
    assert sources_of(passages) == (
        Source(0, Span(0, 4)),
        Source(0, Span(5, 9)),
        Source(2, Span(0, 6)),
    )
