"""What can be counted where a record has a gold answer that was judged statement by statement.

The figures of RAGChecker (Ru et al. 2024, sections 3.2 to 3.4), means over answers as there; its
faithfulness is our groundedness. An answer of which a figure has nothing to say is left out,
where RAGChecker counts it as 0.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ragattr.metrics.tally import Counted, Meaning

GOLD_FIGURES: dict[str, Meaning] = {
    "gold_precision": Meaning(
        "gold precision", "of an answer's statements, those that the gold answer entails", True
    ),
    "gold_recall": Meaning(
        "gold recall", "of a gold answer's statements, those that the answer entails", True
    ),
    "gold_f1": Meaning("gold F1", "harmonic mean of the two, of each answer", True),
    "retrieval_recall": Meaning(
        "retrieval recall", "of the gold statements, those that a passage entails", True
    ),
    "retrieval_precision": Meaning(
        "retrieval precision", "of the passages, those that entail a gold statement", True
    ),
    "context_utilization": Meaning(
        "context utilization",
        "of the gold statements that a passage entails, those that the answer does too",
        True,
    ),
    "noise_from_relevant": Meaning(
        "noise from relevant passages",
        "of the statements, those not gold from a passage that entails a gold one",
        False,
    ),
    "noise_from_irrelevant": Meaning(
        "noise from irrelevant passages",
        "of the statements, those not gold from other passages alone",
        False,
    ),
    "hallucination": Meaning(
        "hallucination", "of the statements, those not gold that no passage supports", False
    ),
    "self_knowledge": Meaning(
        "self-knowledge", "of the statements, gold ones that no passage supports", None
    ),
}


def gold_answers(record: Mapping[str, Any]) -> list[str]:
    """The gold answers of a row: "answers", a list, or "reference", a text."""
    given = record.get("answers")
    found = given if isinstance(given, list) else [record.get("reference")]
    return [text for text in found if isinstance(text, str) and text.strip()]


def gold_counts(record: Mapping[str, Any], threshold: float) -> dict[str, Counted]:
    """The figures of one record, 0..1 of one answer; of none where no gold answer was judged."""
    gold = record.get("gold") or {"claims": [], "answer_in_gold": []}
    stated = [claim for claim in gold["claims"] if claim["in_answer"] is not None]
    is_said = [claim["in_answer"] >= threshold for claim in stated]
    found_in = [_passages_of(claim, threshold) for claim in stated]
    relevant = set[int]().union(*found_in)
    statements = _statements(record, gold["answer_in_gold"], threshold)
    recall, precision = _share(is_said), _share([is_gold for is_gold, _ in statements])
    return {
        "gold_precision": precision,
        "gold_recall": recall,
        "gold_f1": _harmonic(precision, recall),
        "retrieval_recall": _share([bool(found) for found in found_in]),
        "retrieval_precision": _share(
            [p in relevant for p in range(len(record["passages"]))] if stated else []
        ),
        "context_utilization": _share(
            [said for said, found in zip(is_said, found_in, strict=True) if found]
        ),
        "noise_from_relevant": _share([not g and bool(p & relevant) for g, p in statements]),
        "noise_from_irrelevant": _share(
            [not g and bool(p) and not p & relevant for g, p in statements]
        ),
        "hallucination": _share([not g and not p for g, p in statements]),
        "self_knowledge": _share([g and not p for g, p in statements]),
    }


def _passages_of(claim: Mapping[str, Any], threshold: float) -> set[int]:
    """The passages that entail a gold statement."""
    return {i for i, p in enumerate(claim["in_passages"]) if p is not None and p >= threshold}


def _statements(
    record: Mapping[str, Any], in_gold: Sequence[float | None], threshold: float
) -> list[tuple[bool, set[int]]]:
    """Of each judged statement of the answer: whether it is gold, and which passages support it."""
    place = {passage["id"]: i for i, passage in enumerate(record["passages"])}
    return [
        (
            p >= threshold,
            {
                place[row["passage"]]
                for row in claim["citations"]
                if row["supports"] is not None and (row["supports"] >= threshold or row["jointly"])
            },
        )
        for claim, p in zip(record["claims"], in_gold, strict=False)
        if p is not None and claim["verdict"] != "unclear"
    ]


def _share(found: Sequence[bool]) -> Counted:
    return Counted(sum(found) / len(found), 1.0) if found else Counted(0.0, 0.0)


def _harmonic(a: Counted, b: Counted) -> Counted:
    if not a.whole or not b.whole:
        return Counted(0.0, 0.0)
    total = a.part + b.part
    return Counted(2 * a.part * b.part / total if total else 0.0, 1.0)
