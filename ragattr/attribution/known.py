"""What is known of each source so far: nothing, an estimate, or its exact effect."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ragattr.attribution.budget import Purse, Removal
from ragattr.attribution.subject import Subject
from ragattr.models.protocols import Effects, Reading
from ragattr.types import FloatArray


@dataclass(eq=False)
class Known:
    """The effects of taking away each source, as measurement goes on.

    Attributes:
        jsd, drops: [sources, tokens], 0 where nothing is known.
        is_known: [sources], whether its effect was estimated or measured.
        is_exact: [sources], whether it was measured: deleted, not just hidden.
    """

    subject: Subject
    reading: Reading
    purse: Purse
    jsd: FloatArray = field(init=False)
    drops: FloatArray = field(init=False)
    is_known: NDArray[np.bool_] = field(init=False)
    is_exact: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        shape = (len(self.subject.sources), len(self.reading.tokens))
        self.jsd, self.drops = np.zeros(shape), np.zeros(shape)
        self.is_known, self.is_exact = np.zeros((2, shape[0]), dtype=bool)

    @property
    def verified(self) -> tuple[int, ...]:
        """The sources whose effect is exact."""
        return tuple(np.flatnonzero(self.is_exact).tolist())

    def delete(self, sources: Sequence[int]) -> list[int]:
        """Measure sources exactly, as many of the first as the budget allows: these."""
        subject, wanted = self.subject, [i for i in sources if not self.is_exact[i]]
        costs = [subject.deletion_passes(subject.removals[i]) for i in wanted]
        done = self._put(wanted, self.reading.delete, costs)
        self.is_exact[done] = True
        return done

    def knock_out(self, sources: Sequence[int]) -> list[int]:
        """Estimate sources, as many of the first as the budget allows: these."""
        costs = [self.subject.knock_out_passes] * len(sources)
        return self._put(sources, self.reading.knock_out, costs)

    def _put(
        self,
        sources: Sequence[int],
        ablate: Callable[[Sequence[Removal]], Effects],
        costs: Sequence[float],
    ) -> list[int]:
        effects = self.purse.spend(ablate, [self.subject.removals[i] for i in sources], costs)
        done = [*sources[: len(effects.jsd)]]
        self.jsd[done], self.drops[done], self.is_known[done] = effects.jsd, effects.drops, True
        return done
