"""Learn which changed statement is the right one, from texts with planted errors."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.model_selection import GroupKFold

from ragattr.errors import ConfigError, InputError
from ragattr.learn.rows import json_lines
from ragattr.revision.weigh import FIGURES, UNREAD, Scale, Weighed
from ragattr.text.sentences import sentence_spans
from ragattr.types import FloatArray
from ragattr.written import write_whole

TREES, DEPTH, RATE = 250, 3, 0.05
SMALLEST_LEAF, DRAWN = 15, 0.7  # candidates; share of them that each tree sees
HARMED, CONFIDENCE = 0.02, 0.9  # share of right texts that may be changed, and how surely
BARS = np.arange(0.3, 0.96, 0.05).round(2)  # of which both thresholds are chosen
FOLDS = 5
_BATCH = 16  # statements weighed at once


@dataclass(frozen=True)
class Lesson:
    """A statement, its evidence, and what it should become: itself where it is right."""

    said: str
    right: str
    question: str
    evidence: tuple[str, ...]


def read_lessons(paths: Sequence[Path]) -> list[Lesson]:
    """Each case with an error twice: as it is, and as it should be, which is to stay."""
    found = list[Lesson]()
    for path, row in json_lines(paths, ("answer", "right", "passages")):
        texts = [p if isinstance(p, str) else p["text"] for p in row["passages"]]
        evidence = tuple(span.of(text) for text in texts for span in sentence_spans(text))
        if not evidence:
            raise InputError(f"{path}: the passages of {row['answer']!r} hold no sentence")
        question = row.get("question") or ""
        found.append(Lesson(row["answer"], row["right"], question, evidence))
        found.append(Lesson(row["right"], row["right"], question, evidence))
    return found


def weigh_all(
    scale: Scale,
    lessons: Sequence[Lesson],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Weighed]:
    """The candidates of each lesson, with their figures."""
    found = list[Weighed]()
    for start in range(0, len(lessons), _BATCH):
        batch = lessons[start : start + _BATCH]
        statements = [(lesson.said, "", lesson.question) for lesson in batch]
        found += scale.weigh(statements, [lesson.evidence for lesson in batch])
        progress(len(found), len(lessons))
    return found


def fit(
    lessons: Sequence[Lesson], weighed: Sequence[Weighed], data: Sequence[str] = ()
) -> dict[str, Any]:
    """Both acceptances, with and without what the language model says.

    Args:
        data: the names of the files that the lessons come from, to be kept.
    """
    blind = [replace(w, figures=_unread(w.figures)) for w in weighed]
    return {
        "data": list(data),
        "with_reader": _fit(lessons, weighed),
        "without_reader": _fit(lessons, blind),
    }


def _unread(figures: FloatArray) -> FloatArray:
    """Figures as they are where no language model reads."""
    figures, n_words = figures.copy(), np.maximum(figures[:, FIGURES.index("words")], 1)
    figures[:, FIGURES.index("likelihood_gain")] = UNREAD
    figures[:, FIGURES.index("likelihood_gain_per_word")] = UNREAD / n_words
    return figures


def _fit(lessons: Sequence[Lesson], weighed: Sequence[Weighed]) -> dict[str, Any]:
    """An acceptance as JSON keeps it, with its card.

    The thresholds are those that repair most where, out of fold, so few right texts change that
    with `CONFIDENCE` at most `HARMED` of others do (Clopper and Pearson 1934).
    """
    owners = np.repeat(np.arange(len(lessons)), [len(w.candidates) for w in weighed])
    figures = np.concatenate([w.figures for w in weighed])
    labels = np.array(
        [
            candidate.text == lesson.right
            for lesson, w in zip(lessons, weighed, strict=True)
            for candidate in w.candidates
        ]
    )
    if labels.all() or not labels.any():
        raise ConfigError("no candidate of these texts is right: there is nothing to learn")
    groups = [lessons[i].right for i in owners.tolist()]  # both versions of a text in one fold
    out = np.zeros(len(labels))
    for train, test in GroupKFold(FOLDS).split(figures, groups=groups):
        out[test] = _model().fit(figures[train], labels[train]).predict_proba(figures[test])[:, 1]
    rows_of = [np.flatnonzero(owners == i) for i in range(len(lessons))]
    best = [rows[np.argmax(out[rows])] if len(rows) else -1 for rows in rows_of]
    outcomes = _Outcomes(
        score=np.array([out[k] if k >= 0 else 0.0 for k in best]),
        repairs=np.array([bool(k >= 0 and labels[k]) for k in best]),
        is_right=np.array([lesson.said == lesson.right for lesson in lessons]),
        is_supported=np.array([w.is_supported for w in weighed]),
    )
    bars = outcomes.bars()
    return {
        "figures": list(FIGURES),
        **_as_json(_model().fit(figures, labels)),
        "unsupported_from": bars[0],
        "supported_from": bars[1],
        "card": outcomes.card(bars),
    }


@dataclass(frozen=True, eq=False)
class _Outcomes:
    """Of each text its best candidate, out of fold: [texts] each.

    Attributes:
        score: how likely the candidate is what was meant.
        repairs: whether it is.
        is_right: whether the text is right as it stands.
        is_supported: whether its evidence supports it, as the verifier has it.
    """

    score: FloatArray
    repairs: NDArray[np.bool_]
    is_right: NDArray[np.bool_]
    is_supported: NDArray[np.bool_]

    def accepted(self, bars: tuple[float, float]) -> NDArray[np.bool_]:
        """Which texts change when unsupported and supported ones change from these bars on."""
        return np.asarray(self.score >= np.where(self.is_supported, bars[1], bars[0]))

    def bars(self) -> tuple[float, float]:
        """Those that repair most, of those that change few enough right texts."""
        most = _most_harmed(int(self.is_right.sum()))
        pairs = [(float(a), float(b)) for a, b in product(BARS, BARS)]
        allowed = [bars for bars in pairs if (self.accepted(bars) & self.is_right).sum() <= most]
        return max(allowed, key=self._net_repairs, default=(1.0, 1.0))

    def _net_repairs(self, bars: tuple[float, float]) -> int:
        """Repaired texts minus those that became something else."""
        changed = self.accepted(bars) & ~self.is_right
        return int((changed & self.repairs).sum() - (changed & ~self.repairs).sum())

    def card(self, bars: tuple[float, float]) -> dict[str, float]:
        """What these bars do."""
        accepted, wrong = self.accepted(bars), ~self.is_right
        return {
            "texts_with_an_error": int(wrong.sum()),
            "right_texts": int(self.is_right.sum()),
            "repaired_out_of_fold": _share((self.repairs & accepted)[wrong]),
            "changed_wrongly_out_of_fold": _share((~self.repairs & accepted)[wrong]),
            "harmed_out_of_fold": _share(accepted[self.is_right]),
        }


def write(kept: Mapping[str, Any], path: Path) -> None:
    """One JSON file."""
    write_whole(path, json.dumps(kept) + "\n")


def _model() -> GradientBoostingClassifier:
    return GradientBoostingClassifier(
        n_estimators=TREES,
        max_depth=DEPTH,
        learning_rate=RATE,
        min_samples_leaf=SMALLEST_LEAF,
        subsample=DRAWN,
        random_state=0,
    )


def _as_json(model: GradientBoostingClassifier) -> dict[str, Any]:
    share = float(model.init_.class_prior_[1])
    return {
        "start": math.log(share / (1 - share)),
        "trees": [
            {
                "feature": tree.feature.tolist(),
                "threshold": tree.threshold.round(6).tolist(),
                "left": tree.children_left.tolist(),
                "right": tree.children_right.tolist(),
                "value": (tree.value[:, 0, 0] * RATE).round(6).tolist(),
            }
            for tree in (stage[0].tree_ for stage in model.estimators_)
        ],
    }


def _most_harmed(n: int) -> int:
    """How many of n right texts may change; -1 where n are too few to say anything."""
    most, chance = -1, 0.0
    while most < n:
        k = most + 1
        chance += math.comb(n, k) * HARMED**k * (1 - HARMED) ** (n - k)
        if chance > 1 - CONFIDENCE:
            break
        most = k
    return most


def _share(chosen: NDArray[np.bool_]) -> float:
    return round(float(chosen.mean()), 4)
