"""How much the measurement of one answer may cost."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ragattr.errors import ConfigError
from ragattr.models.protocols import Effects, Reading
from ragattr.types import Span

Removal = Sequence[Span]


@dataclass(frozen=True)
class Budget:
    """Limits on one answer's measurement; None is no limit.

    Attributes:
        passes: tokens pushed / tokens of prompt and answer; the first reading counts.
        seconds: from the end of the first reading.
    """

    passes: float | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        for name, limit in (("passes", self.passes), ("seconds", self.seconds)):
            if limit is not None and not limit > 0:
                raise ConfigError(f"a budget of {name} is above 0, got {limit}")

    @property
    def is_unlimited(self) -> bool:
        """Whether nothing is limited."""
        return self.passes is None and self.seconds is None

    def open(self, reading: Reading) -> "Purse":
        """What can be spent on one reading, from now on."""
        return Purse(self, reading, reading.passes)


@dataclass
class Purse:
    """What is left of a budget, and whether it was ever too little."""

    budget: Budget
    reading: Reading
    passes_before: float
    was_short: bool = False
    started: float = field(default_factory=time.perf_counter)

    def affords(self, passes: float) -> bool:
        """Whether about so many more passes fit, at the speed seen so far."""
        spent_s = time.perf_counter() - self.started
        spent = self.reading.passes - self.passes_before
        next_s = passes * spent_s / spent if spent else 0.0
        limits = self.budget
        fits = (limits.passes is None or self.reading.passes + passes <= limits.passes) and (
            limits.seconds is None or spent_s + next_s <= limits.seconds
        )
        self.was_short = self.was_short or not fits
        return fits

    def spend(
        self,
        ablate: Callable[[Sequence[Removal]], Effects],
        removals: Sequence[Removal],
        passes: Sequence[float],
    ) -> Effects:
        """The effects of as many of the first removals as the budget allows.

        Args:
            ablate: `delete` or `knock_out` of the reading.
            passes: [removals], about how much each costs.
        """
        if self.budget.is_unlimited:
            return ablate(removals)
        done = [ablate([])]
        for removal, cost in zip(removals, passes, strict=True):
            if not self.affords(cost):
                break
            done.append(ablate([removal]))
        return Effects(
            np.concatenate([effects.jsd for effects in done]),
            np.concatenate([effects.drops for effects in done]),
        )
