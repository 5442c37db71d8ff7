"""Training of the embedded verifier: the cross-encoder, then a calibrated layer over all figures.

The layer joins what the cross-encoder says with plain figures of words and vectors: a logistic
regression on them and their products, on the joined evidence of attribution rows, both labels
weighing the same, with figures of cross-encoders that had not learnt from the row. Calibration is
Platt's, on out-of-fold predictions, every source weighing the same: once of joined evidence, once
of the largest probability over that and each piece alone.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from torch import Tensor

from ragattr.errors import ConfigError
from ragattr.learn.curriculum import Curriculum, Progress
from ragattr.learn.rows import Row, read_by_schema
from ragattr.learn.statements import statements
from ragattr.metrics.calibration import expected_calibration_error
from ragattr.metrics.classification import macro_f1, source_weights
from ragattr.models.cross import CrossEncoder
from ragattr.models.embedded import VERIFIER
from ragattr.models.encoder import MeanEncoder
from ragattr.models.entailment import (
    ALL_FIGURES,
    CROSS_ENCODER,
    LAYER,
    Calibration,
    Logistic,
    compare,
    cross_figures,
    pair_features,
    quadratic,
    sigmoid,
)
from ragattr.models.hf import default_dtype
from ragattr.models.pair_reader import PairReader, save, untrained
from ragattr.models.protocols import Encoder, Pair
from ragattr.types import FloatArray
from ragattr.verification.evidence import pairs_of
from ragattr.written import make_folder, whole_file, write_whole

N_CROSS_FOLDS = 3  # of the cross-encoder, which takes a quarter of an hour each
N_FOLDS = 5  # of the layer
CONTRADICTION_PRECISION = 0.8
OUT_OF_FOLD = "out_of_fold.jsonl"
STRENGTH = 0.003  # inverse of the L2 penalty; of 0.003, 0.02 and 0.1 the best in cross-validation
_CONSTANT = 1e-9  # a spread below it is rounding


@dataclass(frozen=True, eq=False)
class Table:
    """The figures of all pairs of all rows: joined evidence first in each row's range of pairs."""

    rows: Sequence[Row]
    figures: FloatArray
    starts: NDArray[np.int64]

    @property
    def joined(self) -> FloatArray:
        """[rows, figures] of the joined evidence."""
        joined: FloatArray = self.figures[self.starts[:-1]]
        return joined

    @property
    def labels(self) -> FloatArray:
        """[rows], 1 for attributable."""
        return np.array([row.attributable for row in self.rows], dtype=float)

    @property
    def weights(self) -> FloatArray:
        """[rows]: every source, and both labels within it, weigh the same."""
        return source_weights([row.source for row in self.rows], self.labels.astype(bool).tolist())

    @property
    def label_weights(self) -> FloatArray:
        """[rows]: both labels weigh the same."""
        return source_weights([""] * len(self.rows), self.labels.astype(bool).tolist())

    def largest(self, logits: FloatArray) -> FloatArray:
        """[rows]: the largest logit over each row's pairs."""
        found: FloatArray = np.maximum.reduceat(logits, self.starts[:-1])
        return found


def plain_table(rows: Sequence[Row], encoder: Encoder) -> Table:
    """The plain figures of every pair that judging the rows needs."""
    pairs, starts = _all_pairs(rows)
    return Table(rows, pair_features(pairs, compare(pairs, encoder)), starts)


def with_cross_figures(
    table: Table, curriculum: Curriculum
) -> tuple[Table, list[dict[str, Tensor]]]:
    """The table, and for every pair what a cross-encoder says that had not seen its question.

    And the weights of these cross-encoders.
    """
    pairs, starts = _all_pairs(table.rows)
    found, weights = np.zeros((len(pairs), 3)), []
    for fold, (train, held_out) in enumerate(_folds(table, N_CROSS_FOLDS)):
        model = curriculum.second(set(train.tolist()), f"fold{fold}")
        weights.append({name: value.clone() for name, value in model.state_dict().items()})
        reader = PairReader(model.reading_in(default_dtype()), curriculum.encoder)
        kept = [p for i in held_out for p in range(starts[i], starts[i + 1])]
        asked = [pairs[p] for p in kept]
        found[kept], _ = cross_figures(asked, compare(asked, curriculum.encoder), reader)
    figures = np.concatenate([table.figures, found], axis=1)
    return Table(table.rows, figures, table.starts), weights


def cross_validate(table: Table) -> FloatArray:
    """[pairs] out-of-fold logits of support; folds by question."""
    found = np.zeros(len(table.figures))
    for train, held_out in _folds(table, N_FOLDS):
        kept = fit_logistic(table.joined[train], table.labels[train], table.label_weights[train])
        ranges = zip(table.starts[held_out], table.starts[held_out + 1], strict=True)
        pairs = np.concatenate([np.arange(start, end) for start, end in ranges])
        found[pairs] = Logistic.of(kept)(table.figures[pairs])
    return found


def fit_logistic(figures: FloatArray, labels: FloatArray, weights: FloatArray) -> dict[str, Any]:
    """A regression as JSON keeps it; the spread of the products is in the coefficients."""
    mean, scale = figures.mean(0), _spread(figures)
    columns = quadratic((figures - mean) / scale)
    centre, spread = columns.mean(0), _spread(columns)
    model = LogisticRegression(C=STRENGTH, max_iter=1000)
    model.fit((columns - centre) / spread, labels, sample_weight=weights)
    coefficients = model.coef_[0] / spread
    return {
        "mean": mean.tolist(),
        "scale": scale.tolist(),
        "coefficients": coefficients.tolist(),
        "intercept": float(model.intercept_[0] - coefficients @ centre),
    }


def _spread(columns: FloatArray) -> FloatArray:
    """The deviation of each column, 1 for a constant one."""
    spread: FloatArray = columns.std(0)
    spread[spread < _CONSTANT] = 1.0
    return spread


def platt(logits: FloatArray, labels: FloatArray, weights: FloatArray) -> Calibration:
    """What calibrates the logits (Platt 1999)."""
    model = LogisticRegression(C=1e6).fit(logits[:, None], labels, sample_weight=weights)
    return Calibration(float(model.coef_[0, 0]), float(model.intercept_[0]))


@dataclass(frozen=True, eq=False)
class Layer:
    """The calibrated layer, ready for JSON, with its card.

    Attributes:
        out_of_fold: [rows], probabilities of joined evidence by layers and cross-encoders that
            had not seen the row's question.
    """

    fields: dict[str, Any]
    out_of_fold: FloatArray


def fit_layer(table: Table) -> Layer:
    """Fitted on a table that holds all figures."""
    logits = cross_validate(table)
    joined = logits[table.starts[:-1]]
    calibration = platt(joined, table.labels, table.weights)
    of_largest = platt(table.largest(logits), table.labels, table.weights)
    probabilities = calibration(joined)
    figures, contradicted, weights = _contradiction_data(table)
    support = fit_logistic(table.joined, table.labels, table.label_weights)
    supported = calibration(Logistic.of(support)(figures))
    threshold, precision = _contradiction_threshold(figures, supported, contradicted, weights)
    fields = {
        "name": VERIFIER,
        "threshold": 0.5,
        "contradiction_threshold": threshold,
        "features": list(ALL_FIGURES),
        "calibration": calibration._asdict(),
        "calibration_of_largest": of_largest._asdict(),
        "support": support,
        "contradiction": fit_logistic(figures, contradicted, weights),
        "card": {
            "rows": len(table.rows),
            "folds": N_FOLDS,
            "cross_encoder_folds": N_CROSS_FOLDS,
            "cross_validated_macro_f1": _per_source(table.rows, probabilities),
            "cross_validated_ece_balanced": _balanced_ece(table, probabilities),
            "cross_validated_ece_of_largest": _balanced_ece(
                table, of_largest(table.largest(logits))
            ),
            "contradiction_precision_at_threshold": precision,
            "threshold_set_on": "calibration: 0.5 is even odds when both labels are as common",
        },
    }
    return Layer(fields, probabilities)


@dataclass(frozen=True, eq=False)
class Trained:
    """A cross-encoder, and the layer over it."""

    model: CrossEncoder
    layer: Layer


def train(curriculum: Curriculum) -> Trained:
    """Train both; a second call with the same work folder goes on where the first one stopped.

    The cross-encoder has the mean weights of those of the folds ("Model soups", Wortsman et al.
    2022): they began alike, and each row was learnt from by all but one of them.
    """
    table, weights = with_cross_figures(
        plain_table(curriculum.rows, curriculum.encoder), curriculum
    )
    model = untrained(curriculum.encoder)
    model.load_state_dict(mean_weights(weights))
    return Trained(model, fit_layer(table))


def mean_weights(weights: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of each weight; one that is the same in all stays exactly that."""
    first = weights[0]
    return {
        name: torch.stack([one[name].double() for one in weights]).mean(0).to(value.dtype)
        for name, value in first.items()
    }


def train_files(
    paths: Sequence[Path],
    encoder: MeanEncoder,
    *,
    output: Path,
    work: Path,
    without: Sequence[str] = (),
    seed: int = 0,
    progress: Progress = lambda part, step, total: None,
) -> dict[str, Any]:
    """Train on files of labelled rows, and write the verifier's two files; returns its card.

    The work folder keeps checkpoints, and at the end the out-of-fold probabilities by row id.

    Args:
        without: attribution rows of these sources are left out.
    """
    labelled = read_by_schema(paths)
    attribution = [row for row in labelled.attribution if row.source not in without]
    if absent := set(without) - {row.source for row in labelled.attribution}:
        raise ConfigError(f"no attribution row of the data is of the source {min(absent)!r}")
    make_folder(work)
    trained = train(
        Curriculum(
            encoder=encoder,
            inference=[*labelled.nli, *statements(labelled.questions, seed=seed)],
            rows=attribution,
            work=work,
            seed=seed,
            progress=progress,
        )
    )
    layer = trained.layer.fields
    names = sorted(path.name for path in paths)
    left_out = "".join(f" --without {source!r}" for source in without)
    command = f"ragattr train verifier --data {' '.join(names)}{left_out} --seed {seed}"
    card = {**layer["card"], "data": names, "seed": seed, "command": command}
    predictions = (
        json.dumps({"id": row.id, "probability": round(float(p), 6)}) + "\n"
        for row, p in zip(attribution, trained.layer.out_of_fold, strict=True)
    )
    write_whole(work / OUT_OF_FOLD, "".join(predictions))
    make_folder(output)
    with whole_file(output / CROSS_ENCODER) as unfinished:
        save(trained.model, untrained(encoder), unfinished)
    write_whole(output / LAYER, json.dumps({**layer, "card": card}, indent=1) + "\n")
    return card


def _all_pairs(rows: Sequence[Row]) -> tuple[list[Pair], NDArray[np.int64]]:
    groups = [pairs_of(row.claim, row.evidence) for row in rows]
    return [pair for group in groups for pair in group], np.cumsum([0, *map(len, groups)])


def _folds(table: Table, n: int) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    return list(GroupKFold(n).split(table.joined, groups=[row.group for row in table.rows]))


def _contradiction_data(table: Table) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Unsupported rows whose label says more, and other sentences of supported rows."""
    kept = [i for i, row in enumerate(table.rows) if row.label in ("contradicted", "neither")]
    others = _other_sentences(table)
    figures = np.concatenate([table.joined[kept], others])
    labels = [table.rows[i].label == "contradicted" for i in kept] + [False] * len(others)
    sources = ["rows"] * len(kept) + ["other sentences"] * len(others)
    return figures, np.array(labels, dtype=float), source_weights(sources, labels)


def _other_sentences(table: Table) -> FloatArray:
    """The least similar piece of evidence of supported rows: it says nothing of the claim."""
    similarity = table.figures[:, ALL_FIGURES.index("similarity")]
    ranges = zip(table.rows, table.starts[:-1], table.starts[1:], strict=True)
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
        kept = fit_logistic(figures[train], labels[train], weights[train])
        found[~train] = sigmoid(Logistic.of(kept)(figures[~train]))
    found *= 1 - supported
    for threshold in np.arange(0.3, 1.0, 0.01):
        chosen = found >= threshold
        precision = float((labels * weights)[chosen].sum() / max(weights[chosen].sum(), 1e-9))
        if precision >= CONTRADICTION_PRECISION:
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


def _balanced_ece(table: Table, probabilities: FloatArray) -> float:
    """ECE of rows drawn by weight: the prior under which the probabilities are meant."""
    chances = table.weights / table.weights.sum()
    drawn = np.random.default_rng(0).choice(len(chances), size=20_000, p=chances)
    return round(
        expected_calibration_error(
            table.labels[drawn].astype(bool).tolist(), probabilities[drawn].tolist()
        ),
        4,
    )
