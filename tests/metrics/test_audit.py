"""What an audit counts, by hand."""

import math
from typing import Any

import numpy as np
import pytest

from ragattr.errors import ConfigError
from ragattr.metrics.agreement import agreement
from ragattr.metrics.audit import count
from ragattr.metrics.tally import Counted


def _row(passage: str | None, supports: float | None, **other: Any) -> dict[str, Any]:
    return {
        "origin": "answer",
        "passage": passage,
        "supports": supports,
        "class": None,
        "jointly": False,
        "problem": None if passage else "dangling",
        **other,
    }


def _claim(
    *rows: dict[str, Any], verdict: str = "supported", cited: float | None = 0.9, **other: Any
) -> dict[str, Any]:
    return {
        "needs_support": True,
        "verdict": verdict,
        "cited_probability": cited,
        "context_use": None,
        "citations": list(rows),
        **other,
    }


def _record(*claims: dict[str, Any], n_passages: int = 3) -> dict[str, Any]:
    return {
        "verifier": {"threshold": 0.5},
        "claims": list(claims),
        "passages": [{"id": name} for name in "abcdefgh"[:n_passages]],
    }


def test_recall_is_the_share_of_statements_that_their_citations_support() -> None:
    found = count(
        _record(_claim(_row("a", 0.9)), _claim(_row("b", 0.1), cited=0.1), _claim(cited=None))
    )
    assert found["citation_recall"] == Counted(1 / 3, 1.0)
    assert found["citation_precision"] == Counted(1 / 2, 1.0)
    assert found["uncited_claims"] == Counted(1, 3)


def test_a_citation_is_precise_alone_or_when_the_others_do_not_suffice() -> None:
    """ALCE, section 3.3: [a] suffices; [b] is not needed beside it; [c] and [d] need each other."""
    redundant = _claim(_row("a", 0.9, without=0.2), _row("b", 0.1, without=0.9))
    together = _claim(_row("c", 0.2, without=0.3), _row("d", 0.3, without=0.2))
    found = count(_record(redundant, together, n_passages=4))
    assert found["citation_precision"] == Counted(3 / 4, 1.0)
    assert found["citation_recall"] == Counted(1.0, 1.0)


def test_a_statement_with_a_citation_that_points_nowhere_is_not_recalled() -> None:
    found = count(_record(_claim(_row("a", 0.9), _row(None, None))))
    assert found["citation_recall"] == Counted(0.0, 1.0)
    assert found["citation_precision"] == Counted(0.0, 1.0)
    assert found["dangling_citations"] == Counted(1, 2)
    assert found["supporting_citations"] == Counted(1, 1)


def test_statements_that_need_no_support_or_were_not_judged_do_not_count() -> None:
    greeting = _claim(needs_support=False, verdict="unclear")
    unclear = _claim(_row("a", None), verdict="unclear", cited=None)
    found = count(_record(greeting, unclear, _claim(verdict="contradicted", cited=None)))
    assert found["contradicted_claims"] == Counted(1, 1)
    assert found["unclear_claims"] == Counted(1, 2)
    assert found["citation_recall"] == Counted(0.0, 1.0)


def test_faithful_are_the_supported_citations_that_were_used() -> None:
    classes = ("grounded", "grounded", "post_rationalised", "misgrounded", None)
    found = count(_record(*(_claim(_row("a", 0.9, **{"class": name})) for name in classes)))
    assert found["citation_faithfulness"] == Counted(2, 3)
    assert found["class_misgrounded"] == Counted(1, 4)


@pytest.mark.parametrize(
    ("use", "alarms", "counted"),
    [(0.4, ["an alarm"], Counted(1, 1)), (0.4, [], Counted(0, 1)), (None, [], Counted(0, 0))],
)
def test_an_alarm_counts_where_something_was_measured(
    use: float | None, alarms: list[str], counted: Counted
) -> None:
    record = {**_record(_claim(_row("a", 0.9), context_use=use)), "alarms": alarms}
    assert count(record)["alarmed_answers"] == counted


def test_answers_are_held_against_the_nearest_gold_one_without_their_markers() -> None:
    record = _record(_claim(_row("a", 0.9)))
    record |= {"answer": "In 1889 [1].", "answers": ["1889", "in March of 1889"]}
    found = count(record)
    assert found["answers_with_gold"] == Counted(1.0, 1.0)
    assert found["answer_f1"] == Counted(2 / 3, 1.0)  # "in 1889" and "1889": 2 * 1 / (2 + 1)
    assert count({**record, "answers": None, "reference": "1887"})["answer_f1"] == Counted(0.0, 1.0)
    assert count({**record, "answers": None})["answer_f1"].whole == 0


def test_an_empty_record_counts_nothing_of_nothing() -> None:
    found = count({"claims": [], "passages": []})
    assert all(counted.whole == 0 for counted in found.values())
    assert math.isnan(found["citation_recall"].share)


def test_agreement_with_labels_by_hand() -> None:
    """Two right, one false alarm, one miss: accuracy 1/2, by chance 1/2, so kappa is 0."""
    found = agreement([True, True, False, False], [0.9, 0.45, 0.6, 0.1], 0.5)
    assert (found.accuracy, found.kappa) == (0.5, 0.0)
    assert (found.precision, found.recall, found.specificity) == (0.5, 0.5, 0.5)
    assert found.balanced_accuracy == 0.5
    assert found.refitted_balanced_accuracy == 0.75
    assert np.isclose(found.threshold, 0.275) or np.isclose(found.threshold, 0.75)


def test_labels_of_one_kind_say_nothing() -> None:
    with pytest.raises(ConfigError, match="both kinds"):
        agreement([True], [0.9], 0.5)
