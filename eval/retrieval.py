"""Retrieval on labelled questions: words, meaning, both; and what an index costs.

    python -m eval.retrieval --data ../shared/data -n 500

Questions are drawn from `retrieval/wiki_queries_train.jsonl`, over all passages of its corpus.
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from eval.results import read_jsonl, write_result
from ragattr.api import retriever
from ragattr.models import embedded
from ragattr.retrieval.build import build_index
from ragattr.retrieval.index import open_index
from ragattr.stage import Stage
from ragattr.types import Context, FloatArray, Query

DEPTH = 20
RESAMPLES = 1000


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of labelled JSON Lines")
    parser.add_argument("--index", type=Path, default=None, help="an index folder to keep")
    parser.add_argument("-n", type=int, default=500, help="how many questions")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    folder = options.data / "retrieval"
    rows = [*read_jsonl(folder / "wiki_queries_train.jsonl")]
    order = np.random.default_rng(options.seed).permutation(len(rows))[: options.n]
    rows = [rows[i] for i in order]
    encoder = embedded.encoder()
    with tempfile.TemporaryDirectory() as scratch:
        place = options.index or Path(scratch) / "index"
        started = time.perf_counter()
        built = build_index([folder / "wiki_passages.jsonl"], place, encoder)
        seconds = time.perf_counter() - started
        index = open_index(place)
        ways = {
            "words (BM25)": index.by_words(DEPTH),
            "meaning": index.by_meaning(encoder, DEPTH),
            "hybrid": retriever(index, encoder, k=DEPTH),
        }
        queries = [Query(row["query"], str(row["id"])) for row in rows]
        relevant = [{str(id) for id in row["relevant"]} for row in rows]
        figures = {
            name: _measure(way, queries, relevant, options.seed) for name, way in ways.items()
        }
    result = {
        "passages": built.n_passages,
        "questions": len(rows),
        "build_s": round(seconds, 1),
        "retrievers": figures,
    }
    print(write_result("retrieval", result, seed=options.seed).read_text())


def _measure(
    way: Stage[Query, Context], queries: list[Query], relevant: list[set[str]], seed: int
) -> dict[str, Any]:
    started = time.perf_counter()
    contexts = [way([query])[0] for query in queries]
    seconds = time.perf_counter() - started
    found = [
        np.array([_is_relevant(context, rank, wanted) for rank in range(len(context.passages))])
        for context, wanted in zip(contexts, relevant, strict=True)
    ]
    sizes = np.array([len(wanted) for wanted in relevant])
    per_question = {
        **{f"recall@{k}": np.array([hits[:k].sum() for hits in found]) / sizes for k in (1, 5, 20)},
        "MRR": np.array([1 / (np.argmax(hits) + 1) if hits.any() else 0.0 for hits in found]),
        "nDCG@10": np.array([_ndcg(hits, n) for hits, n in zip(found, sizes, strict=True)]),
    }
    figures: dict[str, Any] = {
        name: {"mean": round(float(values.mean()), 4), "interval": _interval(values, seed)}
        for name, values in per_question.items()
    }
    return {**figures, "ms_per_question": round(1000 * seconds / len(queries), 1)}


def _is_relevant(context: Context, rank: int, wanted: set[str]) -> bool:
    """A passage counts for those that say the same, too."""
    same = context.duplicates[rank] if context.duplicates else ()
    return bool(wanted & {context.passages[rank].id, *same})


def _ndcg(hits: FloatArray, n_relevant: int) -> float:
    weights = 1 / np.log2(np.arange(2, 12))
    got = float((weights[: len(hits[:10])] * hits[:10]).sum())
    return got / float(weights[: min(n_relevant, 10)].sum())


def _interval(values: FloatArray, seed: int) -> list[float]:
    """95 %, by resampling questions."""
    rng = np.random.default_rng(seed)
    means = [values[rng.integers(0, len(values), len(values))].mean() for _ in range(RESAMPLES)]
    return np.round(np.percentile(means, [2.5, 97.5]), 4).tolist()


if __name__ == "__main__":
    main()
