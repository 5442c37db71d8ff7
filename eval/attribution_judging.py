"""Verdicts of a verifier on labelled claims, each judged once and kept on disk."""

from collections.abc import Sequence
from pathlib import Path

from eval.attribution_sets import AttributionRow
from eval.kept import kept
from eval.results import read_jsonl
from ragattr.errors import InputError
from ragattr.models.protocols import EntailmentModel
from ragattr.verification.evidence import judge_pairs


def judged(
    rows: Sequence[AttributionRow], model: EntailmentModel, work: Path
) -> list[float | None]:
    """[rows] the probability of "attributable", or None where the verifier does not judge.

    What `work` holds for the verifier's name and revision is not judged again.
    """
    return kept(
        rows,
        work,
        f"{model.name}-{model.revision}",
        lambda batch: [
            verdict.probability
            for verdict in judge_pairs(model, [(row["claim"], row["evidence"]) for row in batch])
        ],
    )


def given(rows: Sequence[AttributionRow], path: Path) -> list[float | None]:
    """[rows] the probabilities that a file of {"id", "probability"} gives, by the rows' ids.

    Raises:
        InputError: a row without one, two of one id that differ, or one outside 0..1.
    """
    found = dict[str, float | None]()
    if not path.is_file():
        raise InputError(f"{path}: no such file of predictions")
    for number, row in enumerate(read_jsonl(path), start=1):
        if not {"id", "probability"} <= row.keys():
            raise InputError(f"{path}, row {number}: wanted id and probability, got {sorted(row)}")
        name, probability = str(row["id"]), row["probability"]
        is_number = isinstance(probability, (int, float)) and 0 <= probability <= 1
        if probability is not None and not is_number:
            raise InputError(f"{path}, row {number}: wanted a probability, got {probability!r}")
        if found.setdefault(name, probability) != probability:
            raise InputError(f"{path}, row {number}: the id {name!r} has another probability too")
    absent = [row["id"] for row in rows if row["id"] not in found]
    if absent:
        raise InputError(f"{path}: no probability for {len(absent)} rows, the first is {absent[0]}")
    return [found[row["id"]] for row in rows]
