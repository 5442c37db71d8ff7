from pathlib import Path

import numpy as np
import pytest

from eval.case import Row, joined_text
from eval.contexts import (
    KINDS,
    AttributionCase,
    counterfactual,
    entailmentbank,
    gold_sources,
    hard,
    hotpotqa,
    joined,
    load,
    musique,
    repeated,
    unanswerable,
)
from eval.hard import answer_type
from ragattr.errors import ConfigError
from ragattr.text.sentences import sources_of
from ragattr.types import Passage, Source, Span

DATA = Path(__file__).parents[2].parent / "shared" / "data"
TOWNS = ("Arle", "Borne", "Culm", "Dorn", "Erle", "Fulda", "Gent", "Hanau", "Isen", "Jena")
KEEPERS = ("Ann", "Bob", "Cid", "Dan", "Eve", "Fay", "Gus", "Hal", "Ida", "Jon")
ROWS: list[Row] = [
    {
        "id": f"q{i}",
        "source": "towns",
        "question": f"Who keeps the tower of {town}?",
        "answer": keeper,
        "context_sentences": [
            f"{town} lies on a river.",
            f"The tower of {town} is kept by {keeper}.",
            f"Many people visit {town} in spring.",
        ],
        "gold_sentence_idx": [1],
    }
    for i, (town, keeper) in enumerate(zip(TOWNS, KEEPERS, strict=True))
]
FACT = {
    "id": "f0",
    "question": "How tall is the Zorb mast?",
    "answer": "71 metres",
    "passage": "Zorb is small. The Zorb mast is 71 metres tall. It is red.",
    "gold": "The Zorb mast is 71 metres tall.",
    "paraphrase": "In Zorb stands a mast of 71 metres.",
}
STATEMENTS: list[Row] = [
    {
        "id": f"c{i}",
        "source": "probe",
        "subject": town,
        "base_prompt": f"{town} lies in",
        "counterfactual_context": f"{town} lies in {keeper}land.",
        "target_context": f"{keeper}land",
    }
    for i, (town, keeper) in enumerate(zip(TOWNS, KEEPERS, strict=True))
]


def _gold_texts(case: AttributionCase) -> list[str]:
    return [gold.span.of(case.passages[gold.passage].text) for gold in case.gold]


def _n_sentences(case: AttributionCase) -> int:
    return len(sources_of(case.passages))


def _case(gold: Span, passage: int = 0) -> AttributionCase:
    passages = (Passage("One two. Three four.", "1"), Passage("Five.", "2"))
    return AttributionCase("q", "s", "?", "a", passages, (Source(passage, gold),), "n20")


@pytest.mark.parametrize(
    ("gold", "expected"),
    [
        (Span(0, 8), {0}),
        (Span(0, 20), {0, 1}),  # the whole passage: each sentence is the shorter one
        (Span(4, 7), {0}),  # a word of the first
        (Span(0, 13), {0}),  # "Three" cut to "Thre": 4 of 11 characters of the second
        (Span(0, 15), {0, 1}),  # 6 of 11
    ],
)
def test_gold_are_sentences_that_share_half_of_the_shorter_one(
    gold: Span, expected: set[int]
) -> None:
    case = _case(gold)
    assert gold_sources(case, sources_of(case.passages)) == expected


def test_the_same_characters_of_another_passage_are_not_gold() -> None:
    case = _case(Span(0, 5), passage=1)
    assert gold_sources(case, sources_of(case.passages)) == {2}


@pytest.mark.parametrize(
    "gold", [Source(0, Span(3, 99)), Source(0, Span(3, 3)), Source(2, Span(0, 1))]
)
def test_gold_outside_the_passages_is_refused(gold: Source) -> None:
    with pytest.raises(ConfigError):
        AttributionCase("q", "s", "?", "a", (Passage("One.", "1"),), (gold,), "n20")


def test_joined_pieces_stand_where_their_spans_say() -> None:
    text, spans = joined_text([" Ünë. ", "", "Two 🙂."])
    assert (text, [span.of(text) for span in spans]) == ("Ünë. Two 🙂.", ["Ünë.", "", "Two 🙂."])


@pytest.mark.parametrize("n_sentences", [12, 18, 24])
def test_a_paragraph_is_joined_with_others_until_the_sentences_are_about_enough(
    n_sentences: int,
) -> None:
    for case in joined(ROWS, n_sentences=n_sentences, n=10, seed=0, kind="n20"):
        assert _n_sentences(case) == n_sentences
        assert len({passage.text for passage in case.passages}) == len(case.passages)


def test_there_are_three_other_paragraphs_even_where_few_sentences_are_wanted() -> None:
    (case,) = joined(ROWS, n_sentences=2, n=1, seed=0, kind="n20")
    assert len(case.passages) == 4


def test_the_gold_span_is_the_gold_sentence_and_the_answer_stands_in_its_passage_alone() -> None:
    places = set()
    for case in joined(ROWS, n_sentences=12, n=10, seed=0, kind="n20"):
        (gold,) = case.gold
        town = case.question.removesuffix("?").rpartition(" ")[2]
        assert _gold_texts(case) == [f"The tower of {town} is kept by {case.answer}."]
        holds = [i for i, passage in enumerate(case.passages) if case.answer in passage.text]
        assert holds == [gold.passage]
        places.add(gold.passage)
    assert len(places) > 1


def test_an_answer_of_one_letter_is_not_sought_inside_words() -> None:
    row = {**ROWS[0], "answer": "O", "context_sentences": ["O is a letter.", "It is round."]}
    cases = joined([row, *ROWS[1:]], n_sentences=12, n=10, seed=0, kind="n20")
    (passages,) = (case.passages for case in cases if case.id == "q0")
    assert len(passages) > 3


def test_a_second_question_of_a_paragraph_comes_after_one_of_each() -> None:
    rows = ROWS + [{**row, "id": f"{row['id']}b", "question": "And now?"} for row in ROWS]
    cases = joined(rows, n_sentences=12, n=15, seed=1, kind="n20")
    keepers = [case.answer for case in cases]
    assert len(set(keepers[:10])) == 10
    assert len({case.id for case in cases}) == 15


def test_one_seed_gives_the_same_cases_and_fewer_of_them_are_the_first_ones() -> None:
    cases = hard(ROWS, n_sentences=14, n=6, seed=3)
    assert hard(ROWS, n_sentences=14, n=6, seed=3) == cases
    assert hard(ROWS, n_sentences=14, n=2, seed=3) == cases[:2]


def test_too_few_other_paragraphs_are_an_error() -> None:
    with pytest.raises(ConfigError, match="needs 3 other paragraphs, has 2"):
        joined(ROWS[:3], n_sentences=12, n=1, seed=0, kind="n20")


def test_an_unanswerable_case_has_neither_answer_nor_gold() -> None:
    cases = unanswerable(ROWS, n_sentences=12, n=4, seed=0)
    assert {(case.answer, case.gold, case.kind) for case in cases} == {("", (), "unanswerable")}
    assert [_n_sentences(case) for case in cases] == [12] * 4


def _sentences(case: AttributionCase) -> list[str]:
    return [
        source.span.of(case.passages[source.passage].text) for source in sources_of(case.passages)
    ]


@pytest.mark.parametrize("seed", range(5))
def test_hard_distractors_are_the_gold_sentence_with_other_answers_away_from_it(seed: int) -> None:
    for case in hard(ROWS, n_sentences=14, n=10, seed=seed):
        (gold,) = _gold_texts(case)
        sentences = _sentences(case)
        head = gold.removesuffix(f"{case.answer}.")
        (other,) = {s for s in sentences if s.startswith(head)} - {gold, f"{head}somebody."}
        assert other.removeprefix(head).removesuffix(".") in KEEPERS
        (place,) = gold_sources(case, sources_of(case.passages))
        assert abs(sentences.index(other) - place) > 1
        assert abs(sentences.index(f"{head}somebody.") - place) > 1


def test_a_vague_look_alike_takes_the_article_and_keeps_the_unit() -> None:
    row = {**ROWS[0], "answer": "9 years", "question": "How long?"}
    sentences = ["It took the 9 years.", "Arle is old."]
    rows = [{**row, "context_sentences": sentences, "gold_sentence_idx": [0]}, *ROWS[1:]]
    cases = hard(rows, n_sentences=14, n=10, seed=0)
    (found,) = (_sentences(case) for case in cases if case.id == "q0")
    assert "It took a certain number of years." in found


def test_a_row_whose_gold_sentence_does_not_hold_the_answer_has_no_hard_case() -> None:
    rows = [*ROWS[1:], {**ROWS[0], "answer": "Annabel"}]
    assert "q0" not in {case.id for case in hard(rows, n_sentences=14, n=10, seed=0)}


@pytest.mark.parametrize(
    ("question", "answer", "expected"),
    [
        ("How many left?", "most of them", "number"),
        ("What did it cost?", "$4 million", "number"),
        ("When did he land?", "1066", "date"),
        ("When did he land?", "in the 11th century", "date"),
        ("Who won?", "Robert the Bruce", "person"),
        ("Where is it?", "the United States of America", "name"),
        ("Why?", "to save water", "other"),
    ],
)
def test_answers_have_rough_types(question: str, answer: str, expected: str) -> None:
    assert answer_type(question, answer) == expected


@pytest.mark.parametrize("paraphrased", [False, True])
def test_a_repeated_fact_is_gold_in_both_places(paraphrased: bool) -> None:
    (case,) = repeated([FACT], ROWS, n_sentences=13, seed=0, paraphrased=paraphrased)
    again = FACT["paraphrase"] if paraphrased else FACT["gold"]
    assert _gold_texts(case) == [FACT["gold"], again]
    assert case.gold[0].passage != case.gold[1].passage
    assert len(gold_sources(case, sources_of(case.passages))) == 2
    assert _n_sentences(case) == 13


def test_verbatim_and_paraphrase_stand_in_the_same_place() -> None:
    (verbatim,) = repeated([FACT], ROWS, n_sentences=13, seed=0, paraphrased=False)
    (paraphrase,) = repeated([FACT], ROWS, n_sentences=13, seed=0, paraphrased=True)
    changed = [text.text.replace(FACT["gold"], FACT["paraphrase"]) for text in verbatim.passages]
    place = verbatim.gold[1].passage
    assert changed[place] == paraphrase.passages[place].text
    assert verbatim.gold[0] == paraphrase.gold[0]


def test_a_statement_stands_among_statements_on_other_subjects_and_answers() -> None:
    for case in counterfactual(STATEMENTS, n=10, n_sentences=9, seed=0):
        (gold,) = _gold_texts(case)
        assert case.question == f"Complete the sentence: {gold.split()[0]} lies in ..."
        assert gold.endswith(f" {case.answer}.")
        assert sum(case.answer in passage.text for passage in case.passages) == 1
        assert [len(sources_of([passage])) for passage in case.passages] == [5, 4]


def test_sentences_of_one_title_become_a_passage_without_it() -> None:
    row = {
        "id": "h", "source": "hotpotqa", "question": "?", "answer": "a",
        "context_sentences": [
            "Star: Wars: It began.", "Star: Wars: He said: go.", "Foo: Only: one.", "Bar: ",
        ],
        "gold_sentence_idx": [1, 2],
    }  # fmt: skip
    (case,) = hotpotqa([row])
    assert [(p.title, p.text) for p in case.passages] == [
        ("Star: Wars", "It began. He said: go."),
        ("Foo", "Only: one."),
    ]
    assert _gold_texts(case) == ["He said: go.", "Only: one."]


def test_a_supporting_paragraph_is_gold_as_a_whole() -> None:
    row = {
        "id": "m", "source": "musique", "question": "?", "answer": "a",
        "context_sentences": ["Foo: One. Two: three.", "Bar: Four. Five."],
        "gold_sentence_idx": [1],
    }  # fmt: skip
    (case,) = musique([row])
    assert [(p.title, p.text) for p in case.passages] == [
        ("Foo", "One. Two: three."),
        ("Bar", "Four. Five."),
    ]
    assert gold_sources(case, sources_of(case.passages)) == {2, 3}


def test_facts_in_lower_case_stay_apart() -> None:
    row = {
        "id": "e", "source": "entailmentbank", "question": "?", "answer": "a",
        "context_sentences": ["the sun is a star", "a star makes light", "light is bright"],
        "gold_sentence_idx": [0, 2],
    }  # fmt: skip
    (case,) = entailmentbank([row])
    assert len(case.passages) == 1
    assert gold_sources(case, sources_of(case.passages)) == {0, 2}


def test_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="got 'n21'"):
        load(tmp_path, "n21", n=1, seed=0)


@pytest.mark.skipif(not DATA.exists(), reason="the development data is not here")
@pytest.mark.parametrize("kind", KINDS)
def test_the_development_data_gives_cases_with_gold(kind: str) -> None:
    cases = load(DATA, kind, n=20, seed=0)
    n_gold = [len(gold_sources(case, sources_of(case.passages))) for case in cases]
    assert (len(cases), {case.kind for case in cases}) == (20, {kind})
    assert all((n == 0) == (kind == "unanswerable") for n in n_gold)
    wanted = {"n40": 40, "n90": 90}.get(kind, 20)
    if kind not in ("hotpotqa", "musique", "entailmentbank"):
        assert abs(np.mean([_n_sentences(case) for case in cases]) - wanted) < 1
