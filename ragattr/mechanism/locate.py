"""Context heads and memory heads: estimated for all (AtP*), then patched in truth.

A probe's statement is corrupted: it gives another answer. A head that matters carries something
else then, and the logit of the context answer over the memorised one changes when only that head,
at the last position, is taken from the corrupted run.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ragattr.errors import AlignmentError, ConfigError
from ragattr.mechanism.counterfactual import (
    Counterfactual,
    Encoded,
    batches,
    encode,
    encode_all,
)
from ragattr.mechanism.inside import inner_model
from ragattr.metrics.ranking import spearman, top_k
from ragattr.models.hf import HFModel
from ragattr.models.patching import Head, check_heads, estimate, last_looks, patch
from ragattr.types import FloatArray

_TOP = 10  # heads that two seeds are compared by


@dataclass(frozen=True)
class Verified:
    """What a head's patch takes from the logit difference, mean over probes.

    Attributes:
        estimated: by AtP, signed.
        patched: in truth; positive in a context head, negative in a memory head.
    """

    head: Head
    estimated: float
    patched: float


@dataclass(frozen=True)
class Stability:
    """How far two seeds agree: other probes, and other answers in the corrupted statements.

    Attributes:
        overlap: the share of the top 10 heads that both have, 0..1.
        spearman: over all heads, -1..1.
    """

    overlap: float
    spearman: float

    def __str__(self) -> str:
        return (
            f"{self.overlap:.0%} of the top {_TOP} heads are the same under two seeds of probes "
            f"(Spearman over all heads {self.spearman:.2f})"
        )


@dataclass(frozen=True, eq=False)
class Located:
    """Effects of all heads, and the truth of those that matter most.

    Attributes:
        effects: [layers, heads], AtP, logits, mean over probes: what patching takes away.
        sizes: [layers, heads], AtP*.
        query_sizes, key_sizes: [layers, heads], AtP* through where the head looks.
        verified: the largest sizes, patched in truth; most to least effect.
        n_probes: of both seeds.
    """

    effects: FloatArray
    sizes: FloatArray
    query_sizes: FloatArray
    key_sizes: FloatArray
    verified: tuple[Verified, ...]
    stability: Stability
    n_probes: int

    @property
    def context_heads(self) -> tuple[Head, ...]:
        """They carry the context answer; strongest first."""
        return tuple(row.head for row in self.verified if row.patched > 0)

    @property
    def memory_heads(self) -> tuple[Head, ...]:
        """They work against it; strongest first."""
        return tuple(row.head for row in reversed(self.verified) if row.patched < 0)


@dataclass(frozen=True)
class Concentration:
    """How a head looks from the last position, over probes.

    The first token is left out of `finds` and `entropy`: heads that have nothing to say look there.

    Attributes:
        finds: the share of probes where the statement's answer gets most attention, 0..1.
        entropy: of its attention, mean, nats.
        on_answer: attention to the statement's answer, mean, 0..1.
    """

    head: Head
    finds: float
    entropy: float
    on_answer: float


class _Pair(NamedTuple):
    """A probe, and the same length of it under another answer."""

    clean: Encoded
    corrupted: Encoded


def locate(
    model: HFModel,
    probes: Sequence[Counterfactual],
    *,
    n_verified: int = _TOP,
    seeds: tuple[int, int] = (0, 1),
) -> Located:
    """Find the heads on half of the probes under each seed; what is reported is their mean.

    Raises:
        ConfigError: fewer than two probes can be corrupted.
    """
    own, halves = inner_model(model), _halves(model, probes, seeds)
    first, second = (_means(own, pairs) for pairs in halves)
    plain, sizes, query, key = (first + second) / 2
    places = [np.unravel_index(i, sizes.shape) for i in top_k(sizes.ravel(), k=n_verified)]
    heads = [Head(int(layer), int(head)) for layer, head in places]
    patched = np.mean(
        [
            patch(own, clean.ids, corrupted.ids, clean.answers, heads)
            for clean, corrupted in (pair for pairs in halves for pair in pairs)
        ],
        axis=0,
    )
    rows = [Verified(head, float(plain[head]), float(patched[i])) for i, head in enumerate(heads)]
    return Located(
        effects=plain,
        sizes=sizes,
        query_sizes=query,
        key_sizes=key,
        verified=tuple(sorted(rows, key=lambda row: -row.patched)),
        stability=Stability(
            _overlap(first[1], second[1]), spearman(first[1].ravel(), second[1].ravel())
        ),
        n_probes=sum(map(len, halves)),
    )


def concentrations(
    model: HFModel, probes: Sequence[Counterfactual], heads: Sequence[Head]
) -> list[Concentration]:
    """Heads by how much of their attention goes to the statement's answer, most first.

    The first is ATTNATTRIB's choice (handbook section 5): concentrated, and in the right place.
    """
    own = inner_model(model)
    check_heads(own, heads)
    found = []
    for row in encode_all(model, probes):
        seen = last_looks(own, row.ids)
        looks = np.array([seen[head] for head in heads])
        rest = looks[:, 1:] / looks[:, 1:].sum(axis=1, keepdims=True)
        finds = np.isin(rest.argmax(axis=1) + 1, row.places)
        entropy = -(rest * np.log(np.maximum(rest, 1e-30))).sum(axis=1)
        found.append([finds, entropy, looks[:, row.places].sum(axis=1)])
    columns = np.mean(found, axis=0).T
    rows = [
        Concentration(head, *map(float, each)) for head, each in zip(heads, columns, strict=True)
    ]
    return sorted(rows, key=lambda row: -row.on_answer)


def most_concentrated(
    model: HFModel, probes: Sequence[Counterfactual], heads: Sequence[Head]
) -> Head:
    """The head of these whose attention is most concentrated on the statement's answer."""
    if not heads:
        raise ConfigError("no head to choose from")
    return concentrations(model, probes, heads)[0].head


def _halves(
    model: HFModel, probes: Sequence[Counterfactual], seeds: tuple[int, int]
) -> list[list[_Pair]]:
    usable = encode_all(model, probes)
    order = np.random.default_rng(seeds).permutation(len(usable))
    halves = []
    for half, seed in zip((order[::2], order[1::2]), seeds, strict=True):
        rng = np.random.default_rng(seed)
        found = (_corrupted(model, usable[i], usable, rng) for i in half)
        halves.append([pair for pair in found if pair is not None])
    if not all(halves):
        raise ConfigError(f"of {len(probes)} probes fewer than two have an answer to swap")
    return halves


def _corrupted(
    model: HFModel, clean: Encoded, others: Sequence[Encoded], rng: np.random.Generator
) -> _Pair | None:
    """The probe under another one's answer, in as many tokens, at the same places."""
    own = (clean.probe.context_answer, clean.probe.memory_answer)
    for i in rng.permutation(len(others)):
        answer = others[i].probe.context_answer
        with suppress(AlignmentError):
            corrupted = encode(model, clean.probe.saying(answer))
            same = len(corrupted.ids) == len(clean.ids) and corrupted.places == clean.places
            if same and answer not in own:
                return _Pair(clean, corrupted)
    return None


def _means(own: Any, pairs: Sequence[_Pair]) -> FloatArray:
    """[4, layers, heads]: AtP, AtP* of output, query and key, over probes."""
    found = []
    for batch in batches([pair.clean for pair in pairs]):
        clean, corrupted = zip(*(pairs[i] for i in batch), strict=True)
        estimates = estimate(
            own,
            [row.ids for row in clean],
            [row.ids for row in corrupted],
            [row.answers for row in clean],
        )
        found.append([estimates.plain, estimates.output, estimates.query, estimates.key])
    means: FloatArray = np.concatenate(found, axis=1).mean(axis=1)
    return means


def _overlap(a: FloatArray, b: FloatArray) -> float:
    first, second = (set(top_k(each.ravel(), k=_TOP)) for each in (a, b))
    return len(first & second) / max(len(first), 1)
