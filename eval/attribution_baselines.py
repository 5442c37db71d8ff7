"""What judging evidence has to be better than: baselines that read little, or only one side.

All but "always yes" are logistic regressions, fitted on folds that hold other questions. Every
source, and both labels within it, weigh the same in the fit, as they do in the mean of subsets.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from eval.attribution_sets import AttributionRow, group_of
from ragattr.errors import ConfigError
from ragattr.metrics.classification import source_weights
from ragattr.models.entailment import compare, pair_features
from ragattr.models.features import FEATURES
from ragattr.models.protocols import Encoder, Pair
from ragattr.types import FloatArray
from ragattr.verification.evidence import join

N_FOLDS = 5
FEATURE_BASELINE = "feature baseline"
SIX_FEATURES = (
    "similarity",
    "similarity_top3",
    "recall",
    "number_recall",
    "log_claim_words",
    "log_evidence_words",
)
_COLUMNS = {
    FEATURE_BASELINE: SIX_FEATURES,
    "length": ("log_claim_words", "log_evidence_words"),
    "word overlap": ("recall",),
}

Split = tuple[NDArray[np.int64], NDArray[np.int64]]


def folds(rows: Sequence[AttributionRow]) -> list[Split]:
    """Which rows are fitted on, and which are judged: questions kept together, every row once."""
    groups = [group_of(row) for row in rows]
    n_groups = len(set(groups))
    if n_groups < N_FOLDS:
        raise ConfigError(f"{N_FOLDS} folds need as many questions or evidences, got {n_groups}")
    return list(GroupKFold(N_FOLDS).split(groups, groups=groups))


def leave_out(rows: Sequence[AttributionRow], source: str) -> list[Split]:
    """One split: fitted on the rows of other sources, and of other questions, than it judges.

    "BEGIN" stands for "BEGIN-wow" and its like too.
    """
    is_judged = np.array([f"{row['source']}-".startswith(f"{source}-") for row in rows])
    if not is_judged.any() or is_judged.all():
        sources = sorted({row["source"] for row in rows})
        raise ConfigError(
            f"wanted one of several sources to leave out of {sources}, got {source!r}"
        )
    groups = {group_of(row) for row, judged in zip(rows, is_judged, strict=True) if judged}
    is_apart = np.array([group_of(row) not in groups for row in rows])
    return [(np.flatnonzero(is_apart & ~is_judged), np.flatnonzero(is_judged))]


def baselines(
    rows: Sequence[AttributionRow], splits: Sequence[Split], figures: FloatArray
) -> dict[str, FloatArray]:
    """[rows] probabilities of each baseline; NaN for a row that no split judges.

    Args:
        figures: [rows, features], as `plain_figures` finds them.
    """
    claims = np.array([row["claim"] for row in rows], dtype=object)
    evidence = np.array([join(row["evidence"]) for row in rows], dtype=object)
    found = {
        name: _out_of_fold(
            rows, splits, figures[:, [FEATURES.index(column) for column in columns]], _of_figures
        )
        for name, columns in _COLUMNS.items()
    }
    found["first edition"] = _out_of_fold(rows, splits, figures, _first_edition)
    found["claim only"] = _out_of_fold(rows, splits, claims, _of_words)
    found["evidence only"] = _out_of_fold(rows, splits, evidence, _of_words)
    return found | {"always yes": np.ones(len(rows))}


def plain_figures(rows: Sequence[AttributionRow], encoder: Encoder) -> FloatArray:
    """[rows, features] of the claim and all its evidence, 0 for a row without one of them."""
    figures = np.zeros((len(rows), len(FEATURES)))
    pairs = {i: Pair(join(row["evidence"]), row["claim"]) for i, row in enumerate(rows)}
    judged = [i for i, pair in pairs.items() if pair.premise.strip() and pair.hypothesis.strip()]
    if judged:
        asked = [pairs[i] for i in judged]
        figures[judged] = pair_features(asked, compare(asked, encoder))
    return figures


def _out_of_fold(
    rows: Sequence[AttributionRow],
    splits: Sequence[Split],
    inputs: NDArray[Any],
    make: Callable[[], Any],
) -> FloatArray:
    truth = np.array([row["label"] == "attributable" for row in rows])
    sources = np.array([row["source"] for row in rows])
    probabilities = np.full(len(rows), np.nan)
    for fitted, judged in splits:
        weights = source_weights(sources[fitted].tolist(), truth[fitted].tolist())
        model = make().fit(inputs[fitted], truth[fitted], logisticregression__sample_weight=weights)
        probabilities[judged] = model.predict_proba(inputs[judged])[:, 1]
    return probabilities


def _of_figures() -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression())


def _first_edition() -> Any:
    """The verifier that came before, on joined evidence: all plain figures and their products."""
    return make_pipeline(
        StandardScaler(),
        PolynomialFeatures(2, include_bias=False),
        StandardScaler(),
        LogisticRegression(C=0.003, max_iter=1000),
    )


def _of_words() -> Any:
    return make_pipeline(
        TfidfVectorizer(sublinear_tf=True, min_df=2), LogisticRegression(max_iter=1000)
    )
