"""How far verdicts agree with human labels, and the threshold that would agree best."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ragattr.errors import ConfigError


@dataclass(frozen=True)
class Agreement:
    """Verdicts "supported" or not, beside what people say.

    Attributes:
        n: labelled statements.
        accuracy, kappa: of all; kappa is Cohen's (1960).
        precision, recall: of "supported".
        specificity: of those that people call not supported, the share called so.
        threshold: with which balanced accuracy would be best on these labels.
        balanced_accuracy, refitted_balanced_accuracy: mean of recall and specificity, with the
            threshold that was used and with the refitted one, on the labels it was fitted on.
    """

    n: int
    accuracy: float
    kappa: float
    precision: float
    recall: float
    specificity: float
    balanced_accuracy: float
    threshold: float
    refitted_balanced_accuracy: float


def agreement(
    labels: Sequence[bool], probabilities: Sequence[float], threshold: float
) -> Agreement:
    """Of statements that people labelled "supported" (True) or not.

    Args:
        probabilities: [statements], of "supported", 0..1.

    Raises:
        ConfigError: the labels are not of both kinds.
    """
    truth, p = np.array(labels, dtype=bool), np.array(probabilities, dtype=float)
    if truth.all() or not truth.any():
        raise ConfigError("labels of both kinds are needed, supported and not")
    said = p >= threshold
    accuracy = float((said == truth).mean())
    chance = float(said.mean() * truth.mean() + (1 - said.mean()) * (1 - truth.mean()))
    cuts = np.unique(p)
    middles = np.concatenate([[cuts[0]], (cuts[1:] + cuts[:-1]) / 2])
    balanced = [_balanced(truth, p >= cut) for cut in middles]
    best = int(np.argmax(balanced))
    return Agreement(
        n=len(truth),
        accuracy=accuracy,
        kappa=(accuracy - chance) / (1 - chance) if chance < 1 else 0.0,
        precision=float(truth[said].mean()) if said.any() else 0.0,
        recall=float(said[truth].mean()),
        specificity=float((~said[~truth]).mean()),
        balanced_accuracy=_balanced(truth, said),
        threshold=round(float(middles[best]), 4),
        refitted_balanced_accuracy=balanced[best],
    )


def _balanced(truth: NDArray[np.bool_], said: NDArray[np.bool_]) -> float:
    return float((said[truth].mean() + (~said[~truth]).mean()) / 2)
