"""RAGChecker's figures of one record, by hand."""

from typing import Any

import pytest

from ragattr.metrics.gold import gold_counts
from ragattr.metrics.tally import Counted

HIGH, LOW = 0.9, 0.1


def _claim(*supporting: str) -> dict[str, Any]:
    rows = [{"passage": id, "supports": HIGH, "jointly": False} for id in supporting]
    return {"verdict": "supported", "citations": rows}


def _record(gold: list[tuple[str, bool]], answer: list[tuple[str, bool]]) -> dict[str, Any]:
    """Three passages a, b, c.

    Args:
        gold: for each gold statement the passages that entail it, and whether the answer does.
        answer: for each statement the passages that support it, and whether the gold answer does.
    """
    return {
        "passages": [{"id": id} for id in "abc"],
        "claims": [_claim(*ids) for ids, _ in answer],
        "gold": {
            "claims": [
                {
                    "in_passages": [HIGH if id in ids else LOW for id in "abc"],
                    "in_answer": HIGH if is_said else LOW,
                }
                for ids, is_said in gold
            ],
            "answer_in_gold": [HIGH if is_gold else LOW for _, is_gold in answer],
        },
    }


# Gold: one statement from a that the answer says, one from a that it does not, one from nowhere.
# Answer: gold from a and from nowhere; wrong from a and b, from c alone, from nowhere.
EXAMPLE = _record(
    [("a", True), ("a", False), ("", True)],
    [("a", True), ("", True), ("ab", False), ("c", False), ("", False)],
)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("gold_precision", 2 / 5),
        ("gold_recall", 2 / 3),
        ("gold_f1", 2 * (2 / 5) * (2 / 3) / (2 / 5 + 2 / 3)),
        ("retrieval_recall", 2 / 3),
        ("retrieval_precision", 1 / 3),
        ("context_utilization", 1 / 2),
        ("noise_from_relevant", 1 / 5),
        ("noise_from_irrelevant", 1 / 5),
        ("hallucination", 1 / 5),
        ("self_knowledge", 1 / 5),
    ],
)
def test_every_figure_is_as_ragchecker_defines_it(name: str, value: float) -> None:
    counted = gold_counts(EXAMPLE, 0.5)[name]
    assert (counted.part, counted.whole) == (pytest.approx(value), 1.0)


def test_a_record_without_a_judged_gold_answer_counts_nothing() -> None:
    record = {"passages": [{"id": "a"}], "claims": [_claim("a")]}
    assert set(gold_counts(record, 0.5).values()) == {Counted(0.0, 0.0)}


def test_where_no_passage_holds_gold_there_is_no_context_to_use() -> None:
    found = gold_counts(_record([("", True)], [("b", False)]), 0.5)
    assert found["context_utilization"].whole == 0
    assert found["retrieval_precision"] == Counted(0.0, 1.0)
    assert found["noise_from_irrelevant"] == Counted(1.0, 1.0)


def test_statements_that_were_not_judged_do_not_count() -> None:
    record = _record([("a", True)], [("a", True), ("b", False)])
    record["gold"]["answer_in_gold"] = [HIGH, None]
    assert gold_counts(record, 0.5)["gold_precision"] == Counted(1.0, 1.0)
