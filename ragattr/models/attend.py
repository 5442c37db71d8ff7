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
    """Keys that stand before a copy's own, all of which its tokens may see.

    Attributes:
        key, value: [key-value heads, keys, width].
        positions: [keys], where the copy finds them.
        query: [heads, tokens, key width], the copy's tokens as they look at these keys; None when
            they look at them as at their own.
        bias: [keys], added to the scores: the logarithm of a gate.
    """

    key: "torch.Tensor"
    value: "torch.Tensor"
    positions: "torch.Tensor"
    query: "torch.Tensor | None" = None
    bias: "torch.Tensor | None" = None


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
        """[tokens, heads, value width]: each token sees what stands before, and itself.

        Args:
            positions: [tokens], of the copy.
            before: what it sees besides its own tokens, at smaller positions.
        """
        turned = [(stretch.query, stretch) for stretch in before if stretch.query is not None]
        straight = [
            *(stretch for stretch in before if stretch.query is None),
            Stretch(self.key[copy], self.value[copy], positions),
        ]
        stretches = [*(stretch for _, stretch in turned), *straight]
        values = torch.cat([stretch.value for stretch in stretches], dim=1)
        columns = torch.cat([stretch.positions for stretch in stretches])
        bias = _joined_bias(stretches)
        key = torch.cat([stretch.key for stretch in straight], dim=1)
        looks = [(self._folded(query), stretch.key) for query, stretch in turned]
        query = self._folded(self.query[copy])
        n_tokens, n_columns = len(positions), len(columns)
        pieces, size = list["torch.Tensor"](), self._rows_at_once(n_columns)
        for first in range(0, n_tokens, size):
            rows = slice(first, min(first + size, n_tokens))
            later = n_tokens - rows.stop  # keys that none of these rows may see
            looked = [*looks, (query, key[:, : key.shape[1] - later])]
            found = [_product(look[:, :, rows], keys.transpose(1, 2)) for look, keys in looked]
            scores = self._hidden(
                torch.cat(found, dim=-1) if turned else found[0],
                positions[rows],
                columns[: n_columns - later],
            )
            if bias is not None:
                scores = scores + bias[: n_columns - later]
            weights = torch.softmax(scores, dim=-1)
            pieces.append(_product(weights, values[:, : n_columns - later]))
        return torch.cat(pieces, dim=2).flatten(0, 1).transpose(0, 1)

    def values_by_head(self) -> "torch.Tensor":
        """[heads, columns, value width], fp32, of one copy: heads that share a value repeat it."""
        n_shared = self.query.shape[1] // self.value.shape[1]
        return self.value[0].float().repeat_interleave(n_shared, 0)

    def weights(self, rows: slice) -> "torch.Tensor":
        """[heads, rows, columns], fp32: how some of the last tokens spread their attention.

        The query holds the last tokens alone, of one copy; columns that come later are left out.
        """
        n_columns = self.key.shape[2]
        places = torch.arange(n_columns - self.query.shape[2], n_columns, device=self.key.device)
        columns = torch.arange(int(places[rows][-1]) + 1, device=self.key.device)
        query = self._folded(self.query[0, :, rows].float())
        key = self.key[0, :, : len(columns)].float()
        scores = self._hidden(_product(query, key.transpose(1, 2)), places[rows], columns)
        return torch.softmax(scores, dim=-1).flatten(0, 1)

    def _hidden(
        self, scores: "torch.Tensor", rows: "torch.Tensor", columns: "torch.Tensor"
    ) -> "torch.Tensor":
        """Scores without what comes later, or before the window; the last columns are the rows."""
        if self.softcap is not None:
            scores = self.softcap * torch.tanh(scores / self.softcap)
        own = scores[..., len(columns) - len(rows) :]
        own.masked_fill_(below(len(rows), scores.device).logical_not(), -torch.inf)
        if self.window is not None:
            scores.masked_fill_(rows[:, None] - columns >= self.window, -torch.inf)
        return scores

    def _rows_at_once(self, n_columns: int) -> int:
        most = _SCORES_ON_CPU if self.query.device.type == "cpu" else _SCORES_ON_GPU
        return max(_ROWS_AT_LEAST, most // (self.query.shape[1] * n_columns))

    def _folded(self, query: "torch.Tensor") -> "torch.Tensor":
        """[key-value heads, heads that share one, rows, width], scaled."""
        return (query * self.scale).view(self.key.shape[1], -1, *query.shape[1:])


def below(n_tokens: int, device: torch.device) -> "torch.Tensor":
    """[tokens, tokens], bool: each sees itself and those before it."""
    return torch.ones(n_tokens, n_tokens, dtype=torch.bool, device=device).tril()


def _joined_bias(stretches: Sequence[Stretch]) -> "torch.Tensor | None":
    if all(stretch.bias is None for stretch in stretches):
        return None
    return torch.cat(
        [
            torch.zeros_like(stretch.positions, dtype=stretch.key.dtype)
            if stretch.bias is None
            else stretch.bias.to(stretch.key.dtype)
            for stretch in stretches
        ]
    )


def _product(rows: "torch.Tensor", columns: "torch.Tensor") -> "torch.Tensor":
    """[heads, shared, rows, a] by [heads, a, b]."""
    product = torch.bmm(rows.flatten(1, 2), columns)
    return product.view(*rows.shape[:3], columns.shape[-1])
