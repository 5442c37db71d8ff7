"""The evaluation door from outside: a log in, a folder out, on the embedded verifier."""

import errno
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import ragattr.written
from ragattr.batch.found import question_type
from ragattr.batch.labels import read_labels
from ragattr.batch.sources import sampled
from ragattr.batch.table import RECORDS, read_records, table_writer
from ragattr.batch.wishes import read_wishes, unmet
from ragattr.cli import app
from ragattr.errors import ConfigError, InputError
from ragattr.metrics.tally import Figure
from ragattr.models.entailment import EmbeddedVerifier

pytestmark = pytest.mark.model
LOG = Path("pipelines/rag_log.jsonl")
FILES = {"metrics.json", "records.parquet", "report.html", "run.sqlite"}


def _run(*arguments: object) -> tuple[int, str]:
    """Exit code, and what was printed."""
    result = CliRunner().invoke(app, ["evaluate", *map(str, arguments)], catch_exceptions=True)
    if isinstance(result.exception, (ConfigError, InputError)):
        return 2, str(result.exception)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def _figures(folder: Path) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = json.loads((folder / "metrics.json").read_text())[
        "figures"
    ]
    return found


@pytest.fixture(scope="module")
def audit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("audit") / "out"
    code, said = _run("--input", LOG, "-o", folder)
    assert (code, "12 answers to 12 questions" in said) == (0, True)
    return folder


@pytest.fixture
def _no_model(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def judge(self: EmbeddedVerifier, pairs: object) -> None:
        raise AssertionError("the verifier was asked")

    with monkeypatch.context() as patched:
        patched.setattr(EmbeddedVerifier, "judge", judge)
        yield


def test_a_folder_holds_figures_records_and_report(audit: Path) -> None:
    assert {path.name for path in audit.iterdir()} == FILES
    figures = _figures(audit)
    assert 0 < figures["citation_recall"]["low"] <= figures["citation_recall"]["value"] < 1
    assert figures["dangling_citations"]["value"] == round(1 / 26, 6)
    assert figures["dangling_citations"]["n"] == 26
    assert "<script" not in (audit / "report.html").read_text()


def test_records_are_whole_and_in_the_order_of_the_log(audit: Path) -> None:
    records = list(read_records(audit))
    log = [json.loads(line) for line in LOG.read_text().splitlines()]
    assert [r["question"] for r in records] == [row["user_input"] for row in log]
    assert [r["id"] for r in records] == [str(n) for n in range(1, 13)]
    planted = {r["answer"]: r for r in records}["The three men shared the Nobel Prize in 1954 [2]."]
    assert planted["claims"][0]["verdict"] == "contradicted"


def test_a_folder_with_a_run_is_refused_unless_told(audit: Path) -> None:
    code, said = _run("--input", LOG, "-o", audit)
    assert code == 2
    assert said == f"{audit} holds a run: give --resume, --overwrite or another folder"


@pytest.mark.usefixtures("_no_model")
def test_another_threshold_asks_no_model(audit: Path) -> None:
    before = _figures(audit)["groundedness"]["value"]
    code, _ = _run("--input", LOG, "-o", audit, "--resume", "--threshold", 0.9)
    assert code == 0
    assert _figures(audit)["groundedness"]["value"] < before
    code, _ = _run("--input", LOG, "-o", audit, "--resume")
    assert _figures(audit)["groundedness"]["value"] == before


@pytest.mark.usefixtures("_no_model")
def test_records_are_taken_as_they_are_judged(audit: Path, tmp_path: Path) -> None:
    records = list(read_records(audit))
    (tmp_path / "records.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records))
    assert _run("--input", tmp_path / "records.jsonl", "-o", tmp_path / "again")[0] == 0
    assert list(read_records(tmp_path / "again")) == records
    assert _figures(tmp_path / "again") == _figures(audit)


def test_a_wish_that_is_not_met_is_exit_code_1(audit: Path) -> None:
    again = ("--input", LOG, "-o", audit, "--resume")
    code, said = _run(*again, "--fail-under", "citation_recall=0.99")
    assert code == 1
    assert "citation_recall is 0.6" in said
    code, _ = _run(*again, "--fail-under", "citation_recall=0.3")
    assert code == 0


def test_a_run_compared_with_itself_does_not_differ(audit: Path, tmp_path: Path) -> None:
    assert _run("--input", LOG, "-o", tmp_path / "b", "--compare", audit, "--by", "source")[0] == 0
    compared = json.loads((tmp_path / "b" / "metrics.json").read_text())["compared"]
    assert compared["questions"] == 12
    assert {change["value"] for change in compared["differences"].values()} == {0.0}


def test_labels_of_people_are_set_beside_the_verdicts(audit: Path, tmp_path: Path) -> None:
    labels = [
        {"id": "1", "claim": 1, "label": "supported"},
        {
            "id": "7",
            "claim": "The three men shared the Nobel Prize in 1954 [2].",
            "label": "not_supported",
        },
        {"id": "4", "claim": "3", "label": "not_attributable"},
    ]
    (tmp_path / "labels.jsonl").write_text("".join(json.dumps(row) + "\n" for row in labels))
    code, said = _run(
        "--input", LOG, "-o", audit, "--resume", "--labels", tmp_path / "labels.jsonl"
    )
    assert (code, "3 labels: accuracy" in said) == (0, True)
    (tmp_path / "labels.jsonl").write_text('{"id": "1", "claim": 1, "label": "perhaps"}\n')
    code, said = _run(
        "--input", LOG, "-o", audit, "--resume", "--labels", tmp_path / "labels.jsonl"
    )
    assert "line 1: label: wanted one of supported" in said


def test_rows_that_fail_are_named_and_the_others_are_done(tmp_path: Path) -> None:
    log = LOG.read_text().splitlines()[:2]
    rows = [*log, '{"user_input": "Who?", "response": "Me."}', '{"user_input": "cut o']
    (tmp_path / "log.jsonl").write_text("\n".join(rows))
    code, said = _run("--input", tmp_path / "log.jsonl", "-o", tmp_path / "out")
    assert code == 3
    assert json.loads((tmp_path / "out" / "metrics.json").read_text())["failed"] == 2
    assert len(list(read_records(tmp_path / "out"))) == 2


def test_columns_of_a_table_get_our_names(tmp_path: Path) -> None:
    passages = "\"['Bees make honey from nectar.']\""
    (tmp_path / "log.csv").write_text(
        f"query,docs,text\nWhat do bees make?,{passages},Bees make honey [1].\n"
    )
    maps = ("--map", "question=query", "--map", "passages=docs", "--map", "answer=text")
    code, _ = _run("--input", tmp_path / "log.csv", "-o", tmp_path / "out", *maps)
    assert code == 0
    assert _figures(tmp_path / "out")["citation_recall"]["value"] == 1.0


def test_a_sample_is_the_same_rows_for_the_same_seed() -> None:
    lines = [(n, f"row {n}") for n in range(100)]
    some = sampled(iter(lines), 10, seed=1)
    assert some == sampled(reversed(lines), 10, seed=1) == sorted(some)
    assert some != sampled(lines, 10, seed=2)
    assert len(set(some)) == 10


def test_a_dry_run_judges_and_writes_nothing(tmp_path: Path) -> None:
    code, said = _run("--input", LOG, "-o", tmp_path / "out", "--dry-run")
    assert code == 0
    assert said.startswith("12 rows, 2.2 statements and 2.0 passages each")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["metrics.json", "records.parquet", "report.html"])
def test_a_full_disk_leaves_the_old_file(
    audit: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R2: at every file that is put in place."""
    old = {path: path.read_bytes() for path in audit.iterdir() if path.suffix != ".sqlite"}
    put = ragattr.written.put

    def full(unfinished: Path, path: Path) -> None:
        if path.name == name:
            raise OSError(errno.ENOSPC, "No space left on device")
        put(unfinished, path)

    monkeypatch.setattr("ragattr.written.put", full)
    code, said = _run("--input", LOG, "-o", audit, "--resume")
    assert (code, said) == (2, f"cannot write {audit / name}: No space left on device")
    assert (audit / name).read_bytes() == old[audit / name]
    assert not list(audit.glob("*.partial"))


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("In what year was it built?", "what"),
        ("How many bees live there?", "how many"),
        ("Is it old?", "yes or no"),
        ("Tell me of bees.", "other"),
    ],
)
def test_questions_are_told_by_their_first_question_word(question: str, kind: str) -> None:
    assert question_type(question) == kind


def test_a_wish_for_what_is_not_there_is_named() -> None:
    figures: dict[str, Any] = {"groundedness": Figure(0.5, 0.4, 0.6, 10)}
    assert unmet(figures, read_wishes(["groundedness=0.5"])) == []
    assert unmet(figures, read_wishes(["groundedness=0.6"])) == ["groundedness is 0.500, below 0.6"]
    (missing,) = unmet(figures, read_wishes(["citation_recall=0.5"]))
    assert missing == "citation_recall: these records have none; they have groundedness"


@pytest.mark.parametrize(
    ("wish", "message"), [("groundednes=0.5", "knows no 'groundednes'"), ("groundedness", "VALUE")]
)
def test_a_wish_that_cannot_be_read_is_named(wish: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_wishes([wish])


def test_a_table_that_is_damaged_inside_is_named(tmp_path: Path) -> None:
    with table_writer(tmp_path / RECORDS) as write:
        write({"claims": [], "passages": [], "question": "noise " * 100})
    raw = bytearray((tmp_path / RECORDS).read_bytes())
    raw[4 : len(raw) // 2] = bytes(len(raw) // 2 - 4)
    (tmp_path / RECORDS).write_bytes(raw)
    with pytest.raises(InputError, match="holds no audit that can be read"):
        list(read_records(tmp_path))


def test_a_label_that_is_no_json_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "labels.jsonl").write_text('{"id": "1", "claim": 1, "label": "supported"}\n{"id"\n')
    with pytest.raises(InputError, match=r"labels\.jsonl, line 2: not JSON"):
        read_labels(tmp_path / "labels.jsonl")
