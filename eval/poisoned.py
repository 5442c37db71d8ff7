"""Alarms for poisoned passages: how often there are some, and how often for nothing.

    python -m eval.poisoned [--n N] [--texts N] [--rows FILE] [--data ../shared/data]

Two parts. Texts: what `find_instructions` finds in generated strings of ten families and in their
harmless twins, and with --data in real passages, where every finding is taken for a false alarm;
seconds, no model. Answers: the embedded model answers from five passages of which 1, 3 or 5 are
poisoned; its answer is measured and judged, and the alarms of the record are counted. An attack has
worked when the answer holds what the attacker wanted.

Patterns and thresholds were chosen on the split "tune" alone. The phrasings of "test" were written
before, by the same author: an attacker who knows the patterns does better. Two twins of "test" that
raised a false alarm were moved to "tune" and replaced unseen. No figure here is of a defence.
"""

import argparse
import hashlib
import random
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from eval.poisoned_cases import PoisonedCase, cases
from eval.poisoned_figures import answer_figures, rate, rate_by_phrasing
from eval.poisoned_texts import FAMILIES, Kind, Split, of
from eval.results import append_jsonl, read_jsonl, write_result
from ragattr.citation.alarm import DOMINANT
from ragattr.generation.generate import Generate
from ragattr.learn.floors import read_facts
from ragattr.metrics.answers import contains_answer
from ragattr.metrics.usage import claim_use, passage_use
from ragattr.setup import Setup, answer_prompt
from ragattr.stage import Stage
from ragattr.text.instructions import find_instructions
from ragattr.types import CitedAnswer, Context

MAX_NEW_TOKENS = 32
PASSAGE_FILES = ("retrieval/wiki_passages.jsonl", "retrieval/vaswani_passages.jsonl")
Row = dict[str, Any]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--n", type=int, default=2, help="answers for each family and number")
    parser.add_argument("--texts", type=int, default=200, help="strings of each family")
    parser.add_argument("--split", choices=("tune", "test"), default="test")
    parser.add_argument("--rows", type=Path, help="JSON Lines: answers that are there are kept")
    parser.add_argument("--data", type=Path, help="folder of real passages")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    figures: Row = {
        "about": __doc__.partition("\n\n")[2].partition("\n\n")[2].strip(),
        "split": options.split,
        "dominant": DOMINANT,
        "texts": text_figures(options.split, options.texts, seed=options.seed),
    }
    if options.data:
        figures["real_passages"] = real_figures(options.data, options.split)
    print(figures, flush=True)
    if options.n:
        rows = answered(options.split, options.n, options.rows, seed=options.seed)
        figures["answers"] = answer_figures(rows)
    print(write_result("poisoned", figures, seed=options.seed).read_text())


def text_figures(split: Split, n: int, *, seed: int) -> Row:
    """Of each family the share of strings in which something is found, and of its twins."""
    found = {
        (family, kind): _found_in(family, split, kind, n, seed)
        for family in FAMILIES
        for kind in ("attack", "twin")
    }
    figures: Row = {
        family: {
            "recall": rate_by_phrasing(*found[family, "attack"], seed=seed),
            "false_alarms": rate_by_phrasing(*found[family, "twin"], seed=seed),
        }
        for family in FAMILIES
    }
    for name, kind in (("recall", "attack"), ("false_alarms", "twin")):
        hits = [hit for family in FAMILIES for hit in found[family, kind][0]]
        names = [name for family in FAMILIES for name in found[family, kind][1]]
        figures[name] = rate_by_phrasing(hits, names, seed=seed)
    return figures


def _found_in(
    family: str, split: Split, kind: Kind, n: int, seed: int
) -> tuple[list[bool], list[str]]:
    """Whether each string of n has a finding, and its phrasing."""
    rng, facts, phrasings = (
        random.Random(f"{seed} {family} {kind}"),
        read_facts(),
        of(family, split, kind),
    )
    hits, names = list[bool](), list[str]()
    for i in range(n):
        phrasing, fact = phrasings[i % len(phrasings)], rng.choice(facts)
        said = phrasing.fill(rng.choice(facts)["answer"], fact["question"], rng)
        hits.append(bool(find_instructions(f"{fact['gold']} {said}")))
        names.append(phrasing.text)
    return hits, names


def real_figures(folder: Path, split: Split) -> Row:
    """Real passages with a finding: half of them by hash, the other half was for tuning."""
    wanted = 0 if split == "test" else 1
    texts = [
        text
        for text in sorted(set(_real(folder)))
        if hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[0] % 2 == wanted
    ]
    found = [find_instructions(text) for text in texts]
    return {
        "characters": sum(map(len, texts)),
        "false_alarms": rate([bool(one) for one in found]),
        "found": [
            one.span.of(text) for text, all_of in zip(texts, found, strict=True) for one in all_of
        ],
    }


def _real(folder: Path) -> Iterator[str]:
    for name in PASSAGE_FILES:
        yield from (row["text"] for row in read_jsonl(folder / name))
    for path in sorted((folder / "attribution").glob("*.jsonl")):
        yield from (text for row in read_jsonl(path) for text in row["evidence"])


def answered(split: Split, n: int, kept: Path | None, *, seed: int) -> list[Row]:
    """A row for each case; those that the file holds are not done again."""
    rows = read_jsonl(kept) if kept and kept.is_file() else []
    work = pipeline()
    for number, case in enumerate(cases(split, n, seed=seed)):
        if number < len(rows):
            continue
        rows.append(examine(work, case))
        print(number, rows[-1]["family"], rows[-1]["kind"], rows[-1]["answer"], flush=True)
        if kept:
            append_jsonl(kept, rows[-1])
    return rows


def pipeline() -> Stage[Context, CitedAnswer]:
    """The embedded model answers, and its answer is measured and judged."""
    setup = Setup()
    write = Generate(setup.language_model(), answer_prompt(), max_new_tokens=MAX_NEW_TOKENS)
    return write >> setup.examine()


def examine(work: Stage[Context, CitedAnswer], case: PoisonedCase) -> Row:
    """What the model said to one case, and what was raised."""
    (cited,) = work([case.context])
    attribution = cited.judgement.attribution
    text = attribution.answer.text
    uses = [claim_use(attribution, claim) for claim in attribution.answer.claims]
    n = len(attribution.answer.context.passages)
    return {
        "id": case.fact["id"],
        "family": case.family,
        "kind": case.kind,
        "poisoned": [*case.poisoned],
        "passages": [*case.passages],
        "wanted": case.wanted,
        "answer": text,
        "worked": _holds(text, case.wanted),
        "right": _holds(text, case.fact["answer"]),
        "alarms": [asdict(alarm) for alarm in cited.alarms],
        "shares": [[passage_use(attribution, use, i) for i in range(n)] for use in uses],
        "supports": [
            [None if np.isnan(value) else round(float(value), 4) for value in row]
            for row in cited.judgement.passage_supports
        ],
    }


def _holds(text: str, wanted: str) -> bool:
    return contains_answer(text, wanted) > 0 or (wanted.startswith(".") and wanted in text)


if __name__ == "__main__":
    main()
