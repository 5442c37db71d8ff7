"""A threshold from which on verdicts are right at a rate that was asked for: learn, then test."""

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import NamedTuple

import numpy as np

from ragattr.errors import ConfigError, InputError

CONFIDENCE = 0.9
_FIRST_TEST = 2.5  # times the root of the rows; no other start did clearly better in simulation


@dataclass(frozen=True)
class Guarantee:
    """What is guaranteed of rows whose probability is `threshold` or more.

    Attributes:
        precision: the share of them that is attributable, 0..1, at least.
        confidence: how likely that holds over the draw of the calibration rows, 0..1.
        threshold: a probability.
        calibration_rows: how many labelled rows it was chosen on.
        accepted: how many of those reach the threshold.
    """

    precision: float
    confidence: float
    threshold: float
    calibration_rows: int
    accepted: int


def choose_threshold(
    labels: Sequence[bool],
    probabilities: Sequence[float],
    *,
    precision: float = 0.95,
    confidence: float = CONFIDENCE,
) -> Guarantee:
    """The threshold that accepts most and still holds a precision.

    With probability `confidence` over the draw of the calibration rows, at least `precision` of
    the rows that reach the threshold are attributable, among all rows that are drawn as those
    were: independently, from the same source. It says nothing of another source, of any single
    row, or of one small batch, whose own share scatters around it; and rows of one question count
    as one where they stand or fall together.

    Learn then Test (Angelopoulos et al. 2021, section 2 and fixed-sequence testing): thresholds
    are tested from strict to lenient, each by the exact binomial probability of so few wrong rows
    among those accepted if the precision were lower, and the walk ends at the first that fails.
    The walk starts where enough rows are accepted that one or a few of them may be wrong; it is
    exact where precision does not fall as the threshold rises. Of the thresholds that pass, it
    takes the most lenient that would also pass at half the risk, where there is one: at the very
    edge, a batch falls short as often as not.

    Args:
        labels: [rows], True for attributable.
        probabilities: [rows], of "supported".

    Raises:
        ConfigError: precision or confidence outside (0, 1).
        InputError: rows that are too few, of one class, without a probability, or too often wrong
            where they are most probable; the message says how many are needed.
    """
    for name, value in (("precision", precision), ("confidence", confidence)):
        if not 0 < value < 1:
            raise ConfigError(f"{name} lies between 0 and 1, both excluded, got {value}")
    risk = 1 - confidence
    _check_rows(labels, probabilities, precision, confidence)
    first = _first_test(len(labels), precision, risk)
    steps = [step for step in _steps(labels, probabilities) if step.accepted >= first]
    passed = list[tuple[float, _Step]]()
    for step in steps:
        p_value = binomial_tail(step.wrong, step.accepted, 1 - precision)
        if p_value > risk:
            break
        passed.append((p_value, step))
    if not passed:
        raise InputError(_shortfall(steps[0], precision, confidence))
    inside = [step for p_value, step in passed if p_value <= risk / 2]
    chosen = inside[-1] if inside else passed[-1][1]
    return Guarantee(precision, confidence, chosen.threshold, len(labels), chosen.accepted)


def binomial_tail(most: int, n: int, rate: float) -> float:
    """The probability of at most `most` of `n` independent events, each of probability `rate`."""
    k = np.arange(1, min(most, n) + 1)
    rising = np.cumsum(np.log((n - k + 1) / k * rate / (1 - rate)))  # log of term k over term 0
    return float(np.exp(np.append(0.0, rising) + n * math.log1p(-rate)).sum())


class _Step(NamedTuple):
    """What a threshold accepts, and how many of those rows are not attributable."""

    threshold: float
    accepted: int
    wrong: int


def _steps(labels: Sequence[bool], probabilities: Sequence[float]) -> Iterator[_Step]:
    """A step for each distinct probability, the largest first."""
    p, y = np.asarray(probabilities, dtype=float), np.asarray(labels, dtype=bool)
    order = np.argsort(-p, kind="stable")
    wrong = np.cumsum(~y[order])
    for i in np.flatnonzero(np.append(np.diff(p[order]) != 0, True)).tolist():
        yield _Step(float(p[order[i]]), i + 1, int(wrong[i]))


def _first_test(n_rows: int, precision: float, risk: float) -> int:
    """How many rows the strictest tested threshold accepts: the fewest for as many wrong ones.

    Labels are not looked at, so that the tests that follow stay honest.
    """
    most = max(rows_needed(0, precision, risk), int(_FIRST_TEST * math.sqrt(n_rows)))
    wrong = next(n for n in count() if binomial_tail(n + 1, most, 1 - precision) > risk)
    return rows_needed(wrong, precision, risk)


def rows_needed(wrong: int, precision: float, risk: float) -> int:
    """The fewest accepted rows of which so many may be wrong; 45 for none, 0.95 and 0.1."""

    def passes(n: int) -> bool:
        return binomial_tail(wrong, n, 1 - precision) <= risk

    enough = wrong + 1
    while not passes(enough):
        enough *= 2
    return wrong + 1 + bisect_left(range(wrong + 1, enough), True, key=passes)


def _check_rows(
    labels: Sequence[bool], probabilities: Sequence[float], precision: float, confidence: float
) -> None:
    if len(labels) != len(probabilities):
        raise InputError(f"{len(labels)} labels do not fit {len(probabilities)} probabilities")
    if not all(0 <= p <= 1 for p in probabilities):
        raise InputError("a probability of the calibration rows is not between 0 and 1")
    needed = rows_needed(0, precision, 1 - confidence)
    asked = f"precision {precision:g} with confidence {confidence:g}"
    if len(labels) < needed:
        raise InputError(f"{asked} takes at least {needed} calibration rows, got {len(labels)}")
    n_right = sum(map(bool, labels))
    if n_right in (0, len(labels)):
        raise InputError(
            f"{asked} takes calibration rows of both labels, got {n_right} attributable of "
            f"{len(labels)}"
        )


def _shortfall(step: _Step, precision: float, confidence: float) -> str:
    needed = rows_needed(step.wrong, precision, 1 - confidence)
    return (
        f"no threshold holds precision {precision:g} with confidence {confidence:g}: of the "
        f"{step.accepted} most probable calibration rows {step.wrong} are not attributable, which "
        f"takes at least {needed} such rows; ask for less, or give more rows"
    )
