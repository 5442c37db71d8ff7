"""A sentence that stands twice: is it still found, as a group of both?

    python -m eval.repeated --data ../shared/data -n 32

Each shipped fact stands in its own passage and once more, verbatim or paraphrased, in another one
among paragraphs of a data folder. Its short answer is measured.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from eval.case import AttributionCase
from eval.contexts import gold_sources, load
from eval.results import write_result
from ragattr.metrics.bootstrap import bootstrap_mean
from ragattr.setup import METHODS, Setup
from ragattr.text.claims import read_claims
from ragattr.types import Answer, Attribution, Context, Query

KINDS = ("repeated_verbatim", "repeated_paraphrase")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of labelled JSON Lines")
    parser.add_argument("-n", type=int, default=32, help="facts of each kind")
    parser.add_argument("--method", default="jsd-fast")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    stage, figures = METHODS[options.method].make(Setup(method=options.method)), dict[str, Any]()
    for kind in KINDS:
        rows = []
        for case in load(options.data, kind, n=options.n, seed=options.seed):
            (found,) = stage([_answer(case)])
            rows.append(_row(case, found))
            print(kind, rows[-1], flush=True)
        above = [row for row in rows if row["above_floor"]]
        figures[kind] = {
            "cases": len(rows),
            "found_as_group": bootstrap_mean([row["as_group"] for row in rows], seed=options.seed),
            "above_floor": len(above),
            "found_of_those_above_floor": float(np.mean([row["as_group"] for row in above])),
            "found_alone": float(np.mean([row["alone"] for row in rows])),
            "rows": rows,
        }
    print(write_result("repeated", {"method": options.method, **figures}, seed=options.seed))


def _answer(case: AttributionCase) -> Answer:
    claims, markers = read_claims(case.answer, len(case.passages))
    context = Context(Query(case.question, case.id), case.passages)
    return Answer(context, case.answer, claims, markers)


def _row(case: AttributionCase, found: Attribution) -> dict[str, Any]:
    """Whether the best unit is a group of both gold sentences, or one of them alone."""
    if found.scores is None or found.group_scores is None or found.floors is None:
        raise SystemExit(f"{case.id}: not measured")
    gold, singles = gold_sources(case, found.sources), found.scores.sum(axis=1)
    joint = dict(zip(found.groups, found.group_scores.sum(axis=1), strict=True))
    grouped = {i for members in joint for i in members}
    best = max([0.0, *(score for i, score in enumerate(singles) if i not in grouped)])
    group = max((score for members, score in joint.items() if gold <= set(members)), default=0.0)
    return {
        "id": case.id,
        "as_group": bool(group > best),
        "alone": int(singles.argmax()) in gold,
        "above_floor": bool(max(group, singles.max()) / len(found.tokens) > found.floors.noise),
        "joint": float(group),
        "singles": [float(singles[i]) for i in sorted(gold)],
    }


if __name__ == "__main__":
    main()
