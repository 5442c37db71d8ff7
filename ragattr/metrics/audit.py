"""What an audit counts in a record: for every figure how much of how many.

Each figure is a sum over a sum, so that figures of many records are added and never averaged
twice. ALCE's citation recall and precision are means over answers (Gao et al. 2023, section 3.3):
there the sums are of an answer's own share, over 1.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ragattr.metrics.answers import contains_answer, token_f1
from ragattr.metrics.gold import GOLD_FIGURES, gold_answers, gold_counts
from ragattr.metrics.tally import Counted, Meaning
from ragattr.text.markers import cut_markers, find_markers

CLASSES = ("grounded", "post_rationalised", "misgrounded", "unsupported")


FIGURES: dict[str, Meaning] = {
    "citation_f1": Meaning("citation F1", "harmonic mean of the two below", True),
    "citation_recall": Meaning(
        "citation recall", "of an answer's statements, those that their citations support", True
    ),
    "citation_precision": Meaning(
        "citation precision", "of an answer's citations, those that their statement needs", True
    ),
    "groundedness": Meaning(
        "groundedness", "of all statements, those that any passage supports", True
    ),
    "contradicted_claims": Meaning(
        "contradicted claims", "of all statements, those that a passage contradicts", False
    ),
    "unsupported_claims": Meaning(
        "unsupported claims", "of all statements, those about which the passages say nothing", False
    ),
    "uncited_claims": Meaning("uncited claims", "of all statements, those without a marker", False),
    "supporting_citations": Meaning(
        "supporting citations", "of all citations, those whose passage supports the statement", True
    ),
    "dangling_citations": Meaning(
        "dangling citations", "of all citations, those that point to no passage", False
    ),
    **{
        f"class_{name}": Meaning(
            name.replace("_", "-"),
            "of the citations that were measured and judged",
            {"grounded": True, "misgrounded": False, "unsupported": False}.get(name),
        )
        for name in CLASSES
    },
    "citation_faithfulness": Meaning(
        "citation faithfulness", "of the supported citations, those that the model used", True
    ),
    "context_use": Meaning(
        "use of context", "how much an answer changes without the passages, mean of 0..1", None
    ),
    "alarmed_answers": Meaning(
        "answers with an alarm", "of the answers that were measured, those that raise one", False
    ),
    "passages_cited": Meaning("passages cited", "of all passages, those that are cited", None),
    "passages_supporting": Meaning(
        "passages that support", "of all passages, those that support a statement", None
    ),
    "answers_with_gold": Meaning(
        "answers with gold",
        "of the answers with gold ones, those that hold a gold one's words",
        True,
    ),
    "answer_f1": Meaning("answer F1", "words in common with the nearest gold answer, mean", True),
    **GOLD_FIGURES,
    "unclear_claims": Meaning("unclear claims", "of all statements, those not judged", False),
}


def count(record: Mapping[str, Any]) -> dict[str, Counted]:
    """The figures of one record."""
    threshold = (record.get("verifier") or {}).get("threshold", math.inf)
    claims = [claim for claim in record["claims"] if claim["needs_support"]]
    judged = [claim for claim in claims if claim["verdict"] != "unclear"]
    rows = [row for claim in claims for row in claim["citations"] if row["origin"] == "answer"]
    there = [row for row in rows if row["problem"] != "dangling"]
    classed = [row for row in there if row["class"] is not None]
    supported = [row for row in classed if row["class"] in ("grounded", "post_rationalised")]
    measured = [claim for claim in claims if claim["context_use"] is not None]
    passages = [passage["id"] for passage in record["passages"]]

    def of_judged(verdict: str) -> Counted:
        return Counted(sum(claim["verdict"] == verdict for claim in judged), len(judged))

    return {
        **_alce(judged, threshold),
        **_correctness(str(record.get("answer") or ""), gold_answers(record)),
        **gold_counts(record, threshold),
        "groundedness": of_judged("supported"),
        "contradicted_claims": of_judged("contradicted"),
        "unsupported_claims": of_judged("not_enough_information"),
        "uncited_claims": Counted(sum(not _own(claim) for claim in claims), len(claims)),
        "supporting_citations": Counted(
            sum(_supports(row, threshold) for row in there),
            sum(row["supports"] is not None for row in there),
        ),
        "dangling_citations": Counted(len(rows) - len(there), len(rows)),
        **{
            f"class_{name}": Counted(sum(row["class"] == name for row in classed), len(classed))
            for name in CLASSES
        },
        "citation_faithfulness": Counted(
            sum(row["class"] == "grounded" for row in supported), len(supported)
        ),
        "context_use": Counted(sum(claim["context_use"] for claim in measured), len(measured)),
        "alarmed_answers": Counted(
            int(bool(measured and record.get("alarms"))), int(bool(measured))
        ),
        "passages_cited": Counted(len({row["passage"] for row in there}), len(passages)),
        "passages_supporting": Counted(
            len(
                {
                    row["passage"]
                    for claim in judged
                    for row in claim["citations"]
                    if _supports(row, threshold)
                }
            ),
            len(passages) if judged else 0,
        ),
        "unclear_claims": Counted(len(claims) - len(judged), len(claims)),
    }


def _alce(judged: Sequence[Mapping[str, Any]], threshold: float) -> dict[str, Counted]:
    """Recall and precision of one answer.

    As in ALCE a statement with a citation that points nowhere is not recalled, and its citations
    do not count for precision. Unlike there, what needs no support is left out, and the evidence
    are the passages' texts without their titles.
    """
    n_recalled, n_precise, n_cited = 0, 0, 0
    for claim in judged:
        rows = {row["passage"]: row for row in _own(claim)}
        if not rows or None in rows:
            continue
        n_cited += len(rows)
        if (claim["cited_probability"] or 0.0) < threshold:
            continue
        n_recalled += 1
        n_precise += sum(
            len(rows) == 1 or _alone(row, threshold) or (row.get("without") or 0.0) < threshold
            for row in rows.values()
        )
    return {
        "citation_recall": Counted(
            n_recalled / len(judged) if judged else 0.0, float(bool(judged))
        ),
        "citation_precision": Counted(n_precise / n_cited if n_cited else 0.0, float(bool(judged))),
    }


def _correctness(answer: str, gold: Sequence[str]) -> dict[str, Counted]:
    """SQuAD's measures against the nearest gold answer; markers are no words."""
    said = cut_markers(answer, find_markers(answer, 0)).text
    return {
        "answers_with_gold": Counted(
            max((contains_answer(said, text) for text in gold), default=0.0), float(bool(gold))
        ),
        "answer_f1": Counted(
            max((token_f1(said, text) for text in gold), default=0.0), float(bool(gold))
        ),
    }


def _own(claim: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [row for row in claim["citations"] if row["origin"] == "answer"]


def _alone(row: Mapping[str, Any], threshold: float) -> bool:
    return row["supports"] is not None and bool(row["supports"] >= threshold)


def _supports(row: Mapping[str, Any], threshold: float) -> bool:
    return row["supports"] is not None and bool(row["supports"] >= threshold or row["jointly"])
