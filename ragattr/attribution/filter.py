"""The quick filter: every sentence estimated by knock-outs, a long context block by block first."""

from collections.abc import Sequence
from itertools import groupby

import numpy as np

from ragattr.attribution.known import Known
from ragattr.attribution.subject import Subject, measured_claims
from ragattr.models.protocols import Reading
from ragattr.types import FloatArray, Source

LONG = 128  # sentences from which on blocks come first
BLOCK = 8  # sentences
REFINED_SHARE = 0.25  # of the sentences of a long context are looked at one by one


def estimate(known: Known) -> None:
    """JSD and log-probability drop of every sentence, approximately.

    Of a long context, blocks of neighbours are hidden first, and only the sentences of the best
    blocks one by one; the others get an even part of their block's effect. Under a budget those
    that share words with the answer come first. A model that cannot knock out deletes.
    """
    subject, reading, purse = known.subject, known.reading, known.purse
    n_sources = len(subject.sources)
    order = list(range(n_sources)) if purse.budget.is_unlimited else subject.by_overlap
    if not reading.can_knock_out:
        known.delete(order)
    elif n_sources <= LONG:
        known.knock_out(order)
    else:
        blocks = _blocks(subject.sources)
        costs = [subject.knock_out_passes] * len(blocks)
        removals = [subject.together(block) for block in blocks]
        effects = purse.spend(reading.knock_out, removals, costs)
        for block, jsd, drops in zip(blocks, effects.jsd, effects.drops, strict=False):
            known.jsd[block], known.drops[block] = jsd / len(block), drops / len(block)
            known.is_known[block] = True
        known.knock_out(_refined(subject, reading, blocks, effects.jsd))


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
