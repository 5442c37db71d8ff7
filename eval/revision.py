"""Revision: what is repaired, what is harmed, and whether the new text is supported.

    python -m eval.revision --planted FILE --refuted FILE... --judge-on FILE... [--method NAME...]

`--planted` takes what `eval.planted` writes, each text once with its error and once without;
`--refuted` labelled claims that their evidence contradicts. Besides the verifier that decided, a
judge of another kind says what is supported: plain figures of words and vectors, fitted on
`--judge-on`, without the questions of the rows that it judges. Finished texts are kept in `--work`.
"""

import argparse
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from eval.results import append_jsonl, read_jsonl, write_result
from eval.revision_baselines import BASELINES
from eval.surface_judge import SurfaceJudge
from ragattr.learn.rows import read_rows
from ragattr.metrics.bootstrap import bootstrap_mean
from ragattr.metrics.revision import f1_attributed_preserved, preservation
from ragattr.models.protocols import EntailmentModel, Pair
from ragattr.record import Row
from ragattr.revising import Revising, revise_rows
from ragattr.setup import Setup
from ragattr.text.markers import cut_markers, find_markers
from ragattr.verification.evidence import join, judge_pairs

_MOST_PASSAGES = 100
_SPACE_BEFORE = re.compile(r"\s+([.,;:!?])")
METHODS = ("none", "delete", "copy", "rewrite", "spans", "rarr")


@dataclass(frozen=True)
class Text:
    """A text to revise.

    Attributes:
        right: the text as it should be, where that is known.
        kind: of its error; "right" where it has none, "refuted" where it is not known.
    """

    id: str
    question: str
    said: str
    evidence: tuple[str, ...]
    right: str | None
    kind: str


@dataclass(frozen=True)
class Revised:
    """What a method made of a text, and in how long."""

    text: str
    n_edits: int
    seconds: float


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--planted", type=Path, help="what eval.planted wrote")
    parser.add_argument("--refuted", nargs="*", type=Path, default=[], help="attribution schema")
    parser.add_argument("--judge-on", nargs="+", type=Path, required=True)
    parser.add_argument(
        "--method", nargs="+", choices=METHODS, default=["none", "delete", "copy", "spans"]
    )
    parser.add_argument("-n", type=int, default=200, help="texts of each file at most")
    parser.add_argument("--verifier", default="embedded")
    parser.add_argument("--work", type=Path, default=Path("work/revision"))
    parser.add_argument("--show", type=int, default=0, help="print so many edits to read")
    parser.add_argument("--name", default="revision", help="of the result file")
    options = parser.parse_args()
    sets: dict[str, list[Text]] = {}
    if options.planted:
        sets["planted"] = list(_planted(options.planted, options.n))
    for path in options.refuted:
        sets[path.stem] = _refuted(path, options.n)
    setup = Setup(verifier=options.verifier)
    verifier = setup.entailment_model()
    made = {
        name: {
            method: revised(texts, method, setup, options.work / f"{name}_{method}.jsonl")
            for method in options.method
        }
        for name, texts in sets.items()
    }
    surface = SurfaceJudge(read_rows(options.judge_on), setup.sentence_encoder())
    judges = {verifier.name: _supported_by(verifier), "surface figures": _by_surface(surface)}
    figures = dict[str, Any]()
    for name, texts in sets.items():
        found = made[name]
        figures[name] = {
            "texts": len(texts),
            "methods": {m: measured(texts, rows, judges, verifier) for m, rows in found.items()},
            "against_baselines": compared(texts, found, judges),
        }
        for method, of_method in figures[name]["methods"].items():
            print(name, method, of_method)
        for line in _shown(texts, found.get("spans", []), options.show):
            print(line)
    card = {"name": verifier.name, "revision": verifier.revision, "threshold": verifier.threshold}
    print(write_result(options.name, {"verifier": card, "sets": figures}, seed=0))


def revised(texts: Sequence[Text], method: str, setup: Setup, kept: Path) -> list[Revised]:
    """What the method makes of each text; what the file holds is not done again."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    known = {row["id"]: row for row in read_jsonl(kept)} if kept.exists() else {}
    revise: Callable[[Text], tuple[str, int]] | None = None
    for text in texts:
        if text.id in known:
            continue
        revise = revise or _method(method, setup)
        start = perf_counter()
        said, n_edits = revise(text)
        row = {"id": text.id, "text": said, "n_edits": n_edits, "seconds": perf_counter() - start}
        append_jsonl(kept, row)
        known[text.id] = row
    rows = [known[text.id] for text in texts]
    return [Revised(_bare(row["text"]), row["n_edits"], row["seconds"]) for row in rows]


def measured(
    texts: Sequence[Text],
    found: Sequence[Revised],
    judges: dict[str, "Judge"],
    verifier: EntailmentModel,
) -> dict[str, Any]:
    """The figures of one method on one set."""
    wrong = [i for i, text in enumerate(texts) if text.kind != "right"]
    kept = [preservation(texts[i].said, found[i].text) for i in wrong]
    intent = _keeps_intent(verifier, [(texts[i].said, found[i].text) for i in wrong])
    figures: dict[str, Any] = {
        "preservation": bootstrap_mean(kept, seed=0),
        "edits_per_text": float(np.mean([found[i].n_edits for i in wrong])),
        "changed": float(np.mean([not _same(found[i].text, texts[i].said) for i in wrong])),
        "intent_entailed_both_ways": float(np.mean(intent)),
        "seconds_median": float(np.median([row.seconds for row in found])),
    }
    for name, supported in judges.items():
        before = supported([(texts[i], texts[i].said) for i in wrong])
        after = supported([(texts[i], found[i].text) for i in wrong])
        figures[name] = {
            "supported_before": bootstrap_mean(before, seed=0),
            "supported_after": bootstrap_mean(after, seed=0),
            "f1_ap": f1_attributed_preserved(float(np.mean(after)), float(np.mean(kept))),
        }
    kinds = sorted({texts[i].kind for i in wrong if texts[i].right is not None})
    if kinds:
        figures["exact_repair"] = {
            kind: _repair([(texts[i], found[i]) for i in wrong if kind in ("all", texts[i].kind)])
            for kind in ("all", *kinds)
        }
    good = [i for i, text in enumerate(texts) if text.kind == "right"]
    if good:
        harmed = [float(not _same(found[i].text, texts[i].said)) for i in good]
        figures["good_texts_changed"] = {"n": len(good), "share": bootstrap_mean(harmed, seed=0)}
    return figures


def compared(
    texts: Sequence[Text], found: dict[str, list[Revised]], judges: dict[str, "Judge"]
) -> dict[str, Any]:
    """F1_AP of "spans" minus each other method's, with the paired interval, for each judge."""
    wrong = [i for i, text in enumerate(texts) if text.kind != "right"]
    if "spans" not in found:
        return {}
    draws = np.random.default_rng(0).integers(len(wrong), size=(1000, len(wrong)))
    figures = dict[str, Any]()
    for name, supported in judges.items():
        of_method = dict[str, Any]()
        for method, rows in found.items():
            after = np.array(supported([(texts[i], rows[i].text) for i in wrong]))
            kept = np.array([preservation(texts[i].said, rows[i].text) for i in wrong])
            of_method[method] = np.array(
                [
                    f1_attributed_preserved(float(after[d].mean()), float(kept[d].mean()))
                    for d in draws
                ]
            )
        figures[name] = {
            method: [float(np.mean(difference)), *np.quantile(difference, [0.025, 0.975]).tolist()]
            for method in found
            if method != "spans"
            for difference in [of_method["spans"] - of_method[method]]
        }
    return figures


Judge = Callable[[Sequence[tuple[Text, str]]], list[float]]


def _supported_by(model: EntailmentModel) -> Judge:
    def supported(asked: Sequence[tuple[Text, str]]) -> list[float]:
        found = judge_pairs(model, [(said or " ", text.evidence) for text, said in asked])
        return [
            float(not said or (verdict.probability or 0.0) >= model.threshold)
            for (_, said), verdict in zip(asked, found, strict=True)
        ]

    return supported


def _by_surface(judge: SurfaceJudge) -> Judge:
    def supported(asked: Sequence[tuple[Text, str]]) -> list[float]:
        pairs = [Pair(join(text.evidence), said) for text, said in asked if said]
        found = iter(judge.judge(pairs))
        return [next(found) if said else 1.0 for _, said in asked]

    return supported


def _keeps_intent(model: EntailmentModel, pairs: Sequence[tuple[str, str]]) -> list[float]:
    """Whether each text follows from the other, by the verifier: a stand-in for a person."""
    asked = [p for old, new in pairs for p in (Pair(old, new or " "), Pair(new or " ", old))]
    found = (model.entails(asked)[:, 0] >= model.threshold).reshape(-1, 2)
    return [float(both.all() or old == new) for both, (old, new) in zip(found, pairs, strict=True)]


def _repair(rows: Sequence[tuple[Text, Revised]]) -> dict[str, Any]:
    exact = [float(_same(text.right or "", found.text)) for text, found in rows]
    removed = [float(not found.text.strip()) for _, found in rows]
    wrongly = [
        float(not _same(found.text, text.said) and not _same(found.text, text.right or ""))
        for text, found in rows
    ]
    return {
        "n": len(rows),
        "exact": bootstrap_mean(exact, seed=0),
        "changed_otherwise": float(np.mean(wrongly)),
        "removed": float(np.mean(removed)),
    }


def _same(one: str, other: str) -> bool:
    """Whether two texts are the same but for markers, case, space and thousands separators."""
    return _plain(one) == _plain(other)


def _plain(text: str) -> str:
    return " ".join(_SPACE_BEFORE.sub(r"\1", _bare(text)).lower().replace(",", "").split())


def _bare(text: str) -> str:
    """The text without its markers."""
    return cut_markers(text, find_markers(text, _MOST_PASSAGES)).text


def _method(name: str, setup: Setup) -> Callable[[Text], tuple[str, int]]:
    if name in BASELINES:
        make = BASELINES[name](setup)
        return lambda text: ((said := make(text.said, text.evidence)), int(said != text.said))
    work = revise_rows(setup, Revising("rarr" if name == "rarr" else "spans"))

    def revise(text: Text) -> tuple[str, int]:
        case: Row = {
            "id": text.id, "question": text.question or "What is true?",
            "passages": list(text.evidence), "answer": text.said,
        }  # fmt: skip
        revision = work(case)["revision"]
        return revision["text"], sum(step["edit"] is not None for step in revision["steps"])

    return revise


def _planted(path: Path, n: int) -> Iterator[Text]:
    for row in read_jsonl(path)[:n]:
        evidence = tuple(p if isinstance(p, str) else p["text"] for p in row["passages"])
        common = (row["question"], evidence)
        yield Text(
            f"{row['id']}-{row['kind']}",
            common[0],
            row["answer"],
            common[1],
            row["right"],
            row["kind"],
        )
        yield Text(f"{row['id']}-right", common[0], row["right"], common[1], row["right"], "right")


def _refuted(path: Path, n: int) -> list[Text]:
    rows = [row for row in read_rows([path]) if row.label in ("contradicted", "not_supported")]
    drawn = random.Random(0).sample(rows, min(n, len(rows)))
    return [Text(row.id, "", row.claim, row.evidence, None, "refuted") for row in drawn]


def _shown(texts: Sequence[Text], found: Sequence[Revised], n: int) -> Iterator[str]:
    pairs = [(t, f) for t, f in zip(texts, found, strict=False) if not _same(f.text, t.said)]
    for text, row in random.Random(1).sample(pairs, min(n, len(pairs))):
        yield f"\n{text.kind}\n  - {text.said}\n  + {row.text}\n  E {join(text.evidence)[:400]}"


if __name__ == "__main__":
    main()
