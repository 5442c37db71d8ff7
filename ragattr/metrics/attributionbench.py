"""AttributionBench's protocol: binary attribution, scored per subset (Li et al. 2024, section 4).

The released data and code decide where the paper is silent: what an output is read as, that an
unreadable one counts as the wrong label, and that HAGRID's parts are one subset.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ragattr.errors import ConfigError
from ragattr.metrics.classification import balanced_accuracy, macro_f1

IN_DISTRIBUTION = ("ExpertQA", "Stanford-GenSearch", "AttributedQA", "LFQA")
OUT_OF_DISTRIBUTION = ("BEGIN", "AttrEval-GenSearch", "HAGRID")

_POSITIVE = frozenset({"attributable", "1"})
_NEGATIVE = frozenset({"not attributable", "contradictory", "extrapolatory", "0"})
_SUBSETS = {name.lower(): name for name in IN_DISTRIBUTION + OUT_OF_DISTRIBUTION} | {
    "attrscore-gensearch": "AttrEval-GenSearch"  # as the released rows call it
}


def subset_name(source: str) -> str:
    """The subset in the paper's words of a released `src_dataset`; other sources stay as they are.

    Example: `"AttrScore-GenSearch"` is `"AttrEval-GenSearch"`, `"hagrid_answer"` is `"HAGRID"`.
    """
    name = source.strip().lower()
    return "HAGRID" if name.startswith("hagrid") else _SUBSETS.get(name, source)


def parse_output(output: str, *, relaxed: bool = False) -> bool | None:
    """Whether a model's words say "attributable"; None when they say neither.

    Strict: the whole output is a label; of three-way labels "contradictory" and "extrapolatory"
    are negative, of entailment models "1" is positive. Relaxed: a label stands in the output;
    "not attributable" is looked for first, because the other label is a part of it.
    """
    said = output.strip().lower()
    if said in _POSITIVE | _NEGATIVE:
        return said in _POSITIVE
    if relaxed and "attributable" in said:
        return "not attributable" not in said
    return None


def as_scored(truth: Sequence[bool], predicted: Sequence[bool | None]) -> list[bool]:
    """What is scored: the predictions, and the wrong label where there is none."""
    if len(truth) != len(predicted):
        raise ConfigError(f"every row has a prediction: got {len(truth)} and {len(predicted)}")
    return [
        not label if guess is None else guess for label, guess in zip(truth, predicted, strict=True)
    ]


@dataclass(frozen=True)
class SubsetScore:
    """The figures of one subset, all in percent.

    `false_positives` and `false_negatives` are parts of all its rows, not of those of one class:
    in a balanced subset half the class-conditional rates.
    """

    n: int
    macro_f1: float
    balanced_accuracy: float
    false_positives: float
    false_negatives: float


def score_subsets(
    subsets: Sequence[str], truth: Sequence[bool], predicted: Sequence[bool | None]
) -> dict[str, SubsetScore]:
    """The figures of each subset, in the order in which the subsets first come."""
    rows = list(zip(subsets, truth, as_scored(truth, predicted), strict=True))
    return {
        name: _score([(label, guess) for subset, label, guess in rows if subset == name])
        for name in dict.fromkeys(subsets)
    }


def average(scores: Mapping[str, SubsetScore], subsets: Iterable[str]) -> tuple[float, int] | None:
    """Mean macro-F1 over those of `subsets` that have one, percent, and how many; None for none.

    AttributionBench's ID-Avg is that of the four `IN_DISTRIBUTION` and its OOD-Avg that of the
    three `OUT_OF_DISTRIBUTION`: a mean of fewer is no figure of theirs.
    """
    found = [scores[name].macro_f1 for name in subsets if name in scores]
    return (float(np.mean(found)), len(found)) if found else None


def _score(pairs: Sequence[tuple[bool, bool]]) -> SubsetScore:
    truth, predicted = [label for label, _ in pairs], [guess for _, guess in pairs]
    return SubsetScore(
        n=len(pairs),
        macro_f1=100 * macro_f1(truth, predicted),
        balanced_accuracy=100 * balanced_accuracy(truth, predicted),
        false_positives=100 * float(np.mean([guess and not label for label, guess in pairs])),
        false_negatives=100 * float(np.mean([label and not guess for label, guess in pairs])),
    )
