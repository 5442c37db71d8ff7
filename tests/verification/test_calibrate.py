import json
from pathlib import Path
from typing import Any

import pytest

from ragattr import api, setup
from ragattr.errors import ConfigError, InputError
from ragattr.models.fake import FakeEncoder, FakeVerifier
from ragattr.setup import Setup
from ragattr.verification.calibrate import guarantee_from, read_labelled

RIGHT = {"claim": "Bees make honey.", "evidence": ["Bees make honey."], "label": "attributable"}
WRONG = {"claim": "Bees make wax.", "evidence": ["Iron rusts."], "label": "not_attributable"}
GUARANTEE = {
    "precision": 0.95, "confidence": 0.9, "threshold": 0.9, "calibration_rows": 100, "accepted": 60,
}  # fmt: skip


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A verifier that says 0.9 of what the evidence holds, and 0.05 of the rest."""
    monkeypatch.setattr(setup, "_named_verifier", lambda name: FakeVerifier())
    monkeypatch.setattr(setup.embedded, "encoder", FakeEncoder)


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    return _file(tmp_path, *[RIGHT] * 60, *[WRONG] * 40)


def _file(folder: Path, *rows: dict[str, Any]) -> Path:
    path = folder / "labelled.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_a_labelled_file_is_read_whatever_else_it_holds(tmp_path: Path) -> None:
    odd = RIGHT | {"id": 7, "question": "", "claim": "Bees\u2028make honey.", "source": "x"}
    (row,) = read_labelled(_file(tmp_path, odd))
    assert (row["id"], row["claim"], row["label"]) == ("7", "Bees\u2028make honey.", "attributable")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (RIGHT | {"label": "yes"}, "line 2: label: wanted one of attributable, not_attributable"),
        ({"claim": "a", "evidence": []}, "line 2: label: this field is missing"),
        (RIGHT | {"claim": " "}, "line 2: claim: is empty"),
        (RIGHT | {"evidence": "a"}, "line 2: evidence: wanted a list"),
    ],
)
def test_a_row_that_is_no_labelled_pair_is_named(
    row: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message):
        read_labelled(_file(tmp_path, RIGHT, row))


def test_a_file_that_is_not_there_or_not_utf8_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read .*none\.jsonl"):
        read_labelled(tmp_path / "none.jsonl")
    (tmp_path / "latin.jsonl").write_bytes("é".encode("latin-1"))
    with pytest.raises(InputError, match="is not UTF-8"):
        read_labelled(tmp_path / "latin.jsonl")


def test_too_few_rows_say_how_many_are_needed_and_how_many_were_not_judged(tmp_path: Path) -> None:
    path = _file(tmp_path, *[RIGHT] * 40, *[WRONG] * 2)
    with pytest.raises(InputError, match=r"labelled\.jsonl: .* 45 calibration rows, got 40 \(2 "):
        guarantee_from(
            path,
            lambda rows: [
                {"probability": 0.9 if row["label"] == "attributable" else None} for row in rows
            ],
            precision=0.95,
        )


@pytest.mark.usefixtures("fakes")
def test_verify_accepts_above_the_guarantee_and_carries_it(labelled: Path) -> None:
    work = api.verify_rows(Setup(precision=0.95, calibration=labelled))
    found = [work(row) for row in (RIGHT, WRONG)]
    assert [row["predicted"] for row in found] == ["attributable", "not_attributable"]
    assert found[0]["guarantee"] == GUARANTEE


@pytest.mark.usefixtures("fakes")
def test_verify_says_nothing_between_the_ordinary_and_the_guaranteed_threshold(
    labelled: Path,
) -> None:
    work = api.verify_rows(Setup(precision=0.95, calibration=labelled, threshold=0.04))
    found = work(WRONG)
    assert (found["predicted"], found["probability"]) == (None, 0.05)


@pytest.mark.usefixtures("fakes")
def test_without_a_precision_rows_carry_no_guarantee() -> None:
    assert "guarantee" not in api.verify(claim="Bees make honey.", evidence=["Bees make honey."])


@pytest.mark.usefixtures("fakes")
def test_cite_calls_a_claim_unclear_that_falls_short_of_the_guarantee(labelled: Path) -> None:
    record = api.cite(
        question="What do bees make?", passages=["Bees make honey.", "Iron rusts."],
        answer="Bees make honey [1]. Bees make wax [2].", tier="text",
        precision=0.95, calibration=labelled, threshold=0.04,
    )  # fmt: skip
    verdicts = [(claim["verdict"], claim["probability"]) for claim in record["claims"]]
    assert verdicts == [("supported", 0.9), ("unclear", None)]
    assert record["settings"]["guarantee"] == GUARANTEE
    assert record["warnings"][-1].startswith("claim 2 is supported with probability 0.050")


@pytest.mark.usefixtures("fakes")
def test_a_guarantee_below_the_ordinary_threshold_accepts_more(labelled: Path) -> None:
    case = {"question": "?", "passages": ["Bees make honey."], "answer": "Bees make honey."}
    strict = api.cite(**case, tier="text", threshold=0.95)
    asked = api.cite(**case, tier="text", threshold=0.95, precision=0.95, calibration=labelled)
    assert strict["claims"][0]["verdict"] == "not_enough_information"
    assert asked["claims"][0]["verdict"] == "supported"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"precision": 0.95}, "go together"),
        ({"calibration": "file"}, "go together"),
        ({"precision": 1.0, "calibration": "file"}, "between 0 and 1, both excluded, got 1.0"),
    ],
)
def test_settings_that_cannot_work_are_found_before_any_judging(
    fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        Setup(**fields)
