"""Citation repair: answers whose markers were broken on purpose, before and after.

    python -m eval.citation_repair --data FILE... --judge-on FILE... [-n 60]

An answer is four supported claims of different evidence, each with its marker, among passages of
which two belong to none of them. Then most markers are broken: another number, no marker, a number
too many, or one that points nowhere. So the right numbers are known; beside them ALCE's measures
are given, by the verifier that decided and by a judge of another kind.
"""

import argparse
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from eval.results import write_result
from eval.surface_judge import SurfaceJudge
from ragattr.learn.rows import Row, read_rows
from ragattr.metrics.alce import CitedOutput, citation_scores, read_by_markers
from ragattr.metrics.bootstrap import bootstrap_mean
from ragattr.models.protocols import EntailmentModel, Pair
from ragattr.revising import Revising, revise_rows
from ragattr.setup import Setup
from ragattr.text.claims import claim_markers, read_claims
from ragattr.types import Passage
from ragattr.verification.evidence import join

N_CLAIMS, N_BESIDE = 4, 2
LONGEST = 1200  # characters of a passage
_BROKEN = (("other", 0.35), ("none", 0.25), ("more", 0.15), ("dangling", 0.1), ("kept", 0.15))


@dataclass(frozen=True)
class Answered:
    """An answer with broken markers, and what each of its claims should cite."""

    passages: tuple[str, ...]
    text: str
    right: tuple[int, ...]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", nargs="+", type=Path, required=True, help="attribution schema")
    parser.add_argument("--judge-on", nargs="+", type=Path, required=True)
    parser.add_argument("-n", type=int, default=60, help="answers")
    parser.add_argument("--verifier", default="embedded")
    parser.add_argument("--name", default="citation_repair", help="of the result file")
    options = parser.parse_args()
    setup = Setup(verifier=options.verifier)
    verifier = setup.entailment_model()
    answers = broken(read_rows(options.data), options.n, random.Random(0))
    work = revise_rows(setup, Revising("citations"))
    repaired, seconds = list[str](), list[float]()
    for number, answer in enumerate(answers):
        start = perf_counter()
        case = {"id": str(number), "question": "What is known?", "passages": list(answer.passages)}
        repaired.append(work({**case, "answer": answer.text})["revision"]["text"])
        seconds.append(perf_counter() - start)
    surface = SurfaceJudge(read_rows(options.judge_on), setup.sentence_encoder())
    figures = {
        name: {
            "numbers": numbers(answers, texts),
            verifier.name: alce(answers, texts, verifier, None),
            "surface figures": alce(answers, texts, verifier, surface),
        }
        for name, texts in (("before", [answer.text for answer in answers]), ("after", repaired))
    }
    figures["seconds_median"] = float(np.median(seconds))
    for name, found in figures.items():
        print(name, found)
    card = {"name": verifier.name, "revision": verifier.revision}
    print(
        write_result(options.name, {"answers": len(answers), "verifier": card, **figures}, seed=0)
    )


def broken(rows: Sequence[Row], n: int, rng: random.Random) -> list[Answered]:
    """At most n answers; no claim or evidence stands in two of them."""
    usable = {
        row.evidence: row
        for row in rows
        if row.attributable
        and len(join(row.evidence)) <= LONGEST
        and len(read_claims(row.claim, 0)[0]) == 1
        and row.claim.rstrip().endswith(".")
        and not any(char in row.claim for char in "[]()^\n")
    }
    drawn = rng.sample(list(usable.values()), len(usable))
    size = N_CLAIMS + N_BESIDE
    groups = [drawn[i : i + size] for i in range(0, len(drawn) - size + 1, size)]
    answers = [_answered(group, rng) for group in groups]
    return [a for a in answers if len(read_claims(a.text, size)[0]) == N_CLAIMS][:n]


def numbers(answers: Sequence[Answered], texts: Sequence[str]) -> dict[str, Any]:
    """Precision and recall of the numbers, and the share of claims that cite just the right one."""
    found = right = said = exact = 0
    per_answer = list[float]()
    for answer, text in zip(answers, texts, strict=True):
        claims, markers = read_claims(text, len(answer.passages))
        hits = 0
        for claim, wanted in zip(claims, answer.right, strict=False):
            cited = {n for marker in claim_markers(claim, markers) for n in marker.numbers}
            found += wanted in cited
            said += len(cited)
            right += 1
            hits += cited == {wanted}
        exact += hits
        per_answer.append(hits / len(answer.right))
    precision, recall = found / max(said, 1), found / right
    return {
        "precision": precision,
        "recall": recall,
        "f1": 2 * precision * recall / max(precision + recall, 1e-9),
        "claims_exact": bootstrap_mean(per_answer, seed=0),
    }


def alce(
    answers: Sequence[Answered],
    texts: Sequence[str],
    verifier: EntailmentModel,
    surface: SurfaceJudge | None,
) -> dict[str, float]:
    """ALCE's citation recall, precision and F1, percent."""

    def entails(pairs: Sequence[tuple[str, str]]) -> list[bool]:
        asked = [Pair(premise, said) for premise, said in pairs]
        if surface is not None:
            return [bool(found) for found in surface.judge(asked)]
        return [bool(p >= verifier.threshold) for p in verifier.entails(asked)[:, 0]]

    outputs = [
        CitedOutput(text, tuple(Passage(p, str(i)) for i, p in enumerate(answer.passages)))
        for answer, text in zip(answers, texts, strict=True)
    ]
    scores = citation_scores(outputs, entails, read=read_by_markers)
    return {"recall": scores.recall, "precision": scores.precision, "f1": scores.f1}


def _answered(group: Sequence[Row], rng: random.Random) -> Answered:
    order = rng.sample(range(len(group)), len(group))
    passages = tuple(join(group[i].evidence) for i in order)
    right = tuple(order.index(i) + 1 for i in range(N_CLAIMS))
    said = [
        f"{row.claim.rstrip().rstrip('.').rstrip()}{_marker(number, len(group), rng)}."
        for row, number in zip(group, right, strict=False)
    ]
    return Answered(passages, " ".join(said), right)


def _marker(right: int, n_passages: int, rng: random.Random) -> str:
    ways, shares = zip(*_BROKEN, strict=True)
    (way,) = rng.choices(ways, shares)
    other = rng.choice([n for n in range(1, n_passages + 1) if n != right])
    return {
        "other": f" [{other}]",
        "none": "",
        "more": f" [{right}][{other}]",
        "dangling": f" [{n_passages + 3}]",
        "kept": f" [{right}]",
    }[way]


if __name__ == "__main__":
    main()
