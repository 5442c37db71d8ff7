"""The embedded model served by vLLM, against the same model in this process.

    python -m eval.vllm_server --python .venv-vllm/bin/python

Exports the embedded model to a folder, serves it on loopback, answers the shipped facts through
HTTP, measures each answer there (the `logprobs` tier) and here (`jsd`, exact), and stops it.
"""

import argparse
import contextlib
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from eval.bench_attribution import of_facts
from eval.noise_floor import in_dtype
from eval.results import write_result
from ragattr.errors import RagattrError
from ragattr.models import embedded
from ragattr.models.endpoint import Endpoint
from ragattr.models.hf import HFModel
from ragattr.models.openai import ServedModel
from ragattr.models.protocols import Reply, WhiteBoxModel
from ragattr.prompt import answer_chat
from ragattr.setup import answer_prompt
from ragattr.text.sentences import sources_of
from ragattr.types import Context, Query

NAME = "embedded"
START_S = 600.0
Row = dict[str, Any]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--python", type=Path, required=True, help="a Python that has vLLM")
    parser.add_argument("--folder", type=Path, default=None, help="where to leave the model")
    parser.add_argument("-n", type=int, default=20, help="how many facts")
    parser.add_argument("--sentences", type=int, default=12)
    parser.add_argument("--top-logprobs", type=int, default=20)
    parser.add_argument("--dtype", choices=["bfloat16", "float32"], default="bfloat16")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    model = in_dtype(embedded.language_model(), options.dtype)
    with tempfile.TemporaryDirectory() as scratch:
        folder = str(options.folder or scratch)
        model.model.save_pretrained(folder)
        model.tokenizer.save_pretrained(folder)
        with _serving(options, folder) as url:
            served = ServedModel(Endpoint(url, NAME, concurrency=4), options.top_logprobs)
            abilities = {
                "window": served.window,
                "chat": served.can_chat,
                "tokenises": served.can_tokenise,
                "top_logprobs": served.shown_logprobs,
                "whole_vocabulary": served.shows_vocabulary,
            }
            print(abilities, flush=True)
            rows = [
                compare(model, served, options.sentences, options.seed + i)
                for i in range(options.n)
            ]
            ledger = served.ledger.__dict__
    figures = {"abilities": abilities, "ledger": ledger, **summary(rows), "rows": rows}
    print(write_result(f"vllm_server_{options.dtype}", figures, seed=options.seed))
    print({name: figure for name, figure in figures.items() if name != "rows"})


def compare(model: HFModel, served: WhiteBoxModel, n_sentences: int, seed: int) -> Row:
    """One fact: answered by both, measured exactly by the first and as a bound by the second."""
    case = of_facts(n_sentences, seed)
    chat = answer_chat(answer_prompt(), Context(Query(case.question, case.id), case.passages))
    removals = chat.removals(sources_of(case.passages))
    (here,) = model.write([chat], max_new_tokens=48)
    (there,) = served.write([chat], max_new_tokens=48)
    reply = Reply(here.text)
    started = time.perf_counter()
    exact = model.read(chat, reply).delete(removals)
    seconds_here = time.perf_counter() - started
    started = time.perf_counter()
    reading = served.read(chat, reply)
    bound = reading.delete(removals)
    seconds_there = time.perf_counter() - started
    row = {
        "id": case.id,
        "sentences": len(removals),
        "same_answer": here.text == there.text,
        "exact": np.round(exact.jsd.sum(axis=1), 5).tolist(),
        "bound": np.round(bound.jsd.sum(axis=1), 5).tolist(),
        "drops_here": np.round(exact.drops.sum(axis=1), 4).tolist(),
        "drops_there": np.round(bound.drops.sum(axis=1), 4).tolist(),
        "tokens": len(reading.tokens),
        "mass_seen": reading.settings["mass_seen"],
        "seconds_here": round(seconds_here, 2),
        "seconds_there": round(seconds_there, 2),
    }
    print(case.id, row["same_answer"], np.argmax(row["exact"]) == np.argmax(row["bound"]))
    return row


def summary(rows: list[Row]) -> Row:
    """How near the bounds are, and whether both name the same sentence."""
    exact = np.concatenate([np.array(row["exact"]) / row["tokens"] for row in rows])
    bound = np.concatenate([np.array(row["bound"]) / row["tokens"] for row in rows])
    drops = [
        np.concatenate([np.array(row[name]) / row["tokens"] for row in rows])
        for name in ("drops_here", "drops_there")
    ]
    return {
        "cases": len(rows),
        "same_answer": float(np.mean([row["same_answer"] for row in rows])),
        "same_top": float(
            np.mean([np.argmax(row["exact"]) == np.argmax(row["bound"]) for row in rows])
        ),
        "bound_over_exact": float(bound.sum() / exact.sum()),
        "largest_excess_per_token": float((bound - exact).max()),
        "largest_drop_difference_per_token": float(np.abs(drops[0] - drops[1]).max()),
        "mass_seen": float(np.mean([row["mass_seen"] for row in rows])),
    }


@contextlib.contextmanager
def _serving(options: argparse.Namespace, folder: str) -> Iterator[str]:
    """The address of a server that is stopped at the end, whatever happens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        *(str(options.python), "-m", "vllm.entrypoints.openai.api_server", "--model", folder),
        *("--served-model-name", NAME, "--host", "127.0.0.1", "--port", str(port)),
        *("--dtype", options.dtype, "--max-model-len", "4096"),
        *("--max-logprobs", str(options.top_logprobs)),
    ]
    environment = {**os.environ, "VLLM_CPU_KVCACHE_SPACE": "1", "HF_HUB_OFFLINE": "1"}
    with Path("vllm-server.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        try:
            _wait(process, f"http://127.0.0.1:{port}/v1")
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait(process: "subprocess.Popen[bytes]", url: str) -> None:
    started = time.monotonic()
    while time.monotonic() - started < START_S:
        if process.poll() is not None:
            raise SystemExit("vllm ended: see vllm-server.log")
        with contextlib.suppress(RagattrError):
            if Endpoint(url, attempts=1, timeout_s=5).models:
                return
        time.sleep(2)
    raise SystemExit(f"vllm did not start within {START_S:.0f} s: see vllm-server.log")


if __name__ == "__main__":
    main()
