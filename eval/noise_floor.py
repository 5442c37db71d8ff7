"""The embedded model's floors and the error of its knock-outs, on the shipped facts.

    python -m eval.noise_floor --dtype bfloat16

What is measured and how stands in `ragattr.learn.floors`; `ragattr models measure` does the same
for any other model and keeps the figures. This one writes them down with their distributions.
"""

import argparse
from dataclasses import asdict, replace

from eval.results import write_result
from ragattr.learn.floors import measure_floors, read_facts
from ragattr.models import embedded
from ragattr.models.hf import HFModel
from ragattr.setup import answer_prompt


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("-n", type=int, default=64, help="how many facts")
    parser.add_argument("--dtype", choices=["bfloat16", "float32"], default="bfloat16")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    floors, filter_error, found = measure_floors(
        in_dtype(embedded.language_model(), options.dtype),
        answer_prompt(),
        read_facts()[: options.n],
        seed=options.seed,
        progress=lambda done: print(f"{done}/{options.n}", flush=True),
    )
    figures = {
        "questions": options.n,
        "floors": asdict(floors),
        "filter_error": asdict(filter_error),
        "distributions": found,
    }
    print(write_result(f"noise_floor_{options.dtype}", figures, seed=options.seed).read_text())


def in_dtype(model: HFModel, dtype: str) -> HFModel:
    """The same weights, converted in place."""
    import torch

    return replace(
        model, model=model.model.to(getattr(torch, dtype)), card=replace(model.card, dtype=dtype)
    )


if __name__ == "__main__":
    main()
