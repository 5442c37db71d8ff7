import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragattr.retrieval.passages import cut_passages
from ragattr.text.sentences import sentence_spans
from ragattr.types import Span

FRAGMENTS = (
    *("Ten words stand here so that one can count them. ", "Two words. ", "word " * 30, "\n\n"),
    *(
        "東京は日本の首都です。",
        "東" * 90,
        "- item\n",
        "\r\n",
        "😀",
        "e\u0301",
        "\ud83d",
        "\u2028",
        "x" * 250,
    ),
)
TEXTS = st.lists(st.sampled_from(FRAGMENTS), max_size=40).map("".join)
TEN_WORDS = "Ten words stand here so that one can count them. "


def _whole(text: str) -> Span:
    return Span(0, len(text))


@settings(deadline=None)
@given(TEXTS)
def test_passages_are_in_order_apart_and_leave_out_nothing_but_white_space(text: str) -> None:
    spans = cut_passages(text, _whole(text), n_words=20)
    assert all(one.end <= next.start for one, next in zip(spans, spans[1:], strict=False))
    covered = {i for span in spans for i in range(span.start, span.end)}
    assert all(char.isspace() for i, char in enumerate(text) if i not in covered)


@settings(deadline=None)
@given(TEXTS)
def test_a_passage_has_no_white_space_at_its_edges(text: str) -> None:
    pieces = [span.of(text) for span in cut_passages(text, _whole(text), n_words=20)]
    assert pieces == [piece.strip() for piece in pieces]
    assert all(pieces)


def test_sentences_of_ten_words_make_passages_of_120_words() -> None:
    text = TEN_WORDS * 30
    spans = cut_passages(text, _whole(text))
    assert [len(span.of(text).split()) for span in spans] == [120, 120, 60]


def test_passages_start_and_end_with_sentences() -> None:
    text = TEN_WORDS * 30
    starts, ends = zip(*((s.start, s.end) for s in sentence_spans(text)), strict=True)
    spans = cut_passages(text, _whole(text), n_words=45)
    assert {span.start for span in spans} <= set(starts)
    assert {span.end for span in spans} <= set(ends)


def test_a_rest_of_few_words_joins_the_passage_before_it() -> None:
    text = TEN_WORDS * 12 + "Only five words are left."
    assert cut_passages(text, _whole(text)) == [_whole(text)]


def test_chinese_passages_have_about_400_characters() -> None:
    text = "北京是中国的首都，也是全国的政治、文化中心，人口超过两千万。" * 80
    pieces = [span.of(text) for span in cut_passages(text, _whole(text))]
    assert all(piece.endswith("。") for piece in pieces)
    assert all(340 <= len(piece) <= 460 for piece in pieces[:-1])


def test_a_sentence_of_more_than_two_passages_is_cut_at_spaces() -> None:
    text = " ".join(f"w{i}" for i in range(300))
    pieces = [span.of(text) for span in cut_passages(text, _whole(text))]
    assert [len(piece.split()) for piece in pieces] == [120, 120, 60]
    assert " ".join(pieces) == text


@pytest.mark.parametrize("text", ["東" * 2000, "x" * 100_000])
def test_a_text_without_a_space_or_full_stop_is_cut_anywhere(text: str) -> None:
    spans = cut_passages(text, _whole(text))
    assert len(spans) > 1
    assert "".join(span.of(text) for span in spans) == text


def test_only_the_given_range_is_cut_and_offsets_count_from_the_start_of_the_text() -> None:
    text = "Title\n\nOne sentence. Two sentences.\n\nEnd"
    (span,) = cut_passages(text, Span(5, 35))
    assert span.of(text) == "One sentence. Two sentences."


@pytest.mark.parametrize("text", ["", " \n\t "])
def test_a_text_of_white_space_has_no_passages(text: str) -> None:
    assert cut_passages(text, _whole(text)) == []
