"""Training on small data whose answer is known."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from ragattr.learn.rows import Row, read_rows
from ragattr.learn.verifier import OUT_OF_FOLD, Table, fit_layer, plain_table, platt, train_files
from ragattr.models.entailment import ALL_FIGURES, EmbeddedVerifier
from ragattr.models.fake import FakeEncoder, FakeReader
from ragattr.models.protocols import Pair

ANIMALS = [f"{name} number {i}" for i in range(10) for name in ("Bear", "Wolf", "Lynx", "Otter")]


def _row(claim: str, evidence: str, *, supported: bool, source: str) -> dict[str, object]:
    label = "attributable" if supported else "not_attributable"
    detail = "supports" if supported else "irrelevant"
    return {"id": claim, "claim": claim, "evidence": [evidence], "label": label,
            "label_detail": detail, "source": source, "question": claim}  # fmt: skip


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rows = []
    for i, animal in enumerate(ANIMALS):
        seen = f"{animal} crossed the old bridge at night. Rain fell. A dog barked. Snow came."
        refuted = _row(f"{animal} never slept.", seen, supported=False, source=f"s{i % 2}")
        rows += [
            _row(f"{animal} crossed the old bridge.", seen, supported=True, source=f"s{i % 2}"),
            _row(f"{animal} painted green doors.", seen, supported=False, source=f"s{i % 2}"),
            {**refuted, "label_detail": "refutes"},
        ]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def _with_silent_cross_encoder(rows: Sequence[Row]) -> Table:
    table = plain_table(rows, FakeEncoder())
    silent = np.zeros((len(table.figures), len(ALL_FIGURES) - table.figures.shape[1]))
    return Table(rows, np.concatenate([table.figures, silent], axis=1), table.starts)


def test_the_layer_finds_the_rule_and_can_be_read_back(data: Path) -> None:
    layer = json.loads(json.dumps(fit_layer(_with_silent_cross_encoder(read_rows([data]))).fields))
    model = EmbeddedVerifier.of(layer, FakeEncoder(), FakeReader(), revision="test")
    evidence = "Fox number 99 crossed the old bridge at noon. Rain fell."
    pairs = [
        Pair(evidence, "Fox number 99 crossed the old bridge."),
        Pair(evidence, "Fox number 99 painted green doors."),
        Pair("", "Fox number 99 painted green doors."),
    ]
    found = model.entails(pairs)
    assert found[0, 0] > 0.5 > found[1, 0]
    assert found[2].tolist() == [0.0, 0.0, 1.0]
    assert found.sum(1) == pytest.approx(1)


def test_the_first_pair_of_each_row_is_the_joined_evidence(data: Path) -> None:
    table = plain_table(read_rows([data])[:2], FakeEncoder())
    assert table.joined.shape == (2, table.figures.shape[1])
    assert table.largest(np.arange(len(table.figures), dtype=float)).tolist() == [4.0, 9.0]


def test_platt_gives_back_frequencies() -> None:
    logits = np.array([-3.0] * 100 + [3.0] * 100)
    labels = np.array([0.0] * 80 + [1.0] * 20 + [0.0] * 40 + [1.0] * 60)
    calibration = platt(logits, labels, np.ones(200))
    assert calibration(np.array([-3.0, 3.0])) == pytest.approx([0.2, 0.6], abs=1e-3)


@pytest.mark.model
def test_training_writes_a_verifier_that_loads_and_knows_its_rule(
    data: Path, tmp_path: Path
) -> None:
    from ragattr.models import embedded

    nli = tmp_path / "nli.jsonl"
    pairs = [{"premise": f"It is {n}.", "hypothesis": f"It is not {n}.", "label": "contradiction"}
             for n in range(8)]  # fmt: skip
    nli.write_text("".join(json.dumps(pair) + "\n" for pair in pairs))
    parts = list[str]()
    card = train_files(
        [data, nli], embedded.encoder(), output=tmp_path / "out", work=tmp_path / "work",
        progress=lambda part, step, total: parts.append(part),
    )  # fmt: skip
    assert list(dict.fromkeys(parts)) == ["inference", "fold0", "fold1", "fold2"]
    kept = map(json.loads, (tmp_path / "work" / OUT_OF_FOLD).read_text().splitlines())
    assert [row["id"] for row in kept] == [row.id for row in read_rows([data])]
    assert card["data"] == ["nli.jsonl", "rows.jsonl"]
    model = EmbeddedVerifier.load(tmp_path / "out", embedded.encoder())
    evidence = "Fox number 99 crossed the old bridge at noon. Rain fell."
    crossed, painted = model.entails(
        [
            Pair(evidence, "Fox number 99 crossed the old bridge."),
            Pair(evidence, "Fox number 99 painted green doors."),
        ]
    )[:, 0]
    assert crossed > 0.5 > painted
