"""The explainer: ridge regressions from one reading's figures to exact divergence."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ragattr.attribution.explainer import (
    FIGURES,
    OFFSET,
    Explainer,
    all_figures,
    seen_figures,
)
from ragattr.attribution.ridge import Ridge
from ragattr.learn.examples import Example
from ragattr.learn.heads import N_FOLDS, held_out_weights, with_contrast
from ragattr.types import FilterError, FloatArray

PENALTY = 10.0  # in rows
_LOGISTIC_SCALE = float(np.sqrt(3) / np.pi)  # of a logistic distribution of deviation 1


def fit_explainer(
    examples: Sequence[Example], head_weights: FloatArray
) -> tuple[Explainer, dict[str, Any]]:
    """The explainer, and how it does on examples that it was not fitted on.

    It learns on the sentences that were deleted; their attention figure comes from heads that were
    fitted on other examples, as it will for new ones.

    Args:
        head_weights: [layers, heads], fitted on all examples: what it will be used with.

    Raises:
        ConfigError: too few examples, or none in which any sentence matters more than another.
    """
    useful = with_contrast(examples)
    seen = [
        seen_figures(example.signals, weights)
        for example, weights in zip(useful, held_out_weights(useful), strict=True)
    ]
    tables = [all_figures(part, e.hidden) for part, e in zip(seen, useful, strict=True)]
    folds = np.arange(len(useful)) % N_FOLDS
    held_out = {"glance": list[FloatArray](), "full": list[FloatArray]()}
    for i, fold in enumerate(folds):
        for name, part in (("glance", seen), ("full", tables)):
            held_out[name].append(_fitted(useful, part, folds != fold).predict(part[i]))
    full = _errors(useful, held_out["full"])
    error = FilterError(OFFSET, float(np.median(full)), float(full.std()) * _LOGISTIC_SCALE)
    everything = np.ones(len(useful), dtype=bool)
    explainer = Explainer(
        head_weights,
        _fitted(useful, seen, everything),
        _fitted(useful, tables, everything),
        error,
    )
    return explainer, {
        "examples": len(useful),
        **{f"same_best_{name}": _same_best(useful, logs) for name, logs in held_out.items()},
        "same_best_hidden": _same_best(useful, [e.hidden.jsd for e in useful]),
        "error_of_glance": float(_errors(useful, held_out["glance"]).std()),
        "error_of_full": float(full.std()),
        "error_of_hidden": float(
            _errors(useful, [np.log(e.hidden.jsd + OFFSET) for e in useful]).std()
        ),
    }


def kept_fields(explainer: Explainer) -> dict[str, Any]:
    """As they are written to a file; `Explainer.of` reads them."""
    return {
        "figures": FIGURES,
        **{
            name: {part: np.round(values, 6).tolist() for part, values in vars(ridge).items()}
            for name, ridge in (("glance", explainer.glance), ("full", explainer.full))
        },
        "error": {
            "offset": OFFSET,
            "middle": explainer.error.middle,
            "scale": explainer.error.scale,
        },
    }


def _fitted(
    examples: Sequence[Example], tables: Sequence[FloatArray], chosen: NDArray[np.bool_]
) -> Ridge:
    """From the deleted sentences of the chosen examples."""
    kept = [
        (table[e.is_exact], np.log(e.jsd[e.is_exact] + OFFSET))
        for e, table, wanted in zip(examples, tables, chosen, strict=True)
        if wanted
    ]
    table, wanted = (np.concatenate(part) for part in zip(*kept, strict=True))
    return Ridge.fit(table, wanted, penalty=PENALTY)


def _errors(examples: Sequence[Example], logs: Sequence[FloatArray]) -> FloatArray:
    """Log of exact over predicted, of all deleted sentences."""
    return np.concatenate(
        [
            (np.log(e.jsd + OFFSET) - found)[e.is_exact]
            for e, found in zip(examples, logs, strict=True)
        ]
    )


def _same_best(examples: Sequence[Example], scores: Sequence[FloatArray]) -> float:
    pairs = zip(examples, scores, strict=True)
    return float(np.mean([found.argmax() == e.jsd.argmax() for e, found in pairs]))
