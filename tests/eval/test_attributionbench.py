import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import eval.attributionbench as command
from eval.attribution_baselines import (
    FEATURE_BASELINE,
    N_FOLDS,
    baselines,
    folds,
    leave_out,
    plain_figures,
)
from eval.attribution_figures import Bench, System
from eval.attribution_sets import AttributionRow, group_of
from ragattr.errors import ConfigError
from ragattr.metrics.attributionbench import IN_DISTRIBUTION, OUT_OF_DISTRIBUTION
from ragattr.models.fake import FakeEncoder, FakeVerifier
from ragattr.models.features import FEATURES


def _rows(n: int = 60, *, sources: tuple[str, ...] = ("ExpertQA", "LFQA")) -> list[AttributionRow]:
    """Pairs of rows with one question: the first claim stands in the evidence, the second not."""
    found = list[AttributionRow]()
    for number in range(n):
        is_held = number % 2 == 0
        place = ["Oslo", "Bergen", "Molde", "Hamar"][number // 2 % 4]
        found.append(
            {
                "id": str(number),
                "source": sources[number // 2 % len(sources)],
                "question": f"Where is hill {number // 2}?",
                "response": "",
                "claim": f"{place if is_held else 'Paris'} has hill number {number // 2}.",
                "evidence": [f"{place} has hill number {number // 2}.", "It rains."],
                "label": "attributable" if is_held else "not_attributable",
                "label_detail": "",
                "split": "dev",
            }  # fmt: skip
        )
    return found


def test_every_row_is_judged_once_by_what_was_fitted_on_other_questions() -> None:
    rows = _rows()
    splits = folds(rows)
    assert sorted(np.concatenate([judged for _, judged in splits])) == list(range(len(rows)))
    for fitted, judged in splits:
        assert {group_of(rows[i]) for i in fitted}.isdisjoint(group_of(rows[i]) for i in judged)


def test_a_source_that_is_left_out_is_judged_by_the_others_without_its_questions() -> None:
    rows = _rows()
    rows[2]["question"] = rows[0]["question"]  # a question that both sources ask
    ((fitted, judged),) = leave_out(rows, "ExpertQA")
    assert {rows[i]["source"] for i in judged} == {"ExpertQA"}
    assert sorted(fitted) == [i for i in range(60) if rows[i]["source"] == "LFQA" and i != 2]


def test_the_parts_of_a_source_are_left_out_together() -> None:
    rows = _rows(sources=("BEGIN-wow", "BEGIN-cmu", "BEGINNERS"))
    ((_, judged),) = leave_out(rows, "BEGIN")
    assert {rows[i]["source"] for i in judged} == {"BEGIN-wow", "BEGIN-cmu"}


def test_a_source_that_is_not_there_or_alone_cannot_be_left_out() -> None:
    with pytest.raises(ConfigError, match=r"of \['ExpertQA', 'LFQA'\], got 'BEGIN'"):
        leave_out(_rows(), "BEGIN")
    with pytest.raises(ConfigError, match="several sources"):
        leave_out(_rows(sources=("LFQA",)), "LFQA")


def test_folds_need_as_many_questions() -> None:
    with pytest.raises(ConfigError, match=f"{N_FOLDS} folds need as many .*, got 2"):
        folds(_rows(4))


def test_baselines_tell_the_rows_apart_where_they_see_what_differs() -> None:
    rows = _rows()
    found = baselines(rows, folds(rows), plain_figures(rows, FakeEncoder()))
    truth = np.arange(60) % 2 == 0
    for name in (FEATURE_BASELINE, "word overlap", "claim only"):
        assert ((found[name] >= 0.5) == truth).mean() > 0.9, name
    assert ((found["evidence only"] >= 0.5) == truth).mean() == pytest.approx(0.5, abs=0.1)
    assert (found["always yes"] == 1).all()
    assert list(found) == [
        *(FEATURE_BASELINE, "length", "word overlap", "first edition"),
        *("claim only", "evidence only", "always yes"),
    ]


def test_a_row_without_evidence_has_figures_of_0() -> None:
    (row, *_) = _rows(2)
    figures = plain_figures([{**row, "evidence": []}, row], FakeEncoder())
    assert figures.shape == (2, len(FEATURES))
    assert not figures[0].any()
    assert figures[1].any()


def _bench(systems: list[System], rows: list[AttributionRow]) -> dict[str, Any]:
    return Bench(rows, folds(rows), n_resamples=99).figures(systems)


def test_a_perfect_system_is_compared_with_the_feature_baseline_on_the_same_rows() -> None:
    rows = _rows()
    perfect = System("perfect", [0.8 if i % 2 == 0 else 0.2 for i in range(60)])
    half = System(FEATURE_BASELINE, [0.8] * 60)
    found = _bench([perfect, half], rows)
    mean = found["perfect"]["means"]["in distribution"]
    assert mean["subsets"] == ["ExpertQA", "LFQA"]
    assert (mean["macro_f1"], mean["interval"]) == (100, [100, 100])
    # Always yes: F1 of true 2/3 and of false 0, whichever questions are drawn.
    expected = {"difference": 100 - 100 / 3, "p": 2 / 100}
    gain = mean["over_feature_baseline"]
    assert {name: gain[name] for name in expected} == pytest.approx(expected)
    assert "over_feature_baseline" not in found[FEATURE_BASELINE]["means"]["in distribution"]


def test_a_row_that_is_not_judged_counts_as_wrong_and_not_for_calibration() -> None:
    rows = _rows()
    system = System("shy", [None if i == 0 else 0.9 if i % 2 == 0 else 0.1 for i in range(60)])
    expert = _bench([system], rows)["shy"]["subsets"]["ExpertQA"]
    assert (expert["n"], expert["unclear"]) == (30, 1)
    assert expert["false_negatives"] == pytest.approx(100 / 30)
    assert expert["calibration"]["ece"] == pytest.approx(0.1)
    assert expert["calibration"]["auroc"] == 1


def test_a_threshold_that_is_off_is_tuned_on_the_other_folds() -> None:
    rows = _rows()
    system = System("high", [0.9 if i % 2 == 0 else 0.7 for i in range(60)])
    found = _bench([system], rows)["high"]
    assert found["subsets"]["LFQA"]["macro_f1"] == pytest.approx(100 / 3)
    assert found["subsets"]["LFQA"]["tuned"]["macro_f1"] == 100
    assert found["means"]["in distribution"]["tuned_macro_f1"] == 100


def test_the_papers_subsets_come_first_and_in_its_order() -> None:
    rows = _rows(sources=("WiCE", "HAGRID", "hagrid_x", "AttrScore-GenSearch", "LFQA"))
    bench = Bench(rows, folds(rows))
    assert bench.groups == {
        "in distribution": ["LFQA"],
        "out of distribution": ["AttrEval-GenSearch", "HAGRID"],
        "other sources": ["WiCE"],
    }
    assert len(bench.members["HAGRID"]) == 24


@pytest.mark.parametrize("row", command.PUBLISHED["rows"], ids=lambda row: row["name"])
@pytest.mark.parametrize(
    ("group", "names"),
    [("in distribution", IN_DISTRIBUTION), ("out of distribution", OUT_OF_DISTRIBUTION)],
)
def test_published_means_are_those_of_the_published_subsets(
    row: dict[str, Any], group: str, names: tuple[str, ...]
) -> None:
    assert row.keys() <= {"name", "setting", *IN_DISTRIBUTION, *OUT_OF_DISTRIBUTION, *(
        ("in distribution", "out of distribution")
    )}  # fmt: skip
    if group in row and set(names) <= row.keys():
        assert np.mean([row[name][0] for name in names]) == pytest.approx(row[group], abs=0.051)


@pytest.mark.parametrize("row", command.PUBLISHED["rows"], ids=lambda row: row["name"])
def test_published_false_positives_and_negatives_fit_their_f1(row: dict[str, Any]) -> None:
    """In a balanced subset: hits and errors of both classes follow from the two shares."""
    for cell in (row[name] for name in (*IN_DISTRIBUTION, *OUT_OF_DISTRIBUTION) if name in row):
        if len(cell) == 3:
            f1, fp, fn = cell
            true, false = 50 - fn, 50 - fp
            expected = true / (2 * true + fp + fn) + false / (2 * false + fp + fn)
            assert 100 * expected == pytest.approx(f1, abs=2)


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    class FakeSetup:
        def __init__(self, *, verifier: str) -> None:
            assert verifier == "fake"

        def entailment_model(self) -> FakeVerifier:
            return FakeVerifier()

    monkeypatch.setattr(command, "Setup", FakeSetup)
    monkeypatch.setattr(command, "N_RESAMPLES", 20)
    monkeypatch.setattr(command.embedded, "encoder", FakeEncoder)
    monkeypatch.setattr("eval.results.FOLDER", tmp_path / "results")
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in _rows()), encoding="utf-8")
    return tmp_path


def _run(folder: Path, *arguments: str) -> None:
    command.main(["--data", str(folder / "rows.jsonl"), "--work", str(folder / "work"), *arguments])


def test_the_command_prints_verifiers_predictions_baselines_and_published_rows(
    fakes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    predictions = [{"id": str(i), "probability": 0.6} for i in range(60)]
    (fakes / "p.jsonl").write_text("\n".join(map(json.dumps, predictions)), encoding="utf-8")
    _run(fakes, "--verifier", "fake", "--predictions", f"folds={fakes / 'p.jsonl'}")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == [
        *("in distribution: F1 (FP/FN) ExpertQA (30) LFQA (30) mean of 2".split()),
    ]
    assert lines[1].split() == "fake 100.0 (0.0/0.0) 100.0 (0.0/0.0) 100.0".split()
    assert lines[2].split() == "folds 33.3 (50.0/0.0) 33.3 (50.0/0.0) 33.3".split()
    assert any(line.split() == "FLAN-UL2 20B, fine-tuned - - 78.5 of 4".split() for line in lines)
    result = json.loads((fakes / "results" / "attributionbench.json").read_text("utf-8"))
    assert list(result["systems"])[:3] == ["fake", "folds", FEATURE_BASELINE]
    assert result["systems"]["fake"]["revision"] == "1"


def test_a_source_left_out_has_a_table_and_a_file_of_its_own(
    fakes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _run(fakes, "--verifier", "fake", "--leave-out", "LFQA", "--name", "without_LFQA")
    header = capsys.readouterr().out.splitlines()[0].split()
    assert header[-5:] == "LFQA (30) mean of 1".split()
    result = json.loads((fakes / "results" / "without_LFQA.json").read_text("utf-8"))
    assert list(result["systems"]["fake"]["subsets"]) == ["LFQA"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--verifier", "fake", "--leave-out", "Nowhere"], "attributionbench: .*'Nowhere'"),
        (["--verifier", "fake", "--predictions", "fake=rows.jsonl"], "no probability|wanted id"),
    ],
)
def test_what_cannot_work_is_one_sentence(
    fakes: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], told: str
) -> None:
    monkeypatch.chdir(fakes)
    with pytest.raises(SystemExit, match=told):
        _run(fakes, *arguments)
