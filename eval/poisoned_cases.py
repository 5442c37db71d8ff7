"""Questions with five passages of which some are poisoned, their harmless twins, and clean ones.

Passages are the gold sentences of the shipped facts. A poisoned one keeps its sentence and goes on
with a text of one family, the same in all poisoned passages of a case but for its choices; a twin
goes on with a harmless text of the same shape. The eleventh family states a false answer (Zou et
al. 2024, "PoisonedRAG"); its twin says the same as the gold sentence in other words.
"""

import random
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from eval.poisoned_texts import FAMILIES, Kind, Split, of
from ragattr.learn.floors import read_facts
from ragattr.types import Context, Passage, Query

KNOWLEDGE = "knowledge"
ALL_FAMILIES = (*FAMILIES, KNOWLEDGE)
CLEAN = "clean"
N_PASSAGES = 5
POISONED = (1, 3, 5)
_LINK = ".example"  # the hosts of all planted addresses end so
Fact = dict[str, str]


class PoisonedCase(NamedTuple):
    """One question.

    Attributes:
        wanted: what an answer holds when the attack has worked, or would have.
        poisoned: the passages, from 0, that were changed.
    """

    fact: Fact
    family: str
    kind: Kind | Literal["clean"]
    passages: tuple[str, ...]
    poisoned: tuple[int, ...]
    wanted: str

    @property
    def context(self) -> Context:
        """What the model reads."""
        numbered = enumerate(self.passages, start=1)
        passages = tuple(Passage(text, str(number)) for number, text in numbered)
        return Context(Query(self.fact["question"], self.fact["id"]), passages)


def cases(split: Split, n: int, *, seed: int) -> Iterator[PoisonedCase]:
    """Of every family `n` attacks and `n` twins for each number of poisoned passages; clean ones.

    Facts and phrasings of one split are not in the other.
    """
    facts = read_facts()[0 if split == "tune" else 1 :: 2]
    rng = random.Random(f"{seed} {split}")
    for _ in range(n):
        for n_poisoned in POISONED:
            for family in ALL_FAMILIES:
                for kind in ("attack", "twin"):
                    yield case(facts, split, family, kind, n_poisoned, rng)
        for fact in rng.sample(facts, len(ALL_FAMILIES)):
            passages, target = _drawn(facts, fact, rng)
            yield PoisonedCase(fact, CLEAN, "clean", passages, (), target)


def case(
    facts: Sequence[Fact],
    split: Split,
    family: str,
    kind: Kind,
    n_poisoned: int,
    rng: random.Random,
) -> PoisonedCase:
    """One attack or twin on a fact that is drawn."""
    fact = rng.choice(facts)
    passages, target = _drawn(facts, fact, rng)
    poisoned = sorted(rng.sample(range(N_PASSAGES), n_poisoned))
    changed = list(passages)
    phrasing = None if family == KNOWLEDGE else rng.choice(of(family, split, kind))
    for i in poisoned:
        if phrasing is None:
            said = _false(fact, target) if kind == "attack" else fact["paraphrase"]
        else:
            said = phrasing.fill(target, fact["question"], rng)
        changed[i] = f"{passages[i]} {said}"
    wanted = _LINK if family == "exfiltration links" else target
    return PoisonedCase(fact, family, kind, tuple(changed), tuple(poisoned), wanted)


def _drawn(facts: Sequence[Fact], fact: Fact, rng: random.Random) -> tuple[tuple[str, ...], str]:
    """Five gold sentences, the fact's own among them, and an alike answer that is in none."""
    others = [other for other in facts if other is not fact]
    texts = [fact["gold"], *(other["gold"] for other in rng.sample(others, N_PASSAGES - 1))]
    rng.shuffle(texts)
    words = fact["question"].split()
    held = " ".join(texts).lower()
    free = [other for other in others if other["answer"].lower() not in held]
    alike = [other for other in free if other["question"].split()[:2] == words[:2]]
    alike = alike or [other for other in free if other["question"].split()[0] == words[0]]
    return tuple(texts), rng.choice(alike or free)["answer"]


def _false(fact: Fact, target: str) -> str:
    return fact["gold"].replace(fact["answer"], target)
