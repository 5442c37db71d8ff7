import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ragattr.text.facts import complete, fact_spans

WORDS = (
    *("Ulm", "Bern", "the tower", "who", "which", "was founded in 850", "has", "a minster", "not"),
    *("and", "but", ", and", ", has", ";", "; ", ": ", ", ", ".", " ", "  ", "\n", '"', "“", "”"),
    *(
        "(",
        ")",
        "if",
        "[1]",
        "😀",
        "e\u0301",
        "\ud83d",
        "東京。",
        "&amp;",
        "1,5",
        "died",
        "moved to",
    ),
)
SENTENCES = st.lists(st.sampled_from(WORDS) | st.text(max_size=3)).map(" ".join)


def _facts(sentence: str) -> list[str]:
    return [span.of(sentence) for span in fact_spans(sentence)]


@settings(deadline=None)
@given(SENTENCES)
@example("Ulm was founded in 850 and has a minster.")
def test_facts_cover_the_sentence_in_order_without_overlap(sentence: str) -> None:
    spans = fact_spans(sentence)
    inside = [sum(span.holds(i) for span in spans) for i in range(len(sentence))]
    assert all(n == 1 or (n == 0 and sentence[i].isspace()) for i, n in enumerate(inside))
    assert list(spans) == sorted(spans)


@settings(deadline=None)
@given(SENTENCES)
def test_every_fact_can_be_completed_and_ends_with_its_own_last_word(sentence: str) -> None:
    for span in fact_spans(sentence):
        last = span.of(sentence).split()[-1].rstrip(",;:.")
        assert last.rstrip(".,;:") in complete(sentence, span)


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        (
            "Ulm was founded in 850 and has a minster.",
            ["Ulm was founded in 850.", "Ulm has a minster."],
        ),
        (
            "Einstein was born in 1879 and Curie died in 1934.",
            ["Einstein was born in 1879.", "Curie died in 1934."],
        ),
        (
            "Ulm is old, but the minster was built in 1543.",
            ["Ulm is old.", "the minster was built in 1543."],
        ),
        (
            "Ulm was founded in 850, and Bern was founded in 1191 and has a bear pit.",
            ["Ulm was founded in 850.", "Bern was founded in 1191.", "Bern has a bear pit."],
        ),
        (
            "The club was founded in 1889, has 300 members, and won the cup.",
            ["The club was founded in 1889.", "The club has 300 members.", "The club won the cup."],
        ),
        (
            "Einstein was born in Ulm and moved to Munich.",
            ["Einstein was born in Ulm.", "Einstein moved to Munich."],
        ),
        (
            "The club was founded in 1889 and renamed in 1920.",
            ["The club was founded in 1889.", "The club was renamed in 1920."],
        ),
        (
            "In 1889, the tower was opened and became a landmark.",
            ["In 1889, the tower was opened.", "In 1889, the tower became a landmark."],
        ),
        (
            "The tower is tall; it was built in 1889; and is made of iron.",
            ["The tower is tall.", "it was built in 1889.", "it is made of iron."],
        ),
        (
            "He won two prizes: the Nobel in 1921; and the Copley in 1925.",
            ["He won two prizes: the Nobel in 1921.", "He won two prizes: the Copley in 1925."],
        ),
        (
            "The tower was designed by Gustave Eiffel, who died in 1923.",
            ["The tower was designed by Gustave Eiffel.", "Gustave Eiffel died in 1923."],
        ),
        (
            "Smith and Sons was founded in 1889 and has 300 members.",
            ["Smith and Sons was founded in 1889.", "Smith and Sons has 300 members."],
        ),
        (
            "It was praised (a critic and author was fond of it) and is still played.",
            [
                "It was praised (a critic and author was fond of it).",
                "It is still played.",
            ],
        ),
        (
            "- Ulm lies on the Danube and has 126,000 people",
            ["- Ulm lies on the Danube.", "Ulm has 126,000 people."],
        ),
        (
            'The film "Sink and swim" was shot in 1960 and is in colour.',
            [
                'The film "Sink and swim" was shot in 1960.',
                'The film "Sink and swim" is in colour.',
            ],
        ),
    ],
)
def test_a_fact_is_said_with_the_subject_that_it_shares(sentence: str, said: list[str]) -> None:
    assert [complete(sentence, span) for span in fact_spans(sentence)] == said


@pytest.mark.parametrize(
    "sentence",
    [
        "Smith and Sons makes boats.",
        "Paris, Rome and Berlin are capitals.",
        "There are between 3 and 5 moons.",
        "The war between France and Prussia was short.",
        "Both Ulm and Bern were founded before 1200.",
        "Neither Ulm was destroyed and nor was Bern.",
        "It was not made in 1990 and directed by Smith.",
        "If the tower was sold and Paris was ruined, it is gone.",
        "The tower was sold and Paris was ruined if he is right.",
        "He said that the tower was sold and has 300 steps.",
        "She lived in a house built in 1889 and painted red.",
        "It is a tower designed by Eiffel and located in Paris.",
        "The bridge was designed and built by Smith.",
        "The club founded in 1889 and based in Rome was dissolved.",
        "The company based in Rome and Milan was founded in 1900.",
        "The men he met in Rome and Milan were guilty.",
        "The league was led by Ulm and Bern remained second.",
        "The tower will be renovated in 2025 and reopened in 2026.",
        "They can swim and have fins.",
        "He moved to Paris, which surprised everyone.",
        "He lives in the capital of France, which is big.",
        "Ulm, which lies on the Danube and has a minster, is old.",
        "He called it “a ruin and was right” in 1900.",
        "It is larger than Ulm and Bern.",
        "According to Smith, Ulm was founded in 850 and has a minster.",
        "Salz &amp; Pfeffer is a film.",
        "The price was 2,500,000 and 3 cents.",
        "He wrote “Ulm was old and Bern was new.",
        "Ulm was old, has a bridge, " * 100_000 + "and has a minster.",
        "Ulm wurde 850 gegründet und hat ein Münster.",
        "",
    ],
)
def test_a_sentence_stays_whole_when_in_doubt(sentence: str) -> None:
    assert _facts(sentence) == [sentence][: bool(sentence)]


def test_a_whole_sentence_is_completed_by_nothing() -> None:
    sentence = "Ulm is old"
    (span,) = fact_spans(sentence)
    assert complete(sentence, span) == sentence
