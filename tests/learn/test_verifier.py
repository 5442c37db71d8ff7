"""Training on small data whose answer is known."""

import json
from pathlib import Path

import numpy as np
import pytest

from ragattr.errors import InputError
from ragattr.learn.verifier import platt, read_nli, read_rows, tabulate, train
from ragattr.models.entailment import FeatureVerifier, sigmoid
from ragattr.models.fake import FakeEncoder
from ragattr.models.protocols import Pair

ANIMALS = [f"{name} number {i}" for i in range(10) for name in ("Bear", "Wolf", "Lynx", "Otter")]


def _row(claim: str, evidence: str, *, supported: bool, source: str) -> dict[str, object]:
    label = "attributable" if supported else "not_attributable"
    detail = "supports" if supported else "irrelevant"
    return {"claim": claim, "evidence": [evidence], "label": label, "label_detail": detail,
            "source": source, "question": claim}  # fmt: skip


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rows = []
    for i, animal in enumerate(ANIMALS):
        seen = f"{animal} crossed the old bridge at night. Rain fell. A dog barked. Snow came."
        rows.append(
            _row(f"{animal} crossed the old bridge.", seen, supported=True, source=f"s{i % 2}")
        )
        rows.append(
            _row(f"{animal} painted green doors.", seen, supported=False, source=f"s{i % 2}")
        )
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


NLI = [(Pair("It is so.", "It is not so."), "contradiction")] * 10


def test_training_finds_the_rule_and_its_weights_can_be_read_back(data: Path) -> None:
    weights = train(read_rows([data]), NLI, FakeEncoder())
    model = FeatureVerifier.parse(json.dumps(weights), FakeEncoder())
    evidence = "Fox number 99 crossed the old bridge at noon. Rain fell."
    pairs = [
        Pair(evidence, "Fox number 99 crossed the old bridge."),
        Pair(evidence, "Fox number 99 painted green doors."),
    ]
    supported, other = model.entails(pairs)[:, 0]
    assert supported > 0.5 > other


def test_the_first_pair_of_each_row_is_the_joined_evidence(data: Path) -> None:
    table = tabulate(read_rows([data])[:2], FakeEncoder())
    assert table.joined.shape == (2, table.figures.shape[1])
    assert table.largest(np.arange(len(table.figures), dtype=float)).tolist() == [4.0, 9.0]


def test_platt_gives_back_frequencies() -> None:
    logits = np.array([-3.0] * 100 + [3.0] * 100)
    labels = np.array([0.0] * 80 + [1.0] * 20 + [0.0] * 40 + [1.0] * 60)
    slope, intercept = platt(logits, labels, np.ones(200))
    assert sigmoid(slope * np.array([-3.0, 3.0]) + intercept) == pytest.approx([0.2, 0.6], abs=1e-3)


def test_a_row_without_a_field_is_named_with_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text('{"claim": "a", "evidence": ["b"]}\n')
    with pytest.raises(InputError, match=r"bad.jsonl, line 1: no field 'label'"):
        read_rows([tmp_path / "bad.jsonl"])


def test_nli_keeps_contradictions_and_neutral_pairs(tmp_path: Path) -> None:
    rows = [{"premise": "a", "hypothesis": "b", "label": label} for label in
            ("contradiction", "entailment", "neutral")]  # fmt: skip
    (tmp_path / "nli.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert [label for _, label in read_nli([tmp_path / "nli.jsonl"])] == [
        "contradiction",
        "neutral",
    ]
