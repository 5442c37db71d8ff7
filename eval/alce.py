"""ALCE: whether answers are right, and whether their citations support them (Gao et al. 2023).

    python -m eval.alce --data result/asqa-MODEL.json result/eli5-MODEL.json
    python -m eval.alce --data golaxy/rag-bench:alce_asqa_gtr:Llama_2_7b_chat_hf_vanilla_shot2_ndoc5

Reads ALCE's result files and scores what its own script scores without a language model, by our
verifier in place of T5-XXL: citation recall and precision (every sentence counts, a document is
its title line and its text, the first three citations count) and their F1; for ASQA the recall of
short answers, for ELI5 of claims, for QAMPARI precision and recall of the list; and length. As
there, only the first line of an output is read.

Markers are read as ragattr reads them: one after a full stop belongs to the sentence before it,
"[1, 2]" cites both. With --published they are read as the released script reads them: it belongs
to the sentence behind it, and "[1, 2]" cites 1. Intervals are of 95 %, questions drawn anew.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from eval.alce_rows import AlceRow, read_alce
from eval.attribution_judging import judged
from eval.attribution_sets import AttributionRow
from eval.results import write_result
from eval.tables import aligned
from ragattr.errors import RagattrError
from ragattr.metrics.alce import (
    CitedOutput,
    CitedSentence,
    Pair,
    citation_scores,
    plain_as_released,
    plain_by_markers,
    read_as_released,
    read_by_markers,
)
from ragattr.metrics.alce_lists import (
    list_items,
    list_scores,
    read_list_as_released,
    read_list_by_markers,
)
from ragattr.metrics.answers import short_answer_recall
from ragattr.metrics.bootstrap import clustered_bootstrap
from ragattr.models.protocols import EntailmentModel
from ragattr.setup import Setup

SEED = 0
N_RESAMPLES = 1000

Figures = dict[str, Any]
Column = Sequence[float | None]


@dataclass(frozen=True)
class Reading:
    """How an output is cut into what is judged, and what is left of it without citations."""

    name: str
    sentences: Callable[[CitedOutput], list[CitedSentence]]
    items: Callable[[CitedOutput], list[CitedSentence]]
    plain: Callable[[CitedOutput], str]


BY_MARKERS = Reading("by markers", read_by_markers, read_list_by_markers, plain_by_markers)
AS_RELEASED = Reading("as released", read_as_released, read_list_as_released, plain_as_released)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    options = _parser().parse_args(arguments)
    reading = AS_RELEASED if options.published else BY_MARKERS
    try:
        rows = read_alce(options.data)
        systems = {name: _system(name, rows, reading, options.work) for name in options.verifier}
    except RagattrError as error:
        raise SystemExit(f"alce: {error}") from error
    print(table(systems, reading))
    result = {"reading": reading.name, "systems": systems}
    print(write_result(options.name, result, seed=SEED))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--data",
        nargs="+",
        required=True,
        help="result files of ALCE, lists of their rows, or REPOSITORY[:CONFIG[:SPLIT]] of the hub",
    )
    parser.add_argument(
        "--verifier",
        nargs="+",
        default=["embedded"],
        help="embedded, or any name that `ragattr --verifier` takes",
    )
    parser.add_argument(
        "--published", action="store_true", help="read markers as the released script does"
    )
    parser.add_argument(
        "--work", type=Path, default=Path("work/alce"), help="where verdicts are kept"
    )
    parser.add_argument("--name", default="alce", help="of the result: eval/results/NAME.json")
    return parser


@dataclass
class Judge:
    """Whether a premise entails what is said, by a verifier at its own threshold.

    Attributes:
        n_unjudged: pairs outside its languages: not entailed.
    """

    model: EntailmentModel
    work: Path
    n_unjudged: int = field(default=0, init=False)

    def __call__(self, pairs: Sequence[Pair]) -> list[bool]:
        found = judged([_as_claim(*pair) for pair in pairs], self.model, self.work)
        self.n_unjudged += found.count(None)
        return [p is not None and p >= self.model.threshold for p in found]


def _as_claim(premise: str, said: str) -> AttributionRow:
    return AttributionRow(
        id="",
        source="ALCE",
        question="",
        claim=said,
        response="",
        evidence=[premise],
        label="",
        label_detail="",
        split="",
    )


def _system(name: str, rows: Sequence[AlceRow], reading: Reading, work: Path) -> Figures:
    model = Setup(verifier=name).entailment_model()
    return {
        "threshold": model.threshold,
        "revision": model.revision,
        "sets": {
            kind: score([row for row in rows if row.set == kind], reading, Judge(model, work))
            for kind in dict.fromkeys(row.set for row in rows)
        },
    }


def score(rows: Sequence[AlceRow], reading: Reading, judge: Judge) -> Figures:
    """The figures of the rows of one set, each with its interval and how many outputs it is of."""
    outputs = [row.output for row in rows]
    is_list = rows[0].set == "qampari"
    cited = citation_scores(outputs, judge, read=reading.items if is_list else reading.sentences)
    columns: dict[str, Column] = {
        "citation_recall": [each and 100 * each.recall for each in cited.outputs],
        "citation_precision": [each and 100 * each.precision for each in cited.outputs],
        **_correctness(rows, reading, judge),
        "length": [len(reading.plain(output).split()) for output in outputs],
    }
    questions = [output.question for output in outputs]
    recall, precision = columns["citation_recall"], columns["citation_precision"]
    return {
        "n": len(rows),
        "not_judged": judge.n_unjudged,
        "figures": {
            "citation_f1": _figure([recall, precision], questions, _harmonic),
            **{name: _figure([column], questions, _only) for name, column in columns.items()},
        },
    }


def _correctness(rows: Sequence[AlceRow], reading: Reading, judge: Judge) -> dict[str, Column]:
    plain = [reading.plain(row.output) for row in rows]
    if rows[0].set == "asqa":
        recalls = [short_answer_recall(p, row.gold) for p, row in zip(plain, rows, strict=True)]
        return {
            "short_answer_recall": [100 * recall for recall in recalls],
            "all_short_answers": [100.0 * (recall == 1) for recall in recalls],
        }
    if rows[0].set == "eli5":
        return {"claim_recall": _claim_recall(rows, plain, judge)}
    if rows[0].set == "qampari":
        found = [
            asdict(list_scores(list_items(p), row.gold)) for p, row in zip(plain, rows, strict=True)
        ]
        shares = [name for name in found[0] if name != "n_items"]
        return {
            **{f"list_{name}": [100 * each[name] for each in found] for name in shares},
            "list_items": [each["n_items"] for each in found],
        }
    return {}


def _claim_recall(rows: Sequence[AlceRow], plain: Sequence[str], judge: Judge) -> Column:
    """Of each row's gold claims, those that its output entails, in percent."""
    pairs = [(p, claim) for p, row in zip(plain, rows, strict=True) for (claim,) in row.gold]
    found = iter(judge(pairs))
    return [100 * sum(next(found) for _ in row.gold) / len(row.gold) for row in rows]


def _figure(
    columns: Sequence[Column], questions: Sequence[str], join: Callable[[list[float]], float]
) -> Figures:
    """What joins the means of columns, over the rows that have a value, and its interval."""
    kept = [i for i, value in enumerate(columns[0]) if value is not None]
    values = np.array([[column[i] for i in kept] for column in columns], dtype=float)
    value, low, high = clustered_bootstrap(
        lambda drawn: float(join(values[:, drawn].mean(axis=1).tolist())),
        [questions[i] for i in kept],
        seed=SEED,
        n_resamples=N_RESAMPLES,
    )
    return {"value": value, "interval": [low, high], "n": len(kept)}


def _only(means: list[float]) -> float:
    (mean,) = means
    return mean


def _harmonic(means: list[float]) -> float:
    recall, precision = means
    return 2 * recall * precision / (recall + precision) if recall + precision else 0.0


def table(systems: dict[str, Figures], reading: Reading) -> str:
    """A line for each figure of each set, a column for each verifier."""
    lines = [("set", f"markers read {reading.name}", "n", *systems)]
    (first, *_) = systems.values()
    for kind, found in first["sets"].items():
        for name, figure in found["figures"].items():
            cells = [_cell(system["sets"][kind]["figures"][name]) for system in systems.values()]
            lines.append((kind, name.replace("_at_", "@"), str(figure["n"]), *cells))
        cells = [str(system["sets"][kind]["not_judged"]) for system in systems.values()]
        lines.append((kind, "pairs not judged", "", *cells))
    return aligned(lines)


def _cell(figure: Figures) -> str:
    low, high = figure["interval"]
    return f"{figure['value']:.1f} [{low:.1f}, {high:.1f}]"


if __name__ == "__main__":
    main()
