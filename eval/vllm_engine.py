"""A model that vLLM runs in this process, against the same model under transformers.

    .venv-vllm/bin/python -m eval.vllm_engine --model FOLDER

Runs in vLLM's own environment; `eval.vllm_server --folder FOLDER` leaves a model there.
"""

import argparse
from pathlib import Path

from eval.results import write_result
from eval.vllm_server import compare, summary
from ragattr.models.hf import HFModel
from ragattr.models.vllm import VLLMModel


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--model", type=Path, required=True, help="a model's folder")
    parser.add_argument("-n", type=int, default=5, help="how many facts")
    parser.add_argument("--sentences", type=int, default=12)
    parser.add_argument("--top-logprobs", type=int, default=20, help="0 for the whole vocabulary")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    engine = VLLMModel.load(str(options.model), top_logprobs=options.top_logprobs)
    model = HFModel.load(str(options.model))
    rows = [compare(model, engine, options.sentences, options.seed + i) for i in range(options.n)]
    figures = {"top_logprobs": options.top_logprobs, **summary(rows), "rows": rows}
    print(write_result("vllm_engine", figures, seed=options.seed))
    print({name: figure for name, figure in figures.items() if name != "rows"})


if __name__ == "__main__":
    main()
