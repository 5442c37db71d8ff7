"""What judging costs: the embedded verifier, and its cross-encoder beside sentence-transformers.

    python -m eval.bench_verifier --nli FILE... --claims FILE... --pairs 500

The cross-encoder reads the same distinct pairs with the same weights twice: as ragattr does, and
as `sentence_transformers.CrossEncoder.predict` does with its defaults. The runs take turns after
one run each to warm up; what is compared is their median.
"""

import argparse
import random
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sentence_transformers import CrossEncoder as ReferenceCrossEncoder
from sentence_transformers.base.modules.input_module import InputModule
from torch import nn

from eval.results import write_result
from ragattr.learn.rows import read_nli, read_rows
from ragattr.models import embedded
from ragattr.models.cross import Batch, TokenPair, Vocabulary
from ragattr.models.encoder import MeanEncoder
from ragattr.models.entailment import CROSS_ENCODER, EmbeddedVerifier
from ragattr.models.pair_reader import PairReader, read_weights
from ragattr.models.protocols import Pair
from ragattr.types import FloatArray
from ragattr.verification.evidence import join

ROUNDS, WHOLE_ROUNDS = 5, 2
WEIGHTS = Path(embedded.__file__).parent


class AsModule(InputModule):
    """The cross-encoder as sentence-transformers runs one: in float32, in its own batches."""

    def __init__(self) -> None:
        super().__init__()
        encoder = embedded.encoder()
        self.model = read_weights(encoder, WEIGHTS / CROSS_ENCODER, attention="sdpa")
        self.tokenizer = encoder.tokenizer
        self.vocabulary = Vocabulary.of(encoder.tokenizer)

    def preprocess(self, pairs: Sequence[tuple[str, str]], **_: Any) -> dict[str, torch.Tensor]:
        texts = [text for pair in pairs for text in pair]
        pieces = self.tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]
        tokens = [
            TokenPair(tuple(premise), tuple(claim))
            for premise, claim in zip(pieces[::2], pieces[1::2], strict=True)
        ]
        longest = max(pair.n_tokens for pair in tokens)
        batch = self.vocabulary.batch(tokens)._asdict()
        return {name: values[:, :longest] for name, values in batch.items()}

    def forward(self, features: dict[str, Any], **_: Any) -> dict[str, Any]:
        batch = Batch(**{name: features[name] for name in Batch._fields})
        return {**features, "scores": self.model(batch)}

    def save(self, output_path: str, *_: Any, **__: Any) -> None:
        """Nothing: a benchmark keeps no model."""


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--nli", nargs="+", type=Path, required=True, help="short pairs")
    parser.add_argument("--claims", nargs="+", type=Path, required=True, help="longer ones")
    parser.add_argument("--pairs", type=int, default=500, help="of each")
    options = parser.parse_args()
    sets = {
        "NLI": read_nli(options.nli),
        "claims": read_rows(options.claims),
    }
    figures = {
        name: compared(_drawn([Pair(join(r.evidence), r.claim) for r in rows], options.pairs))
        for name, rows in sets.items()
    }
    for name, found in figures.items():
        print(name, found)
    print(write_result("bench_verifier", {"sets": figures}, seed=0))


def compared(pairs: Sequence[Pair]) -> dict[str, Any]:
    """Rates and agreement on pairs that fit the window."""
    reader = PairReader.load(embedded.encoder(), WEIGHTS / CROSS_ENCODER)
    reference = ReferenceCrossEncoder(
        modules=[AsModule()], device="cpu", activation_fn=nn.Identity()
    )
    ours, theirs, whole = list[float](), list[float](), list[float]()
    for turn in range(ROUNDS + 1):
        ours_s, logits = _timed(lambda: reader.read(pairs).logits)
        theirs_s, scores = _timed(lambda: reference.predict([tuple(pair) for pair in pairs]))
        if turn:
            ours.append(len(pairs) / ours_s)
            theirs.append(len(pairs) / theirs_s)
    for _ in range(WHOLE_ROUNDS + 1):
        fresh = MeanEncoder.load(str(embedded.find_encoder()), name=embedded.ENCODER)
        verifier = EmbeddedVerifier.load(WEIGHTS, fresh)  # no vector is remembered
        whole.append(len(pairs) / _timed(partial(verifier.entails, pairs))[0])
    return {
        "pairs": len(pairs),
        "ours_per_second": _spread(ours),
        "sentence_transformers_per_second": _spread(theirs),
        "ratio": statistics.median(ours) / statistics.median(theirs),
        "same_verdict": float(np.mean(_supported(logits) == _supported(scores))),
        "largest_difference": float(np.abs(_softmax(logits) - _softmax(scores)).max()),
        "whole_verifier_per_second": statistics.mean(whole[1:]),
    }


def _drawn(pairs: Sequence[Pair], n: int) -> list[Pair]:
    """Distinct pairs that are read whole by both."""
    tokenizer = embedded.encoder().tokenizer
    distinct = list(dict.fromkeys(pairs))
    random.Random(0).shuffle(distinct)
    short = (pair for pair in distinct if len(tokenizer(*pair, verbose=False)["input_ids"]) <= 250)
    return [pair for _, pair in zip(range(n), short, strict=False)]


def _timed(work: Callable[[], FloatArray]) -> tuple[float, FloatArray]:
    start = time.perf_counter()
    found = work()
    return time.perf_counter() - start, found


def _spread(rates: Sequence[float]) -> dict[str, float]:
    low, middle, high = statistics.quantiles(rates, n=4)
    return {"median": middle, "q1": low, "q3": high}


def _supported(logits: FloatArray) -> FloatArray:
    found: FloatArray = _softmax(logits)[:, 0] >= 0.5
    return found


def _softmax(logits: FloatArray) -> FloatArray:
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


if __name__ == "__main__":
    main()
