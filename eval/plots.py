"""Two plots from the result files: cost against sentences, accuracy against passes.

python -m eval.plots
"""

import json
from pathlib import Path
from typing import Any

import matplotlib

from eval.results import FOLDER

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402  the backend is chosen first

DOCS = Path(__file__).parent.parent / "docs"
_ACCURACY_OF = "all"


def main() -> None:
    """Draw whatever results are there."""
    cost, accuracy = (
        json.loads(path.read_text("utf-8")) if path.exists() else None
        for path in (
            FOLDER / "bench_attribution_bfloat16.json",
            FOLDER / "context_attribution.json",
        )
    )
    if cost:
        print(draw_cost(cost))
    if accuracy and accuracy["shared"][_ACCURACY_OF]["cases"]:
        print(draw_accuracy(accuracy))


def draw_cost(result: dict[str, Any]) -> Path:
    """Seconds against the number of sentences, both on logarithmic axes."""
    figure, axes = _axes("sentences in the context", "seconds for one answer, median")
    names = dict.fromkeys(name for size in result["sizes"] for name in size["methods"])
    for name in names:
        points = [
            (size["sentences"], size["methods"][name]["seconds"])
            for size in result["sizes"]
            if name in size["methods"]
        ]
        middle = [seconds[0] for _, seconds in points]
        axes.plot([n for n, _ in points], middle, marker="o", label=name)
    axes.set_xscale("log")
    axes.set_xticks([size["sentences"] for size in result["sizes"]])
    axes.xaxis.set_major_formatter("{x:.0f}")
    axes.minorticks_off()
    return _saved(figure, axes, "bench-cost.png")


def draw_accuracy(result: dict[str, Any]) -> Path:
    """How much the answer loses with the best sentence, against what finding it cost."""
    figure, axes = _axes("passes for one answer", "log-probability drop without the best sentence")
    axes.set_xscale("symlog", linthresh=1)
    axes.xaxis.set_major_formatter("{x:.0f}")
    shared = result["shared"][_ACCURACY_OF]
    for name, found in shared.items():
        if name == "cases":
            continue
        middle, low, high = found["top_k_drop@1"]
        axes.errorbar(
            found["passes"], middle, yerr=[[middle - low], [high - middle]], fmt="o", label=name
        )
    axes.set_title(f"{_ACCURACY_OF}, {shared['cases']} cases that all methods have", fontsize=10)
    return _saved(figure, axes, "bench-accuracy.png")


def _axes(x: str, y: str) -> tuple[Any, Any]:
    figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(alpha=0.3)
    return figure, axes


def _saved(figure: Any, axes: Any, name: str) -> Path:
    if "cost" in name:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
    axes.legend(fontsize=8, frameon=False)
    path = DOCS / name
    figure.savefig(path, dpi=120)
    return path


if __name__ == "__main__":
    main()
