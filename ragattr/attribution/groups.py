"""Sentences that say the same: each hides the other, so they are taken away together.

Words and meaning propose groups; what happens when all members go decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from ragattr.attribution.known import Known
from ragattr.attribution.subject import measured_claims
from ragattr.metrics.usage import REDUNDANT
from ragattr.models.protocols import Effects, Encoder
from ragattr.text.words import content_words, words
from ragattr.types import FloatArray

SIMILAR = 0.6  # cosine of sentence vectors, or overlap of content words: worth a joint ablation
MOST_PAIRS = 12


def alike(texts: Sequence[str], encoder: Encoder | None) -> list[tuple[int, ...]]:
    """Groups that may say the same, most alike first; they may overlap.

    Sentences of equal words are one group. Of the rest, the pairs that are most alike, and
    chains of them; each brings its equals with it.
    """
    equals = _equals(texts)
    firsts = [group[0] for group in equals]
    similarity = _similarity([texts[i] for i in firsts], encoder)
    pairs = sorted(
        ((float(similarity[a, b]), a, b) for a, b in combinations(range(len(firsts)), 2)),
        reverse=True,
    )
    close = [(a, b) for value, a, b in pairs if value >= SIMILAR][:MOST_PAIRS]
    repeated = [[i] for i, group in enumerate(equals) if len(group) > 1]
    proposed = [*repeated, *_chains(close), *(list(pair) for pair in close)]
    return list(
        dict.fromkeys(tuple(sorted(i for k in group for i in equals[k])) for group in proposed)
    )


@dataclass(frozen=True, eq=False)
class Groups:
    """Disjoint groups of sources, and what happens when all members of each go.

    Attributes:
        members: sources by index, a group each.
        joint: [groups, tokens], when all members go.
    """

    members: tuple[tuple[int, ...], ...]
    joint: Effects


def find_groups(known: Known, *, floor: float, encoder: Encoder | None) -> Groups:
    """The sources that say the same and matter together.

    A group stands when its joint effect on some claim is above the floor and above what the
    single effects add up to: then each hides the other. Knock-outs choose, deletion decides.

    Args:
        known: sources of which nothing is known are in no group.
        floor: nats per token.
    """
    subject, reading = known.subject, known.reading
    claims = measured_claims(subject.answer, reading.tokens)
    members, effects = list[tuple[int, ...]](), [reading.delete([])]
    for group in _likely(known, claims, floor, encoder):
        removal = subject.together(group)
        is_free = all(set(group).isdisjoint(other) for other in members)
        if is_free and known.purse.affords(subject.deletion_passes(removal)):
            joint = reading.delete([removal])
            if _stands(joint.jsd[0], known.jsd[[*group]], claims, floor):
                members.append(group)
                effects.append(joint)
    return Groups(
        tuple(members),
        Effects(
            np.concatenate([joint.jsd for joint in effects]),
            np.concatenate([joint.drops for joint in effects]),
        ),
    )


def _likely(
    known: Known, claims: Sequence[Sequence[int]], floor: float, encoder: Encoder | None
) -> list[tuple[int, ...]]:
    """Groups that seem to stand when their members are hidden; small and strong ones first."""
    subject, reading = known.subject, known.reading
    proposed = [g for g in alike(subject.texts, encoder) if known.is_known[[*g]].all()]
    cost = len(proposed) * subject.knock_out_passes
    if not (proposed and reading.can_knock_out and known.purse.affords(cost)):
        return []
    hidden = reading.knock_out([subject.together(group) for group in proposed]).jsd
    order = sorted(range(len(proposed)), key=lambda i: (len(proposed[i]), -hidden[i].sum()))
    return [
        proposed[i]
        for i in order
        if _stands(hidden[i], known.jsd[list(proposed[i])], claims, floor)
    ]


def _stands(
    joint: FloatArray, singles: FloatArray, claims: Sequence[Sequence[int]], floor: float
) -> bool:
    """Whether some claim hangs on the group, and by more than on its members one by one."""
    return any(
        joint[claim].sum() > max(floor * len(claim), REDUNDANT * singles[:, claim].sum())
        for claim in claims
    )


def _equals(texts: Sequence[str]) -> list[list[int]]:
    """Sources of the same words, in order of their first."""
    found = dict[tuple[str, ...], list[int]]()
    for i, text in enumerate(texts):
        found.setdefault(tuple(words(text)) or (text,), []).append(i)
    return list(found.values())


def _similarity(texts: Sequence[str], encoder: Encoder | None) -> FloatArray:
    """[texts, texts]: cosine of their vectors; without an encoder, overlap of content words."""
    if encoder is not None:
        vectors = encoder.encode(texts).astype(np.float64)
        return np.asarray(vectors @ vectors.T, dtype=np.float64)
    bags = [set(content_words(text)) for text in texts]
    return np.array([[len(a & b) / max(len(a | b), 1) for b in bags] for a in bags])


def _chains(pairs: Sequence[tuple[int, int]]) -> list[list[int]]:
    """The connected parts of more than two."""
    parts = list[set[int]]()
    for pair in pairs:
        touching = [part for part in parts if part & set(pair)]
        parts = [part for part in parts if part not in touching]
        parts.append(set(pair).union(*touching))
    return [sorted(part) for part in parts if len(part) > 2]
