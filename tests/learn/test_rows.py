"""Labelled files: what is read, and what is said of what cannot be."""

import json
from pathlib import Path

import pytest

from ragattr.errors import InputError
from ragattr.learn.rows import read_by_schema, read_nli, read_questions, read_rows


def _file(folder: Path, name: str, *rows: object) -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


CLAIM = {"claim": " Bees hum. ", "evidence": ["Bees hum.", " "], "label": "attributable"}
PAIR = {"premise": "a", "hypothesis": "b", "label": "neutral"}
QUESTION = {"question": "Who?", "context_sentences": ["Ann."], "answer": "Ann",
            "gold_sentence_idx": [0]}  # fmt: skip


def test_a_claim_keeps_its_evidence_that_says_something(tmp_path: Path) -> None:
    (row,) = read_rows([_file(tmp_path, "bees.jsonl", CLAIM)])
    assert (row.claim, row.evidence, row.source, row.group) == (
        "Bees hum.", ("Bees hum.",), "bees", "Bees hum.",
    )  # fmt: skip
    assert row.attributable


@pytest.mark.parametrize(
    ("detail", "label"),
    [("REFUTES", "contradicted"), ("irrelevant", "neither"), ("inconsistent", "not_supported")],
)
def test_what_the_source_says_of_a_wrong_claim_is_kept(
    tmp_path: Path, detail: str, label: str
) -> None:
    wrong = {**CLAIM, "label": "not_attributable", "label_detail": detail}
    (row,) = read_rows([_file(tmp_path, "a.jsonl", wrong)])
    assert row.label == label
    assert not row.attributable


def test_rows_of_one_question_are_one_group(tmp_path: Path) -> None:
    rows = [{**CLAIM, "question": "Q?"}, {**CLAIM, "question": "Q?", "evidence": ["Other."]}]
    assert {row.group for row in read_rows([_file(tmp_path, "a.jsonl", *rows)])} == {"Q?"}


def test_two_way_nli_does_not_say_whether_it_contradicts(tmp_path: Path) -> None:
    rows = [PAIR, {**PAIR, "label": "not_entailment"}, {**PAIR, "label": "contradiction"}]
    found = [row.label for row in read_nli([_file(tmp_path, "a.jsonl", *rows)])]
    assert found == ["neither", "not_supported", "contradicted"]


def test_an_unknown_nli_label_is_named(tmp_path: Path) -> None:
    path = _file(tmp_path, "a.jsonl", {**PAIR, "label": "maybe"})
    with pytest.raises(InputError, match=r"a.jsonl: label is one of entailment, .* not 'maybe'"):
        read_nli([path])


def test_an_answer_without_a_question_is_a_statement(tmp_path: Path) -> None:
    claim = {**QUESTION, "question": "", "answer": "Ann wrote it."}
    asked, said = read_questions([_file(tmp_path, "q.jsonl", QUESTION, claim)])
    assert (asked.statement, said.statement) == ("", "Ann wrote it.")


def test_files_are_told_apart_by_their_fields(tmp_path: Path) -> None:
    found = read_by_schema(
        [
            _file(tmp_path, "q.jsonl", QUESTION),
            _file(tmp_path, "c.jsonl", CLAIM),
            _file(tmp_path, "n.jsonl", PAIR),
        ]
    )
    assert (len(found.attribution), len(found.nli), len(found.questions)) == (1, 1, 1)


def test_a_file_of_no_schema_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"odd.jsonl: its first row has none of the fields"):
        read_by_schema([_file(tmp_path, "odd.jsonl", {"text": "?"})])


def test_without_labelled_claims_there_is_nothing_to_train(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no file has labelled claims"):
        read_by_schema([_file(tmp_path, "n.jsonl", PAIR)])


def test_a_missing_field_is_named_with_file_and_line(tmp_path: Path) -> None:
    path = _file(tmp_path, "bad.jsonl", CLAIM, {"claim": "a", "evidence": ["b"]})
    with pytest.raises(InputError, match=r"bad.jsonl, line 2: no field label"):
        read_rows([path])
    (tmp_path / "torn.jsonl").write_text('{"question": ')
    with pytest.raises(InputError, match=r"torn.jsonl, line 1: not JSON"):
        read_questions([tmp_path / "torn.jsonl"])
    with pytest.raises(InputError, match="cannot read"):
        read_rows([tmp_path / "absent.jsonl"])
