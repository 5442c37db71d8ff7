"""Answers over paragraphs of other people's questions: exact match, token F1, right document.

    python -m eval.squad --data ../shared/data/context_attribution/squad2_dev_train.jsonl

Each question is answered from the paragraphs of all questions, one paragraph a document.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from eval.results import read_jsonl, write_result
from eval.sample import best_document
from ragattr.api import PASSAGES_READ, answer_rows
from ragattr.metrics.answers import contains_answer, exact_match, token_f1
from ragattr.setup import Setup
from ragattr.types import Passage


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, required=True, help="JSON Lines: question, context_sentences, answer"
    )
    parser.add_argument("-n", type=int, default=50, help="how many questions")
    parser.add_argument(
        "-k", type=int, default=PASSAGES_READ, help="how many passages the model reads"
    )
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    chosen = _chosen(read_jsonl(options.data), options.n, options.seed)
    texts = list(dict.fromkeys(" ".join(row["context_sentences"]) for row in chosen))
    passages = [Passage(text, f"doc{i}", source=f"doc{i}") for i, text in enumerate(texts)]
    work = answer_rows(Setup(), passages, k=options.k)
    rows = []
    for row in chosen:
        record = work({"id": row["id"], "question": row["question"]})
        document = f"doc{texts.index(' '.join(row['context_sentences']))}"
        rows.append(_score(record, row, document))
        print(len(rows), rows[-1], flush=True)
    names = ("exact_match", "token_f1", "contains_answer", "retrieved", "right_document")
    figures = {name: float(np.mean([row[name] for row in rows])) for name in names}
    print(figures)
    print(
        write_result(
            "squad",
            {"questions": len(rows), "k": options.k, **figures, "rows": rows},
            seed=options.seed,
        )
    )


def _chosen(rows: list[dict[str, Any]], n: int, seed: int) -> list[dict[str, Any]]:
    return [rows[i] for i in np.random.default_rng(seed).permutation(len(rows))[:n]]


def _score(record: dict[str, Any], row: dict[str, Any], document: str) -> dict[str, Any]:
    return {
        "id": row["id"],
        "answer": record["answer"],
        "gold": row["answer"],
        "exact_match": exact_match(record["answer"], row["answer"]),
        "token_f1": token_f1(record["answer"], row["answer"]),
        "contains_answer": contains_answer(record["answer"], row["answer"]),
        "retrieved": float(any(passage["id"] == document for passage in record["passages"])),
        "right_document": float(best_document(record) == document),
    }


if __name__ == "__main__":
    main()
