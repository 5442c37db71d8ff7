import sys

import pytest

from eval.case import AttributionCase, gold_sources
from eval.hub import HUB_SETS, from_hub, hotpot_case, musique_case, tydiqa_case
from ragattr.errors import ConfigError, MissingExtra
from ragattr.text.sentences import sources_of


def _gold_texts(case: AttributionCase) -> list[str]:
    return [gold.span.of(case.passages[gold.passage].text) for gold in case.gold]


@pytest.mark.parametrize("start", [19, 18, 25])  # right, and off as in some rows
def test_the_sentence_of_the_answer_span_is_gold_in_tydiqa(start: int) -> None:
    row = {
        "id": "english-1", "title": "Oslo", "question": "How many live in Oslo?",
        "context": "Oslo is old. About 700 live there. In 700 it was not.",
        "answers": {"text": ["700"], "answer_start": [start]},
    }  # fmt: skip
    case = tydiqa_case(row)
    assert _gold_texts(case) == ["About 700 live there."]
    assert (case.answer, case.passages[0].title, case.kind) == ("700", "Oslo", "tydiqa")


def test_an_answer_across_two_sentences_makes_both_gold() -> None:
    row = {
        "id": "english-2", "title": "", "question": "?", "context": "One is. Two is. Three is.",
        "answers": {"text": ["is. Two"], "answer_start": [4]},
    }  # fmt: skip
    case = tydiqa_case(row)
    assert gold_sources(case, sources_of(case.passages)) == {0, 1}
    assert case.passages[0].title is None


def test_supporting_facts_are_gold_in_hotpotqa_and_missing_ones_are_left_out() -> None:
    row = {
        "id": "5a", "question": "?", "answer": "yes", "type": "comparison", "level": "hard",
        "context": {"title": ["Foo", "Bar"], "sentences": [["A b.", " C d."], [" E f.", ""]]},
        "supporting_facts": {"title": ["Foo", "Bar", "Bar", "Gone"], "sent_id": [1, 0, 7, 0]},
    }  # fmt: skip
    case = hotpot_case(row)
    assert [(p.title, p.text) for p in case.passages] == [("Foo", "A b. C d."), ("Bar", "E f.")]
    assert _gold_texts(case) == ["C d.", "E f."]


def test_supporting_paragraphs_are_gold_in_musique() -> None:
    row = {
        "id": "2hop", "question": "?", "answer": "x", "answerable": True,
        "paragraphs": [
            {"idx": 0, "title": "Foo", "paragraph_text": "Foo. Is.", "is_supporting": False},
            {"idx": 1, "title": "Bar", "paragraph_text": "One. Two.", "is_supporting": True},
        ],
    }  # fmt: skip
    case = musique_case(row)
    assert _gold_texts(case) == ["One. Two."]
    assert gold_sources(case, sources_of(case.passages)) == {2, 3}


def test_only_english_questions_and_answerable_ones_are_wanted() -> None:
    assert HUB_SETS["tydiqa"].is_wanted({"id": "english-3"})
    assert not HUB_SETS["tydiqa"].is_wanted({"id": "finnish-3"})
    assert not HUB_SETS["musique"].is_wanted({"id": "2hop", "answerable": False})


def test_without_datasets_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingExtra, match=r"ragattr\[eval\]"):
        from_hub("musique", n=1, seed=0)


def test_an_unknown_set_is_refused() -> None:
    with pytest.raises(ConfigError, match="got 'squad'"):
        from_hub("squad", n=1, seed=0)
