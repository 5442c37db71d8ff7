"""Learn which changed statement is the right one, from texts with planted errors."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from ragattr.errors import ConfigError, InputError
from ragattr.record import loads
from ragattr.revision.weigh import FIGURES, UNREAD, Scale, Weighed
from ragattr.text.sentences import sentence_spans
from ragattr.types import FloatArray

STRENGTH = 0.05  # inverse of the L2 penalty
HARMED = 0.01  # share of right texts that may be changed, out of fold
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
    for path in paths:
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
            row = loads(line)
            for field in ("answer", "right", "passages"):
                if field not in row:
                    raise InputError(f"{path.name} line {number}: {field}: this field is missing")
            texts = [p if isinstance(p, str) else p["text"] for p in row["passages"]]
            evidence = tuple(span.of(text) for text in texts for span in sentence_spans(text))
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


def fit(lessons: Sequence[Lesson], weighed: Sequence[Weighed]) -> dict[str, Any]:
    """Both acceptances, with and without what the language model says."""
    blind = [replace(w, figures=_unread(w.figures)) for w in weighed]
    return {"with_reader": _fit(lessons, weighed), "without_reader": _fit(lessons, blind)}


def _unread(figures: FloatArray) -> FloatArray:
    figures = figures.copy()
    figures[:, FIGURES.index("likelihood_gain")] = UNREAD
    return figures


def _fit(lessons: Sequence[Lesson], weighed: Sequence[Weighed]) -> dict[str, Any]:
    """An acceptance as JSON keeps it, with its card.

    The threshold is the lowest at which, out of fold, at most `HARMED` of the right texts change.
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
    pairs = [lesson.right for lesson in lessons]  # both versions of a text in one fold
    out = np.zeros(len(labels))
    for train, test in GroupKFold(FOLDS).split(figures, groups=[pairs[i] for i in owners]):
        out[test] = _logistic(_fitted(figures[train], labels[train]), figures[test])
    best = [np.flatnonzero(owners == i) for i in range(len(lessons))]
    chosen = [rows[np.argmax(out[rows])] if len(rows) else -1 for rows in best]
    is_right = np.array([lesson.said == lesson.right for lesson in lessons])
    score = np.array([out[k] if k >= 0 else 0.0 for k in chosen])
    repairs = np.array([bool(k >= 0 and labels[k]) for k in chosen])
    allowed = np.sort(score[is_right])[::-1][int(HARMED * is_right.sum())]
    threshold = float(np.nextafter(allowed, 1.0))
    is_accepted = score >= threshold
    return {
        "figures": list(FIGURES),
        **_fitted(figures, labels),
        "threshold": threshold,
        "card": {
            "texts_with_an_error": int((~is_right).sum()),
            "right_texts": int(is_right.sum()),
            "repaired_out_of_fold": _share((repairs & is_accepted)[~is_right]),
            "changed_wrongly_out_of_fold": _share((~repairs & is_accepted)[~is_right]),
            "harmed_out_of_fold": _share(is_accepted[is_right]),
        },
    }


def write(kept: Mapping[str, Any], path: Path) -> None:
    """One JSON file."""
    path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def _fitted(figures: FloatArray, labels: FloatArray) -> dict[str, Any]:
    mean, scale = figures.mean(0), figures.std(0)
    scale[scale < 1e-9] = 1.0
    model = LogisticRegression(C=STRENGTH, max_iter=2000).fit((figures - mean) / scale, labels)
    return {
        "mean": mean.tolist(),
        "scale": scale.tolist(),
        "coefficients": model.coef_[0].tolist(),
        "intercept": float(model.intercept_[0]),
    }


def _share(chosen: NDArray[np.bool_]) -> float:
    return round(float(chosen.mean()), 4)


def _logistic(kept: Mapping[str, Any], figures: FloatArray) -> FloatArray:
    columns = (figures - np.array(kept["mean"])) / np.array(kept["scale"])
    logits = columns @ np.array(kept["coefficients"]) + kept["intercept"]
    found: FloatArray = 1 / (1 + np.exp(-logits))
    return found
