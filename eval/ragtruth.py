"""RAGTruth: which responses hold something that their source does not say, and where in them.

    python -m eval.ragtruth --data RAGTruth/dataset
    python -m eval.ragtruth --data wandb/RAGTruth-processed --verifier embedded

Niu et al. 2024. Statements are judged as `ragattr audit` judges them; one that is not supported
is predicted, with all its characters, and so is its response. A second line predicts contradicted
statements alone. Against every span that people marked, per task and overall: precision, recall
and F1 of responses and, over all characters together, of spans; at the response level balanced
accuracy and AUROC too, by the least supported statement. Marked spans are mostly shorter than our
statements: the last line says what whole statements could reach at best. Intervals are of 95 %,
sources drawn anew, each with its responses.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from eval.kept import kept
from eval.ragtruth_rows import TASKS, RagtruthRow, read_ragtruth
from eval.results import write_result
from eval.tables import aligned
from ragattr.errors import RagattrError
from ragattr.metrics.bootstrap import Rows, clustered_bootstrap
from ragattr.metrics.classification import balanced_accuracy
from ragattr.metrics.detection import character_counts, detection, response_counts
from ragattr.metrics.ranking import area_under_roc
from ragattr.record import to_answer
from ragattr.setup import Setup
from ragattr.types import Span
from ragattr.verification.passages import VerifyPassages

SEED = 0
N_RESAMPLES = 1000
OVERALL = "overall"

Figures = dict[str, Any]


@dataclass(frozen=True)
class Statement:
    """A statement of a response, as it was judged; `probability` is of "supported"."""

    span: Span
    label: str
    probability: float | None


PREDICTIONS = {
    "not supported": ("contradicted", "not_enough_information"),
    "contradicted": ("contradicted",),
}
CEILING = "marked statements"


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    options = _parser().parse_args(arguments)
    try:
        rows = read_ragtruth(options.data, split=options.split)
        systems = {name: _system(name, rows, options) for name in options.verifier}
    except RagattrError as error:
        raise SystemExit(f"ragtruth: {error}") from error
    print(table(systems))
    result = {
        "split": options.split,
        "claims": options.claims,
        "responses": len(rows),
        "sources": len({row.source_id for row in rows}),
        "misplaced_labels": sum(row.n_misplaced for row in rows),
        "systems": systems,
    }
    print(write_result(options.name, result, seed=SEED))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--data", required=True, help="folder of the release, its response.jsonl, or a repository"
    )
    parser.add_argument("--split", default="test", help="test, or train")
    parser.add_argument(
        "--verifier",
        nargs="+",
        default=["embedded"],
        help="embedded, or any name that `ragattr --verifier` takes",
    )
    parser.add_argument(
        "--claims", default="sentences", choices=("sentences", "atomic"), help="what is judged"
    )
    parser.add_argument(
        "--work", type=Path, default=Path("work/ragtruth"), help="where verdicts are kept"
    )
    parser.add_argument("--name", default="ragtruth", help="of the result: eval/results/NAME.json")
    return parser


def _system(name: str, rows: Sequence[RagtruthRow], options: argparse.Namespace) -> Figures:
    setup = Setup(verifier=name, tier="text", claims=options.claims)
    model = setup.entailment_model()
    statements = judged(rows, setup, options.work)
    return {
        "threshold": model.threshold,
        "revision": model.revision,
        "statements": sum(map(len, statements)),
        "not_judged": sum(each.label == "unclear" for found in statements for each in found),
        "predictions": figures(rows, statements),
    }


def judged(rows: Sequence[RagtruthRow], setup: Setup, work: Path) -> list[list[Statement]]:
    """[responses] the statements of each; what `work` holds is not judged again."""
    model = setup.entailment_model()
    stage = setup.measure() >> VerifyPassages(model)
    name = f"{model.name}-{model.revision}-{model.threshold}-{setup.claims}"

    def find(batch: Sequence[Figures]) -> list[list[tuple[int, int, str, float | None]]]:
        judgements = stage([to_answer(_case(given["row"])) for given in batch])
        return [
            [(v.claim.span.start, v.claim.span.end, v.label, v.probability) for v in each.verdicts]
            for each in judgements
        ]

    given = [
        {"claim": f"{row.question}\n{row.response}", "evidence": row.passages, "row": row}
        for row in rows
    ]
    return [
        [Statement(Span(start, end), label, p) for start, end, label, p in found]
        for found in kept(given, work, name, find)
    ]


def _case(row: RagtruthRow) -> Figures:
    passages = [{"id": str(i), "text": text} for i, text in enumerate(row.passages, start=1)]
    return {
        "id": row.id,
        "question": row.question,
        "passages": passages,
        "answer": row.response,
    }


def figures(
    rows: Sequence[RagtruthRow], statements: Sequence[Sequence[Statement]]
) -> dict[str, dict[str, Figures]]:
    """By prediction and task; the ceiling predicts the statements that a marked span touches."""
    spans = {
        prediction: [[each.span for each in found if each.label in labels] for found in statements]
        for prediction, labels in PREDICTIONS.items()
    }
    spans[CEILING] = [
        [each.span for each in found if any(_touch(each.span, label) for label in row.labels)]
        for row, found in zip(rows, statements, strict=True)
    ]
    doubts = [_doubt(found) for found in statements]
    places = {task: [i for i, row in enumerate(rows) if row.task == task] for task in TASKS}
    places[OVERALL] = list(range(len(rows)))
    return {
        prediction: {
            task: Group([rows[i] for i in chosen], [found[i] for i in chosen]).figures(
                [doubts[i] for i in chosen] if prediction == "not supported" else None
            )
            for task, chosen in places.items()
            if chosen
        }
        for prediction, found in spans.items()
    }


def _doubt(statements: Sequence[Statement]) -> float:
    """How little its least supported statement is supported, 0..1; 0 where none is judged."""
    return max((1 - s.probability for s in statements if s.probability is not None), default=0.0)


def _touch(a: Span, b: Span) -> bool:
    return a.start < b.end and b.start < a.end


@dataclass(frozen=True)
class Group:
    """The responses of a task, and the spans that are predicted in each."""

    rows: Sequence[RagtruthRow]
    spans: Sequence[Sequence[Span]]

    @cached_property
    def truth(self) -> list[bool]:
        """[responses], whether people marked a span."""
        return [bool(row.labels) for row in self.rows]

    def figures(self, doubts: Sequence[float] | None) -> Figures:
        """Every figure and its interval.

        Args:
            doubts: [responses], 0..1, to rank them by; None: they are not ranked.
        """
        clusters = [row.source_id for row in self.rows]
        found: Figures = {"n": len(self.rows), "marked": sum(self.truth)}
        for name, figure in self._measures(doubts).items():
            drawn = {"seed": SEED, "n_resamples": N_RESAMPLES}
            value, low, high = clustered_bootstrap(figure, clusters, **drawn)
            found[name] = {"value": value, "interval": [low, high]}
        return found

    def _measures(self, doubts: Sequence[float] | None) -> dict[str, Callable[[Rows], float]]:
        predicted, truth = np.array([bool(s) for s in self.spans]), np.array(self.truth)
        counts = {
            "response": response_counts(predicted, truth),
            "span": character_counts(self.spans, [row.labels for row in self.rows]),
        }
        found: dict[str, Callable[[Rows], float]] = {}
        for level, each in counts.items():
            for name in ("precision", "recall", "f1"):
                found[f"{level}_{name}"] = lambda rows, each=each, name=name: (
                    100 * getattr(detection(each[rows]), name)
                )
        found["balanced_accuracy"] = lambda rows: (
            100 * balanced_accuracy(truth[rows].tolist(), predicted[rows].tolist())
        )
        if doubts is not None and len(set(self.truth)) == 2:
            ranked = np.array(doubts)
            found["auroc"] = lambda rows: _auroc(truth[rows], ranked[rows])
        return found


def _auroc(truth: np.ndarray, doubts: np.ndarray) -> float:
    """0.5 in a draw that has one kind of response alone."""
    if truth.all() or not truth.any():
        return 0.5
    return area_under_roc(doubts[truth], doubts[~truth])


_COLUMNS = {
    "response_f1": "response F1",
    "response_precision": "P",
    "response_recall": "R",
    "balanced_accuracy": "BA",
    "auroc": "AUROC",
    "span_f1": "span F1",
    "span_precision": "P",
    "span_recall": "R",
}
_WITH_INTERVAL = ("response_f1", "balanced_accuracy", "auroc", "span_f1")


def table(systems: dict[str, Figures]) -> str:
    """A line for each system, prediction and task."""
    lines = [("system", "predicted", "on", "n", "marked", *_COLUMNS.values())]
    for system, found in systems.items():
        for prediction, tasks in found["predictions"].items():
            for task, each in tasks.items():
                cells = [_cell(name, each.get(name)) for name in _COLUMNS]
                lines.append(
                    (system, prediction, task, str(each["n"]), str(each["marked"]), *cells)
                )
    return aligned(lines)


def _cell(name: str, figure: Figures | None) -> str:
    if figure is None:
        return "-"
    digits = 3 if name == "auroc" else 1
    value = f"{figure['value']:.{digits}f}"
    low, high = figure["interval"]
    return value + (f" [{low:.{digits}f}, {high:.{digits}f}]" if name in _WITH_INTERVAL else "")


if __name__ == "__main__":
    main()
