"""The mixture of attention heads that says best what deleting a sentence does (AT2)."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ragattr.attribution.heads import mixed
from ragattr.errors import ConfigError, MissingExtra
from ragattr.learn.examples import Example
from ragattr.types import FloatArray

try:
    import torch
except ImportError as error:
    raise MissingExtra("local") from error

N_FOLDS = 5
N_STEPS, RATE, DECAY = 300, 0.05, 0.02
FEWEST = 10  # examples


def fit_heads(examples: Sequence[Example]) -> tuple[FloatArray, dict[str, Any]]:
    """The weights, [layers, heads], and how they do on examples that they were not fitted on.

    Each example's attention becomes shares of its sentences, and so does the divergence that each
    sentence's deletion causes; the weights, none below 0, minimise the Kullback-Leibler divergence
    from the one to the other.

    Raises:
        ConfigError: too few examples, or none in which any sentence matters more than another.
    """
    useful = with_contrast(examples)
    same = list[bool]()
    for example, weights in zip(useful, held_out_weights(useful), strict=True):
        same.append(mixed(example.signals.attention, weights).argmax() == example.jsd.argmax())
    same_mean = [mixed(e.signals.attention, None).argmax() == e.jsd.argmax() for e in useful]
    figures = {
        "examples": len(useful),
        "same_best": float(np.mean(same)),
        "same_best_mean_attention": float(np.mean(same_mean)),
    }
    return _fitted(useful), figures


def with_contrast(examples: Sequence[Example]) -> list[Example]:
    """Those in which one sentence matters more than another."""
    useful = [example for example in examples if np.ptp(example.jsd) > 0]
    if len(useful) < FEWEST:
        raise ConfigError(
            f"{len(useful)} examples in which one sentence matters more than another: "
            f"{FEWEST} are needed"
        )
    return useful


def held_out_weights(examples: Sequence[Example]) -> list[FloatArray]:
    """For each example, weights that were fitted on the other folds."""
    folds = np.arange(len(examples)) % N_FOLDS
    by_fold = [
        _fitted([e for e, k in zip(examples, folds, strict=True) if k != fold])
        for fold in range(N_FOLDS)
    ]
    return [by_fold[fold] for fold in folds]


def _fitted(examples: Sequence[Example]) -> FloatArray:
    layers, heads = examples[0].signals.attention.shape[:2]
    most = max(len(example.jsd) for example in examples)
    attention = torch.zeros(len(examples), layers * heads, most)
    wanted = torch.zeros(len(examples), most)
    for i, example in enumerate(examples):
        n = len(example.jsd)
        attention[i, :, :n] = torch.from_numpy(example.signals.attention).float().flatten(0, 1)
        wanted[i, :n] = torch.from_numpy(example.jsd / example.jsd.sum())
    logs = torch.full((layers * heads,), -1.0, requires_grad=True)
    optimiser = torch.optim.Adam([logs], lr=RATE)
    for _ in range(N_STEPS):
        weights = torch.nn.functional.softplus(logs)
        scores = torch.einsum("h,bhn->bn", weights, attention)
        shares = scores / scores.sum(dim=1, keepdim=True).clamp_min(1e-9)
        entropy = -(wanted * shares.clamp_min(1e-9).log()).sum(dim=1).mean()
        (logs.grad,) = torch.autograd.grad(entropy + DECAY * weights.mean(), [logs])
        optimiser.step()
    found = torch.nn.functional.softplus(logs.detach()).double().numpy()
    mixture: FloatArray = (found / found.sum()).reshape(layers, heads)
    return mixture
