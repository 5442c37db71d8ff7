"""The quick filter: every sentence estimated by knock-outs, a long context block by block first."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from ragattr.attribution.budget import Purse, Removal
from ragattr.attribution.subject import Subject, measured_claims
from ragattr.models.protocols import Effects, Reading
from ragattr.types import FloatArray, Source

LONG = 128  # sentences from which on blocks come first
BLOCK = 8  # sentences
REFINED_SHARE = 0.25  # of the sentences of a long context are looked at one by one


@dataclass(frozen=True, eq=False)
class Estimates:
    """What the filter found.

    Attributes:
        jsd, drops: [sources, tokens], approximately; 0 where it did not get to.
        reached: the sources it got to.
        is_exact: whether they were deleted and not just hidden.
    """

    jsd: FloatArray
    drops: FloatArray
    reached: list[int]
    is_exact: bool


def estimates(subject: Subject, reading: Reading, purse: Purse) -> Estimates:
    """JSD and log-probability drop of every sentence, approximately.

    Of a long context, blocks of neighbours are hidden first, and only the sentences of the best
    blocks one by one; the others get an even part of their block's effect. Under a budget those
    that share words with the answer come first. A model that cannot knock out deletes.
    """
    n_sources = len(subject.sources)
    jsd, drops = np.zeros((2, n_sources, len(reading.tokens)))
    order = list(range(n_sources)) if purse.budget.is_unlimited else subject.by_overlap
    reached = list[int]()
    if n_sources > LONG and reading.can_knock_out:
        blocks = _blocks(subject.sources)
        effects = _hidden(subject, reading, purse, [subject.together(block) for block in blocks])
        for block, block_jsd, block_drops in zip(blocks, effects.jsd, effects.drops, strict=False):
            jsd[block], drops[block] = block_jsd / len(block), block_drops / len(block)
            reached += block
        order = _refined(subject, reading, blocks, effects.jsd)
    removals = [subject.removals[i] for i in order]
    if reading.can_knock_out:
        effects = _hidden(subject, reading, purse, removals)
    else:
        costs = [subject.deletion_passes(removal) for removal in removals]
        effects = purse.spend(reading.delete, removals, costs)
    found = order[: len(effects.jsd)]
    jsd[found], drops[found] = effects.jsd, effects.drops
    return Estimates(jsd, drops, sorted({*reached, *found}), not reading.can_knock_out)


def _hidden(
    subject: Subject, reading: Reading, purse: Purse, removals: Sequence[Removal]
) -> Effects:
    return purse.spend(reading.knock_out, removals, [subject.knock_out_passes] * len(removals))


def _blocks(sources: Sequence[Source]) -> list[list[int]]:
    """Runs of neighbours within a passage."""
    passages = groupby(range(len(sources)), key=lambda i: sources[i].passage)
    runs = [list(run) for _, run in passages]
    return [run[i : i + BLOCK] for run in runs for i in range(0, len(run), BLOCK)]


def _refined(
    subject: Subject, reading: Reading, blocks: Sequence[Sequence[int]], jsd: FloatArray
) -> list[int]:
    """The sentences of the blocks that matter most: each claim's best ones in turn."""
    claims = measured_claims(subject.answer, reading.tokens)
    best = [np.argsort(-jsd[:, claim].sum(axis=1), kind="stable") for claim in claims]
    in_turn = dict.fromkeys(int(i) for rank in zip(*best, strict=True) for i in rank)
    n_wanted = REFINED_SHARE * len(subject.sources)
    n_least = len({int(ranking[0]) for ranking in best if len(ranking)})  # each claim's best block
    chosen = list[int]()
    for n_blocks, i in enumerate(in_turn):
        if len(chosen) >= n_wanted and n_blocks >= n_least:
            break
        chosen += blocks[i]
    return chosen
