"""Verifiers on AttributionBench and other labelled claims, beside baselines and published rows.

    python -m eval.attributionbench --data ../shared/data/attribution/*.jsonl
    python -m eval.attributionbench --data osunlp/AttributionBench --verifier embedded

Baselines are fitted in five folds that keep questions together (first evidence texts where the
question is empty). Intervals are of 95 %, by drawing questions anew; differences are from the
feature baseline on the same draws. Thresholds are also tuned by evidence length, on other folds. A
verdict is kept in the work folder and not asked for again.
"""

import argparse
import json
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from eval.attribution_baselines import baselines, folds, leave_out, plain_figures
from eval.attribution_figures import PAPER_GROUPS, Bench, System
from eval.attribution_judging import given, judged
from eval.attribution_sets import SETS, AttributionRow, read_attribution
from eval.kept import kept
from eval.results import write_result
from eval.tables import aligned
from ragattr.errors import ConfigError, RagattrError
from ragattr.models import embedded
from ragattr.models.features import FEATURES
from ragattr.setup import Setup

PUBLISHED = json.loads(Path(__file__).with_name("published.json").read_text(encoding="utf-8"))
SEED = 0
N_RESAMPLES = 1000
FEATURES_FILE = f"features-{zlib.crc32(' '.join(FEATURES).encode()):08x}"

Figures = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    options = _parser().parse_args(arguments)
    try:
        rows = read_attribution(options.data)
        splits = leave_out(rows, options.leave_out) if options.leave_out else folds(rows)
        bench = Bench(rows, splits, SEED, N_RESAMPLES)
        figures = bench.figures(_systems(rows, options, bench))
    except RagattrError as error:
        raise SystemExit(f"attributionbench: {error}") from error
    print("\n\n".join([*compared(bench, figures), detailed(figures)]))
    result = {"published": PUBLISHED["source"], "systems": figures}
    print(write_result(options.name, result, seed=SEED))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--data",
        nargs="+",
        required=True,
        help="files of our schema, of AttributionBench's or of a set below in its own fields,\n"
        "or hub repositories: "
        + ", ".join(known.repository for known in SETS.values() if known.repository),
    )
    parser.add_argument(
        "--verifier",
        nargs="*",
        default=["embedded"],
        help="embedded, or any name that `ragattr --verifier` takes; none for baselines alone",
    )
    parser.add_argument(
        "--predictions",
        nargs="*",
        default=[],
        type=_named_file,
        metavar="NAME=FILE",
        help="out-of-fold probabilities, shown like a verifier: JSON Lines of id and probability",
    )
    parser.add_argument(
        "--leave-out",
        metavar="SOURCE",
        help="score this source alone; baselines and thresholds are fitted on the others",
    )
    parser.add_argument(
        "--work", type=Path, default=Path("work/attributionbench"), help="where verdicts are kept"
    )
    parser.add_argument(
        "--name", default="attributionbench", help="of the result: eval/results/NAME.json"
    )
    return parser


def _named_file(written: str) -> tuple[str, Path]:
    name, equals, path = written.partition("=")
    if not (name and equals and path):
        raise argparse.ArgumentTypeError(f"wanted NAME=FILE, got {written!r}")
    return name, Path(path)


def _systems(
    rows: Sequence[AttributionRow], options: argparse.Namespace, bench: Bench
) -> list[System]:
    """Verifiers, given predictions, and baselines, each name once."""
    models = {name: Setup(verifier=name).entailment_model() for name in options.verifier}
    found = [
        System(name, judged(rows, model, options.work), model.threshold, model.revision)
        for name, model in models.items()
    ]
    found += [System(name, given(rows, path)) for name, path in options.predictions]
    encoder = embedded.encoder()
    figures = kept(
        rows,
        options.work,
        f"{FEATURES_FILE}-{encoder.name}",
        lambda batch: plain_figures(batch, encoder).tolist(),
    )
    found += [
        System(name, [None if np.isnan(p) else float(p) for p in probabilities])
        for name, probabilities in baselines(rows, bench.splits, np.array(figures)).items()
    ]
    names = [system.name for system in found]
    if len(set(names)) < len(names):
        raise ConfigError(f"every system needs a name of its own, got {names}")
    return found


def compared(bench: Bench, figures: dict[str, Figures]) -> list[str]:
    """A table for each group of subsets; published rows stand below ours."""
    return [_group_table(bench, figures, group) for group in bench.groups]


def _group_table(bench: Bench, figures: dict[str, Figures], group: str) -> str:
    names = bench.groups[group]
    counts = [f"{name} ({len(bench.members[name])})" for name in names]
    lines = [(f"{group}: F1 (FP/FN)", *counts, f"mean of {len(names)}")]
    for system, found in figures.items():
        cells = [_cell(*(found["subsets"][name][key] for key in _CELL)) for name in names]
        lines.append((system, *cells, f"{found['means'][group]['macro_f1']:.1f}"))
    published = [row for row in PUBLISHED["rows"] if group in row or row.keys() & set(names)]
    if published:
        lines.append((f"published, on {PUBLISHED['split'].partition(',')[0]}:",))
    n_published = len(PAPER_GROUPS.get(group, ()))
    note = "" if len(names) == n_published else f" of {n_published}"
    for row in published:
        cells = [_cell(*row[name]) if name in row else "-" for name in names]
        mean = f"{row[group]:.1f}{note}" if group in row else "-"
        lines.append((f"{row['name']}, {row['setting']}", *cells, mean))
    return aligned(lines)


_CELL = ("macro_f1", "false_positives", "false_negatives")


def _cell(macro_f1: float, *rates: float) -> str:
    return f"{macro_f1:.1f}" + (f" ({'/'.join(f'{rate:.1f}' for rate in rates)})" if rates else "")


def detailed(figures: dict[str, Figures]) -> str:
    """Intervals, differences, tuned thresholds and calibration: one line a system and subset."""
    lines = [
        ("system", "on", "F1", "from the feature baseline", "tuned", "BA", "ECE", "aECE", "AUROC"),
    ]
    for system, found in figures.items():
        for group, mean in found["means"].items():
            lines.append((system, f"mean, {group}", *_sure(mean), f"{mean['tuned_macro_f1']:.1f}"))
            for name in mean["subsets"]:
                subset = found["subsets"][name]
                calibration = subset["calibration"]
                lines.append(
                    (
                        system,
                        name,
                        *_sure(subset),
                        f"{subset['tuned']['macro_f1']:.1f}",
                        f"{subset['balanced_accuracy']:.1f}",
                        f"{calibration['ece']:.3f}",
                        f"{calibration['adaptive_ece']:.3f}",
                        "-" if calibration["auroc"] is None else f"{calibration['auroc']:.3f}",
                    )
                )
    return aligned(lines)


def _sure(found: Figures) -> tuple[str, str]:
    low, high = found["interval"]
    value = f"{found['macro_f1']:.1f} [{low:.1f}, {high:.1f}]"
    gain = found.get("over_feature_baseline")
    if gain is None:
        return value, "-"
    low, high = gain["interval"]
    return value, f"{gain['difference']:+.1f} [{low:+.1f}, {high:+.1f}] p {gain['p']:.3f}"


if __name__ == "__main__":
    main()
