"""Answers in ALCE's result files: what was asked, what was written, and what is gold.

A row has "question", "output" and "docs" (each with "title" and "text", or "sent" where a
snippet was cut out). Its gold field says which set it is of: "qa_pairs" with "short_answers" for
ASQA, "claims" for ELI5, "answers", each a list of wordings, for QAMPARI. Without one of them the
citations alone are scored.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from eval.public_rows import PublicRow, read_public
from ragattr.errors import InputError
from ragattr.metrics.alce import CitedOutput
from ragattr.types import Passage

SPLIT = "test"  # of a hub repository that names none
GOLD_FIELDS = {"asqa": "qa_pairs", "eli5": "claims", "qampari": "answers"}

AlceSet = Literal["asqa", "eli5", "qampari", "other"]


@dataclass(frozen=True)
class AlceRow:
    """One answer.

    Attributes:
        gold: [answers][wordings] for ASQA and QAMPARI, claims of one wording each for ELI5.
    """

    set: AlceSet
    output: CitedOutput
    gold: tuple[tuple[str, ...], ...]


def read_alce(names: Sequence[str]) -> list[AlceRow]:
    """The answers of files and hub repositories, in order.

    Raises:
        InputError: a file that cannot be read, or a row that is not ALCE's.
    """
    rows = [alce_row(row) for name in names for row in read_public(name, split=SPLIT)]
    if not rows:
        raise InputError(f"no row in {', '.join(names)}")
    return rows


def alce_row(row: PublicRow) -> AlceRow:
    """A row of a result file."""
    documents = tuple(
        _document(document, number) for number, document in enumerate(row.rows("docs"), start=1)
    )
    output = CitedOutput(row.take("output", str), documents, row.take("question", str))
    for name, field in GOLD_FIELDS.items():
        if row.fields.get(field) is not None:
            return AlceRow(name, output, _gold(row, name))
    return AlceRow("other", output, ())


def _document(row: PublicRow, number: int) -> Passage:
    text = row.take("sent" if row.fields.get("sent") is not None else "text", str)
    return Passage(text, str(number), title=row.take("title", str))


def _gold(row: PublicRow, name: str) -> tuple[tuple[str, ...], ...]:
    if name == "eli5":
        return tuple((claim,) for claim in row.texts("claims"))
    if name == "asqa":
        found = [pair.texts("short_answers") for pair in row.rows("qa_pairs")]
    else:
        answers = row.take("answers", list)
        found = [PublicRow(row.place, {"answers": answer}).texts("answers") for answer in answers]
    if not found:
        raise row.error(GOLD_FIELDS[name], "a list that is not empty", found)
    return tuple(found)
