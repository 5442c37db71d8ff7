import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from eval.attribution_judging import given, judged
from eval.attribution_sets import AttributionRow
from eval.kept import ROWS_AT_ONCE
from ragattr.errors import InputError
from ragattr.models.fake import FakeVerifier
from ragattr.models.protocols import Pair
from ragattr.types import FloatArray


def _row(claim: str, *evidence: str, name: str = "1") -> AttributionRow:
    return {
        "id": name, "source": "a", "question": "", "claim": claim, "response": "",
        "evidence": list(evidence), "label": "attributable", "label_detail": "", "split": "",
    }  # fmt: skip


ROWS = [
    _row("Oslo is old.", "Oslo is old. Bergen is wet.", "Oslo is big."),
    _row("Oslo is not old.", "Oslo is old."),
    _row("Oslo is old.", "", "  "),
    _row("Осло стар.", "Oslo is old."),
    _row("Oslo is old.", "Осло стар."),
    _row("Oslo is old.", "Осло стар.", "Oslo is old and big."),
]


@dataclass(frozen=True)
class Counting(FakeVerifier):
    calls: list[list[Pair]] = field(default_factory=list)

    def entails(self, pairs: Sequence[Pair]) -> FloatArray:
        self.calls.append(list(pairs))
        return super().entails(pairs)


def test_a_verdict_is_kept_and_not_asked_for_again(tmp_path: Path) -> None:
    first, again = Counting(), Counting()
    found = judged(ROWS, first, tmp_path)
    assert judged([*ROWS, ROWS[0]], again, tmp_path) == [*found, found[0]]
    assert (len(first.calls), again.calls) == (1, [])


def test_another_revision_is_judged_anew(tmp_path: Path) -> None:
    judged(ROWS, FakeVerifier(), tmp_path)
    model = Counting(revision="2")
    judged(ROWS, model, tmp_path)
    assert len(model.calls) == 1


def test_a_run_that_was_stopped_goes_on_after_its_last_whole_row(tmp_path: Path) -> None:
    rows = [_row(f"Oslo has {n} hills.", "Oslo.") for n in range(ROWS_AT_ONCE + 1)]
    expected = judged(rows, FakeVerifier(), tmp_path)
    (path,) = tmp_path.iterdir()
    lines = path.read_text("utf-8").splitlines(keepends=True)
    path.write_text("".join(lines[:-2]) + lines[-1][:9], encoding="utf-8")
    model = Counting()
    assert judged(rows, model, tmp_path) == expected
    assert {pair.hypothesis for call in model.calls for pair in call} == {
        row["claim"] for row in rows[-2:]
    }
    assert path.read_text("utf-8").splitlines(keepends=True) == lines


def _given(tmp_path: Path, *rows: object) -> list[float | None]:
    path = tmp_path / "predictions.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return given([_row("A.", name="a"), _row("B.", name="b")], path)


def test_given_probabilities_are_found_by_id_and_null_is_not_judged(tmp_path: Path) -> None:
    rows = [{"id": name, "probability": p} for name, p in (("b", 0.25), ("c", 0.5), ("a", None))]
    assert _given(tmp_path, *rows) == [None, 0.25]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([{"id": "a", "probability": 0.5}], "no probability for 1 rows, the first is b"),
        ([{"id": "a", "p": 0.5}], r"row 1: wanted id and probability, got \['id', 'p'\]"),
        ([{"id": "a", "probability": 1.5}], "row 1: wanted a probability, got 1.5"),
        ([{"id": "a", "probability": "0.5"}], "row 1: wanted a probability, got '0.5'"),
        ([{"id": "a", "probability": float("nan")}], "row 1: wanted a probability, got nan"),
        (
            [{"id": "a", "probability": 0.5}, {"id": "a", "probability": 0.6}],
            "row 2: the id 'a' has another probability too",
        ),
    ],
)
def test_given_probabilities_that_cannot_be_used_are_refused(
    tmp_path: Path, rows: list[object], told: str
) -> None:
    with pytest.raises(InputError, match=told):
        _given(tmp_path, *rows)
