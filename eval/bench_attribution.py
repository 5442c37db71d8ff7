"""What attribution costs: methods and peers side by side on the same answers, in one process.

    python -m eval.bench_attribution                          # contexts made of the shipped facts
    python -m eval.bench_attribution --data ../shared/data    # joined paragraphs of a data folder

The embedded model answers each question; then every method attributes that answer, one after
another, after a warm-up of its own. Times are given as parts of the plain loop's: n + 1 separate
full passes that keep only the answer's logits. Peers are the PyPI packages context-cite and
captum; they run on the first cases alone. `eval.plots` draws the result.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from eval.case import AttributionCase
from eval.contexts import load
from eval.noise_floor import in_dtype
from eval.peers import Peer, captum_ablation, context_cite, plain_loop
from eval.results import append_jsonl, read_jsonl, write_result
from ragattr.attribution.contextcite import AttributeContextCite
from ragattr.attribution.fast import AttributeFast
from ragattr.attribution.jsd import AttributeJSD
from ragattr.generation.generate import Generate
from ragattr.learn.floors import read_facts
from ragattr.metrics.ranking import spearman, top_k
from ragattr.models import embedded
from ragattr.models.hf import HFModel
from ragattr.models.protocols import Reply
from ragattr.prompt import answer_chat
from ragattr.setup import answer_prompt
from ragattr.stage import Stage
from ragattr.text.sentences import sources_of
from ragattr.types import Answer, Attribution, Context, Passage, Query, Source, Span

SIZES = (20, 40, 90)

N_ABLATIONS = 64
Row = dict[str, Any]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=None, help="folder of labelled JSON Lines")
    parser.add_argument("-n", type=int, default=3, help="cases of each size")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="sentences")
    parser.add_argument("--peers", type=int, default=1, help="cases of each size with the peers")
    parser.add_argument("--work", type=Path, default=None, help="file of what is done so far")
    parser.add_argument("--dtype", choices=["bfloat16", "float32"], default="bfloat16")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    model = in_dtype(embedded.language_model(), options.dtype)
    rows = read_jsonl(options.work) if options.work and options.work.exists() else list[Row]()
    done = {(row["size"], row["id"]) for row in rows}
    _run(model, of_facts(min(options.sizes), options.seed), with_peers=options.peers > 0)  # warm-up
    for size in options.sizes:
        for i, case in enumerate(_cases(options.data, size, options.n, options.seed)):
            if (size, case.id) in done:
                continue
            found = _run(model, case, with_peers=i < options.peers)
            rows.append({"size": size, **found})
            if options.work:
                append_jsonl(options.work, rows[-1])
            print(_line(rows[-1]), flush=True)
    figures = {"dtype": options.dtype, "sizes": [_summary(rows, n) for n in options.sizes]}
    print(_table(figures["sizes"]))
    name = f"bench_attribution_{options.dtype}"
    print(write_result(name, {**figures, "rows": rows}, seed=options.seed))


def _cases(data: Path | None, size: int, n: int, seed: int) -> list[AttributionCase]:
    if data is not None:
        return load(data, f"n{size}", n=n, seed=seed)
    return [of_facts(size, seed + i) for i in range(n)]


def of_facts(size: int, seed: int) -> AttributionCase:
    """One shipped fact's passage among those of others, to about `size` sentences."""
    facts = read_facts()
    order = np.random.default_rng([seed, size]).permutation(len(facts))
    fact, passages = facts[order[0]], list[Passage]()
    for i in order:
        if len(sources_of(passages)) < size:
            passages.append(Passage(facts[i]["passage"], facts[i]["id"]))
    passages.insert(len(passages) // 2, passages.pop(0))
    start = fact["passage"].index(fact["gold"])
    gold = Source(len(passages) // 2, Span(start, start + len(fact["gold"])))
    return AttributionCase(
        id=fact["id"],
        source="facts",
        question=fact["question"],
        answer=fact["answer"],
        passages=tuple(passages),
        gold=(gold,),
        kind=f"n{size}",
    )


def _run(model: HFModel, case: AttributionCase, *, with_peers: bool) -> Row:
    prompt = answer_prompt()
    context = Context(Query(case.question, case.id), case.passages)
    (answer,) = Generate(model, prompt, max_new_tokens=48)([context])
    chat, reply = answer_chat(prompt, context), Reply(answer.text, answer.token_ids)
    removals = chat.removals(sources_of(case.passages))
    encoder = embedded.encoder()
    encoder.encode(
        [source.span.of(case.passages[source.passage].text) for source in sources_of(case.passages)]
    )
    peers: dict[str, Callable[[], Peer]] = {
        "plain loop": lambda: plain_loop(model, chat, removals, reply),
        "jsd": lambda: _peer(AttributeJSD(model, prompt, encoder=encoder), answer),
        "jsd-fast": lambda: _peer(AttributeFast(model, prompt, encoder=encoder), answer),
    }
    if with_peers:
        peers |= {
            f"contextcite, {N_ABLATIONS} (ours)": lambda: _peer(
                AttributeContextCite(model, prompt, n_ablations=N_ABLATIONS), answer
            ),
            f"context-cite, {N_ABLATIONS}": lambda: context_cite(
                model, chat, removals, reply, n_ablations=N_ABLATIONS
            ),
            "captum": lambda: captum_ablation(model, chat, removals, reply),
        }
    found = {name: run() for name, run in peers.items()}
    return {
        "id": case.id,
        "sentences": len(removals),
        "prompt_tokens": model.count_tokens(chat, Reply("")),
        "answer_tokens": len(answer.token_ids or ()),
        "methods": {name: _against(peer, found["plain loop"]) for name, peer in found.items()},
    }


def _peer(stage: Stage[Answer, Attribution], answer: Answer) -> Peer:
    started = time.perf_counter()
    (found,) = stage([answer])
    seconds = time.perf_counter() - started
    if found.scores is None:
        raise SystemExit(f"not measured: {found.warnings}")
    return Peer(found.scores.sum(axis=1), seconds, found.passes)


def _against(peer: Peer, plain: Peer) -> Row:
    return {
        "seconds": peer.seconds,
        "passes": peer.passes,
        "times_faster": plain.seconds / peer.seconds,
        "largest_difference": float(np.abs(peer.scores - plain.scores).max()),
        "same_top_1": top_k(peer.scores, k=1) == top_k(plain.scores, k=1),
        "spearman": spearman(peer.scores, plain.scores),
    }


def _line(row: Row) -> str:
    found = row["methods"].items()
    costs = (f"{name} {m['seconds']:.1f} s, {m['passes']:.1f} passes" for name, m in found)
    return f"{row['id']}, {row['sentences']} sentences: " + "; ".join(costs)


def _summary(rows: Sequence[Row], size: int) -> Row:
    """Medians over the cases of one size, with the range."""
    chosen = [row for row in rows if row["size"] == size]
    names = list(dict.fromkeys(name for row in chosen for name in row["methods"]))
    return {
        "size": size,
        "cases": len(chosen),
        "sentences": float(np.mean([row["sentences"] for row in chosen])),
        "prompt_tokens": float(np.mean([row["prompt_tokens"] for row in chosen])),
        "methods": {
            name: _medians([row["methods"][name] for row in chosen if name in row["methods"]])
            for name in names
        },
    }


def _medians(found: Sequence[Row]) -> Row:
    figures: Row = {"cases": len(found)}
    for name in ("seconds", "passes", "times_faster"):
        values = [row[name] for row in found]
        figures[name] = [float(f(values)) for f in (np.median, np.min, np.max)]
    figures["largest_difference"] = max(row["largest_difference"] for row in found)
    figures["same_top_1"] = float(np.mean([row["same_top_1"] for row in found]))
    figures["spearman"] = float(np.mean([row["spearman"] for row in found]))
    return figures


def _table(sizes: Sequence[Row]) -> str:
    lines = [
        "| sentences | method | cases | seconds | passes | times faster | same top sentence | rank "
        "correlation |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for size in sizes:
        for name, found in size["methods"].items():
            (seconds, _, _), (passes, _, _) = found["seconds"], found["passes"]
            middle, low, high = found["times_faster"]
            lines.append(
                f"| {size['sentences']:.0f} | {name} | {found['cases']} | {seconds:.1f} | "
                f"{passes:.1f} | {middle:.1f} ({low:.1f} to {high:.1f}) | "
                f"{found['same_top_1']:.0%} | {found['spearman']:.2f} |"
            )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
