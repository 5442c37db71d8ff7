"""The eight sample questions: is the answer right, and does it cite the right document?

python -m eval.sample
"""

import argparse
from pathlib import Path
from typing import Any

from eval.results import read_jsonl, write_result
from ragattr.api import PASSAGES_READ, answer_rows
from ragattr.metrics.answers import contains_answer
from ragattr.retrieval.documents import read_corpus
from ragattr.setup import Setup

PIPELINES = Path(__file__).parent.parent / "pipelines"


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "-k", type=int, default=PASSAGES_READ, help="how many passages the model reads"
    )
    options = parser.parse_args()
    corpus = read_corpus([PIPELINES / "sample"])
    work = answer_rows(Setup(), corpus.passages, k=options.k)
    rows = []
    for question in read_jsonl(PIPELINES / "sample_questions.jsonl"):
        record = work({"id": question["id"], "question": question["question"]})
        rows.append(score(record, question))
        print(rows[-1], flush=True)
    figures = {name: sum(row[name] for row in rows) for name in ("right", "right_document")}
    print(write_result("sample", {"questions": len(rows), **figures, "rows": rows}, seed=0))


def score(record: dict[str, Any], question: dict[str, Any]) -> dict[str, Any]:
    """Whether a gold answer stands in the answer, and the best citation names the document."""
    cited = best_document(record)
    return {
        "id": question["id"],
        "answer": record["answer"],
        "right": any(contains_answer(record["answer"], gold) > 0 for gold in question["answers"]),
        "cited": cited and Path(cited).name,
        "right_document": cited is not None and Path(cited).name == question["document"],
        "classes": [row["class"] for claim in record["claims"] for row in claim["citations"]],
        "verdicts": [claim["verdict"] for claim in record["claims"]],
    }


def best_document(record: dict[str, Any]) -> str | None:
    """The source of the row that is used most among those that support, else of all."""
    sources = {passage["id"]: passage.get("source") for passage in record["passages"]}
    rows = [row for claim in record["claims"] for row in claim["citations"] if row["passage"]]
    rank = {"grounded": 2, "post_rationalised": 1}
    rows.sort(
        key=lambda row: (-rank.get(row["class"], 0), -(row["used"] or 0), -(row["supports"] or 0))
    )
    return sources[rows[0]["passage"]] if rows else None


if __name__ == "__main__":
    main()
