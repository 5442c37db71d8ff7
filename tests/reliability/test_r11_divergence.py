"""NaN, infinite logits, probabilities of 0, one token, an empty context: JSD stays in [0, ln 2].

For the plain definition, for the one on the device, and for the bound from what a server shows.
"""

import itertools
import math
import random
from collections.abc import Callable

import numpy as np
import pytest

import ragattr
from ragattr.errors import ModelReplyError, RagattrError
from ragattr.metrics.divergence import jensen_shannon
from ragattr.models.truncated import Shown as Seen
from ragattr.models.truncated import jsd_bound
from ragattr.types import FloatArray
from tests.reliability.figures import SEED, Shown, sizes

LN2 = math.log(2)
HARD = (0.0, -0.0, 1.0, -1.0, 1e-8, 88.0, -88.0, 700.0, -745.0, 1e4, -1e4, 1e30, -np.inf)


def logits(rng: np.random.Generator) -> FloatArray:
    """[2, vocab] of one to forty words, some of them hard, at least one of each row finite.

    All are numbers of 32 bits, so that the device is given what the definition is given.
    """
    rows = rng.normal(size=(2, int(rng.integers(1, 41)))) * rng.choice([1e-6, 1.0, 50.0, 1e4])
    hard = rng.random(rows.shape) < rng.choice([0.0, 0.3, 0.9])
    rows[hard] = rng.choice(HARD, size=int(hard.sum()))
    rows[:, 0] = np.where(np.isneginf(rows).all(1), 0.0, rows[:, 0])
    rows = rows.astype(np.float32).astype(np.float64)
    return rows if rng.random() < 0.8 else np.repeat(rows[:1], 2, axis=0)


def softmax(rows: FloatArray) -> FloatArray:
    weights = np.exp(rows - rows.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def plainly(rows: FloatArray) -> float:
    p, q = softmax(rows)
    return float(jensen_shannon(p[None], q[None])[0])


def on_the_device(rows: FloatArray) -> float:
    import torch

    from ragattr.models.divergence import divergence

    log_p, log_q = torch.log_softmax(torch.tensor(rows, dtype=torch.float32), -1)[:, None]
    return float(divergence(log_p.exp(), log_p, log_q)[0])


def from_a_server(rows: FloatArray) -> float:
    """Of each distribution the five likeliest words and the one that stands there."""
    with np.errstate(divide="ignore"):
        shown = [dict(enumerate(row)) for row in np.log(softmax(rows)).tolist()]
    kept = [dict(sorted(row.items(), key=lambda pair: -pair[1])[:5]) for row in shown]
    p, q = (Seen.of(0, {**some, 0: row[0]}) for some, row in zip(kept, shown, strict=True))
    return jsd_bound(p, q)


WAYS: dict[str, Callable[[FloatArray], float]] = {
    way.__name__: way for way in (plainly, on_the_device, from_a_server)
}


@sizes(quick=500, full=10_000)
@pytest.mark.parametrize("way", WAYS)
def test_a_divergence_lies_between_0_and_ln2(way: str, n: int, shown: Shown) -> None:
    found = [WAYS[way](logits(np.random.default_rng([SEED, i]))) for i in range(n)]
    wrong = [value for value in found if not 0 <= value <= LN2 + 1e-7]
    shown(n, len(wrong), lowest=min(found), highest=round(max(found), 6))
    assert wrong == []
    assert max(found) > 0.99 * LN2


@sizes(quick=500, full=10_000)
def test_the_device_agrees_with_the_definition_and_the_bound_is_none_too_high(
    n: int, shown: Shown
) -> None:
    drawn = [logits(np.random.default_rng([SEED, i])) for i in range(n)]
    exact = np.array([plainly(rows) for rows in drawn])
    device = np.array([on_the_device(rows) for rows in drawn])
    bound = np.array([from_a_server(rows) for rows in drawn])
    wrong = (abs(device - exact) > 1e-5) | (bound > exact + 1e-9)
    shown(n, int(wrong.sum()), largest_error=float(abs(device - exact).max()))
    assert not wrong.any()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_is_an_error_and_never_a_number(bad: float) -> None:
    p, q = np.array([[0.5, 0.5]]), np.array([[bad, 0.5]])
    for one, other in itertools.permutations((p, q)):
        with pytest.raises(ModelReplyError), np.errstate(invalid="ignore"):
            jensen_shannon(one, other)
    with pytest.raises(ModelReplyError):
        Seen.of(0, {0: bad, 1: -1.0})


def test_on_the_device_a_nan_stays_one_for_the_reader_to_refuse() -> None:
    """`models.reading` raises for it: tests/models/test_hf.py."""
    assert math.isnan(on_the_device(np.array([[np.nan, 0.0], [0.0, 0.0]])))


@sizes(quick=100, full=2_000)
@pytest.mark.usefixtures("fakes")
def test_measures_of_tiny_cases_are_in_range_or_refused_by_name(n: int, shown: Shown) -> None:
    """One word or none in the answer, passages without words, questions of one sign."""
    texts = ("a", ".", "[1]", "1", " ", "\x00", "Bees.", "Bees make honey.", "\n", "😀", "of the")
    wrong = list[str]()
    for i in range(n):
        rng = random.Random(f"{SEED} {i}")
        passages = [rng.choice(texts) for _ in range(rng.randint(1, 3))]
        question, answer = rng.choice(texts), rng.choice(texts)
        try:
            made = ragattr.attribute(question=question, passages=passages, answer=answer)
        except RagattrError:
            continue
        measured = made["attribution"] or {"scores": [], "n_tokens": []}
        for row, n_tokens in zip(measured["scores"], measured["n_tokens"], strict=True):
            if not all(0 <= score <= n_tokens * LN2 + 1e-6 for score in row):
                wrong.append(f"{question!r} {passages} {answer!r}: {row}")
    shown(n, len(wrong))
    assert wrong == []
