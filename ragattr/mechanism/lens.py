"""Which heads and MLPs speak otherwise without a source, and which layers find the right word.

ARC-JSD, sections 1.2 and 1.3 of the handbook.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from ragattr.errors import ConfigError
from ragattr.mechanism.inside import inner_model
from ragattr.metrics.ranking import spearman, top_k
from ragattr.models.hf import HFModel
from ragattr.models.protocols import Reply
from ragattr.models.streams import divergences, gains, read_streams
from ragattr.prompt import Chat
from ragattr.types import FloatArray, Span


class Component(NamedTuple):
    """A row of a table: a head, or the MLP of a layer."""

    layer: int
    head: int | None
    score: float

    @property
    def name(self) -> str:
        """L10H7, or L10 MLP."""
        return f"L{self.layer} MLP" if self.head is None else f"L{self.layer}H{self.head}"


@dataclass(frozen=True, eq=False)
class Seen:
    """What heads and MLPs say at the rows that predict a reply.

    Attributes:
        heads: [layers, heads], JSD in nats between full and ablated, summed over the reply.
        mlps: [layers], the same.
        attention_gain, mlp_gain: [layers], semantic gain under the full context, -2 .. 2.
    """

    heads: FloatArray
    mlps: FloatArray
    attention_gain: FloatArray
    mlp_gain: FloatArray

    @property
    def table(self) -> list[Component]:
        """All heads and MLPs, those that differ most first."""
        heads = [
            Component(layer, head, score) for (layer, head), score in np.ndenumerate(self.heads)
        ]
        mlps = [Component(layer, None, score) for (layer,), score in np.ndenumerate(self.mlps)]
        return sorted([*heads, *mlps], key=lambda row: -row.score)

    def consensus(self, part: Literal["attention", "mlp"]) -> FloatArray:
        """[layers], 0..1: mean relative rank by JSD and by gain; small counts for both."""
        divergence, gain = self._pair(part)
        n = len(gain)
        found: FloatArray = (_places(divergence) + _places(gain)) / (2 * n)
        return found

    def agreement(self, part: Literal["attention", "mlp"], *, k: int = 10) -> tuple[float, float]:
        """Spearman of JSD, and of gain, with the consensus, over the layers in either's top k."""
        consensus = -self.consensus(part)
        found = []
        for values in self._pair(part):
            best = sorted({*top_k(values, k=k), *top_k(consensus, k=k)})
            found.append(spearman(values[best], consensus[best]))
        return found[0], found[1]

    def _pair(self, part: Literal["attention", "mlp"]) -> tuple[FloatArray, FloatArray]:
        if part == "attention":
            return self.heads.mean(axis=1), self.attention_gain
        return self.mlps, self.mlp_gain


def see(model: HFModel, chat: Chat, reply: Reply, removal: Sequence[Span]) -> Seen:
    """Read the reply with and without a source, and look at every head, MLP and layer.

    Args:
        removal: spans of the chat's text, of the source that counts most as a rule.
    """
    own, prompted = inner_model(model), model.prompted(chat)
    reply_ids, _ = model.reply_tokens(reply)
    if not reply_ids:
        raise ConfigError("an empty reply cannot be measured")
    full, ablated = (
        read_streams(own, [*ids, *reply_ids[:-1]], len(reply_ids))
        for ids in (prompted.ids, prompted.without(removal)[0])
    )
    return Seen(*divergences(own, full, ablated), *gains(own, full, reply_ids))


def _places(values: FloatArray) -> FloatArray:
    """[n], counted from 1, the largest first."""
    order = np.argsort(-values, kind="stable")
    found = np.empty(len(values))
    found[order] = np.arange(1, len(values) + 1)
    return found
