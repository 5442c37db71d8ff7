"""How sure two stages of confidence make: a logistic regression over them on labelled rows."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

from ragattr.errors import InputError
from ragattr.verification.calibrate import read_labelled
from ragattr.verification.pace import Combination, Confidence, TwoStages, terms_of

STRENGTH = 10.0  # inverse of the L2 penalty: it keeps coefficients finite on rows that separate


def fit_on(path: Path, stages: TwoStages) -> Combination:
    """Ask both stages of every row of a labelled file that has evidence, and combine them."""
    rows = [
        (row["claim"], kept, row["label"] == "attributable")
        for row in read_labelled(path)
        if (kept := [passage for passage in row["evidence"] if passage.strip()])
    ]
    found = [stages.confidence(claim, passages) for claim, passages, _ in rows]
    return fit_combination(found, [label for _, _, label in rows])


def fit_combination(found: Sequence[Confidence], labels: Sequence[bool]) -> Combination:
    """The logistic function of c1, c2 and c1 c2 that fits the labels best.

    Raises:
        InputError: rows of one label alone.
    """
    if len(set(labels)) < 2:
        raise InputError(f"labelled rows of both kinds are needed, got {len(labels)} of one")
    terms = np.array([terms_of(confidence) for confidence in found])
    model = LogisticRegression(C=STRENGTH).fit(terms, labels)
    first, second, both = model.coef_[0].tolist()
    return Combination((first, second, both), float(model.intercept_[0]))
