"""What the cross-encoder reads, and in which order.

First inference: NLI pairs, and statements made of questions with their answers. Then attribution:
labelled claims, each supported one also with details changed, and some of the first pairs again,
so that they are not forgotten. The second part is learnt once without each fold of questions, so
that there are figures of rows that were not learnt from.
"""

import logging
import random
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from ragattr.learn.cross_encoder import Example, fine_tune
from ragattr.learn.perturb import names_of, perturb
from ragattr.learn.rows import Row
from ragattr.metrics.classification import source_weights
from ragattr.models.cross import CrossEncoder, Vocabulary
from ragattr.models.digest import Digest
from ragattr.models.encoder import MeanEncoder
from ragattr.models.pair_reader import untrained
from ragattr.models.protocols import Pair
from ragattr.types import FloatArray
from ragattr.verification.evidence import join

logger = logging.getLogger(__name__)
Progress = Callable[[str, int, int], None]

PASSES = 2  # over the pairs of each part
FIRST_RATE, SECOND_RATE = 1e-4, 5e-5
_OF_A_KIND = 4000  # pairs at most of one source and label in the first part
_CHANGES = 2  # wrong versions of a supported claim
_AGAIN = 3000  # pairs of the first part in the second
_MADE_WEIGHT = 0.5  # of pairs that no person labelled
_WATCHED = 40  # one in so many texts of evidence says when to stop


@dataclass(frozen=True, eq=False)
class Curriculum:
    """Trains cross-encoders from one encoder; every part is kept in `work` and gone on with.

    Attributes:
        inference: NLI pairs and statements, for the first part.
        rows: attribution rows, for the second.
    """

    encoder: MeanEncoder
    inference: Sequence[Row]
    rows: Sequence[Row]
    work: Path
    seed: int = 0
    progress: Progress = lambda part, step, total: None

    def first(self) -> CrossEncoder:
        """The cross-encoder after the first part."""
        torch.manual_seed(self.seed)
        return self._tuned(untrained(self.encoder), self._inference, FIRST_RATE, "inference")

    def second(self, chosen: Collection[int], name: str) -> CrossEncoder:
        """One that has learnt from these rows, too."""
        rng = random.Random(self.seed)
        again = rng.sample(self._inference, min(_AGAIN, len(self._inference)))
        examples = [example for owner, example in self._attribution if owner in chosen]
        examples += [example._replace(weight=_MADE_WEIGHT) for example in again]
        return self._tuned(self.first(), examples, SECOND_RATE, name)

    def _tuned(
        self, model: CrossEncoder, examples: Sequence[Example], rate: float, name: str
    ) -> CrossEncoder:
        logger.info("%s: %d pairs, at most %d times", name, len(examples), PASSES)
        return fine_tune(
            model,
            Vocabulary.of(self.encoder.tokenizer),
            [example for example in examples if not _watched(example)],
            watched=[example for example in examples if _watched(example)],
            passes=PASSES,
            rate=rate,
            checkpoint=self.work / f"{name}.pt",
            seed=self.seed,
            progress=lambda step, total: self.progress(name, step, total),
        )

    @cached_property
    def _inference(self) -> list[Example]:
        rng, counts = random.Random(self.seed), Counter[tuple[str, str]]()
        kept = list[Row]()
        for row in rng.sample(self.inference, len(self.inference)):
            counts[row.source, row.label] += 1
            if counts[row.source, row.label] <= _OF_A_KIND:
                kept.append(row)
        return self._examples(kept, np.ones(len(kept)))

    @cached_property
    def _attribution(self) -> list[tuple[int, Example]]:
        """Every example with the number of the row that it was made from."""
        rng = random.Random(self.seed)
        strangers = names_of(row.claim for row in self.rows)
        changed = [
            (number, Row(wrong.claim, wrong.evidence, row.source, wrong.label, row.group))
            for number, row in enumerate(self.rows)
            if row.attributable
            for wrong in perturb(row.claim, row.evidence, rng, n=_CHANGES, strangers=strangers)
        ]
        weights = np.sqrt(
            source_weights(
                [row.source for row in self.rows], [row.attributable for row in self.rows]
            )
        )
        examples = self._examples(
            [*self.rows, *(row for _, row in changed)],
            np.concatenate([weights / weights.mean(), np.full(len(changed), _MADE_WEIGHT)]),
        )
        owners = [*range(len(self.rows)), *(number for number, _ in changed)]
        return list(zip(owners, examples, strict=True))

    def _examples(self, rows: Sequence[Row], weights: FloatArray) -> list[Example]:
        read = Digest(self.encoder)([Pair(join(row.evidence), row.claim) for row in rows])
        return [
            Example(tokens, row.label, float(weight))
            for (tokens, _), row, weight in zip(read, rows, weights, strict=True)
        ]


def _watched(example: Example) -> bool:
    """Whether this one is not learnt from; all pairs with the same evidence are treated alike."""
    return sum(example.pair.premise) % _WATCHED == 0
