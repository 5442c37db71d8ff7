"""The commands from outside: what they print, write and return."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ragattr.batch.state import open_state
from ragattr.setup import METHODS

ROOT = Path(__file__).parent.parent
CASE: dict[str, Any] = {
    "id": "bees",
    "question": "What do bees make?",
    "passages": ["Bees make honey in their hive.", "Iron rusts in wet air."],
    "answer": "Bees make honey in their hive [1].",
}


def run(*args: str | Path, stdin: str = "", cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run the command as a user would."""
    return subprocess.run(
        [sys.executable, "-m", "ragattr.cli", *map(str, args)],
        input=stdin, capture_output=True, text=True, encoding="utf-8", cwd=cwd, check=False,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "COLUMNS": "120", "HF_HUB_OFFLINE": "1"},
    )  # fmt: skip


def lines(*rows: dict[str, Any] | str) -> str:
    return "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)


def cite(stdin: str, *args: str | Path) -> subprocess.CompletedProcess[str]:
    return run("cite", "--tier", "text", "--input", "-", *args, stdin=stdin)


def test_help_lists_the_commands_that_exist_and_no_others() -> None:
    helped = run("--help").stdout
    listed = [line.split()[0] for line in helped.partition("Commands:")[2].splitlines() if line]
    assert listed == [
        *("answer", "cite", "revise", "attribute", "mechanism", "verify"),
        *("index", "retrieve", "schema", "evaluate", "lint", "train", "models"),
    ]


@pytest.mark.model
def test_records_can_be_written_in_the_shape_of_another_and_read_again() -> None:
    written = json.loads(cite(lines(CASE), "--json", "--to", "anthropic").stdout)
    assert written["response"]["content"][0]["type"] == "text"
    again = json.loads(cite(lines(written), "--json").stdout)
    assert again["answer"] == CASE["answer"]
    assert [passage["text"] for passage in again["passages"]] == CASE["passages"]


def test_a_shape_that_there_is_not_is_named() -> None:
    done = cite(lines(CASE), "--to", "latex")
    assert done.returncode == 2
    assert "--to is one of ragas, anthropic, openai, llamaindex, footnotes" in done.stderr


def test_method_without_a_name_lists_methods_with_cost_and_whether_they_intervene() -> None:
    done = run("attribute", "--method")
    assert done.returncode == 0
    listed = [line.split() for line in done.stdout.splitlines() if line.strip()]
    found = {words[0]: words for words in listed[2:]}
    assert set(found) == set(METHODS)
    assert found["heads"][1:3] == ["1", "no"]
    assert found["contextcite"][1:3] == ["32", "yes"]


@pytest.mark.model
def test_mechanism_says_which_heads_carry_the_used_sentence(tmp_path: Path) -> None:
    page = tmp_path / "heads.html"
    done = run("mechanism", "--input", "-", "--json", "--html", page, stdin=lines(CASE))
    row = json.loads(done.stdout)
    assert (len(row["heads"]), len(row["heads"][0]), len(row["mlps"])) == (30, 9, 30)
    assert row["source"]["text"] == "Bees make honey in their hive."
    assert row["top"][0]["jsd"] == max(row["mlps"] + [x for layer in row["heads"] for x in layer])
    assert "Content-Security-Policy" in page.read_text("utf-8")


@pytest.mark.model
def test_training_on_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    done = run("train", "heads", "--data", tmp_path / "none.jsonl", "--work", tmp_path)
    assert done.returncode == 2
    assert "none.jsonl" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_schema_is_json_schema_that_accepts_a_case() -> None:
    import jsonschema

    schema = json.loads(run("schema").stdout)
    jsonschema.validate(CASE, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"question": 5}, schema)


def test_models_lists_role_size_and_tier() -> None:
    rows = json.loads(run("models", "--json").stdout)
    assert [row["role"] for row in rows] == ["language model", "encoder", "verifier"]
    assert all(row["problem"] is None and row["megabytes"] >= 0 for row in rows)


@pytest.mark.model
def test_cite_writes_one_record_per_case_and_keeps_unknown_fields(tmp_path: Path) -> None:
    output = tmp_path / "records.jsonl"
    done = cite(lines(CASE | {"team": "x"}, CASE | {"id": "again"}), "-o", output)
    records = [json.loads(line) for line in output.read_text("utf-8").splitlines()]
    assert done.returncode == 0, done.stderr
    assert [record["id"] for record in records] == ["bees", "again"]
    assert records[0]["team"] == "x"
    assert records[0]["claims"][0]["verdict"] == "supported"


@pytest.mark.model
def test_a_bad_row_is_reported_with_line_and_id_and_the_others_are_done() -> None:
    bad = {key: value for key, value in CASE.items() if key != "passages"} | {"id": "bad"}
    done = cite(lines(CASE, bad, "{broken", CASE | {"id": "last"}), "--json")
    assert done.returncode == 3
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == ["bees", "last"]
    assert "line 2 (id 'bad'): passages: this field is missing" in done.stderr
    assert "line 3: not JSON" in done.stderr


@pytest.mark.model
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"passages": []}, "passages: there are none"),
        ({"answer": " "}, "answer: is empty"),
        ({"question": ""}, "question: is empty"),
        ({"question": 5}, "question: wanted a string, got a number"),
        ({"passages": [{"id": "a", "text": 5}]}, "passages[0].text: wanted a string, got a number"),
        ({"passages": [{"id": 1, "text": "a"}, {"id": "1", "text": "b"}]}, "passages[1].id: '1'"),
        ({"passages": ["x" * 2_000_000]}, "at most 1,000,000 are read"),
    ],
)
def test_bad_cases_are_one_sentence_and_leave_no_file(
    change: dict[str, Any], message: str, tmp_path: Path
) -> None:
    done = cite(lines(CASE | change), "-o", tmp_path / "out.jsonl")
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("cite", "--input", "missing.jsonl"), "cannot read missing.jsonl"),
        (("cite",), "give --input FILE"),
        (("answer", "--docs", "nowhere", "--question", "?"), "no file or folder nowhere"),
        (("answer", "--docs", "pipelines/sample"), "give either --question or --input"),
        (("cite", "--input", "README.md", "--tier", "text", "--threshold", "7"), "between 0 and 1"),
        (("cite", "--input", "README.md", "--method", "magic"), "no attribution method 'magic'"),
    ],
)
def test_a_call_that_cannot_work_is_one_sentence_and_exit_2(
    args: tuple[str, ...], message: str
) -> None:
    done = run(*args)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.model
@pytest.mark.parametrize("model", ["/no/such/folder", "no-such-org/no-such-model"])
def test_a_model_that_is_not_there_is_named(model: str, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text(lines(CASE))
    done = run("cite", "--input", tmp_path / "in.jsonl", "--model", model)
    assert done.returncode == 2
    assert model in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_input_that_is_not_utf8_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "latin.jsonl").write_bytes('{"question": "é"}'.encode("latin-1"))
    done = run("cite", "--input", tmp_path / "latin.jsonl")
    assert done.returncode == 2
    assert "line 1: not UTF-8 (byte 14" in done.stderr


def test_an_output_that_cannot_be_written_is_found_before_any_work(tmp_path: Path) -> None:
    done = cite(lines(CASE), "-o", tmp_path / "no-folder" / "out.jsonl")
    assert done.returncode == 2
    assert "cannot write" in done.stderr


def test_the_html_folder_is_tried_before_any_work(tmp_path: Path) -> None:
    done = cite(lines(CASE), "--html", tmp_path / "no-folder" / "out.html")
    assert done.returncode == 2
    assert "cannot write" in done.stderr


@pytest.mark.model
def test_verify_adds_predicted_and_probability() -> None:
    pairs = [
        {"id": "a", "claim": "Bees make honey.", "evidence": ["Bees make honey."]},
        {"id": "b", "claim": "Bees make honey.", "evidence": []},
        {"id": "c", "claim": "Bienen machen den Honig und das Wachs.", "evidence": ["Bees."]},
    ]
    done = run("verify", "--input", "-", "--json", stdin=lines(*pairs))
    found = [json.loads(line)["predicted"] for line in done.stdout.splitlines()]
    assert found == ["attributable", "not_attributable", None]


@pytest.mark.model
def test_offsets_can_be_utf8_or_utf16() -> None:
    case = CASE | {"answer": "🐝🐝 Bees make honey in their hive."}
    for unit, start in (("codepoints", 33), ("utf8", 39), ("utf16", 35)):
        record = json.loads(cite(lines(case), "--json", "--offsets", unit).stdout)
        assert (record["offsets"], record["claims"][-1]["end"]) == (unit, start)


@pytest.mark.model
def test_a_record_read_back_and_written_again_is_byte_identical() -> None:
    from ragattr.record import dumps, loads

    odd = CASE | {"note": "\ud800 \u202e é 🐝", "n": 1.10, "big": 10**30}
    (line,) = cite(lines(odd), "--json").stdout.splitlines()
    assert dumps(loads(line)) == line


@pytest.mark.model
def test_answer_takes_several_paths_after_one_docs_and_writes_page_and_record(
    tmp_path: Path,
) -> None:
    (tmp_path / "bees.txt").write_text("Bees\n\nBees make honey in their hive.\n", encoding="utf-8")
    (tmp_path / "iron.txt").write_text("Iron\n\nIron rusts in wet air.\n", encoding="utf-8")
    done = run(
        "answer", "--docs", "bees.txt", "iron.txt", "--question", "What do bees make?",
        "-o", "out.json", "--html", "out.html", cwd=tmp_path,
    )  # fmt: skip
    record = json.loads((tmp_path / "out.json").read_text("utf-8"))
    assert done.returncode == 0, done.stderr
    assert {passage["source"] for passage in record["passages"]} == {"bees.txt", "iron.txt"}
    assert record["attribution"]["proxy"] is False
    assert "<script" not in (tmp_path / "out.html").read_text("utf-8")


@pytest.mark.model
def test_attribute_measures_and_does_not_judge(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text(lines(CASE))
    done = run("attribute", "--input", tmp_path / "in.jsonl", "--json")
    record = json.loads(done.stdout)
    assert record["tier"] == "logits"
    assert record["verifier"] is None
    assert record["attribution"]["scores"][0][0] > record["attribution"]["scores"][0][1]


@pytest.mark.model
def test_an_index_is_built_updated_and_answers_questions(tmp_path: Path) -> None:
    docs, folder = tmp_path / "docs", tmp_path / "index"
    docs.mkdir()
    (docs / "bees.txt").write_text("Bees make honey in their hive.")
    (docs / "iron.txt").write_text("Iron rusts in wet air.")
    built = run("index", "--docs", docs, "-o", folder)
    assert (built.returncode, "2 passages; 2 files read" in built.stdout) == (0, True)
    assert "0 files read" in run("index", "--docs", docs, "-o", folder).stdout
    found = run(
        "retrieve", "--index", folder, "--question", "What do bees make?", "--json", "-k", "1"
    )
    row = json.loads(found.stdout)
    assert [passage["text"] for passage in row["passages"]] == ["Bees make honey in their hive."]
    assert row["passages"][0]["score"] > 0


@pytest.mark.model
def test_an_answer_comes_from_an_index_through_a_server(tmp_path: Path) -> None:
    from ragattr.models.scripted import Script, ScriptedServer

    docs, folder = tmp_path / "docs", tmp_path / "index"
    docs.mkdir()
    (docs / "bees.txt").write_text("Bees make honey in their hive.")
    run("index", "--docs", docs, "-o", folder)
    with ScriptedServer(Script({"What do": "Bees make honey."})) as server:
        name = f"openai:{server.url}#scripted"
        question = ("--question", "What do bees make?")
        done = run("answer", "--index", folder, "--model", name, *question, "--json")
        listed = run("models", "--model", name)
    record = json.loads(done.stdout)
    assert (done.returncode, record["answer"], record["tier"]) == (
        0,
        "Bees make honey.",
        "logprobs",
    )
    assert record["claims"][0]["citations"][0]["text"] == "Bees make honey in their hive."
    assert "tier logprobs" in listed.stdout


def test_a_dry_run_counts_and_asks_nobody(tmp_path: Path) -> None:
    name = "openai:http://127.0.0.1:9/v1#nobody"
    options = ("--model", name, "--method", "jsd", "--dry-run", "--json")
    dry = run("attribute", "--input", "-", *options, stdin=lines(CASE))
    row = json.loads(dry.stdout)
    assert (dry.returncode, row["id"], row["sentences"]) == (0, "bees", 2)
    assert row["calls"] == 4  # the full prompt, without passages, without each sentence
    assert row["tokens"] > 4 * 20


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("index", "--docs", "README.md"), "give --docs PATH... and -o DIR"),
        (("retrieve", "--question", "x"), "give either --docs PATH... or --index DIR"),
        (("retrieve", "--index", "tests", "--question", "x"), "tests is no index"),
        (("answer", "--docs", "README.md"), "give either --question or --input"),
    ],
)
def test_calls_that_cannot_work_are_one_sentence(args: tuple[str, ...], says: str) -> None:
    done = run(*args)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_second_run_into_one_file_is_refused_and_leaves_the_first_ones_rows(
    tmp_path: Path,
) -> None:
    given, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    given.write_text(lines(CASE))
    partial = tmp_path / "out.jsonl.partial"
    partial.write_text('{"id": "of the first run"}\n')
    with open_state(tmp_path / "out.jsonl.run", {}):
        done = run("cite", "--tier", "text", "--input", given, "-o", out)
    assert done.returncode == 2
    assert "another run is at work" in done.stderr
    assert partial.read_text() == '{"id": "of the first run"}\n'
