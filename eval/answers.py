"""Answers of the embedded model: which form, how many passages, in which order, which prompt.

    python -m eval.answers --data ../shared/data --work DIR -n 100

Questions come from `retrieval/wiki_queries_train.jsonl` (SQuAD, XQuAD and Natural Questions) over
all passages of its corpus, and from `context_attribution/squad2_unanswerable_train.jsonl`, whose
paragraph holds no answer (asked of two ways: spans alone have a score to refuse by). They are dealt
into two halves: what is chosen is chosen on the first, and the second says what it is worth. Every
answer is a line of DIR as soon as it is there.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from eval.results import append_jsonl, read_jsonl, write_result
from ragattr.api import retriever
from ragattr.generation.extract import SPAN_FIELDS, Extract
from ragattr.generation.generate import Generate
from ragattr.metrics.answers import contains_answer, exact_match, token_f1
from ragattr.models import embedded
from ragattr.models.hf import HFModel
from ragattr.prompt import ANSWER_FIELDS, Prompt, prompts_folder
from ragattr.retrieval.build import build_index
from ragattr.retrieval.index import open_index
from ragattr.setup import Setup
from ragattr.stage import Stage
from ragattr.types import Answer, Context, Passage, Query

DEPTH = 10
SOURCES = ("squad2_dev", "xquad_en", "nq_oracle")
MEASURES = ("exact_match", "token_f1", "contains_answer", "retrieved")
MAY_REFUSE = 0.2  # share of answerable questions
Row = dict[str, Any]

WORDINGS = {
    "short": "Answer the question with a few words copied from the passages.\n\n$passages\n\n"
    "Question: $question",
    "question last": "Passages:\n\n$passages\n\nQuestion: $question\nShort answer:",
}


@dataclass(frozen=True)
class Way:
    """One way to answer: how many passages, which order, and what writes."""

    name: str
    k: int
    stage: Stage[Context, Answer]
    best_last: bool = False
    gold: bool = False
    unanswerable: bool = False


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of labelled JSON Lines")
    parser.add_argument("--work", type=Path, required=True, help="folder of what is done so far")
    parser.add_argument("-n", type=int, default=100, help="questions of each half and each kind")
    parser.add_argument("--ways", nargs="*", default=None, help="only these")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    run = Run(options.data, options.work, options.n, options.seed)
    for way in ways(embedded.language_model()):
        if options.ways is None or way.name in options.ways:
            run.answer(way)
    print(write_result("answers", run.figures(), seed=options.seed).read_text())


def ways(model: HFModel) -> list[Way]:
    """Everything that is compared."""
    encoder = Setup().sentence_encoder()
    folder = prompts_folder()
    sentence = Generate(model, Prompt.load(folder / "answer.txt", ANSWER_FIELDS), max_new_tokens=48)
    span = Extract(model, encoder, Prompt.load(folder / "span.txt", SPAN_FIELDS), n_sentences=5)
    three = replace(span, n_sentences=3)
    return [
        Way("span, gold passage", 1, span, gold=True, unanswerable=True),
        Way("span, gold passage, 3 sentences", 1, three, gold=True, unanswerable=True),
        Way("sentence, gold passage", 1, sentence, gold=True),
        *(Way(f"span, {k} passages", k, span, unanswerable=k == 5) for k in (5, 3, 1, 10)),
        Way("span, 5 passages, 3 sentences", 5, three, unanswerable=True),
        *(
            Way(f"span, 5 passages, {n} sentences", 5, replace(span, n_sentences=n))
            for n in (10, 1)
        ),
        *(Way(f"sentence, {k} passages", k, sentence) for k in (3, 1, 5)),
        Way("sentence, 3 passages, best last", 3, sentence, best_last=True),
        *(
            Way(f"sentence, 3 passages, {name}", 3, replace(sentence, prompt=Prompt(name, text)))
            for name, text in WORDINGS.items()
        ),
    ]


@dataclass(frozen=True)
class Run:
    """Questions, their passages, and the answers so far."""

    data: Path
    work: Path
    n: int
    seed: int

    def answer(self, way: Way) -> None:
        """Every question that this way has not answered yet."""
        done = {row["id"] for row in self._rows if row["way"] == way.name}
        for question in self._questions:
            is_asked = way.unanswerable or question["answer"] is not None
            if question["id"] not in done and is_asked:
                append_jsonl(self._path, self._answered(way, question))
        print(way.name, flush=True)

    def _answered(self, way: Way, question: Row) -> Row:
        started = time.perf_counter()
        context = self._context(way, question)
        if isinstance(way.stage, Extract):
            score, text = way.stage.find(context) or (None, "")
        else:
            score, text = None, way.stage([context])[0].text
        gold = question["answer"]
        return {
            "way": way.name,
            "id": question["id"],
            "half": question["half"],
            "question": question["query"],
            "gold": gold,
            "answer": text,
            "score": score,
            "retrieved": any(p.id in question["relevant"] for p in context.passages),
            "seconds": round(time.perf_counter() - started, 2),
            **({} if gold is None else _measures(text, gold)),
        }

    def _context(self, way: Way, question: Row) -> Context:
        query = Query(question["query"], question["id"])
        if way.gold:
            return Context(query, (question["passage"],))
        found = self._retrieved[question["id"]]
        passages = found.passages[: way.k]
        return replace(
            found,
            passages=passages[::-1] if way.best_last else passages,
            scores=found.scores[: way.k],
            duplicates=(),
        )

    @property
    def _path(self) -> Path:
        return self.work / "answers.jsonl"

    @property
    def _rows(self) -> list[Row]:
        return read_jsonl(self._path) if self._path.exists() else []

    @cached_property
    def _passages(self) -> dict[str, Passage]:
        rows = read_jsonl(self.data / "retrieval" / "wiki_passages.jsonl")
        return {row["id"]: Passage(row["text"], row["id"], row.get("title")) for row in rows}

    @cached_property
    def _questions(self) -> list[Row]:
        rng = np.random.default_rng(self.seed)
        labelled = [
            row
            for row in read_jsonl(self.data / "retrieval" / "wiki_queries_train.jsonl")
            if row["source"] in SOURCES and row.get("answer")
        ]
        chosen = [
            {**labelled[i], "passage": self._passages[labelled[i]["relevant"][0]]}
            for i in rng.permutation(len(labelled))[: 2 * self.n]
        ]
        without = read_jsonl(self.data / "context_attribution" / "squad2_unanswerable_train.jsonl")
        chosen += [
            {
                "id": without[i]["id"],
                "query": without[i]["question"],
                "answer": None,
                "relevant": [],
                "passage": Passage(" ".join(without[i]["context_sentences"]), "own"),
            }
            for i in rng.permutation(len(without))[: 2 * self.n]
        ]
        return [{**question, "half": place % 2} for place, question in enumerate(chosen)]

    @cached_property
    def _retrieved(self) -> dict[str, Context]:
        encoder = embedded.encoder()
        folder = self.work / "index"
        build_index([self.data / "retrieval" / "wiki_passages.jsonl"], folder, encoder)
        find = retriever(open_index(folder), encoder, k=DEPTH)
        queries = [Query(question["query"], question["id"]) for question in self._questions]
        return {query.id: find([query])[0] for query in queries}

    def figures(self) -> Row:
        """Every way on both halves, and refusals at the bar that the first half sets."""
        asked = {question["id"] for question in self._questions}
        rows = [row for row in self._rows if row["id"] in asked]
        names = list(dict.fromkeys(row["way"] for row in rows))
        return {
            "questions_of_a_half": {"answerable": self.n, "unanswerable": self.n},
            "ways": {name: _figures([row for row in rows if row["way"] == name]) for name in names},
        }


def _measures(text: str, gold: str) -> Row:
    return {
        "exact_match": exact_match(text, gold),
        "token_f1": token_f1(text, gold),
        "contains_answer": contains_answer(text, gold),
    }


def _figures(rows: Sequence[Row]) -> Row:
    halves = [[row for row in rows if row["half"] == half] for half in (0, 1)]
    figures: Row = {
        half_name: {
            **{
                name: round(float(np.mean([row[name] for row in half if row["gold"]])), 3)
                for name in MEASURES
            },
            "seconds": round(float(np.median([row["seconds"] for row in half])), 2),
        }
        for half_name, half in zip(("chosen_on", "reported_on"), halves, strict=True)
    }
    scores = [row["score"] for row in halves[0] if row["gold"] and row["score"] is not None]
    if scores:
        bar = float(np.quantile(scores, MAY_REFUSE))
        refused = {
            kind: [row["score"] is None or row["score"] < bar for row in halves[1] if asked(row)]
            for kind, asked in (
                ("answerable", lambda row: row["gold"] is not None),
                ("unanswerable", lambda row: row["gold"] is None),
                ("answered wrong", lambda row: row["gold"] and not row["exact_match"]),
                ("answered right", lambda row: row["gold"] and row["exact_match"]),
            )
        }
        figures["bar"] = round(bar, 3)
        figures["refused"] = {k: round(float(np.mean(v)), 3) for k, v in refused.items() if v}
    return figures


if __name__ == "__main__":
    main()
