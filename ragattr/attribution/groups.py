"""Sentences that say the same: each hides the other, so they are taken away together.

Words and meaning propose groups; what happens when all members go decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from ragattr.attribution.budget import Purse
from ragattr.attribution.subject import Subject, measured_claims
from ragattr.models.protocols import Encoder, Reading
from ragattr.text.words import content_words, words
from ragattr.types import FloatArray

SIMILAR = 0.6  # cosine of sentence vectors, or overlap of content words: worth a joint ablation
REDUNDANT = 1.2  # the joint effect over the sum of the single ones: more than the parts explain
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
        scores: [groups, tokens], JSD in nats.
        drops: [groups, tokens], log-probability drop in nats.
    """

    members: tuple[tuple[int, ...], ...]
    scores: FloatArray
    drops: FloatArray


def find_groups(
    subject: Subject,
    reading: Reading,
    singles: FloatArray,
    *,
    floor: float,
    encoder: Encoder | None,
    purse: Purse,
) -> Groups:
    """The sources that say the same and matter together.

    A group stands when its joint effect on some claim is above the floor and above what the
    single effects add up to: then each hides the other. Knock-outs choose, deletion confirms.

    Args:
        singles: [sources, tokens], JSD of each source alone.
        floor: nats per token.
    """
    nothing = Groups((), singles[:0], singles[:0])
    candidates = alike(subject.texts, encoder)
    claims = measured_claims(subject.answer, reading.tokens)
    if not candidates or not reading.can_knock_out:
        return nothing

    def stands(group: Sequence[int], joint: FloatArray) -> bool:
        return any(
            joint[columns].sum() > floor * len(columns)
            and joint[columns].sum() > REDUNDANT * singles[np.ix_(group, columns)].sum()
            for columns in claims
        )

    if not purse.affords(len(candidates) * subject.knock_out_passes):
        return nothing
    hidden = reading.knock_out([subject.together(group) for group in candidates])
    members, effects = list[tuple[int, ...]](), list[tuple[FloatArray, FloatArray]]()
    for i in np.argsort(-hidden.jsd.sum(axis=1), kind="stable"):
        group = candidates[i]
        if not stands(group, hidden.jsd[i]) or set(group) & {j for other in members for j in other}:
            continue
        removal = subject.together(group)
        if not purse.affords(subject.deletion_passes(removal)):
            break
        deleted = reading.delete([removal])
        if stands(group, deleted.jsd[0]):
            members.append(group)
            effects.append((deleted.jsd[0], deleted.drops[0]))
    if not members:
        return nothing
    return Groups(
        tuple(members),
        np.array([jsd for jsd, _ in effects]),
        np.array([drops for _, drops in effects]),
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
