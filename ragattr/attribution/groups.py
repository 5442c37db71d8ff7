"""Sentences that say the same: each hides the other, so they are taken away together.

Words and meaning propose groups; what happens when all members go decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from ragattr.attribution.budget import Purse
from ragattr.attribution.subject import Subject, measured_claims
from ragattr.metrics.usage import REDUNDANT
from ragattr.models.protocols import Effects, Encoder, Reading
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
        singles: [members of all groups, tokens], when one goes; in the order of `members`.
    """

    members: tuple[tuple[int, ...], ...]
    joint: Effects
    singles: Effects

    @property
    def grouped(self) -> list[int]:
        """The members of all groups."""
        return [i for members in self.members for i in members]


def find_groups(
    subject: Subject,
    reading: Reading,
    estimates: FloatArray,
    *,
    floor: float,
    encoder: Encoder | None,
    purse: Purse,
) -> Groups:
    """The sources that say the same and matter together.

    A group stands when its joint effect on some claim is above the floor and above what the
    single effects add up to: then each hides the other. Knock-outs choose, deletion decides.

    Args:
        estimates: [sources, tokens], about the JSD of each source alone.
        floor: nats per token.
    """
    candidates = alike(subject.texts, encoder)
    if not (
        candidates
        and reading.can_knock_out
        and purse.affords(len(candidates) * subject.knock_out_passes)
    ):
        candidates = []
    hidden = reading.knock_out([subject.together(group) for group in candidates]).jsd
    claims = measured_claims(subject.answer, reading.tokens)
    members, effects = list[tuple[int, ...]](), [reading.delete([])]
    totals = hidden.sum(axis=1)
    for i in sorted(range(len(candidates)), key=lambda i: (len(candidates[i]), -totals[i])):
        group = candidates[i]
        taken = {source for other in members for source in other}
        removals = [subject.together(group), *(subject.removals[source] for source in group)]
        if (
            taken.isdisjoint(group)
            and _stands(hidden[i], estimates[list(group)], claims, floor, least=1.0)
            and purse.affords(sum(subject.deletion_passes(removal) for removal in removals))
        ):
            deleted = reading.delete(removals)
            if _stands(deleted.jsd[0], deleted.jsd[1:], claims, floor, least=REDUNDANT):
                members.append(group)
                effects.append(deleted)
    firsts = np.cumsum([0, *(1 + len(group) for group in members)])[:-1]
    jsd = np.concatenate([deleted.jsd for deleted in effects])
    drops = np.concatenate([deleted.drops for deleted in effects])
    return Groups(
        tuple(members),
        joint=Effects(jsd[firsts], drops[firsts]),
        singles=Effects(np.delete(jsd, firsts, axis=0), np.delete(drops, firsts, axis=0)),
    )


def _stands(
    joint: FloatArray,
    singles: FloatArray,
    claims: Sequence[Sequence[int]],
    floor: float,
    *,
    least: float,
) -> bool:
    """Whether some claim hangs on the group, and by more than on its members one by one."""
    return any(
        joint[claim].sum() > max(floor * len(claim), least * singles[:, claim].sum())
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
