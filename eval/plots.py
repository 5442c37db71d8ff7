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
_DIFFERENCE = "top_k_drop@1_over_jsd"
_ELSEWHERE = {"heads": (-34, 5), "head": (6, -11), "explainer": (6, -11)}  # not at (6, 5) points


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
    if accuracy and "jsd" in accuracy["methods"]["all"]:
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
    """What the answer loses with the best sentence, against exact, by what finding it cost."""
    figure, axes = _axes("passes for one answer", "log-probability lost, over exact ablation, nats")
    axes.set_xscale("symlog", linthresh=1)
    axes.xaxis.set_major_formatter("{x:.0f}")
    axes.axhline(0, color="gray", linewidth=1)
    found = result["methods"]["all"]
    n_cases = found["jsd"]["cases"]
    for name, figures in found.items():
        if name == "jsd" or figures["cases"] < n_cases:
            continue
        middle, low, high = figures[_DIFFERENCE]
        axes.errorbar(
            figures["passes"], middle, yerr=[[middle - low], [high - middle]], fmt="o", capsize=2
        )
        axes.annotate(
            name,
            (figures["passes"], middle),
            xytext=_ELSEWHERE.get(name, (6, 5)),
            textcoords="offset points",
            fontsize=8,
        )
    axes.margins(x=0.12)
    axes.set_title(f"the same {n_cases} cases, paired 95 % intervals", fontsize=10)
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
