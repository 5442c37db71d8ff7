from collections.abc import Sequence

import numpy as np
import pytest

from ragattr.errors import ConfigError
from ragattr.metrics.alce import (
    CitationScore,
    CitedOutput,
    CitedSentence,
    citation_scores,
    plain_as_released,
    plain_by_markers,
    read_as_released,
    read_by_markers,
)
from ragattr.types import Passage

FACTS = ("Oslo is old.", "Oslo is big.", "Bergen is wet.")
DOCUMENTS = tuple(Passage(text, str(n), title=f"T{n}") for n, text in enumerate(FACTS, 1))


def holds_all_words(pairs: Sequence[tuple[str, str]]) -> list[bool]:
    """Entailed when every word of the hypothesis stands in the premise."""
    return [
        set(said.lower().strip(".").split()) <= set(premise.lower().replace(".", "").split())
        for premise, said in pairs
    ]


def _score(text: str) -> CitationScore:
    (score,) = citation_scores([CitedOutput(text, DOCUMENTS)], holds_all_words).outputs
    assert score is not None
    return score


@pytest.mark.parametrize(
    ("text", "recall", "precision"),
    [
        ("Oslo is old [1].", 1, 1),
        ("Oslo is old [2].", 0, 0),
        ("Oslo is old.", 0, 0),
        ("Oslo is old [1][2].", 1, 1 / 2),  # 2 does not suffice, and 1 does without it
        ("Oslo is old big [1][2].", 1, 1),  # neither suffices, both are needed
        ("Oslo is old [1][1].", 1, 1),  # each suffices
        ("Oslo is big [1][3].", 0, 0),  # nothing cited for an unsupported sentence is precise
        ("Oslo is old [1]. Oslo is big.", 1 / 2, 1),
        ("Oslo is old [1]. Oslo is big [1].", 1 / 2, 1 / 2),
        ("Oslo is old [1]. Oslo is big [4].", 1 / 2, 1),  # out of range: not counted
        ("Oslo is old [1]. Oslo is big [2][4].", 1 / 2, 1),
        ("Oslo is old [1]. Oslo is big [0].", 1 / 2, 1),
        ("Bergen is wet [1][2][2][3].", 0, 0),  # the fourth citation does not count
        ("Oslo is old [1][2][2][3].", 1, 1 / 3),
        ("  \nOslo is old [1].\nBergen is wet.", 1, 1),  # the first line that is not empty
        ("Oslo is old [1].<|im_end|>", 1, 1),
    ],
)
def test_recall_and_precision_are_those_of_the_worked_example(
    text: str, recall: float, precision: float
) -> None:
    found = _score(text)
    assert (found.recall, found.precision) == pytest.approx((recall, precision))


def test_documents_are_a_title_line_and_their_text_in_the_order_of_citation() -> None:
    asked = list[tuple[str, str]]()

    def note(pairs: Sequence[tuple[str, str]]) -> list[bool]:
        asked.extend(pairs)
        return [False] * len(pairs)

    citation_scores([CitedOutput("So it is [3][1].", DOCUMENTS)], note)
    assert asked == [("Title: T3\nBergen is wet.\nTitle: T1\nOslo is old.", "So it is.")]


def test_all_outputs_are_asked_about_at_once_and_no_pair_twice() -> None:
    asked = list[list[tuple[str, str]]]()

    def note(pairs: Sequence[tuple[str, str]]) -> list[bool]:
        asked.append(list(pairs))
        return holds_all_words(pairs)

    outputs = [CitedOutput("Oslo is old [1][2].", DOCUMENTS)] * 3
    citation_scores([*outputs, CitedOutput("Oslo is big [2].", DOCUMENTS)], note)
    assert [len(pairs) for pairs in asked] == [2, 2]  # 2 without 1 was asked about as 1 alone
    assert len(set(sum(asked, []))) == 4


def test_scores_are_means_over_outputs_and_those_without_a_sentence_are_left_out() -> None:
    texts = ("Oslo is old [1].", "", "Oslo is big [1]. Bergen is wet [3].")
    found = citation_scores([CitedOutput(text, DOCUMENTS) for text in texts], holds_all_words)
    assert (found.recall, found.precision) == (75, 75)
    assert found.outputs[1] is None
    assert found.f1 == pytest.approx(75)


def test_nothing_to_score_is_refused() -> None:
    with pytest.raises(ConfigError, match="got none in 1"):
        citation_scores([CitedOutput("\n", DOCUMENTS)], holds_all_words)


def test_the_released_reading_gives_a_marker_after_the_full_stop_to_what_follows() -> None:
    output = CitedOutput("Oslo is old. [1] Oslo is big. [2]", DOCUMENTS)
    found = read_as_released(output, split=lambda line: ["Oslo is old.", "[1] Oslo is big.", "[2]"])
    assert found == [
        CitedSentence("Oslo is old.", ()),
        CitedSentence("Oslo is big.", (0,)),
        CitedSentence("", (1,)),
    ]


def test_the_corrected_reading_gives_it_to_the_sentence_before() -> None:
    output = CitedOutput("Oslo is old. [1] Oslo is big. [2, 3]\nBergen.", DOCUMENTS)
    assert read_by_markers(output) == [
        CitedSentence("Oslo is old.", (0,)),
        CitedSentence("Oslo is big.", (1, 2)),
    ]
    found = citation_scores([output], holds_all_words, read=read_by_markers)
    assert (found.recall, found.precision) == pytest.approx((100, 100 * 2 / 3))


def test_markers_are_cut_as_in_the_released_code() -> None:
    (found,) = read_as_released(CitedOutput("It is so [1, 2] | or not [3].", DOCUMENTS))
    assert found == CitedSentence("It is so, 2 or not.", (0, 2))


def test_plain_text_is_the_first_line_without_citations_in_either_reading() -> None:
    output = CitedOutput("  Oslo is old [1][2]. [3] It is [1, 2].\nMore [1].", DOCUMENTS)
    assert plain_by_markers(output) == "Oslo is old. It is."
    assert plain_as_released(output) == "Oslo is old. It is, 2."


def test_random_cases_have_the_scores_of_a_plain_implementation() -> None:
    rng = np.random.default_rng(0)
    outputs, read, truths = list[CitedOutput](), list[list[CitedSentence]](), dict[str, set[str]]()
    for number in range(40):
        documents = tuple(Passage(f"d{number}.{n}", str(n), title="") for n in range(4))
        sentences = [
            CitedSentence(
                f"s{number}.{n}", tuple(rng.integers(0, 5, size=rng.integers(0, 6)).tolist())
            )
            for n in range(int(rng.integers(0, 4)))
        ]
        for (
            sentence
        ) in sentences:  # entailed by a premise that holds one of these sets of documents
            sets = [rng.permutation(4)[: rng.integers(1, 3)] for _ in range(2)]
            truths[sentence.text] = {" ".join(f"d{number}.{i}" for i in chosen) for chosen in sets}
        outputs.append(CitedOutput(str(number), documents))
        read.append(sentences)

    def entails_one(premise: str, said: str) -> bool:
        return any(set(needed.split()) <= set(premise.split()) for needed in truths[said])

    def entails(pairs: Sequence[tuple[str, str]]) -> list[bool]:
        return [entails_one(*pair) for pair in pairs]

    found = citation_scores(outputs, entails, read=lambda output: read[int(output.text)])
    for sentences, documents, score in zip(
        read, (output.documents for output in outputs), found.outputs, strict=True
    ):
        expected = _plain(sentences, [f"Title: \n{d.text}" for d in documents], entails_one)
        assert (score and (score.recall, score.precision)) == expected


def _plain(sentences, documents, entails):  # noqa: ANN001, ANN202
    """One sentence and one question after the other, as the paper tells it."""
    if not sentences:
        return None
    recalled, precise, total = 0, 0, 0
    for sentence in sentences:
        if not sentence.cited or max(sentence.cited) >= len(documents):
            continue
        cited = list(sentence.cited[:3])
        total += len(cited)
        if not entails("\n".join(documents[i] for i in cited), sentence.text):
            continue
        recalled += 1
        for number in cited:
            rest = cited.copy()
            rest.remove(number)
            suffices = entails(documents[number], sentence.text)
            others = rest and entails("\n".join(documents[i] for i in rest), sentence.text)
            precise += bool(len(cited) == 1 or suffices or not others)
    return recalled / len(sentences), precise / total if total else 0
