"""One head, tuned on few subjects: whose answer does the model give for subjects it never saw?

    python -m eval.steering --data ../shared/data

Heads are located and tuned on counterfactual probes of some subjects. On the others the rates of
context answers and memorised answers stand at each factor, beside random heads.
"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from eval.results import write_result
from ragattr.mechanism.counterfactual import Counterfactual, fair, read_counterfactuals
from ragattr.mechanism.locate import Located, concentrations, locate
from ragattr.mechanism.steer import Rates, Target, curve, random_heads, rates, tune
from ragattr.models import embedded
from ragattr.models.hf import HFModel
from ragattr.models.patching import Head

PROBES = Path("probes") / "compmech_counterfactual_train.jsonl"
FACTORS = (-3.0, 0.0, 2.0, 5.0)  # below 0 a head says the opposite; unsteered is 1
N_CANDIDATES, N_TOGETHER = 3, 2  # tried one by one, and scaled together, of each kind


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of labelled JSON Lines")
    parser.add_argument("--tuning", type=int, default=20, help="subjects to locate and tune on")
    parser.add_argument("--unseen", type=int, default=100, help="subjects to test on")
    parser.add_argument("--random", type=int, default=2, help="random heads, each on its own")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    model = embedded.language_model()
    rows = read_counterfactuals(options.data / PROBES)
    order = np.random.default_rng(options.seed).permutation(len(rows))
    usable = fair(rows[i] for i in order)
    tuning = usable[: options.tuning]
    unseen = usable[options.tuning : options.tuning + options.unseen]
    located = locate(model, tuning)
    print(located.stability, *located.verified, sep="\n", flush=True)
    candidates = [*located.context_heads[:N_CANDIDATES], *located.memory_heads[:N_CANDIDATES]]
    tuned = tune(model, tuning, candidates, FACTORS)
    print("tuned", tuned, flush=True)
    figures = {
        "model": model.card.name,
        "dtype": model.card.dtype,
        "probes": {"all": len(rows), "fair_subjects": len(usable)},
        "tuning_subjects": len(tuning),
        "located": _located(model, tuning, located),
        "tuned": _row(tuned),
        "unsteered": _row(rates(model, unseen, [], 1.0)),
        "unseen": _unseen(model, unseen, located, tuned, options.random),
    }
    print(write_result("steering", figures, seed=options.seed))


def _unseen(
    model: HFModel, probes: Sequence[Counterfactual], located: Located, tuned: Rates, n_random: int
) -> dict[str, Any]:
    """The tuned head, its attention alone, several context heads, and random heads for each."""
    known = [row.head for row in located.verified]
    runs: list[tuple[str, Sequence[Head], Target]] = [
        ("one_head", tuned.heads, "output"),
        ("context_heads", located.context_heads[:N_TOGETHER], "output"),
        ("context_heads_attention", located.context_heads[:N_TOGETHER], "attention"),
        ("memory_heads", located.memory_heads[:N_TOGETHER], "output"),
        ("random_heads", random_heads(model, N_TOGETHER, seed=0, without=known), "output"),
    ]
    runs += [
        (f"random_head_{i}", random_heads(model, 1, seed=i, without=known), "output")
        for i in range(n_random)
    ]
    found = dict[str, Any]()
    for name, heads, target in runs:
        factors = [factor for factor in FACTORS if target == "output" or factor >= 0]
        found[name] = [_row(each) for each in curve(model, probes, heads, factors, target=target)]
        print(name, *found[name], sep="\n", flush=True)
    return found


def _located(model: HFModel, probes: Sequence[Counterfactual], located: Located) -> dict[str, Any]:
    heads = located.context_heads
    return {
        "probes": located.n_probes,
        "top_10_overlap": located.stability.overlap,
        "spearman": located.stability.spearman,
        "verified": [
            {"head": str(row.head), "estimated": row.estimated, "patched": row.patched}
            for row in located.verified
        ],
        "concentration": [
            {**asdict(row), "head": str(row.head)} for row in concentrations(model, probes, heads)
        ],
    }


def _row(found: Rates) -> dict[str, Any]:
    return {
        "heads": [str(head) for head in found.heads],
        "factor": found.factor,
        "context": found.context,
        "memory": found.memory,
        "n": found.n,
    }


if __name__ == "__main__":
    main()
