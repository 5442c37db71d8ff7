"""Cases for `eval.context_attribution`, by kind, from a data folder."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

import ragattr
from eval.annotated import entailmentbank, hotpotqa, musique
from eval.case import AttributionCase, Row, gold_sources
from eval.hard import hard
from eval.hub import from_hub
from eval.joining import counterfactual, joined, repeated, unanswerable
from eval.results import read_jsonl
from ragattr.errors import ConfigError

__all__ = [
    "KINDS",
    "AttributionCase",
    "counterfactual",
    "entailmentbank",
    "from_hub",
    "gold_sources",
    "hard",
    "hotpotqa",
    "joined",
    "load",
    "musique",
    "repeated",
    "unanswerable",
]

KINDS = (
    *("n20", "n40", "n90", "hard", "unanswerable"),
    *("hotpotqa", "musique", "entailmentbank"),
    *("repeated_verbatim", "repeated_paraphrase", "counterfactual"),
)
FACTS = Path(ragattr.__file__).parent / "learn" / "facts.jsonl"
_PARAGRAPH_FILES = ("squad2_dev", "squad2_dev_extra", "xquad_en", "nq_oracle_silver")
_N_SENTENCES = 20  # where the kind's name does not say


def load(folder: Path, kind: str, *, n: int, seed: int) -> list[AttributionCase]:
    """Up to `n` random cases of a kind.

    Args:
        folder: holds context_attribution/ and probes/, one folder a kind of data.
        kind: one of `KINDS`; the number in "n20" is about how many sentences a case has.
    """
    match kind:
        case "n20" | "n40" | "n90":
            rows, n_sentences = _paragraph_rows(folder), int(kind[1:])
            return joined(rows, n_sentences=n_sentences, n=n, seed=seed, kind=kind)
        case "hard":
            return hard(_paragraph_rows(folder), n_sentences=_N_SENTENCES, n=n, seed=seed)
        case "unanswerable":
            rows = _rows(folder, "squad2_unanswerable")
            return unanswerable(rows, n_sentences=_N_SENTENCES, n=n, seed=seed)
        case "repeated_verbatim" | "repeated_paraphrase":
            return repeated(
                _drawn(read_jsonl(FACTS), n, seed),
                _paragraph_rows(folder),
                n_sentences=_N_SENTENCES,
                seed=seed,
                paraphrased=kind == "repeated_paraphrase",
            )
        case "counterfactual":
            probes = read_jsonl(folder / "probes" / "compmech_counterfactual_train.jsonl")
            return counterfactual(probes, n=n, n_sentences=_N_SENTENCES, seed=seed)
        case "hotpotqa":
            return hotpotqa(_drawn(_rows(folder, kind), n, seed))
        case "musique":
            return musique(_drawn(_rows(folder, kind), n, seed))
        case "entailmentbank":
            return entailmentbank(_drawn(_rows(folder, kind), n, seed))
    raise ConfigError(f"wanted a kind of {KINDS}, got {kind!r}")


def _paragraph_rows(folder: Path) -> list[Row]:
    return [row for name in _PARAGRAPH_FILES for row in _rows(folder, name)]


def _rows(folder: Path, name: str) -> list[Row]:
    return [*read_jsonl(folder / "context_attribution" / f"{name}_train.jsonl")]


def _drawn(rows: Sequence[Row], n: int, seed: int) -> list[Row]:
    return [rows[i] for i in np.random.default_rng(seed).permutation(len(rows))[:n]]
