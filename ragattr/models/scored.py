"""A reading by an engine that shows the likeliest tokens alone: the `logprobs` tier."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ragattr.errors import ConfigError, ModelReplyError
from ragattr.models.protocols import Effects
from ragattr.models.truncated import Shown, jsd_bounds
from ragattr.types import FloatArray, Span

Removal = Sequence[Span]


class Scored(NamedTuple):
    """What an engine shows of a reply under one prompt, and how many tokens it read for that."""

    rows: Sequence[Shown]
    n_tokens: int


class ScoredReading:
    """A chat and a reply that an engine scores anew for every removal.

    Divergences are lower bounds, log-probability drops are exact.

    Attributes:
        tokens: where the engine's tokens stand in the reply.
        can_knock_out: False: an engine takes whole prompts.
    """

    can_knock_out = False

    def __init__(
        self, tokens: tuple[Span, ...], score: Callable[[Sequence[Removal]], list[Scored]]
    ) -> None:
        self.tokens = tokens
        self._score = score
        (self._full,) = score([()])
        self._pushed, self._mass = self._full.n_tokens, [row.mass for row in self._full.rows]

    @property
    def passes(self) -> float:
        """Tokens read so far / tokens of prompt and reply."""
        return self._pushed / self._full.n_tokens

    @property
    def logprobs(self) -> FloatArray:
        """[tokens], nats."""
        return np.array([row.logprob for row in self._full.rows])

    @property
    def settings(self) -> Mapping[str, object]:
        """For the record: what the divergences are, and how much of the mass was shown."""
        return {"jsd": "lower bound", "mass_seen": round(float(np.mean(self._mass)), 4)}

    def delete(self, removals: Sequence[Removal]) -> Effects:
        """Each removal is cut out of the chat; prompts that begin alike go one after another."""
        order = sorted(range(len(removals)), key=lambda i: _start(removals[i]), reverse=True)
        shape = (len(removals), len(self.tokens))
        jsd, drops = np.zeros(shape), np.zeros(shape)
        for i, scored in zip(order, self._score([removals[i] for i in order]), strict=True):
            if len(scored.rows) != len(self.tokens):
                raise ModelReplyError("the engine splits the reply another way under a removal")
            jsd[i] = jsd_bounds(self._full.rows, scored.rows)
            drops[i] = self.logprobs - [row.logprob for row in scored.rows]
            self._pushed += scored.n_tokens
            self._mass += [row.mass for row in scored.rows]
        return Effects(jsd=jsd, drops=drops)

    def knock_out(self, removals: Sequence[Removal]) -> Effects:
        """Not here: nothing can be hidden from an engine that takes whole prompts."""
        raise ConfigError("an engine that scores whole prompts cannot hide a part of one")


def _start(removal: Removal) -> int:
    return min((span.start for span in removal), default=0)
