"""The quick filter: every sentence estimated by knock-outs, a long context block by block first."""

from collections.abc import Sequence
from itertools import groupby

import numpy as np

from ragattr.attribution.budget import Purse
from ragattr.attribution.subject import Subject, measured_claims
from ragattr.models.protocols import Reading
from ragattr.types import FloatArray, Source

LONG = 128  # sentences from which on blocks come first
BLOCK = 8  # sentences
REFINED_SHARE = 0.25  # of the sentences of a long context are looked at one by one


def estimates(subject: Subject, reading: Reading, purse: Purse) -> tuple[FloatArray, FloatArray]:
    """[sources, tokens] each, JSD and log-probability drop, approximately.

    Of a long context, blocks of neighbours are hidden first, and only the sentences of the best
    blocks one by one; the others get an even part of their block's effect. Under a budget those
    that share words with the answer come first; what is not reached is 0. A model that cannot
    knock out deletes every sentence.
    """
    n_sources = len(subject.sources)
    jsd, drops = np.zeros((2, n_sources, len(reading.tokens)))
    order = list(range(n_sources)) if purse.budget.is_unlimited else subject.by_overlap
    if n_sources > LONG and reading.can_knock_out:
        blocks = _blocks(subject.sources)
        removals = [subject.together(block) for block in blocks]
        effects = purse.spend(
            reading.knock_out, removals, [subject.knock_out_passes] * len(removals)
        )
        for block, block_jsd, block_drops in zip(blocks, effects.jsd, effects.drops, strict=False):
            jsd[block], drops[block] = block_jsd / len(block), block_drops / len(block)
        order = _refined(subject, reading, blocks, effects.jsd)
    removals = [subject.removals[i] for i in order]
    if reading.can_knock_out:
        costs = [subject.knock_out_passes] * len(removals)
        effects = purse.spend(reading.knock_out, removals, costs)
    else:
        costs = [subject.deletion_passes(removal) for removal in removals]
        effects = purse.spend(reading.delete, removals, costs)
    reached = order[: len(effects.jsd)]
    jsd[reached], drops[reached] = effects.jsd, effects.drops
    return jsd, drops


def _blocks(sources: Sequence[Source]) -> list[list[int]]:
    """Runs of neighbours within a passage."""
    passages = groupby(range(len(sources)), key=lambda i: sources[i].passage)
    runs = [list(run) for _, run in passages]
    return [run[i : i + BLOCK] for run in runs for i in range(0, len(run), BLOCK)]


def _refined(
    subject: Subject, reading: Reading, blocks: Sequence[Sequence[int]], jsd: FloatArray
) -> list[int]:
    """The sentences of the blocks that matter most to some claim."""
    claims = measured_claims(subject.answer, reading.tokens)
    totals = np.array([jsd[:, claim].sum(axis=1) for claim in claims])
    parts = (totals / totals.max(axis=1, keepdims=True, initial=1e-12)).max(axis=0)
    chosen = list[int]()
    for i in np.argsort(-parts, kind="stable"):
        if len(chosen) >= REFINED_SHARE * len(subject.sources):
            break
        chosen += blocks[i]
    return chosen
