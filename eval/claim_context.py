"""What should go before a claim that rests on a pronoun: nothing, the question, or a sentence?

    python -m eval.claim_context --data ../shared/data/attribution/attributionbench_dev.jsonl

Rows whose claim begins with a pronoun and stands in a response that is there too. Each claim is
judged against its own evidence (labelled) and against the next row's (never its own): AUROC of
labels, and of attributable claims with their own evidence over the same claims with another's.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from eval.results import read_jsonl, write_result
from ragattr.metrics.bootstrap import Figure, clustered_bootstrap, compare_paired
from ragattr.metrics.ranking import area_under_roc
from ragattr.models.protocols import EntailmentModel
from ragattr.setup import EMBEDDED, Setup
from ragattr.text.claims import ClaimContext, in_context, read_claims, rests_on_context, statement
from ragattr.types import FloatArray
from ragattr.verification.evidence import judge_pair

Row = dict[str, Any]
COLUMNS = ("auroc_labels", "difference_to_none", "auroc_own_over_other")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="JSON Lines with responses")
    parser.add_argument("--verifier", default=EMBEDDED, help="as for ragattr verify")
    options = parser.parse_args()
    rows = [row for row in read_jsonl(options.data) if is_usable(row)]
    model = Setup(verifier=options.verifier).entailment_model()
    judged = {context: judge(model, rows, context) for context in get_args(ClaimContext)}
    figures = {context: figures_of(rows, judged[context], judged["none"]) for context in judged}
    print(f"{len(rows)} rows\n{'before the claim':18}" + "".join(f"{c:>28}" for c in COLUMNS))
    for context, found in figures.items():
        cells = (f"{v:+.3f} [{low:+.3f}, {high:+.3f}]" for v, low, high in found.values())
        print(f"{context:18}" + "".join(f"{cell:>28}" for cell in cells))
    print(write_result("claim_context", {"rows": len(rows), **figures}, seed=0))


def is_usable(row: Row) -> bool:
    """Whether the claim rests on a pronoun and something stands before it in its response."""
    return rests_on_context(row["claim"]) and bool(row["question"]) and bool(before(row))


def before(row: Row) -> str:
    """The nearest statement before the claim that rests on nothing; empty where none is found."""
    text = row["response"]
    claims, markers = read_claims(text, len(row["evidence"]))
    start = text.find(row["claim"][:40])
    said = [
        statement(claim, markers)
        for claim in claims
        if claim.needs_support and claim.span.end <= start
    ]
    return next((text for text in reversed(said) if not rests_on_context(text)), "")


def judge(model: EntailmentModel, rows: Sequence[Row], context: ClaimContext) -> FloatArray:
    """[rows, 2], probability of "supported" by the row's own evidence and by the next row's."""
    texts = [in_context(row["claim"], row["question"], before(row), context) for row in rows]
    evidence = [row["evidence"] for row in rows]
    own = _judged(model, texts, evidence)
    return np.stack([own, _judged(model, texts, [*evidence[1:], *evidence[:1]])], axis=1)


def figures_of(
    rows: Sequence[Row], judged: FloatArray, plain: FloatArray
) -> dict[str, tuple[float, float, float]]:
    """AUROC of labels, the same minus that of `plain`, and of own over another's evidence.

    Each with its 95 % interval, questions drawn anew.
    """
    is_true = np.array([row["label"] == "attributable" for row in rows])
    questions = [row["question"] for row in rows]

    def labels(found: FloatArray) -> Figure:
        return lambda i: area_under_roc(found[i[is_true[i]], 0], found[i[~is_true[i]], 0])

    def swapped(i: NDArray[np.int64]) -> float:
        return area_under_roc(judged[i[is_true[i]], 0], judged[i[is_true[i]], 1])

    difference = compare_paired(labels(judged), labels(plain), questions, seed=0)
    figures = (
        clustered_bootstrap(labels(judged), questions, seed=0),
        (difference.difference, difference.low, difference.high),
        clustered_bootstrap(swapped, questions, seed=0),
    )
    return dict(zip(COLUMNS, figures, strict=True))


def _judged(
    model: EntailmentModel, texts: Sequence[str], evidence: Sequence[Sequence[str]]
) -> FloatArray:
    """[rows], probability of "supported"; 0 where the verifier does not read the language."""
    found = (judge_pair(model, *pair) for pair in zip(texts, evidence, strict=True))
    return np.array([verdict.probability or 0.0 for verdict in found])


if __name__ == "__main__":
    main()
