"""Labelled files that a verifier learns from, one reader for each schema."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ragattr.errors import InputError
from ragattr.learn.perturb import Wrong

CONTRADICTED = frozenset({"refute", "refutes", "contradiction"})
NEITHER = frozenset(
    {"irrelevant", "partially-support", "partially_supported", "not_supported", "neutral"}
)
_NLI: dict[str, "Label"] = {
    "entailment": "supported",
    "contradiction": "contradicted",
    "neutral": "neither",
    "not_entailment": "not_supported",
}
Label = Literal["supported"] | Wrong


@dataclass(frozen=True)
class Row:
    """A labelled claim; `group` keeps the rows of one question in one fold.

    Attributes:
        label: "not_supported" where the source does not say whether it is contradicted.
    """

    claim: str
    evidence: tuple[str, ...]
    source: str
    label: Label
    group: str
    id: str = ""

    @property
    def attributable(self) -> bool:
        return self.label == "supported"


@dataclass(frozen=True)
class QuestionRow:
    """A question with the sentences that it was asked of, and which of them hold the answer.

    Attributes:
        statement: what the gold sentences prove together, where the row says so.
    """

    question: str
    sentences: tuple[str, ...]
    answer: str
    statement: str
    gold: tuple[int, ...]
    source: str


@dataclass(frozen=True)
class Labelled:
    """What files of the three schemas hold."""

    attribution: tuple[Row, ...]
    nli: tuple[Row, ...]
    questions: tuple[QuestionRow, ...]


def read_by_schema(paths: Sequence[Path]) -> Labelled:
    """All files; which schema one has is seen from its first row.

    Raises:
        InputError: a file of none of the schemas, or no attribution row at all.
    """
    of_schema: dict[str, list[Path]] = {"evidence": [], "premise": [], "context_sentences": []}
    for path in paths:
        _, first = next(json_lines([path], ()), (path, {}))
        schemas = [field for field in of_schema if field in first]
        if not schemas:
            raise InputError(
                f"{path}: its first row has none of the fields {', '.join(of_schema)}, "
                "which tell labelled claims, NLI pairs and questions apart"
            )
        of_schema[schemas[0]].append(path)
    if not of_schema["evidence"]:
        raise InputError("no file has labelled claims: rows with claim, evidence and label")
    return Labelled(
        attribution=tuple(read_rows(of_schema["evidence"])),
        nli=tuple(read_nli(of_schema["premise"])),
        questions=tuple(read_questions(of_schema["context_sentences"])),
    )


def read_rows(paths: Sequence[Path]) -> list[Row]:
    """The attribution schema: claim, evidence, label, and label_detail, source, question."""
    rows = []
    for path, row in json_lines(paths, ("claim", "evidence", "label")):
        evidence = tuple(str(piece) for piece in row["evidence"] if str(piece).strip())
        if evidence and str(row["claim"]).strip():
            rows.append(
                Row(
                    claim=str(row["claim"]).strip(),
                    evidence=evidence,
                    source=row.get("source") or path.stem,
                    label=_label(row),
                    group=row.get("question") or evidence[0],
                    id=str(row.get("id", "")),
                )
            )
    return rows


def read_nli(paths: Sequence[Path]) -> list[Row]:
    """The NLI schema: premise, hypothesis, label; the file's name is the source."""
    rows = []
    for path, row in json_lines(paths, ("premise", "hypothesis", "label")):
        if row["label"] not in _NLI:
            raise InputError(f"{path}: label is one of {', '.join(_NLI)}, not {row['label']!r}")
        label = _NLI[row["label"]]
        premise = row["premise"]
        rows.append(Row(row["hypothesis"], (premise,), path.stem, label, premise))
    return rows


def read_questions(paths: Sequence[Path]) -> list[QuestionRow]:
    """The schema of context attribution: question, context_sentences, answer, gold_sentence_idx."""
    return [
        QuestionRow(
            question=row["question"],
            sentences=tuple(row["context_sentences"]),
            answer=row["answer"],
            statement=row.get("answer_statement") or ("" if row["question"] else row["answer"]),
            gold=tuple(row["gold_sentence_idx"]),
            source=row.get("source") or path.stem,
        )
        for path, row in json_lines(
            paths, ("question", "context_sentences", "answer", "gold_sentence_idx")
        )
    ]


def _label(row: dict[str, Any]) -> Label:
    if row["label"] == "attributable":
        return "supported"
    detail = str(row.get("label_detail", "")).lower()
    if detail in CONTRADICTED:
        return "contradicted"
    return "neither" if detail in NEITHER else "not_supported"


def json_lines(
    paths: Sequence[Path], wanted: Sequence[str]
) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The rows of JSON Lines files, each with its file.

    Raises:
        InputError: a file that cannot be read, a line that is not JSON, or a row that lacks a field
            of `wanted`; the message has file and line.
    """
    for path in paths:
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror}") from error
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise InputError(f"{path}, line {number}: not JSON ({error.msg})") from error
            if missing := [name for name in wanted if name not in row]:
                raise InputError(f"{path}, line {number}: no field {', '.join(missing)}")
            yield path, row
