import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import eval.alce as command
from eval.alce import AS_RELEASED, BY_MARKERS, Judge, score
from eval.alce_rows import alce_row, read_alce
from eval.public_rows import PublicRow
from ragattr.errors import InputError, MissingExtra
from ragattr.models.fake import FakeVerifier
from ragattr.setup import Setup

Row = dict[str, Any]

FACTS = ("Oslo has 700000 inhabitants.", "Oslo was founded around 1040.", "Bergen is wet.")
DOCS = [{"title": f"T{n}", "text": text, "id": str(n)} for n, text in enumerate(FACTS, start=1)]
ASQA = {
    "question": "How big and how old is Oslo?",
    "output": "Oslo has 700000 inhabitants [1]. Oslo was founded around 1040. [2]\nIgnored.",
    "docs": DOCS,
    "qa_pairs": [
        {"question": "How big?", "short_answers": ["700000", "700,000"]},
        {"question": "How old?", "short_answers": ["1000 years"]},
    ],
    "annotations": [{"long_answer": "700000."}],
    "answer": "700000.",
}
ELI5 = {
    "question": "Why is it wet?",
    "output": "Bergen is wet [3]. Oslo is dry [1].",
    "docs": DOCS,
    "claims": ["Bergen is wet.", "It rains often.", "Oslo is dry."],
}
QAMPARI = {
    "question": "Oslo or Bergen?",
    "output": "Oslo [2], Bergen [1, 3], Molde.",
    "docs": [*DOCS, {"title": "Oslo or Bergen", "text": "Oslo and Bergen."}],
    "answers": [["Oslo", "Christiania"], ["Bergen"], ["Hamar"], ["Voss"]],
}


def _write(folder: Path, rows: object, name: str = "result.json") -> str:
    (folder / name).write_text(json.dumps(rows), encoding="utf-8")
    return str(folder / name)


def _values(row: Row, work: Path, *, published: bool = False) -> dict[str, float]:
    reading = AS_RELEASED if published else BY_MARKERS
    found = score([alce_row(PublicRow("a row", row))], reading, Judge(FakeVerifier(), work))
    return {name: figure["value"] for name, figure in found["figures"].items()}


def test_a_marker_after_the_full_stop_counts_for_the_sentence_before_it(tmp_path: Path) -> None:
    found = _values(ASQA, tmp_path)
    assert (found["citation_recall"], found["citation_precision"]) == (100, 100)
    assert found["citation_f1"] == 100


def test_the_released_reading_gives_it_to_a_sentence_of_its_own(tmp_path: Path) -> None:
    # "Oslo has ... [1]." is recalled, "Oslo was ... 1040." cites nothing, "[2]" says nothing.
    found = _values(ASQA, tmp_path, published=True)
    assert found["citation_recall"] == pytest.approx(100 / 3)
    assert found["citation_precision"] == 50
    assert found["citation_f1"] == pytest.approx(2 * (100 / 3) * 50 / (100 / 3 + 50))


def test_short_answers_are_recalled_and_words_counted_in_the_first_line(tmp_path: Path) -> None:
    found = _values(ASQA, tmp_path)
    assert (found["short_answer_recall"], found["all_short_answers"]) == (50, 0)
    assert found["length"] == 4 + 5


def test_gold_claims_are_recalled_when_the_output_entails_them(tmp_path: Path) -> None:
    found = _values(ELI5, tmp_path)
    assert found["claim_recall"] == pytest.approx(200 / 3)
    # "Bergen is wet" is cited rightly, "Oslo is dry" is not: one of two, and one of two citations.
    assert (found["citation_recall"], found["citation_precision"]) == (50, 50)


def test_a_list_is_compared_with_the_gold_answers_whole(tmp_path: Path) -> None:
    found = _values(QAMPARI, tmp_path)
    assert (found["list_precision"], found["list_recall"]) == pytest.approx((200 / 3, 50))
    assert found["list_recall_at_5"] == 50  # of four answers, so at most four
    assert found["list_f1"] == pytest.approx(2 * (200 / 3) * 50 / (200 / 3 + 50))
    assert (found["list_items"], found["length"]) == (3, 3)


def test_an_item_is_judged_after_its_question(tmp_path: Path) -> None:
    # Document 2 does not name both towns of the question; 1 and 3 do together, and only together.
    found = _values(QAMPARI, tmp_path)
    assert found["citation_recall"] == pytest.approx(100 / 3)
    assert found["citation_precision"] == pytest.approx(200 / 3)
    # As released, "[1, 3]" cites 1, and "3]" is an item without a citation.
    assert _values(QAMPARI, tmp_path, published=True)["citation_recall"] == 0
    cited = {**QAMPARI, "output": "Oslo [4], Bergen [4]. "}
    assert _values(cited, tmp_path)["citation_recall"] == 100


def test_a_snippet_is_what_is_judged_where_a_document_has_one(tmp_path: Path) -> None:
    docs = [{**DOCS[0], "sent": "Oslo is dry."}]
    row = {"question": "?", "output": "Oslo is dry [1].", "docs": docs}
    assert _values(row, tmp_path)["citation_recall"] == 100


def test_without_gold_the_citations_and_the_length_are_scored(tmp_path: Path) -> None:
    row = {**ASQA, "qa_pairs": None}
    assert list(_values(row, tmp_path)) == [
        *("citation_f1", "citation_recall", "citation_precision", "length")
    ]


def test_figures_are_means_over_outputs_and_intervals_hold_them(tmp_path: Path) -> None:
    wrong = {**ASQA, "question": "Another?", "output": "Bergen is wet [1]."}
    rows = [alce_row(PublicRow("", row)) for row in (ASQA, ASQA, wrong)]
    figure = score(rows, BY_MARKERS, Judge(FakeVerifier(), tmp_path))["figures"]["citation_recall"]
    assert figure["value"] == pytest.approx(200 / 3)
    # Two questions are drawn: the first has two outputs of 100, the other one of 0.
    assert figure["interval"] == [0, 100]


def test_an_output_without_a_sentence_counts_for_length_and_not_for_citations(
    tmp_path: Path,
) -> None:
    rows = [alce_row(PublicRow("", {**ASQA, "output": out})) for out in (ASQA["output"], "\n")]
    found = score(rows, BY_MARKERS, Judge(FakeVerifier(), tmp_path))["figures"]
    assert (found["citation_recall"]["value"], found["citation_recall"]["n"]) == (100, 1)
    assert (found["length"]["value"], found["length"]["n"]) == (4.5, 2)


def test_what_the_verifier_does_not_read_is_not_supported_and_counted(tmp_path: Path) -> None:
    row = {"question": "?", "output": "Ås is dry [1].", "docs": DOCS}
    found = score([alce_row(PublicRow("", row))], BY_MARKERS, Judge(FakeVerifier(), tmp_path))
    assert (found["figures"]["citation_recall"]["value"], found["not_judged"]) == (0, 1)


@pytest.mark.parametrize(
    ("write", "place"),
    [
        (lambda rows: json.dumps({"args": {}, "data": rows}), "result.json, row 2"),
        (lambda rows: json.dumps(rows), "result.json, row 2"),
        (lambda rows: "\n\n".join(map(json.dumps, rows)) + "\n", "result.jsonl, line 3"),
    ],
    ids=["result file", "list", "lines"],
)
def test_the_same_rows_are_read_from_every_form_and_a_bad_one_is_named(
    tmp_path: Path, write: Callable[[list[Row]], str], place: str
) -> None:
    path = tmp_path / place.partition(",")[0]
    path.write_text(write([ASQA, ELI5, QAMPARI]), encoding="utf-8")
    assert [row.set for row in read_alce([str(path)])] == ["asqa", "eli5", "qampari"]
    path.write_text(write([ASQA, {**ELI5, "output": None}]), encoding="utf-8")
    with pytest.raises(InputError, match=f"^{place}: the field 'output' has to be str, got noth"):
        read_alce([str(path)])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"output": ["one", "two"]}, "a row: the field 'output' has to be str, got \"\\['one'"),
        ({"question": 3}, "a row: the field 'question' has to be str, got '3'"),
        ({"docs": [*DOCS, "text"]}, "a row: the field 'docs' has to be a list of objects, got 't"),
        ({"docs": [{"title": "T"}]}, r"a row, docs\[0\]: the field 'text' has to be str, got n"),
        ({"qa_pairs": []}, "a row: the field 'qa_pairs' has to be a list that is not empty"),
        ({"qa_pairs": [{}]}, r"a row, qa_pairs\[0\]: the field 'short_answers' has to be list"),
        ({"qa_pairs": None, "claims": []}, "a row: the field 'claims' has to be a list of texts"),
        ({"qa_pairs": None, "answers": ["Oslo"]}, "a row: the field 'answers' has to be list, got"),
    ],
)
def test_a_field_that_is_not_alces_is_named(change: Row, told: str) -> None:
    with pytest.raises(InputError, match=told):
        alce_row(PublicRow("a row", {**ASQA, **change}))


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("x.json", "{\n[", "x.json, line 2: not JSON"),
        (
            "x.jsonl",
            '{"a": 1}\n{"a"',
            "x.jsonl, line 2: not JSON|x.jsonl, line 1: the field 'docs'",
        ),
        (
            "x.json",
            '{"rows": []}',
            "x.json: wanted a list of rows, or an object with one as 'data'",
        ),
        ("x.json", "[]", "no row in "),
        ("x.json", "[3]", "x.json, row 1: wanted an object, got '3'"),
    ],
)
def test_a_file_that_is_not_alces_is_named_with_its_line(
    tmp_path: Path, name: str, text: str, told: str
) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=told):
        read_alce([str(tmp_path / name)])


@pytest.mark.parametrize("name", ["nowhere.json", "no/where.jsonl", "nowhere", "a/b/c"])
def test_a_file_that_is_not_there_is_named(name: str) -> None:
    with pytest.raises(InputError, match=f"^{name}: no such file$"):
        read_alce([name])


def test_a_repository_is_read_with_its_configuration_and_split(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def load(*asked: object, split: str) -> list[Row]:
        assert (*asked, split) in (("who/what", "gtr", "seven"), ("who/what", None, "test"))
        return [ASQA, {**ASQA, "docs": 3}]

    module = ModuleType("datasets")
    monkeypatch.setattr(module, "load_dataset", load, raising=False)
    monkeypatch.setitem(sys.modules, "datasets", module)
    for name in ("who/what:gtr:seven", "who/what"):
        with pytest.raises(InputError, match="^who/what, row 2: the field 'docs' has to be list"):
            read_alce([name])


def test_a_repository_needs_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingExtra, match=r"ragattr\[eval\]"):
        read_alce(["who/what"])


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    def fake_setup(*, verifier: str) -> Setup:
        assert verifier == "fake"
        return Setup(verifier=FakeVerifier())

    monkeypatch.setattr(command, "Setup", fake_setup)
    monkeypatch.setattr(command, "N_RESAMPLES", 20)
    monkeypatch.setattr("eval.results.FOLDER", tmp_path / "results")
    return tmp_path


def _run(folder: Path, rows: object, *arguments: str) -> None:
    work = ["--work", str(folder / "work"), "--verifier", "fake"]
    command.main(["--data", _write(folder, rows), *work, *arguments])


def test_the_command_prints_and_keeps_a_line_for_each_figure_of_each_set(
    fakes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _run(fakes, {"data": [ASQA, ELI5]})
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["set", "markers", "read", "by", "markers", "n", "fake"]
    assert ["asqa", "short_answer_recall", "1", "50.0", "[50.0,", "50.0]"] in lines
    assert ["eli5", "claim_recall", "1", "66.7", "[66.7,", "66.7]"] in lines
    result = json.loads((fakes / "results" / "alce.json").read_text("utf-8"))
    assert result["reading"] == "by markers"
    figures = result["systems"]["fake"]["sets"]["asqa"]["figures"]
    assert figures["citation_recall"] == {"value": 100, "interval": [100, 100], "n": 1}
    assert str(fakes) not in json.dumps(result["systems"])


def test_the_released_reading_is_said_and_kept_under_another_name(
    fakes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _run(fakes, [ASQA], "--published", "--name", "alce_published")
    assert "markers read as released" in capsys.readouterr().out
    result = json.loads((fakes / "results" / "alce_published.json").read_text("utf-8"))
    assert result["reading"] == "as released"


def test_what_cannot_work_is_one_sentence(fakes: Path) -> None:
    with pytest.raises(SystemExit, match="^alce: result.json, row 1: the field 'docs' has to be"):
        _run(fakes, [{"question": "?", "output": "x"}])
    with pytest.raises(SystemExit, match="^alce: wanted outputs with a sentence, got none in 1"):
        _run(fakes, [{**ASQA, "output": ""}])
