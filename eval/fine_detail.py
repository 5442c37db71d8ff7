"""Fine detail: a claim against the same claim with one number, name, polarity or relation changed.

    python -m eval.fine_detail --verifier embedded [--claims FILE...] [--nli FILE...]

Without files, the shipped facts: the claim is a paraphrase of the sentence that holds the fact,
the evidence the passage around it. `--claims` changes supported claims of labelled files, `--nli`
judges pairs as they are. Files that a verifier has learnt from say nothing of it.
"""

import argparse
import random
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from eval.results import write_result
from ragattr.learn.floors import read_facts
from ragattr.learn.perturb import CHANGES, names_of
from ragattr.learn.rows import Row, read_nli, read_rows
from ragattr.metrics.bootstrap import bootstrap_mean
from ragattr.metrics.classification import balanced_accuracy
from ragattr.models.protocols import EntailmentModel, Pair
from ragattr.setup import Setup
from ragattr.verification.evidence import join, judge_pairs


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--verifier", default="embedded")
    parser.add_argument("--claims", nargs="*", type=Path, default=[], help="attribution schema")
    parser.add_argument("--nli", nargs="*", type=Path, default=[], help="NLI schema")
    parser.add_argument("-n", type=int, default=500, help="rows of each file at most")
    parser.add_argument("--name", default="fine_detail", help="of the result file")
    options = parser.parse_args()
    model = Setup(verifier=options.verifier).entailment_model()
    figures: dict[str, Any] = {"shipped facts": changed(model, _facts())}
    for path in options.claims:
        supported = [row for row in read_rows([path]) if row.attributable]
        figures[path.stem] = changed(model, _drawn(supported, options.n))
    for path in options.nli:
        figures[path.stem] = judged(model, _drawn(read_nli([path]), options.n))
    for name, found in figures.items():
        print(name, found)
    verifier = {"name": model.name, "revision": model.revision}
    print(write_result(options.name, {"verifier": verifier, "sets": figures}, seed=0))


def changed(model: EntailmentModel, rows: Sequence[Row]) -> dict[str, Any]:
    """Of a claim and its changed version, how often the right one scores higher; and verdicts."""
    rng, strangers = random.Random(0), names_of(row.claim for row in rows)
    wrong = [
        (row, kind, said)
        for row in rows
        for kind, change, _ in CHANGES
        if (said := change(row.claim, join(row.evidence), rng, strangers)) not in (None, row.claim)
    ]
    verdicts = judge_pairs(
        model,
        [(row.claim, row.evidence) for row in rows] + [(said, r.evidence) for r, _, said in wrong],
    )
    probability = [verdict.probability or 0.0 for verdict in verdicts]
    right = dict(zip(map(id, rows), probability, strict=False))
    wins = defaultdict[str, list[float]](list)
    for (row, kind, _), of_wrong in zip(wrong, probability[len(rows) :], strict=True):
        difference = right[id(row)] - of_wrong
        wins[kind].append(float(difference > 0) + 0.5 * float(difference == 0))
        wins["all"].append(wins[kind][-1])
    truth = [True] * len(rows) + [False] * len(wrong)
    supported = [p >= model.threshold for p in probability]
    return {
        "claims": len(rows),
        "right_scores_higher": {
            kind: {"n": len(found), "mean": bootstrap_mean(found, seed=0)}
            for kind, found in sorted(wins.items())
        },
        "balanced_accuracy": balanced_accuracy(truth, supported),
    }


def judged(model: EntailmentModel, rows: Sequence[Row]) -> dict[str, Any]:
    """Balanced accuracy of supported against not, at the verifier's threshold."""
    pairs = [Pair(join(row.evidence), row.claim) for row in rows]
    supported = model.entails(pairs)[:, 0] >= model.threshold
    truth = [row.attributable for row in rows]
    return {
        "pairs": len(rows),
        "supported": float(np.mean(truth)),
        "balanced_accuracy": balanced_accuracy(truth, supported.tolist()),
    }


def _facts() -> list[Row]:
    return [
        Row(fact["paraphrase"], (fact["passage"],), "facts", "supported", fact["question"])
        for fact in read_facts()
    ]


def _drawn(rows: Sequence[Row], n: int) -> list[Row]:
    return random.Random(0).sample(rows, min(n, len(rows)))


if __name__ == "__main__":
    main()
