"""What an index of many passages costs, and bm25s beside rank-bm25.

    python -m eval.bench_index --passages 100000

Passages are sentences of the shipped facts, shuffled; vectors are random unit vectors, so that
the figures are those of the index and not of the encoder.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.results import write_result
from ragattr.api import retriever
from ragattr.learn.floors import read_facts
from ragattr.retrieval.bm25 import RetrieveBM25
from ragattr.retrieval.build import build_index
from ragattr.retrieval.index import open_index
from ragattr.types import Passage, Query

DIMENSIONS, N_QUERIES, N_COMPARED = 384, 50, 20_000


@dataclass(frozen=True)
class RandomEncoder:
    """Unit vectors that depend on the texts alone, and on nothing that they mean."""

    name: str = "random"

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """[texts, 384]."""
        rng = np.random.default_rng(zlib.crc32("".join(texts).encode()))
        vectors = rng.normal(size=(len(texts), DIMENSIONS)).astype(np.float32)
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--passages", type=int, default=100_000)
    parser.add_argument("--open", type=Path, default=None, help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.open is not None:
        print(json.dumps(_opened(options.open)))
        return
    rng, encoder = np.random.default_rng(options.seed), RandomEncoder()
    with tempfile.TemporaryDirectory() as scratch:
        docs, folder = Path(scratch) / "docs.jsonl", Path(scratch) / "index"
        passages = _passages(options.passages, rng)
        docs.write_text("\n".join(json.dumps({"id": p.id, "text": p.text}) for p in passages))
        figures = {"passages": len(passages), "build_s": _seconds(docs, folder, encoder)}
        figures["again_s"] = _seconds(docs, folder, encoder)
        command = [sys.executable, "-m", "eval.bench_index", "--open", str(folder)]
        figures |= json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
        figures["folder_mb"] = round(
            sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()) / 1e6
        )
    figures["words"] = _compare(passages[:N_COMPARED])
    print(write_result("bench_index", figures, seed=options.seed).read_text())


def _seconds(docs: Path, folder: Path, encoder: RandomEncoder) -> float:
    started = time.perf_counter()
    build_index([docs], folder, encoder)
    return round(time.perf_counter() - started, 2)


def _opened(folder: Path) -> dict[str, Any]:
    """In a process of its own: opening, the first question, later ones, memory."""
    started = time.perf_counter()
    index = open_index(folder)
    opened = time.perf_counter()
    find = retriever(index, RandomEncoder(), k=5)
    find([Query(_question(0), "0")])
    first = time.perf_counter()
    times = []
    for i in range(1, N_QUERIES):
        before = time.perf_counter()
        find([Query(_question(i), str(i))])
        times.append(time.perf_counter() - before)
    return {
        "open_s": round(opened - started, 3),
        "first_question_s": round(first - opened, 3),
        "question_ms": round(1000 * float(np.median(times)), 1),
        "question_ms_p95": round(1000 * float(np.percentile(times, 95)), 1),
        "graph": index.has_graph,
        "memory_mb": round(_resident_mb()),
    }


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _compare(passages: Sequence[Passage]) -> dict[str, Any]:
    """Questions a second of both backends, and whether the ten best are the same up to ties."""
    queries = [Query(_question(i), str(i)) for i in range(N_QUERIES)]
    quick, slow = RetrieveBM25(passages, 10), RetrieveBM25(passages, 10, "rank-bm25")
    found, rates = [], []
    for way, n in ((quick, N_QUERIES), (slow, N_QUERIES)):
        way(queries[:1])
        started = time.perf_counter()
        found.append([way([query])[0] for query in queries[:n]])
        rates.append(n / (time.perf_counter() - started))
    same = [
        np.allclose(a.scores, b.scores, rtol=1e-4) for a, b in zip(found[0], found[1], strict=True)
    ]
    return {
        "passages": len(passages),
        "bm25s_per_s": round(rates[0], 1),
        "rank_bm25_per_s": round(rates[1], 2),
        "ratio": round(rates[0] / rates[1], 1),
        "same_top_10": float(np.mean(same)),
    }


def _passages(n: int, rng: np.random.Generator) -> list[Passage]:
    sentences = [s for fact in read_facts() for s in fact["passage"].split(". ")]
    words = sorted({word for s in sentences for word in s.split()})
    found = []
    for i in range(n):
        chosen = [sentences[k] for k in rng.integers(0, len(sentences), 3)]
        extra = [words[k] for k in rng.integers(0, len(words), 30)]
        found.append(Passage(f"{'. '.join(chosen)}. {' '.join(extra)} n{i}", str(i)))
    return found


def _question(i: int) -> str:
    facts = read_facts()
    return facts[i % len(facts)]["question"]


if __name__ == "__main__":
    main()
