"""Tokens per second of our generation beside transformers' own, on the same prompts in turn.

python -m eval.bench_generation
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch
from transformers import GenerationConfig

from eval.bench_attribution import of_facts
from eval.results import write_result
from ragattr.models import embedded
from ragattr.prompt import Chat, answer_chat
from ragattr.setup import answer_prompt
from ragattr.types import Context, Query


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("-n", type=int, default=12, help="how many prompts")
    parser.add_argument("--sentences", type=int, default=12)
    parser.add_argument("--tokens", type=int, default=64, help="new tokens at most")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    model = embedded.language_model()

    def ours(chat: Chat) -> int:
        (reply,) = model.write([chat], max_new_tokens=options.tokens)
        return len(reply.token_ids or ()) + reply.finished

    def theirs(chat: Chat) -> int:
        ids = model.tokenizer.apply_chat_template(
            list(chat.messages), add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        config = GenerationConfig(
            do_sample=False,
            max_new_tokens=options.tokens,
            eos_token_id=model.model.generation_config.eos_token_id,
            pad_token_id=model.tokenizer.eos_token_id,
        )
        with torch.inference_mode():
            output = model.model.generate(**ids, generation_config=config)
        return int(output.shape[1] - ids["input_ids"].shape[1])

    rates = []
    for place in range(options.n + 1):
        case = of_facts(options.sentences, options.seed + place)
        chat = answer_chat(answer_prompt(), Context(Query(case.question, case.id), case.passages))
        order = (ours, theirs) if place % 2 else (theirs, ours)
        pair = {way.__name__: _rate(way, chat) for way in order}
        if place:  # the first warms up
            rates.append([pair["ours"], pair["theirs"]])
    found = np.array(rates)
    ratios = found[:, 0] / found[:, 1]
    figures = {
        "prompts": options.n,
        "ours_tokens_per_s": round(float(np.median(found[:, 0])), 1),
        "theirs_tokens_per_s": round(float(np.median(found[:, 1])), 1),
        "ratio": round(float(np.median(ratios)), 3),
        "ratio_quartiles": np.round(np.percentile(ratios, [25, 75]), 3).tolist(),
    }
    print(write_result("bench_generation", figures, seed=options.seed).read_text())


def _rate(way: Callable[[Chat], int], chat: Chat) -> float:
    started = time.perf_counter()
    return way(chat) / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
