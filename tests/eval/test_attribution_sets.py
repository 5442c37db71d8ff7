import json
import sys
from pathlib import Path
from typing import Any

import pytest

from eval.attribution_sets import AttributionRow, content_key, group_of, read_attribution
from ragattr.errors import InputError, MissingExtra
from ragattr.metrics.attributionbench import subset_name


def _read(tmp_path: Path, *rows: dict[str, Any]) -> list[AttributionRow]:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return read_attribution([str(path)])


def _told(row: AttributionRow) -> tuple[str, str, list[str], str]:
    return row["source"], row["claim"], row["evidence"], row["label"]


def test_our_rows_come_back_as_they_are(tmp_path: Path) -> None:
    row = {
        "id": "1", "source": "WiCE", "question": "", "claim": "It is.", "response": "",
        "evidence": ["So."], "label": "attributable", "label_detail": "supported", "split": "dev",
    }  # fmt: skip
    assert _read(tmp_path, row) == [row]


@pytest.mark.parametrize(
    ("source", "subset"),
    [("AttrScore-GenSearch", "AttrEval-GenSearch"), ("hagrid_x", "HAGRID"), ("LFQA", "LFQA")],
)
def test_attributionbench_rows_bear_the_subset_of_the_paper(
    tmp_path: Path, source: str, subset: str
) -> None:
    row = {
        "question": "Q?", "claim": "It is.", "claim_raw_string": "It is [1].",
        "response": "It is. So.", "references": ["One.", "Two."], "citation_links": [],
        "webpage_references": [], "attribution_label": "not attributable",
        "src_dataset": source, "id": "x-1",
    }  # fmt: skip
    (found,) = _read(tmp_path, row)
    assert _told(found) == (subset, "It is.", ["One.", "Two."], "not_attributable")
    assert (found["id"], found["question"], found["response"]) == ("x-1", "Q?", "It is. So.")


def test_hagrid_sentences_are_held_against_the_quotes_that_they_cite(tmp_path: Path) -> None:
    sentences = [
        {"index": 0, "text": "It is old [2].", "attributable": 1, "informative": 1},
        {"index": 1, "text": "It is big.", "attributable": 0, "informative": 1},
        {"index": 2, "text": "It is wet [1].", "attributable": None, "informative": 1},
    ]
    quotes = [{"idx": n, "docid": f"d{n}", "text": f"Quote {n}."} for n in (1, 2)]
    answer = {"answer": "All.", "attributable": 0, "informative": 1, "sentences": sentences}
    row = {"query_id": "7", "query": "Q?", "quotes": quotes, "answers": [answer]}
    old, big = _read(tmp_path, row)
    assert _told(old) == ("MIRACL-HAGRID", "It is old.", ["Quote 2."], "attributable")
    assert _told(big)[1:] == ("It is big.", ["Quote 1.", "Quote 2."], "not_attributable")
    assert (old["question"], old["response"]) == ("Q?", "All.")
    assert subset_name(old["source"]) == "MIRACL-HAGRID"  # not the subset of AttributionBench


def test_ragtruth_sentences_that_a_span_touches_are_not_attributable(tmp_path: Path) -> None:
    output = "Oslo is old. It has ten hills. Is that all?"
    span = {"start": 20, "end": 29, "text": "ten hills", "label_type": "Evident Baseless Info"}
    row = {
        "id": "3", "query": "How is Oslo?", "context": "passage 1:Oslo.\n\npassage 2:Old.\n\n",
        "output": output, "task_type": "QA", "quality": "good", "model": "m", "temperature": 0.7,
        "hallucination_labels": json.dumps([span]),
        "hallucination_labels_processed": {"evident_conflict": 0, "baseless_info": 1},
        "input_str": "",
    }  # fmt: skip
    old, hills = _read(tmp_path, row, {**row, "quality": "truncated"})
    assert _told(old) == ("RAGTruth-QA", "Oslo is old.", ["Oslo.", "Old."], "attributable")
    assert _told(hills)[1:] == ("It has ten hills.", ["Oslo.", "Old."], "not_attributable")
    assert hills["label_detail"] == "Evident Baseless Info"


def test_ragtruths_release_is_read_from_its_two_files(tmp_path: Path) -> None:
    spans = [{"start": 0, "end": 4, "text": "Oslo", "label_type": "Evident Conflict"}]
    response = {
        "id": "1", "source_id": "11", "model": "m", "temperature": 0.9, "labels": spans,
        "split": "train", "quality": "good", "response": "Oslo is new.",
    }  # fmt: skip
    info = {
        "source_id": "11", "task_type": "Summary", "source": "CNN/DM", "prompt": "Sum up",
        "source_info": "Oslo is old.",
    }  # fmt: skip
    (tmp_path / "response.jsonl").write_text(json.dumps(response), encoding="utf-8")
    (tmp_path / "source_info.jsonl").write_text(json.dumps(info), encoding="utf-8")
    (found,) = read_attribution([str(tmp_path / "response.jsonl")])
    assert _told(found) == (
        *("RAGTruth-Summary", "Oslo is new.", ["Oslo is old."], "not_attributable"),
    )


def test_aggrefact_rows_bear_the_set_that_they_come_from(tmp_path: Path) -> None:
    row = {
        "dataset": "ExpertQA", "doc": "A doc.", "claim": "It is.", "label": 0,
        "contamination_identifier": "x",
    }  # fmt: skip
    (found,) = _read(tmp_path, row)
    assert _told(found) == ("AggreFact-ExpertQA", "It is.", ["A doc."], "not_attributable")


def test_only_fully_supported_claims_of_wice_are_attributable(tmp_path: Path) -> None:
    row = {
        "label": "partially_supported", "supporting_sentences": [[0]], "claim": "It is.",
        "evidence": ["word " * 109 + "a", "b.", "c."], "meta": {"id": "dev00001"},
    }  # fmt: skip
    partly, fully = _read(tmp_path, row, {**row, "label": "supported"})
    assert (partly["label"], fully["label"]) == ("not_attributable", "attributable")
    assert [len(passage.split()) for passage in partly["evidence"]] == [110, 2]


def test_begin_is_read_from_its_table_without_generic_responses(tmp_path: Path) -> None:
    path = tmp_path / "begin_dev.tsv"
    path.write_text(
        "model\tdata_source\tknowledge\tmessage\tresponse\tbegin_label\n"
        't5\twow\tIt is "old\tHow?\tvery old\tFully attributable\n'
        "t5\twow\tIt is old\tHow?\tgreat\tGeneric\n"
        "t5\tcmu\tIt is old\tHow?\tnew\tNot fully attributable\n",
        encoding="utf-8",
    )
    old, new = read_attribution([str(path)])
    assert _told(old) == ("BEGIN-wow", "very old", ['It is "old'], "attributable")
    assert _told(new) == ("BEGIN-cmu", "new", ["It is old"], "not_attributable")
    assert old["question"] == "How?"


@pytest.mark.parametrize(
    "evidence", ["It is so.", ["It is so."], [["Page", "3", "It is so."]], ["It is so.", ""]]
)
@pytest.mark.parametrize(
    ("label", "ours"),
    [
        ("SUPPORTS", "attributable"),
        ("REFUTES", "not_attributable"),
        ("NOT ENOUGH INFO", "not_attributable"),
    ],
)
def test_fever_rows_hold_sentences_alone_or_with_their_place(
    tmp_path: Path, evidence: object, label: str, ours: str
) -> None:
    (found,) = _read(tmp_path, {"id": 1, "claim": "So.", "evidence": evidence, "label": label})
    assert _told(found) == ("FEVER", "So.", ["It is so."], ours)


def test_rows_of_one_question_stay_together_or_else_of_one_evidence(tmp_path: Path) -> None:
    row = {
        "id": "1", "source": "a", "question": "Q?", "claim": "C.", "evidence": ["E.", "F."],
        "label": "attributable",
    }  # fmt: skip
    asked, unasked, bare = _read(
        tmp_path, row, {**row, "question": ""}, {**row, "question": "", "evidence": []}
    )
    assert [group_of(found) for found in (asked, unasked, bare)] == ["Q?", "E.", "C."]


def test_verdicts_are_kept_by_claim_and_evidence_alone(tmp_path: Path) -> None:
    row = {
        "id": "1", "source": "a", "question": "Q?", "claim": "C.", "evidence": ["E.", "F."],
        "label": "attributable",
    }  # fmt: skip
    one, same, other = _read(
        tmp_path, row, {**row, "id": "2", "question": ""}, {**row, "evidence": ["E. F."]}
    )
    assert content_key(one) == content_key(same) != content_key(other)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('{"claim": "C."}', "row 1: wanted the fields of one of AttributionBench"),
        ("[1]", "row 1: wanted an object"),
        ("{", "row 1: wanted JSON"),
        ('{"claim": "C.", "evidence": "E.", "label": "MAYBE"}', "row 1.*got 'maybe'"),
    ],
)
def test_rows_of_no_set_are_refused_with_their_place(tmp_path: Path, line: str, told: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(line, encoding="utf-8")
    with pytest.raises(InputError, match=told):
        read_attribution([str(path)])


def test_a_name_that_is_neither_file_nor_repository_is_refused() -> None:
    with pytest.raises(InputError, match="nowhere.jsonl: no such file, and no repository among"):
        read_attribution(["nowhere.jsonl"])


def test_the_hub_needs_its_package_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingExtra, match=r"ragattr\[eval\]"):
        read_attribution(["osunlp/AttributionBench"])
