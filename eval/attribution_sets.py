"""Labelled claims with their evidence, in one schema: ours, AttributionBench's and six others'.

A set is named by its repository on the Hugging Face hub, or is a file whose rows have the fields
that its rows have there; the fields say which set it is. LLM-AggreFact's card allows evaluation
and no training.
"""

import csv
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

from ragattr.errors import InputError, MissingExtra
from ragattr.metrics.attributionbench import subset_name
from ragattr.text.claims import needs_support
from ragattr.text.markers import cut_markers, find_markers
from ragattr.text.sentences import sentence_spans
from ragattr.types import Span

PASSAGE_WORDS = 110  # sentences of a web page are joined into passages of about so many

Row = dict[str, Any]

_RAGTRUTH_PASSAGE = re.compile(r"(?:^|\n)\s*passage \d+:")


class AttributionRow(TypedDict):
    """One labelled claim.

    `question` and `response` may be empty; `label` is "attributable" or "not_attributable",
    `label_detail` what the set itself says.
    """

    id: str
    source: str
    question: str
    claim: str
    response: str
    evidence: list[str]
    label: str
    label_detail: str
    split: str


@dataclass(frozen=True)
class AttributionSet:
    """What the rows of a set look like, and what each becomes.

    Attributes:
        fields: that every row has; the first set in `SETS` whose fields a row has is its own.
        to_rows: the labelled claims of one row; none when it carries no label.
        repository: on the hub; None for a set that is not there.
        config: its configuration there.
        splits: those that are read from there.
    """

    fields: frozenset[str]
    to_rows: Callable[[Row], list[AttributionRow]]
    repository: str | None = None
    config: str | None = None
    splits: tuple[str, ...] = ("test",)


def read_attribution(names: Sequence[str]) -> list[AttributionRow]:
    """The labelled claims of files and hub repositories, in order.

    Args:
        names: each a JSON Lines file, a tab-separated file with a header, or a repository.

    Raises:
        InputError: a file that is not there, rows of no known set, or a label of none.
        MissingExtra: a repository without the `datasets` package.
    """
    return [row for name in names for row in (_from_hub(name) or _from_file(Path(name)))]


def group_of(row: AttributionRow) -> str:
    """What rows share that must not be torn apart: the question, else the first evidence."""
    return row["question"].strip() or next(iter(row["evidence"]), "") or row["claim"]


def content_key(row: AttributionRow) -> str:
    """A hash of the claim and its evidence: what a verdict on them is kept under."""
    content = json.dumps([row["claim"], row["evidence"]], ensure_ascii=False)
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:24]


def _ours(row: Row) -> list[AttributionRow]:
    return [
        _row(
            row["source"],
            row["claim"],
            row["evidence"],
            _label(row["label"], ("attributable",), ("not_attributable",)),
            row.get("label_detail", row["label"]),
            question=row.get("question") or "",
            response=row.get("response") or "",
            split=row.get("split", ""),
            identifier=str(row["id"]),
        )
    ]


def _attributionbench(row: Row) -> list[AttributionRow]:
    return [
        _row(
            subset_name(row["src_dataset"]),
            row["claim"],
            row["references"],
            _label(row["attribution_label"], ("attributable",), ("not attributable",)),
            row["attribution_label"],
            question="" if row["question"] in (None, "nan") else row["question"],
            response=row["response"] or "",
            identifier=str(row["id"]),
        )
    ]


def _hagrid(row: Row) -> list[AttributionRow]:
    """The sentences that carry a label, each with the quotes that it cites, or all of them.

    They are no subset of AttributionBench, which chose and balanced its own.
    """
    quotes = {int(quote["idx"]): quote["text"] for quote in row["quotes"]}
    found = list[AttributionRow]()
    for answer in row["answers"]:
        for sentence in answer["sentences"]:
            if sentence["attributable"] is None:
                continue
            markers = find_markers(sentence["text"], len(quotes))
            cited = [n for marker in markers for n in marker.numbers if n in quotes]
            found.append(
                _row(
                    "MIRACL-HAGRID",
                    cut_markers(sentence["text"], markers).text.strip(),
                    [quotes[n] for n in dict.fromkeys(cited or quotes)],
                    bool(sentence["attributable"]),
                    str(sentence["attributable"]),
                    question=row["query"],
                    response=answer["answer"],
                )
            )
    return found


def _ragtruth(row: Row) -> list[AttributionRow]:
    """The sentences of a good response; one that an annotated span touches is not attributable."""
    if row["quality"] != "good":
        return []
    spans = row["hallucination_labels"]
    spans = json.loads(spans or "[]") if isinstance(spans, str) or spans is None else spans
    response, evidence = row["output"], _RAGTRUTH_PASSAGE.split(row["context"])
    found = list[AttributionRow]()
    for sentence in sentence_spans(response):
        kinds = [span["label_type"] for span in spans if _touch(sentence, span)]
        if needs_support(sentence.of(response)):
            found.append(
                _row(
                    f"RAGTruth-{row['task_type']}",
                    sentence.of(response),
                    [passage.strip() for passage in evidence if passage.strip()],
                    not kinds,
                    ", ".join(dict.fromkeys(kinds)) or "no span",
                    question=row["query"] if row["task_type"] == "QA" else "",
                    response=response,
                )
            )
    return found


def _ragtruth_release(row: Row) -> list[AttributionRow]:
    """A row of the release's response.jsonl, joined with its source_info.jsonl."""
    info = row["source_info"]
    is_asked = row["task_type"] == "QA"
    return _ragtruth(
        {
            **row,
            "output": row["response"],
            "hallucination_labels": row["labels"],
            "query": info["question"] if is_asked else "",
            "context": info["passages"]
            if is_asked
            else info
            if isinstance(info, str)
            else json.dumps(info),
        }
    )


def _aggrefact(row: Row) -> list[AttributionRow]:
    return [
        _row(
            f"AggreFact-{row['dataset']}",
            row["claim"],
            row["doc"],
            _label(row["label"], ("1",), ("0",)),
            str(row["label"]),
        )
    ]


def _wice(row: Row) -> list[AttributionRow]:
    return [
        _row(
            "WiCE",
            row["claim"],
            _passages(row["evidence"]),
            _label(row["label"], ("supported",), ("partially_supported", "not_supported")),
            row["label"],
        )
    ]


def _begin(row: Row) -> list[AttributionRow]:
    """A dialogue turn against its knowledge; generic responses are neither and left out."""
    label = row["begin_label"].strip().lower()
    if label == "generic":
        return []
    return [
        _row(
            f"BEGIN-{row['data_source']}",
            row["response"],
            row["knowledge"],
            _label(label, ("fully attributable",), ("not fully attributable",)),
            row["begin_label"],
            question=row["message"],
        )
    ]


def _fever(row: Row) -> list[AttributionRow]:
    """Evidence is a sentence, several, or several of page, line number and sentence."""
    evidence = [row["evidence"]] if isinstance(row["evidence"], str) else row["evidence"]
    sentences = [piece if isinstance(piece, str) else piece[-1] for piece in evidence]
    return [
        _row(
            "FEVER",
            row["claim"],
            [sentence for sentence in sentences if sentence],
            _label(row["label"], ("supports",), ("refutes", "not enough info")),
            row["label"],
        )
    ]


SETS: dict[str, AttributionSet] = {
    "AttributionBench": AttributionSet(
        frozenset({"claim", "references", "attribution_label", "src_dataset"}),
        _attributionbench,
        "osunlp/AttributionBench",
        "subset_balanced",
        ("test", "test_ood"),
    ),
    "HAGRID": AttributionSet(
        frozenset({"query", "quotes", "answers"}), _hagrid, "miracl/hagrid", splits=("dev",)
    ),
    "RAGTruth": AttributionSet(
        frozenset({"output", "context", "hallucination_labels", "quality", "task_type"}),
        _ragtruth,
        "wandb/RAGTruth-processed",
    ),
    "RAGTruth's release": AttributionSet(
        frozenset({"response", "labels", "quality", "source_info", "task_type"}), _ragtruth_release
    ),
    "LLM-AggreFact": AttributionSet(
        frozenset({"dataset", "doc", "claim", "label"}), _aggrefact, "lytang/LLM-AggreFact"
    ),
    "WiCE": AttributionSet(
        frozenset({"claim", "evidence", "supporting_sentences", "label"}),
        _wice,
        "jon-tow/wice",
        "claim",
    ),
    "BEGIN": AttributionSet(
        frozenset({"data_source", "knowledge", "message", "response", "begin_label"}), _begin
    ),
    "ours": AttributionSet(frozenset({"id", "source", "claim", "evidence", "label"}), _ours),
    "VitaminC": AttributionSet(
        frozenset({"unique_id", "claim", "evidence", "label"}), _fever, "tals/vitaminc"
    ),
    "FEVER": AttributionSet(
        frozenset({"claim", "evidence", "label"}), _fever, "copenlu/fever_gold_evidence"
    ),
}


def _from_hub(name: str) -> list[AttributionRow]:
    """The rows of a repository that `SETS` knows; none for other names."""
    known = next((found for found in SETS.values() if found.repository == name), None)
    if known is None:
        return []
    try:
        from datasets import load_dataset
    except ImportError as error:
        raise MissingExtra("eval") from error
    return [
        {**found, "split": split}
        for split in known.splits
        for row in load_dataset(name, known.config, split=split)
        for found in known.to_rows(row)
    ]


def _from_file(path: Path) -> list[AttributionRow]:
    found = list[AttributionRow]()
    beside = path.with_name("source_info.jsonl")  # RAGTruth's release lies in two files
    is_split = path.name == "response.jsonl" and beside.exists()
    sources = {row["source_id"]: row for _, row in _rows(beside)} if is_split else {}
    for number, row in _rows(path):
        row = {**sources.get(row.get("source_id"), {}), **row}
        known = next((known for known in SETS.values() if known.fields <= row.keys()), None)
        if known is None:
            raise InputError(
                f"{path}, row {number}: wanted the fields of one of {', '.join(SETS)}, "
                f"got {sorted(row)}"
            )
        try:
            found += known.to_rows(row)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{path}, row {number}: {error!r}") from error
    return found


def _rows(path: Path) -> Iterator[tuple[int, Row]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InputError(
            f"{path}: no such file, and no repository among "
            f"{[known.repository for known in SETS.values() if known.repository]}"
        ) from error
    if path.suffix == ".tsv":
        yield from enumerate(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE), start=1)
        return
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise InputError(f"{path}, row {number}: wanted JSON, {error}") from error
            if not isinstance(row, dict):
                raise InputError(f"{path}, row {number}: wanted an object, got {line[:40]!r}")
            yield number, row


def _row(
    source: str,
    claim: str,
    evidence: str | Iterable[str],
    is_attributable: bool,
    detail: str,
    *,
    question: str = "",
    response: str = "",
    split: str = "",
    identifier: str = "",
) -> AttributionRow:
    row = AttributionRow(
        id=identifier,
        source=source,
        question=question,
        claim=claim,
        response=response,
        evidence=[evidence] if isinstance(evidence, str) else list(evidence),
        label="attributable" if is_attributable else "not_attributable",
        label_detail=detail,
        split=split,
    )
    return {**row, "id": identifier or f"{source}-{content_key(row)[:12]}"}


def _label(written: object, positive: Sequence[str], negative: Sequence[str]) -> bool:
    said = str(written).strip().lower()
    if said in positive or said in negative:
        return said in positive
    raise ValueError(f"wanted one of {[*positive, *negative]}, got {said!r}")


def _touch(sentence: Span, span: Row) -> bool:
    return bool(span["start"] < sentence.end and sentence.start < span["end"])


def _passages(sentences: Sequence[str]) -> list[str]:
    """Sentences joined by spaces; a passage ends with the sentence that fills it."""
    passages, open_words = list[list[str]](), 0
    for sentence in sentences:
        if not passages or open_words >= PASSAGE_WORDS:
            passages.append([])
            open_words = 0
        passages[-1].append(sentence)
        open_words += len(sentence.split())
    return [" ".join(passage) for passage in passages]
