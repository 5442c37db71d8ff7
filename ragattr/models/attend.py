"""Attention of a few query rows at a time, so that their scores stay in the cache."""

from collections.abc import Sequence
from dataclasses import dataclass

from ragattr.errors import MissingExtra

try:
    import torch
except ImportError as error:
    raise MissingExtra("local") from error

_SCORES_ON_CPU, _SCORES_ON_GPU = 2_000_000, 100_000_000  # over all heads
_ROWS_AT_LEAST = 32


@dataclass(frozen=True, eq=False)
class Stretch:
    """Keys that stand before a copy's own, all of which its rows may see.

    Attributes:
        query: [heads, rows, key width], the copy's rows as they look at these keys.
        key, value: [key-value heads, keys, width].
        positions: [keys], where the copy finds them.
    """

    query: "torch.Tensor"
    key: "torch.Tensor"
    value: "torch.Tensor"
    positions: "torch.Tensor"


@dataclass(frozen=True, eq=False)
class Call:
    """What a layer hands to its attention function: [copies, heads, tokens, head width]."""

    query: "torch.Tensor"
    key: "torch.Tensor"
    value: "torch.Tensor"
    scale: float
    softcap: float | None
    window: int | None

    def causal(
        self, copy: int, positions: "torch.Tensor", before: Sequence[Stretch] = ()
    ) -> "torch.Tensor":
        """[heads, tokens, value width]: each token sees what stands before, and itself.

        Args:
            positions: [tokens], of the copy.
            before: what it sees besides its own tokens, at smaller positions.
        """
        own = Stretch(self.query[copy], self.key[copy], self.value[copy], positions)
        stretches = (*before, own)
        queries = [self._folded(stretch.query) for stretch in stretches]
        values = torch.cat([stretch.value for stretch in stretches], dim=1)
        columns = torch.cat([stretch.positions for stretch in stretches])
        n_heads, n_shared, n_tokens, _ = queries[-1].shape
        n_before, size = len(columns) - n_tokens, self._rows_at_once(len(columns))
        output = values.new_empty(n_heads, n_shared, n_tokens, values.shape[-1])
        for first in range(0, n_tokens, size):
            end = min(first + size, n_tokens)
            keys = [*(stretch.key for stretch in before), own.key[:, :end]]
            scores = torch.cat(
                [
                    _product(query[:, :, first:end], key.transpose(1, 2))
                    for query, key in zip(queries, keys, strict=True)
                ],
                dim=-1,
            )
            if self.softcap is not None:
                scores = self.softcap * torch.tanh(scores / self.softcap)
            later = below(end - first, scores.device).logical_not()
            scores[..., n_before + first :].masked_fill_(later, -torch.inf)
            if self.window is not None:
                distance = positions[first:end, None] - columns[: n_before + end]
                scores.masked_fill_(distance >= self.window, -torch.inf)
            weights = torch.softmax(scores, dim=-1)
            output[:, :, first:end] = _product(weights, values[:, : n_before + end])
        return output.flatten(0, 1)

    def _rows_at_once(self, n_columns: int) -> int:
        most = _SCORES_ON_CPU if self.query.device.type == "cpu" else _SCORES_ON_GPU
        return max(_ROWS_AT_LEAST, most // (self.query.shape[1] * n_columns))

    def _folded(self, query: "torch.Tensor") -> "torch.Tensor":
        """[key-value heads, heads that share one, rows, width], scaled."""
        return (query * self.scale).view(self.key.shape[1], -1, *query.shape[1:])


def below(n_tokens: int, device: torch.device) -> "torch.Tensor":
    """[tokens, tokens], bool: each sees itself and those before it."""
    return torch.ones(n_tokens, n_tokens, dtype=torch.bool, device=device).tril()


def _product(rows: "torch.Tensor", columns: "torch.Tensor") -> "torch.Tensor":
    """[heads, shared, rows, a] by [heads, a, b]."""
    product = torch.bmm(rows.flatten(1, 2), columns)
    return product.view(*rows.shape[:3], columns.shape[-1])
