"""The figures of `eval.context_attribution`, from its work folder."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from eval.results import read_jsonl, write_result
from ragattr.attribution.explainer import OFFSET
from ragattr.metrics.bootstrap import bootstrap_mean, paired_bootstrap
from ragattr.metrics.ranking import (
    area_under_curve,
    average_precision,
    hit_at_k,
    linear_datamodelling_score,
    recall_at_k,
    top_k,
)
from ragattr.models import embedded
from ragattr.types import FloatArray

Row = dict[str, Any]
Key = tuple[str, str, str]
_LARGE = 20  # sentences from which on agreement is counted
_PAIRED = ("jsd", "attention", "overlap")
TOP = (1, 3, 5)
_COMPARED_BY_LDS = ("similarity", "attention")
BESIDE = (
    "exact",
    "curves",
    "drops",
    "masks",
    "again",
)  # files of a work folder that are no method's


def report(work: Path, *, seed: int) -> Path:
    """Write `results/context_attribution.json` and return its path."""
    exact = _by_key(work / "exact.jsonl")
    drops = {key: row["drops"] for key, row in _by_key(work / "drops.jsonl").items()}
    methods = {
        path.stem: _with_drops(_by_key(path), drops)
        for path in sorted(work.glob("*.jsonl"))
        if path.stem not in BESIDE
    }
    figures = {
        "cases": _counts(exact),
        "agreement": {
            name: _agreement(exact, rows) for name, rows in methods.items() if name != "jsd"
        },
        "methods": {
            name: {
                method: _figures(exact, methods, method, keys & rows.keys(), seed)
                for method, rows in methods.items()
                if keys & rows.keys()
            }
            for name, keys in _kinds(exact).items()
        },
        "shared": {name: _shared(methods, keys, seed) for name, keys in _kinds(exact).items()},
        "exact_against_itself": _again(exact, _by_key(work / "again.jsonl")),
        "lds": _lds(methods, work / "masks.jsonl", seed),
        "curves": _curves(methods, work / "curves.jsonl", seed),
        "subset": _subset(methods.get("subset", {})),
    }
    return write_result("context_attribution", figures, seed=seed)


def _by_key(path: Path) -> dict[Key, Row]:
    rows = read_jsonl(path) if path.exists() else []
    return {(row["kind"], row["id"], row["whose"]): row for row in rows}


def drop_name(scores: Sequence[float], k: int) -> str:
    """The best k sentences, as the file of drops names them."""
    return " ".join(str(i) for i in sorted(top_k(scores, k=k)))


def _with_drops(rows: dict[Key, Row], drops: dict[Key, dict[str, float]]) -> dict[Key, Row]:
    """Rows with what their best k sentences carry; None until that is measured."""
    found = {}
    for key, row in rows.items():
        named = {str(k): drops.get(key, {}).get(drop_name(row["scores"], k)) for k in TOP}
        found[key] = {**row, "top_k_drop": None if None in named.values() else named}
    return found


def _counts(exact: dict[Key, Row]) -> dict[str, int]:
    counts = defaultdict[str, int](int)
    for kind, _, whose in exact:
        counts[f"{kind}, {whose}"] += 1
    return dict(counts)


def _agreement(exact: dict[Key, Row], rows: dict[Key, Row]) -> Row:
    """With exact ablation, on cases of 20 sentences and more whose best score is above the floor.

    `top_3_above_floor` asks for those of the exact best three that stand above the floor.
    """
    floor = _floor()
    same, below = list[Row](), 0
    for key in rows.keys() & exact.keys():
        wanted, n_tokens = _totals(exact[key]), len(exact[key]["logprobs"])
        if len(wanted) < _LARGE:
            continue
        if wanted.max() / n_tokens <= floor:
            below += 1
            continue
        found = np.array(rows[key]["scores"])
        best, theirs = top_k(wanted, k=3), top_k(found, k=3)
        clear = {i for i in best if wanted[i] / n_tokens > floor}
        same.append(
            {
                "key": key,
                "top_1": best[0] == theirs[0],
                "top_3": set(best) == set(theirs),
                "top_3_above_floor": clear <= set(theirs),
                "verified": len(rows[key]["verified"]),
                "passes": rows[key]["passes"],
            }
        )
    if not same:
        return {"cases": 0, "below_floor": below}
    verified = [row["verified"] for row in same]
    return {
        "cases": len(same),
        "below_floor": below,
        **{
            name: float(np.mean([row[name] for row in same]))
            for name in ("top_1", "top_3", "top_3_above_floor", "passes")
        },
        "verified": {str(k): verified.count(k) for k in sorted(set(verified))},
        "differing": [
            _difference(exact[row["key"]], rows[row["key"]]) for row in same if not row["top_1"]
        ],
    }


def _again(exact: dict[Key, Row], again: dict[Key, Row]) -> Row:
    """Exact ablation in bfloat16 against float32, as far as the best score is above the floor."""
    floor, same, errors = _floor(), list[bool](), list[FloatArray]()
    for key in again.keys() & exact.keys():
        one, other = (_totals(rows[key]) / len(exact[key]["logprobs"]) for rows in (exact, again))
        if one.max() > floor:
            same.append(one.argmax() == other.argmax())
        errors.append(np.log((one + OFFSET) / (other + OFFSET)))
    if not same:
        return {"cases": 0}
    deviation = float(np.concatenate(errors).std())
    return {"cases": len(same), "top_1": float(np.mean(same)), "log_error_deviation": deviation}


def _difference(exact: Row, row: Row) -> Row:
    """Where the best source differs: which of the two is gold, and whose loss costs more."""
    wanted, found = _totals(exact), np.array(row["scores"])
    drops = np.array(exact["drops"]).sum(axis=1)
    (theirs,), (ours,) = top_k(wanted, k=1), top_k(found, k=1)
    return {
        "id": exact["id"],
        "kind": exact["kind"],
        "exact": {"score": float(wanted[theirs]), "drop": float(drops[theirs])},
        "method": {"score": float(wanted[ours]), "drop": float(drops[ours])},
        "gold": [theirs in exact["gold"], ours in exact["gold"]],
    }


def _kinds(exact: dict[Key, Row]) -> dict[str, set[Key]]:
    """The cases of each kind and of each sort of answer, and all of them."""
    found: dict[str, set[Key]] = {"all": set(exact)}
    for key in sorted(exact):
        found.setdefault(f"{key[0]}, {key[2]} answers", set()).add(key)
    return found


def _figures(
    exact: dict[Key, Row],
    methods: dict[str, dict[Key, Row]],
    name: str,
    keys: set[Key],
    seed: int,
) -> Row:
    """Against gold where there is one, and by intervention; intervals by bootstrap over cases.

    Beside each stands the paired difference from exact ablation, mean attention and word overlap.
    """
    rows = methods[name]
    with_gold = sorted(key for key in keys if exact[key]["gold"])
    figures: Row = {"cases": len(keys)}
    for figure, value in _VALUES.items():
        chosen = with_gold if figure in _OF_GOLD else sorted(keys)
        own = {key: value(rows[key], exact[key]) for key in chosen}
        own = {key: found for key, found in own.items() if found is not None}
        if not own:
            continue
        figures[figure] = bootstrap_mean([*own.values()], seed=seed)
        for other in _PAIRED:
            theirs = {
                key: value(methods[other][key], exact[key])
                for key in own
                if other != name and key in methods.get(other, {})
            }
            shared = [key for key, found in theirs.items() if found is not None]
            if shared:
                figures[f"{figure}_over_{other}"] = paired_bootstrap(
                    [own[key] for key in shared], [theirs[key] for key in shared], seed=seed
                )
    figures["passes"] = float(np.mean([rows[key]["passes"] for key in keys]))
    figures["groups_found"] = _groups_found(exact, rows, with_gold)
    return figures


def _drop(k: str) -> Callable[[Row, Row], float | None]:
    return lambda row, exact: row["top_k_drop"] and row["top_k_drop"][k]


_OF_GOLD: dict[str, Callable[[Row, Row], float | None]] = {
    "hit@1": lambda row, exact: hit_at_k(_ranked(row), exact["gold"], k=1),
    "recall@3": lambda row, exact: recall_at_k(_ranked(row), exact["gold"], k=3),
    "map": lambda row, exact: average_precision(_ranked(row), exact["gold"]),
}
_VALUES = {**_OF_GOLD, **{f"top_k_drop@{k}": _drop(str(k)) for k in TOP}}


def _shared(methods: dict[str, dict[Key, Row]], kind: set[Key], seed: int) -> Row:
    """Drops and passes on the cases that every method has, so that they can be compared."""
    found = {
        name: {key for key in kind & rows.keys() if rows[key]["top_k_drop"] is not None}
        for name, rows in methods.items()
    }
    found = {name: keys for name, keys in found.items() if keys}
    if len(found) < 2:
        return {"cases": 0}
    keys = sorted(set.intersection(*found.values()))
    figures: Row = {"cases": len(keys)}
    for name in found if keys else ():
        rows = [methods[name][key] for key in keys]
        figures[name] = {"passes": float(np.mean([row["passes"] for row in rows]))}
        for k in ("1", "3", "5"):
            drops = [row["top_k_drop"][k] for row in rows]
            figures[name][f"top_k_drop@{k}"] = bootstrap_mean(drops, seed=seed)
    return figures


def _groups_found(exact: dict[Key, Row], rows: dict[Key, Row], keys: list[Key]) -> float | None:
    """How often the best unit is a group of the repeated gold sentences alone, or one of them."""
    repeated = [key for key in keys if key[0].startswith("repeated")]
    if not repeated:
        return None
    found = [
        any(
            set(members) >= set(exact[key]["gold"]) and score >= np.max(rows[key]["scores"])
            for members, score in zip(rows[key]["groups"], rows[key]["group_scores"], strict=True)
        )
        for key in repeated
    ]
    return float(np.mean(found))


def _lds(methods: dict[str, dict[Key, Row]], path: Path, seed: int) -> Row:
    """Linear datamodelling scores at each keep rate, and how far above similarity and attention."""
    rows, figures = _by_key(path), Row()
    found = {
        name: {
            keep: {key: _correlation(scores[key], rows[key], keep) for key in rows.keys() & scores}
            for keep in ("0.5", "0.9")
        }
        for name, scores in methods.items()
    }
    for name, by_rate in found.items():
        figures[name] = {"cases": len(by_rate["0.5"])}
        for keep, values in by_rate.items():
            if not values:
                continue
            figures[name][f"lds@{keep}"] = bootstrap_mean([*values.values()], seed=seed)
            for other in _COMPARED_BY_LDS:
                shared = sorted(values.keys() & found.get(other, {}).get(keep, {}).keys())
                if shared and other != name:
                    figures[name][f"lds@{keep}_over_{other}"] = paired_bootstrap(
                        [values[key] for key in shared],
                        [found[other][keep][key] for key in shared],
                        seed=seed,
                    )
    return figures


def _correlation(row: Row, masked: Row, keep: str) -> float:
    masks = np.array(masked["masks"][keep], dtype=bool)
    return linear_datamodelling_score(np.array(row["scores"]), masks, masked["outputs"][keep])


def _curves(methods: dict[str, dict[Key, Row]], path: Path, seed: int) -> Row:
    """The areas under insertion and deletion, nats."""
    rows, figures = _by_key(path), Row()
    for name in methods:
        keys = [key for key in rows if name in rows[key]["curves"]]
        figures[name] = {"cases": len(keys)}
        for curve in ("insertion", "deletion") if keys else ():
            values = [area_under_curve(rows[key]["curves"][name][curve]) for key in keys]
            figures[name][curve] = bootstrap_mean(values, seed=seed)
    return figures


def _subset(rows: dict[Key, Row]) -> Row:
    """How often at most three sentences keep the answer, by kind of case."""
    kinds = sorted({(key[0], key[2]) for key in rows})
    return {
        f"{kind}, {whose} answers": _share_kept(
            [row["subset"] for key, row in rows.items() if (key[0], key[2]) == (kind, whose)]
        )
        for kind, whose in kinds
    }


def _share_kept(subsets: list[Row]) -> Row:
    kept = [subset["is_sufficient"] and len(subset["sources"]) <= 3 for subset in subsets]
    sizes = [len(subset["sources"]) for subset in subsets]
    return {"cases": len(kept), "kept_by_3": float(np.mean(kept)), "size": float(np.mean(sizes))}


def _ranked(row: Row) -> FloatArray:
    """Scores in which members of a group have its joint one."""
    scores = np.array(row["scores"], dtype=float)
    for members, score in zip(row["groups"], row["group_scores"], strict=True):
        scores[list(members)] = max(score, *scores[list(members)])
    return scores


def _totals(row: Row) -> FloatArray:
    totals: FloatArray = np.array(row["exact"]).sum(axis=1)
    return totals


def _floor() -> float:
    floors = embedded.language_model().floors
    if floors is None:
        raise SystemExit("the embedded model has no floors")
    return floors.noise
