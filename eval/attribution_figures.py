"""How systems do on labelled claims: per subset and in the mean, with intervals and comparisons."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from eval.attribution_baselines import FEATURE_BASELINE, Split
from eval.attribution_sets import AttributionRow, group_of
from ragattr.metrics.attributionbench import (
    IN_DISTRIBUTION,
    OUT_OF_DISTRIBUTION,
    as_scored,
    score_subsets,
    subset_name,
)
from ragattr.metrics.bootstrap import Rows, clustered_bootstrap, compare_paired
from ragattr.metrics.calibration import (
    adaptive_calibration_error,
    auprc,
    auroc,
    expected_calibration_error,
)
from ragattr.metrics.confusion import Confusion
from ragattr.metrics.thresholds import apply_thresholds, tune_thresholds

Figures = dict[str, Any]

PAPER_GROUPS = {"in distribution": IN_DISTRIBUTION, "out of distribution": OUT_OF_DISTRIBUTION}


@dataclass(frozen=True, eq=False)
class System:
    """Something that says how likely a claim is attributable; None where it does not judge."""

    name: str
    probabilities: Sequence[float | None]
    threshold: float = 0.5
    revision: str | None = None

    @property
    def predicted(self) -> list[bool | None]:
        """Which rows reach the threshold."""
        return [None if p is None else p >= self.threshold for p in self.probabilities]


@dataclass(frozen=True, eq=False)
class Bench:
    """The rows that systems are compared on.

    Attributes:
        splits: rows to fit thresholds on, and rows that they judge; what no split judges is not
            scored.
    """

    rows: Sequence[AttributionRow]
    splits: Sequence[Split]
    seed: int = 0
    n_resamples: int = 1000

    @cached_property
    def truth(self) -> list[bool]:
        """[rows], whether each is attributable."""
        return [row["label"] == "attributable" for row in self.rows]

    @cached_property
    def subsets(self) -> list[str]:
        """[rows], in the paper's words."""
        return [subset_name(row["source"]) for row in self.rows]

    @cached_property
    def n_words(self) -> list[int]:
        """[rows], of the evidence."""
        return [sum(len(piece.split()) for piece in row["evidence"]) for row in self.rows]

    @cached_property
    def members(self) -> dict[str, list[int]]:
        """The scored rows of each subset: those of the paper in its order, then the others."""
        scored = sorted(int(i) for _, judged in self.splits for i in judged)
        names = dict.fromkeys(self.subsets[i] for i in scored)
        ordered = [*IN_DISTRIBUTION, *OUT_OF_DISTRIBUTION, *sorted(names)]
        return {
            name: [i for i in scored if self.subsets[i] == name]
            for name in dict.fromkeys(ordered)
            if name in names
        }

    @cached_property
    def groups(self) -> dict[str, list[str]]:
        """Which subsets are averaged: the paper's two groups, and the rest."""
        theirs = {name: group for group, names in PAPER_GROUPS.items() for name in names}
        found = dict[str, list[str]]()
        for name in self.members:
            found.setdefault(theirs.get(name, "other sources"), []).append(name)
        return found

    def figures(self, systems: Sequence[System]) -> dict[str, Figures]:
        """By system: its subsets, and the means of the groups."""
        baseline = next((s for s in systems if s.name == FEATURE_BASELINE), None)
        return {system.name: self._figures(system, baseline) for system in systems}

    def _figures(self, system: System, baseline: System | None) -> Figures:
        against = None if system is baseline else baseline
        tuned = self._tuned(system)
        return {
            "threshold": system.threshold,
            "revision": system.revision,
            "subsets": {
                name: {
                    **self._scores(system.predicted, members),
                    **self._intervals(system, against, members),
                    "tuned": self._scores(tuned, members),
                    "calibration": self._calibration(system, members),
                }
                for name, members in self.members.items()
            },
            "means": {
                group: {
                    "subsets": names,
                    **self._intervals(system, against, self._of(names)),
                    "tuned_macro_f1": 100 * self._macro_f1(tuned, self._of(names))(None),
                }
                for group, names in self.groups.items()
            },
        }

    def _of(self, names: Sequence[str]) -> list[int]:
        return [i for name in names for i in self.members[name]]

    def _scores(self, predicted: Sequence[bool | None], members: Sequence[int]) -> Figures:
        (score,) = score_subsets(
            ["" for _ in members],
            [self.truth[i] for i in members],
            [predicted[i] for i in members],
        ).values()
        return {**asdict(score), "unclear": sum(predicted[i] is None for i in members)}

    def _macro_f1(
        self, predicted: Sequence[bool | None], members: Sequence[int]
    ) -> Callable[[Rows | None], float]:
        """The mean macro-F1 over the subsets of the members, of all or of those drawn."""
        truth = [self.truth[i] for i in members]
        guesses = as_scored(truth, [predicted[i] for i in members])
        confusion = Confusion.of([self.subsets[i] for i in members], truth, guesses)
        everything = np.arange(len(members))
        return lambda rows: confusion.mean_macro_f1(everything if rows is None else rows)

    def _intervals(self, system: System, against: System | None, members: Sequence[int]) -> Figures:
        clusters = [group_of(self.rows[i]) for i in members]
        ours = self._macro_f1(system.predicted, members)
        drawn = {"seed": self.seed, "n_resamples": self.n_resamples}
        value, low, high = clustered_bootstrap(ours, clusters, **drawn)
        found: Figures = {"macro_f1": 100 * value, "interval": [100 * low, 100 * high]}
        if against:
            theirs = self._macro_f1(against.predicted, members)
            gain = compare_paired(ours, theirs, clusters, **drawn)
            found["over_feature_baseline"] = {
                "difference": 100 * gain.difference,
                "interval": [100 * gain.low, 100 * gain.high],
                "p": gain.p,
            }
        return found

    def _tuned(self, system: System) -> list[bool | None]:
        """Predictions at thresholds by evidence length, tuned on the other rows of each split."""
        predicted: list[bool | None] = [None] * len(self.rows)
        for fitted, judged in self.splits:
            known = [i for i in fitted if system.probabilities[i] is not None]
            thresholds = tune_thresholds(
                [self.truth[i] for i in known],
                [system.probabilities[i] for i in known],
                [self.n_words[i] for i in known],
            )
            asked = [i for i in judged if system.probabilities[i] is not None]
            reached = apply_thresholds(
                thresholds,
                [system.probabilities[i] for i in asked],
                [self.n_words[i] for i in asked],
            )
            for i, is_reached in zip(asked, reached, strict=True):
                predicted[i] = is_reached
        return predicted

    def _calibration(self, system: System, members: Sequence[int]) -> Figures:
        """Of the rows that were judged; None where a figure needs both labels."""
        judged = [i for i in members if system.probabilities[i] is not None]
        truth = [self.truth[i] for i in judged]
        probabilities = [system.probabilities[i] for i in judged]
        has_both = len(set(truth)) == 2
        return {
            "ece": expected_calibration_error(truth, probabilities),
            "adaptive_ece": adaptive_calibration_error(truth, probabilities),
            "auroc": auroc(truth, probabilities) if has_both else None,
            "auprc": auprc(truth, probabilities) if has_both else None,
        }
