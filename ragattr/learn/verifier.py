"""Train the feature verifier from labelled pairs: `python -m ragattr.learn.verifier --help`.

Support is fitted on the joined evidence of attribution rows (every source, and both labels
within it, weigh the same), contradiction on the unsupported rows whose labels say more, with
NLI pairs added. Calibration is Platt's, on out-of-fold predictions of what the product
reports: the largest probability over joined evidence and each piece alone.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from ragattr.errors import InputError
from ragattr.metrics.classification import expected_calibration_error, macro_f1, source_weights
from ragattr.models import embedded
from ragattr.models.entailment import pair_features, quadratic, sigmoid
from ragattr.models.features import FEATURES
from ragattr.models.protocols import Encoder, Pair
from ragattr.types import FloatArray
from ragattr.verification.evidence import pairs_of

N_FOLDS = 5
SEED = 0
STRENGTH = 0.003  # inverse of the L2 penalty; of 0.003 and 0.02 the better in cross-validation
_NLI_ROWS = 1500  # per file and label
_CONTRADICTION_PRECISION = 0.8
_CONTRADICTED = frozenset({"refute", "refutes", "contradiction"})
_NEITHER = frozenset(
    {"irrelevant", "partially-support", "partially_supported", "not_supported", "neutral"}
)


@dataclass(frozen=True)
class Row:
    """A labelled claim; `group` keeps the rows of one question in one fold."""

    claim: str
    evidence: tuple[str, ...]
    source: str
    attributable: bool
    detail: str
    group: str


@dataclass(frozen=True, eq=False)
class Table:
    """The figures of all pairs of all rows: joined evidence first in each row's range of pairs."""

    rows: Sequence[Row]
    figures: FloatArray
    starts: FloatArray

    @property
    def joined(self) -> FloatArray:
        """[rows, features] of the joined evidence."""
        joined: FloatArray = self.figures[self.starts[:-1].astype(int)]
        return joined

    @property
    def labels(self) -> FloatArray:
        """[rows], 1 for attributable."""
        return np.array([row.attributable for row in self.rows], dtype=float)

    def largest(self, logits: FloatArray) -> FloatArray:
        """[rows]: the largest logit over each row's pairs."""
        found: FloatArray = np.maximum.reduceat(logits, self.starts[:-1].astype(int))
        return found


def read_rows(paths: Sequence[Path]) -> list[Row]:
    """Rows of the attribution schema: claim, evidence, label, source, question."""
    rows = []
    for path, line, row in _json_lines(paths):
        try:
            evidence = tuple(str(piece) for piece in row["evidence"] if str(piece).strip())
            if evidence and str(row["claim"]).strip():
                rows.append(
                    Row(
                        claim=row["claim"],
                        evidence=evidence,
                        source=row.get("source") or path.stem,
                        attributable=row["label"] == "attributable",
                        detail=str(row.get("label_detail", "")).lower(),
                        group=row.get("question") or evidence[0],
                    )
                )
        except KeyError as error:
            raise InputError(f"{path}, line {line}: no field {error}") from error
    return rows


def tabulate(rows: Sequence[Row], encoder: Encoder) -> Table:
    """The figures of every pair that judging the rows needs."""
    pairs = [pairs_of(row.claim, row.evidence) for row in rows]
    starts = np.cumsum([0, *(len(group) for group in pairs)])
    return Table(rows, pair_features([pair for group in pairs for pair in group], encoder), starts)


def fit_logistic(
    figures: FloatArray, labels: FloatArray, weights: FloatArray
) -> Callable[[FloatArray], FloatArray]:
    """A function from figures to logits."""
    weights_json = _fit(figures, labels, weights)
    return lambda rows: _logits(rows, weights_json)


def cross_validate(
    table: Table, fit: Callable[..., Callable[[FloatArray], FloatArray]] = fit_logistic
) -> FloatArray:
    """[rows] out-of-fold logits of the largest support; folds by group."""
    weights = source_weights(
        [row.source for row in table.rows], [row.attributable for row in table.rows]
    )
    found = np.zeros(len(table.rows))
    groups = [row.group for row in table.rows]
    for train, held_out in GroupKFold(N_FOLDS).split(table.joined, groups=groups):
        model = fit(table.joined[train], table.labels[train], weights[train])
        found[held_out] = table.largest(model(table.figures))[held_out]
    return found


def platt(logits: FloatArray, labels: FloatArray, weights: FloatArray) -> tuple[float, float]:
    """Slope and intercept that calibrate the logits (Platt 1999)."""
    model = LogisticRegression(C=1e6).fit(logits[:, None], labels, sample_weight=weights)
    return float(model.coef_[0, 0]), float(model.intercept_[0])


def train(rows: Sequence[Row], nli: Sequence[tuple[Pair, str]], encoder: Encoder) -> dict[str, Any]:
    """The verifier's weights with their card, ready for JSON."""
    table = tabulate(rows, encoder)
    weights = source_weights([row.source for row in rows], [row.attributable for row in rows])
    out_of_fold = cross_validate(table)
    slope, intercept = platt(out_of_fold, table.labels, weights)
    probabilities = sigmoid(slope * out_of_fold + intercept)
    figures, contradicted, contradiction_weights = _contradiction_data(table, nli, encoder)
    support = _fit(table.joined, table.labels, weights)
    supported = sigmoid(slope * _logits(figures, support) + intercept)
    threshold, precision = _contradiction_threshold(
        figures, supported, contradicted, contradiction_weights
    )
    return {
        "name": "ragattr-features-1",
        "features": list(FEATURES),
        "threshold": 0.5,
        "contradiction_threshold": threshold,
        "calibration": {"slope": slope, "intercept": intercept},
        "support": support,
        "contradiction": _fit(figures, contradicted, contradiction_weights),
        "card": {
            "rows": len(rows),
            "nli_pairs": len(nli),
            "folds": N_FOLDS,
            "cross_validated_macro_f1": _per_source(rows, probabilities),
            "cross_validated_ece_balanced": _balanced_ece(table.labels, probabilities, weights),
            "contradiction_precision_at_threshold": precision,
            "threshold_set_on": "calibration: 0.5 is even odds when both labels are as common",
        },
    }


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--attribution",
        nargs="+",
        type=Path,
        required=True,
        help="JSON Lines: claim, evidence, label",
    )
    parser.add_argument(
        "--nli", nargs="*", type=Path, default=[], help="JSON Lines: premise, hypothesis, label"
    )
    parser.add_argument("-o", "--output", type=Path, required=True, help="the JSON file to write")
    options = parser.parse_args()
    weights = train(read_rows(options.attribution), read_nli(options.nli), embedded.encoder())
    weights["card"] |= {
        "data": sorted(path.name for path in [*options.attribution, *options.nli]),
        "command": " ".join(["python -m ragattr.learn.verifier", *map(_as_written, sys.argv[1:])]),
        "seed": SEED,
    }
    options.output.write_text(json.dumps(weights, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(weights["card"], indent=1))  # noqa: T201


def _as_written(argument: str) -> str:
    """An argument of the command; of files that lie elsewhere the name alone."""
    return Path(argument).name if argument.startswith(("..", "/")) else argument


def read_nli(paths: Sequence[Path]) -> list[tuple[Pair, str]]:
    """Contradictions and neutral pairs, the first `_NLI_ROWS` of each in every file."""
    pairs, counts = [], dict[tuple[Path, str], int]()
    for path, _, row in _json_lines(paths):
        label = row["label"]
        if label in _CONTRADICTED | _NEITHER and counts.get((path, label), 0) < _NLI_ROWS:
            counts[path, label] = counts.get((path, label), 0) + 1
            pairs.append((Pair(row["premise"], row["hypothesis"]), label))
    return pairs


def _json_lines(paths: Sequence[Path]) -> Iterator[tuple[Path, int, dict[str, Any]]]:
    for path in paths:
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror}") from error
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield path, number, json.loads(line)


def _fit(figures: FloatArray, labels: FloatArray, weights: FloatArray) -> dict[str, list[float]]:
    """Weights as JSON keeps them; the spread of the columns is folded into the coefficients."""
    mean, scale = figures.mean(0), figures.std(0)
    scale[scale == 0] = 1.0
    columns = quadratic((figures - mean) / scale)
    spread, centre = columns.std(0), columns.mean(0)
    spread[spread == 0] = 1.0
    model = LogisticRegression(C=STRENGTH, max_iter=1000)
    model.fit((columns - centre) / spread, labels, sample_weight=weights)
    coefficients = model.coef_[0] / spread
    return {
        "mean": mean.tolist(),
        "scale": scale.tolist(),
        "coefficients": coefficients.tolist(),
        "intercept": [float(model.intercept_[0] - coefficients @ centre)],
    }


def _logits(figures: FloatArray, weights: dict[str, list[float]]) -> FloatArray:
    columns = quadratic((figures - np.array(weights["mean"])) / np.array(weights["scale"]))
    logits: FloatArray = columns @ np.array(weights["coefficients"]) + weights["intercept"][0]
    return logits


def _contradiction_data(
    table: Table, nli: Sequence[tuple[Pair, str]], encoder: Encoder
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Rows whose label says more, NLI pairs, and other sentences of supported rows."""
    kept = [i for i, row in enumerate(table.rows) if row.detail in _CONTRADICTED | _NEITHER]
    others = _other_sentences(table)
    figures = np.concatenate(
        [table.joined[kept], pair_features([pair for pair, _ in nli], encoder), others]
    )
    labels = [table.rows[i].detail in _CONTRADICTED for i in kept] + [
        label in _CONTRADICTED for _, label in nli
    ]
    labels += [False] * len(others)
    sources = ["attribution"] * len(kept) + ["nli"] * len(nli) + ["other sentences"] * len(others)
    return figures, np.array(labels, dtype=float), source_weights(sources, labels)


def _other_sentences(table: Table) -> FloatArray:
    """The least similar piece of evidence of supported rows: it says nothing of the claim."""
    similarity = table.figures[:, FEATURES.index("similarity")]
    ranges = zip(
        table.rows, table.starts[:-1].astype(int), table.starts[1:].astype(int), strict=True
    )
    chosen = [
        start + int(np.argmin(similarity[start:end]))
        for row, start, end in ranges
        if row.attributable and end - start > 3
    ]
    return table.figures[chosen]


def _contradiction_threshold(
    figures: FloatArray, supported: FloatArray, labels: FloatArray, weights: FloatArray
) -> tuple[float, float]:
    """The lowest probability that is right in 80 % of weighted out-of-fold rows, and that share."""
    found = np.zeros(len(labels))
    folds = np.arange(len(labels)) % N_FOLDS
    for fold in range(N_FOLDS):
        train = folds != fold
        found[~train] = sigmoid(
            _logits(figures[~train], _fit(figures[train], labels[train], weights[train]))
        )
    found *= 1 - supported
    for threshold in np.arange(0.5, 1.0, 0.01):
        chosen = found >= threshold
        precision = float((labels * weights)[chosen].sum() / max(weights[chosen].sum(), 1e-9))
        if precision >= _CONTRADICTION_PRECISION:
            break
    return round(float(threshold), 2), round(precision, 3)


def _per_source(rows: Sequence[Row], probabilities: FloatArray) -> dict[str, float]:
    return {
        source: round(
            macro_f1(
                [row.attributable for row in rows if row.source == source],
                [
                    bool(p >= 0.5)
                    for row, p in zip(rows, probabilities, strict=True)
                    if row.source == source
                ],
            ),
            4,
        )
        for source in sorted({row.source for row in rows})
    }


def _balanced_ece(labels: FloatArray, probabilities: FloatArray, weights: FloatArray) -> float:
    """ECE of rows drawn by weight: the prior under which the probabilities are meant."""
    drawn = np.random.default_rng(SEED).choice(len(labels), size=20_000, p=weights / weights.sum())
    return round(
        expected_calibration_error(
            labels[drawn].astype(bool).tolist(), probabilities[drawn].tolist()
        ),
        4,
    )


if __name__ == "__main__":
    main()
