import json
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import eval.ragtruth as command
from eval.public_rows import PublicRow
from eval.ragtruth import CEILING, Statement, figures, judged
from eval.ragtruth_rows import RagtruthRow, hub_row, passages_of, read_ragtruth, release_row
from ragattr.errors import InputError
from ragattr.models.fake import FakeVerifier
from ragattr.setup import Setup
from ragattr.types import Span

Row = dict[str, Any]


@pytest.fixture(autouse=True)
def _few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "N_RESAMPLES", 20)


PASSAGES = "passage 1:Oslo is old. It has hills.\n\npassage 2:Bergen is wet.\n\n"
SOURCES: list[Row] = [
    {
        "source_id": "1",
        "task_type": "QA",
        "source": "MARCO",
        "source_info": {"question": "How old is Oslo?", "passages": PASSAGES},
        "prompt": "",
    },
    {
        "source_id": "2",
        "task_type": "Summary",
        "source": "CNN/DM",
        "source_info": "Molde is small.",
    },
    {
        "source_id": "3",
        "task_type": "Data2txt",
        "source": "Yelp",
        "source_info": {"name": "Subway", "attributes": {"OutdoorSeating": True}},
    },
]


def _label(response: str, text: str) -> Row:
    start = response.index(text)
    return {
        "start": start,
        "end": start + len(text),
        "text": text,
        "meta": "EVIDENT",
        "label_type": "Evident Baseless Info",
        "implicit_true": False,
        "due_to_null": False,
    }


def _response(number: int, source: int, response: str, *marked: str, **other: object) -> Row:
    return {
        "id": str(number),
        "source_id": str(source),
        "model": "gpt-4-0613",
        "temperature": 0.7,
        "labels": [_label(response, text) for text in marked],
        "split": "test",
        "quality": "good",
        "response": response,
        **other,
    }


RESPONSES = [
    _response(1, 1, "Oslo is old. Oslo has many towers.", "many towers"),
    _response(2, 1, "Oslo is old."),
    _response(3, 2, "Molde is small. Molde is red."),  # a false alarm
    _response(4, 2, "Molde is small.", "small"),  # missed
    _response(5, 3, "Subway offers outdoor seating."),
    _response(6, 3, "Cut of", split="test", quality="truncated"),
    _response(7, 3, "Of the train split.", split="train"),
]


def _release(folder: Path, responses: list[Row], sources: list[Row] = SOURCES) -> Path:
    for name, rows in (("response", responses), ("source_info", sources)):
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    return folder


def _read(folder: Path, responses: list[Row], split: str = "test") -> list[RagtruthRow]:
    return read_ragtruth(str(_release(folder, responses)), split=split)


def test_good_responses_of_the_split_are_read_with_their_sources(tmp_path: Path) -> None:
    rows = _read(tmp_path, RESPONSES)
    assert [row.id for row in rows] == ["1", "2", "3", "4", "5"]
    assert [row.task for row in rows] == ["QA", "QA", "Summary", "Summary", "Data2txt"]
    assert rows[0].question == "How old is Oslo?"
    assert rows[0].passages == ("Oslo is old. It has hills.", "Bergen is wet.")
    assert [label.of(rows[0].response) for label in rows[0].labels] == ["many towers"]
    assert read_ragtruth(str(tmp_path / "response.jsonl"), split="train")[0].id == "7"


def test_a_right_span_that_the_source_does_not_say_counts_as_in_the_release(tmp_path: Path) -> None:
    label = {**_label("Oslo is old.", "old"), "implicit_true": True}
    (row,) = _read(tmp_path, [_response(1, 1, "Oslo is old.", labels=[label])])
    assert len(row.labels) == 1


def test_a_label_that_does_not_stand_where_it_says_is_clipped_and_counted(tmp_path: Path) -> None:
    label = {**_label("Oslo is old.", "old."), "end": 99}
    moved = {**label, "start": 0, "end": 4}
    (row,) = _read(tmp_path, [_response(1, 1, "Oslo is old.", labels=[label, moved])])
    assert row.labels == (Span(8, 12), Span(0, 4))
    assert row.n_misplaced == 1


def test_an_object_is_written_out_and_its_reviews_are_passages() -> None:
    info = {
        "name": "Subway",
        "hours": {"Monday": "9:0-22:30"},
        "attributes": {
            "OutdoorSeating": True,
            "BusinessParking": {"lot": False},
            "WiFi": "no",
            "Music": None,
        },
        "business_stars": 3.0,
        "tags": ["small", "new"],
        "review_info": [
            {"review_stars": 1.0, "review_text": "Rude!"},
            {"review_text": "Nice."},
        ],
    }
    facts, *reviews = passages_of("Data2txt", info)
    assert facts.split("\n") == [
        "name: Subway.",
        "hours Monday: 9:0-22:30.",
        "attributes Outdoor Seating: yes.",
        "attributes Business Parking lot: no.",
        "attributes Wi Fi: no.",
        "attributes Music: not given.",
        "business stars: 3.0.",
        "tags: small, new.",
    ]
    assert reviews == ["review stars: 1.0.\nreview text: Rude!", "review text: Nice."]


@pytest.mark.parametrize("write", [json.dumps, str], ids=["JSON", "Python"])
def test_a_hub_row_says_the_same_as_the_release(tmp_path: Path, write: Any) -> None:
    response = {**RESPONSES[4], "labels": [_label(RESPONSES[4]["response"], "outdoor")]}
    (row,) = _read(tmp_path, [response])
    hub = {
        "id": "5",
        "query": "Write an overview.",
        "context": write(SOURCES[2]["source_info"]),
        "output": response["response"],
        "task_type": "Data2txt",
        "quality": "good",
        "hallucination_labels": json.dumps(response["labels"]),
    }
    found = hub_row(PublicRow("", hub))
    same = ("id", "task", "question", "passages", "response", "labels", "quality")
    assert [getattr(found, name) for name in same] == [getattr(row, name) for name in same]


def test_hub_rows_of_one_context_are_drawn_together_and_the_split_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row = {"query": "?", "task_type": "QA", "quality": "good", "hallucination_labels": None}
    rows = [
        {**row, "id": str(n), "output": f"It is {n}.", "context": context}
        for n, context in enumerate([PASSAGES, PASSAGES, "passage 1:Molde."])
    ]

    def load(repository: str, config: str | None, *, split: str) -> list[Row]:
        assert (repository, config, split) == ("wandb/RAGTruth-processed", None, "train")
        return rows

    module = ModuleType("datasets")
    monkeypatch.setattr(module, "load_dataset", load, raising=False)
    monkeypatch.setitem(sys.modules, "datasets", module)
    first, second, third = read_ragtruth("wandb/RAGTruth-processed", split="train")
    assert first.source_id == second.source_id != third.source_id
    assert first.passages == ("Oslo is old. It has hills.", "Bergen is wet.")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"labels": None}, "line 1: the field 'labels' has to be list, got nothing"),
        ({"labels": [{"start": "3"}]}, r"line 1, labels\[0\]: the field 'start' has to be int"),
        ({"labels": [{"start": 3, "end": 2}]}, r"labels\[0\]: the field 'end' has to be at least"),
        ({"labels": [{"start": -1, "end": 2}]}, "the field 'start' has to be at least 0, got '-1'"),
        ({"response": 3}, "line 1: the field 'response' has to be str, got '3'"),
        ({"source_id": "9"}, "line 1: the field 'source_id' has to be one of source_info.jsonl"),
        ({"quality": None}, "line 1: the field 'quality' has to be str, got nothing"),
    ],
)
def test_a_field_that_is_not_ragtruths_is_named(tmp_path: Path, change: Row, told: str) -> None:
    with pytest.raises(InputError, match=f"^response.jsonl, .*{told}"):
        _read(tmp_path, [{**RESPONSES[0], **change}])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"task_type": "Chat"}, "the field 'task_type' has to be one of QA, Data2txt, Summary"),
        ({"source_info": "text"}, "the field 'source_info' has to be dict, got 'text'"),
        ({"source_info": {"question": "?"}}, "the field 'passages' has to be str, got nothing"),
        ({"task_type": "Summary", "source_info": 3}, "'source_info' has to be a text or an obj"),
    ],
)
def test_a_source_that_is_not_ragtruths_is_named(change: Row, told: str) -> None:
    source = PublicRow("source_info.jsonl, line 1", {**SOURCES[0], **change})
    with pytest.raises(InputError, match=f"^source_info.jsonl, line 1.*{told}"):
        release_row(PublicRow("", RESPONSES[0]), source)


def test_a_release_without_sources_or_without_good_responses_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no response of good quality in the split 'dev'"):
        _read(tmp_path, RESPONSES, split="dev")
    (tmp_path / "source_info.jsonl").unlink()
    with pytest.raises(InputError, match="^response.jsonl needs source_info.jsonl beside it$"):
        read_ragtruth(str(tmp_path), split="test")


def test_statements_are_judged_as_an_audit_does_and_not_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = _read(tmp_path, RESPONSES)
    setup = Setup(verifier=FakeVerifier(), tier="text")
    found = judged(rows, setup, tmp_path / "work")
    assert found[0] == [
        Statement(Span(0, 12), "supported", 0.9),
        Statement(Span(13, 34), "not_enough_information", 0.05),
    ]
    monkeypatch.setattr(FakeVerifier, "entails", None)
    assert judged(rows, setup, tmp_path / "work") == found


def test_the_same_response_to_another_question_is_judged_anew(tmp_path: Path) -> None:
    (row, *_) = _read(tmp_path, [_response(1, 1, "Old")])
    row, other = replace(row, question="Is Oslo old?"), replace(row, question="Is Oslo red?")
    setup = Setup(verifier=FakeVerifier(), tier="text")
    (first,), (second,) = judged([row, other], setup, tmp_path / "work")
    assert (first.label, second.label) == ("supported", "not_enough_information")


def _figures(folder: Path) -> dict[str, dict[str, Row]]:
    rows = _read(folder, RESPONSES)
    found = figures(rows, judged(rows, Setup(verifier=FakeVerifier(), tier="text"), folder / "w"))
    return {
        prediction: {
            task: {k: v["value"] if isinstance(v, dict) else v for k, v in each.items()}
            for task, each in tasks.items()
        }
        for prediction, tasks in found.items()
    }


def test_responses_are_found_by_their_unsupported_statements(tmp_path: Path) -> None:
    # Marked: 1 and 4. Predicted: 1, 3 and 5 ("offers" is in no source): one hit.
    overall = _figures(tmp_path)["not supported"]["overall"]
    assert (overall["n"], overall["marked"]) == (5, 2)
    assert overall["response_precision"] == pytest.approx(100 / 3)
    assert overall["response_recall"] == 50
    assert overall["response_f1"] == pytest.approx(100 * 2 / 5)
    # Of the marked 1 of 2 is predicted, of the others 1 of 3 is not.
    assert overall["balanced_accuracy"] == pytest.approx(100 * (1 / 2 + 1 / 3) / 2)
    # Doubts: 0.95 and 0.1 of the marked, 0.1, 0.95, 0.95 of the others: 3 of 6 pairs, ties half.
    assert overall["auroc"] == pytest.approx((1 + 0.5 + 0.5 + 0.5 + 0 + 0) / 6)


def test_spans_are_found_character_by_character(tmp_path: Path) -> None:
    # Predicted: "Oslo has many towers." 21, "Molde is red." 13, "Subway offers outdoor seating."
    # 30; marked: "many towers" 11, which is found, and "small" 5, which is not.
    found = _figures(tmp_path)["not supported"]
    assert found["overall"]["span_precision"] == pytest.approx(100 * 11 / 64)
    assert found["overall"]["span_recall"] == pytest.approx(100 * 11 / 16)
    assert found["overall"]["span_f1"] == pytest.approx(100 * 2 * 11 / (64 + 16))
    assert found["QA"]["span_precision"] == pytest.approx(100 * 11 / 21)
    assert (found["Summary"]["span_f1"], found["Data2txt"]["span_f1"]) == (0, 0)


def test_contradicted_statements_alone_are_another_prediction(tmp_path: Path) -> None:
    denied = _response(1, 1, "Oslo is not old. Oslo is red.", "not")
    rows = _read(tmp_path, [denied])
    statements = judged(rows, Setup(verifier=FakeVerifier(), tier="text"), tmp_path / "w")
    found = figures(rows, statements)
    # "Oslo is not old." has 16 characters, "Oslo is red." 12.
    for prediction, n in (("not supported", 28), ("contradicted", 16)):
        precision = found[prediction]["QA"]["span_precision"]["value"]
        assert precision == pytest.approx(100 * 3 / n)


def test_the_ceiling_is_what_whole_statements_could_reach(tmp_path: Path) -> None:
    overall = _figures(tmp_path)[CEILING]["overall"]
    # "Oslo has many towers." 21 and "Molde is small." 15 hold the marked 11 and 5.
    assert overall["span_precision"] == pytest.approx(100 * 16 / 36)
    assert (overall["span_recall"], overall["response_f1"]) == (100, 100)
    assert "auroc" not in overall


def test_a_task_with_one_kind_of_response_is_not_ranked(tmp_path: Path) -> None:
    found = _figures(tmp_path)["not supported"]
    assert "auroc" not in found["Data2txt"]
    assert "auroc" in found["QA"]


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    def fake_setup(*, verifier: str, **other: Any) -> Setup:
        assert verifier == "fake"
        return Setup(verifier=FakeVerifier(), **other)

    monkeypatch.setattr(command, "Setup", fake_setup)
    monkeypatch.setattr("eval.results.FOLDER", tmp_path / "results")
    return _release(tmp_path, RESPONSES)


def _run(folder: Path, *arguments: str) -> None:
    work = ["--work", str(folder / "work"), "--verifier", "fake"]
    command.main(["--data", str(folder), *work, *arguments])


def test_the_command_prints_and_keeps_every_prediction_and_task(
    fakes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _run(fakes)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:5] == ["system", "predicted", "on", "n", "marked"]
    assert [line.split("  ")[0] for line in lines[1:13]] == ["fake"] * 12
    assert lines[4].split()[:8] == "fake not supported overall 5 2 40.0 [0.0,".split()
    result = json.loads((fakes / "results" / "ragtruth.json").read_text("utf-8"))
    assert (result["responses"], result["sources"], result["misplaced_labels"]) == (5, 3, 0)
    system = result["systems"]["fake"]
    assert (system["statements"], system["not_judged"]) == (7, 0)
    assert list(system["predictions"]) == ["not supported", "contradicted", CEILING]
    assert str(fakes) not in json.dumps(result["systems"])


def test_facts_can_be_judged_in_place_of_sentences(
    fakes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _release(fakes, [_response(1, 1, "Oslo is old and Bergen is red.", "red")])
    _run(fakes, "--claims", "atomic", "--name", "facts")
    result = json.loads((fakes / "results" / "facts.json").read_text("utf-8"))
    assert result["claims"] == "atomic"
    assert result["systems"]["fake"]["statements"] == 2


def test_what_cannot_work_is_one_sentence(fakes: Path) -> None:
    with pytest.raises(SystemExit, match="^ragtruth: .* no response of good quality"):
        _run(fakes, "--split", "dev")
    (fakes / "response.jsonl").write_text("{", encoding="utf-8")
    with pytest.raises(SystemExit, match="^ragtruth: response.jsonl, line 1: not JSON"):
        _run(fakes)
