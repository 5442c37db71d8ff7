"""Attention of a batch of queries, by the fastest kernel that can do it."""

from dataclasses import dataclass

from ragattr.errors import MissingExtra

try:
    import torch
    from torch.nn.functional import scaled_dot_product_attention
except ImportError as error:
    raise MissingExtra("local") from error

_ROWS_AT_ONCE = 1024  # query rows of an explicit mask
FLASH_WITH_LSE = getattr(torch.ops.aten, "_scaled_dot_product_flash_attention_for_cpu", None)


@dataclass(frozen=True, eq=False)
class Call:
    """What a layer hands to its attention function: [batch, heads, tokens, head width]."""

    query: "torch.Tensor"
    key: "torch.Tensor"
    value: "torch.Tensor"
    scale: float
    softcap: float | None
    window: int | None

    @property
    def is_plain(self) -> bool:
        """Whether the fast kernels can do it: no soft cap, keys as wide as values."""
        return self.softcap is None and self.key.shape[-1] == self.value.shape[-1]

    @property
    def can_merge(self) -> bool:
        """Whether there is a kernel here that also gives each row's log-sum-exp."""
        return FLASH_WITH_LSE is not None and self.query.device.type == "cpu"

    @property
    def groups(self) -> int:
        """How many query heads share a key-value head."""
        return int(self.query.shape[1] // self.key.shape[1])

    def window_cuts(self, n_positions: int) -> bool:
        """Whether a sliding window hides something of so many positions."""
        return self.window is not None and self.window < n_positions

    def causal(self) -> "torch.Tensor":
        """Each token sees itself and those before it, nothing else."""
        return scaled_dot_product_attention(
            self.query,
            self.key,
            self.value,
            is_causal=True,
            scale=self.scale,
            enable_gqa=self.groups > 1,
        )

    def own(self) -> tuple["torch.Tensor", "torch.Tensor"]:
        """`causal`, and the log-sum-exp of each row: [batch, heads, tokens]."""
        assert FLASH_WITH_LSE is not None
        output, lse = FLASH_WITH_LSE(
            self.query,
            self.key.repeat_interleave(self.groups, 1),
            self.value.repeat_interleave(self.groups, 1),
            0.0,
            True,
            scale=self.scale,
        )
        return output, lse.reshape(output.shape[:3])

    def shared(
        self,
        query: "torch.Tensor",
        keys: "torch.Tensor",
        values: "torch.Tensor",
        hidden: "torch.Tensor | None",
    ) -> tuple["torch.Tensor", "torch.Tensor"]:
        """Attention of all copies to keys that they share, and the log-sum-exp of each row.

        Copies, and query heads of one key head, are folded into rows of one product.
        """
        assert FLASH_WITH_LSE is not None
        n_copies, _, n_tokens, width = query.shape
        heads = (-1, self.groups, n_copies, n_tokens)
        folded = query.view(n_copies, -1, self.groups, n_tokens, width).permute(1, 2, 0, 3, 4)
        folded = folded.reshape(1, keys.shape[1], -1, width)
        output, lse = FLASH_WITH_LSE(
            folded, keys, values, 0.0, False, attn_mask=hidden, scale=self.scale
        )
        output = output.reshape(*heads, width).permute(2, 0, 1, 3, 4).reshape(query.shape)
        return output, lse.reshape(heads).permute(2, 0, 1, 3).reshape(query.shape[:3])

    def explicit(
        self,
        keys: "torch.Tensor",
        values: "torch.Tensor",
        *,
        rows: "torch.Tensor",
        columns: "torch.Tensor",
        may_see: "torch.Tensor",
    ) -> "torch.Tensor":
        """By a mask of [batch, rows, columns], cut to the window around each row's position."""
        pieces = []
        for query, at, seen in zip(
            self.query.split(_ROWS_AT_ONCE, 2),
            rows.split(_ROWS_AT_ONCE, 1),
            may_see.split(_ROWS_AT_ONCE, 1),
            strict=True,
        ):
            if self.window is not None:
                seen = seen & (at[:, :, None] - columns[:, None] < self.window)
            pieces.append(self._masked(query, keys, values, seen))
        return torch.cat(pieces, 2)

    def _masked(
        self,
        query: "torch.Tensor",
        keys: "torch.Tensor",
        values: "torch.Tensor",
        seen: "torch.Tensor",
    ) -> "torch.Tensor":
        batch, heads, n_rows, width = query.shape
        folded = query.reshape(batch, -1, self.groups * n_rows, width)
        mask = seen[:, None].repeat(1, 1, self.groups, 1)
        if self.softcap is None:
            found = scaled_dot_product_attention(
                folded, keys, values, attn_mask=mask, scale=self.scale
            )
        else:
            scores = torch.matmul(folded, keys.transpose(2, 3)) * self.scale
            scores = self.softcap * torch.tanh(scores / self.softcap)
            scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
            found = torch.softmax(scores, dim=-1, dtype=torch.float32).to(query.dtype) @ values
        return found.reshape(batch, heads, n_rows, -1)


def below(n_tokens: int, device: torch.device) -> "torch.Tensor":
    """[tokens, tokens], bool: each sees itself and those before it."""
    return torch.ones(n_tokens, n_tokens, dtype=torch.bool, device=device).tril()
