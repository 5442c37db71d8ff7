"""Whether evidence supports a claim, from how an encoder attends between them.

The attention classifier of "Document Attribution: Examining Citation Relationships using Large
Language Models": the attention of one layer feeds one linear layer. The paper does not say how
maps of any size become one vector; here each head gives seven figures.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ragattr.errors import ConfigError, MissingExtra
from ragattr.metrics.classification import macro_f1
from ragattr.models.checkpoint import Checkpoint
from ragattr.models.chunks import Encoding, by_length
from ragattr.models.label_words import support_rows
from ragattr.models.protocols import Pair
from ragattr.types import FloatArray

try:
    import torch
    from torch import Tensor, nn
    from transformers import AutoModel
except ImportError as error:
    raise MissingExtra("local") from error

FIGURES = (
    "claim_to_evidence", "evidence_to_claim", "within_claim", "within_evidence",
    "largest", "entropy", "looks_at_evidence",
)  # fmt: skip
_EPOCHS, _PATIENCE, _RATE = 2000, 50, 1e-3


@dataclass(frozen=True, eq=False)
class Linear:
    """A linear layer over standardised figures, [heads * figures] each."""

    mean: FloatArray
    scale: FloatArray
    coefficients: FloatArray
    intercept: float

    def __call__(self, figures: FloatArray) -> FloatArray:
        """[rows], the probability of support."""
        logits = (figures - self.mean) / self.scale @ self.coefficients + self.intercept
        return 1 / (1 + np.exp(-np.clip(logits, -700, 700)))


@dataclass(frozen=True)
class AttendedScorer:
    """An encoder whose attention in one layer is read by a linear layer.

    Attributes:
        reader: its model shows attention: loaded with eager attention, the encoder alone.
        layer: counted from 0.
    """

    reader: Checkpoint
    layer: int
    linear: Linear = field(repr=False)

    def encode(self, pairs: Sequence[Pair]) -> list[Encoding]:
        """Token ids of claim and evidence, and which is which."""
        return encode_attended(self.reader, pairs)

    def score(self, batch: Sequence[Encoding]) -> FloatArray:
        """[pairs, 3]."""
        return support_rows(self.linear(attention_figures(self.reader, batch, layer=self.layer)))


def load_encoder(name: str) -> Checkpoint:
    """The encoder of a folder or hub model, with attention that can be read."""
    loaded = Checkpoint.load(AutoModel, name, attn_implementation="eager")
    encoder = loaded.model.get_encoder() if loaded.model.config.is_encoder_decoder else loaded.model
    return Checkpoint.wrap(encoder, loaded.tokenizer, name=name)


def encode_attended(reader: Checkpoint, pairs: Sequence[Pair]) -> list[Encoding]:
    """Claim first, then evidence; `part` is 1 for tokens of the claim, 2 for those of evidence."""
    found = reader.tokenizer(
        [reader.plain(pair.hypothesis) for pair in pairs],
        [reader.plain(pair.premise) for pair in pairs],
        verbose=False,
    )
    names = [name for name in ("input_ids", "token_type_ids") if name in found]
    return [
        {
            **{name: found[name][i] for name in names},
            "part": [0 if part is None else part + 1 for part in found.sequence_ids(i)],
        }
        for i in range(len(pairs))
    ]


def attention_figures(reader: Checkpoint, batch: Sequence[Encoding], *, layer: int) -> FloatArray:
    """[pairs, heads * 7], head by head: what `figures_of` says of each map of the layer."""
    names = [name for name in ("input_ids", "token_type_ids") if name in batch[0]]
    with torch.inference_mode():
        maps = reader.model(**reader.padded(batch, names=names), output_attentions=True).attentions
    if not maps or maps[0] is None:
        raise ConfigError(f"{reader.name} shows no attention: load it with eager attention")
    if not 0 <= layer < len(maps):
        raise ConfigError(f"{reader.name} has layers 0 to {len(maps) - 1}, not {layer}")
    return np.stack(
        [
            figures_of(maps[layer][i].double().cpu().numpy(), np.array(row["part"])).ravel()
            for i, row in enumerate(batch)
        ]
    )


def figures_of(attention: FloatArray, part: Any) -> FloatArray:
    """[heads, 7], the `FIGURES` of one pair's attention.

    The means of four blocks; of the claim's rows over the evidence, the mean of the largest
    weight, the mean entropy in nats once each row sums to 1, and the share of rows whose largest
    weight of all lies in the evidence.

    Args:
        attention: [heads, tokens, tokens], each row sums to 1; padding may follow.
        part: [tokens], 1 in the claim, 2 in the evidence, 0 for special tokens.
    """
    claim, evidence = np.flatnonzero(part == 1), np.flatnonzero(part == 2)
    if not (len(claim) and len(evidence)):
        return np.zeros((len(attention), len(FIGURES)))
    blocks = [
        attention[:, rows][:, :, columns].mean(axis=(1, 2))
        for rows, columns in (
            *((claim, evidence), (evidence, claim)),
            *((claim, claim), (evidence, evidence)),
        )
    ]
    across = attention[:, claim][:, :, evidence]
    shares = across / np.maximum(across.sum(axis=2, keepdims=True), 1e-12)
    entropy = -(shares * np.log(np.maximum(shares, 1e-12))).sum(axis=2).mean(axis=1)
    looks = np.isin(attention[:, claim].argmax(axis=2), evidence).mean(axis=1)
    return np.stack([*blocks, across.max(axis=2).mean(axis=1), entropy, looks], axis=1)


def fit(
    reader: Checkpoint,
    train: tuple[Sequence[Pair], Sequence[bool]],
    development: tuple[Sequence[Pair], Sequence[bool]],
    *,
    layer: int,
) -> AttendedScorer:
    """Train the linear layer: AdamW at 1e-3, the weights with the best macro-F1 on development.

    Args:
        reader: an encoder that shows attention, see `load_encoder`.
        train: pairs that fit the window, and whether each is supported.
        development: the same, for early stopping.
        layer: counted from 0.
    """
    figures, dev_figures = (
        _all_figures(reader, pairs, layer=layer) for pairs, _ in (train, development)
    )
    labels = train[1]
    if len(set(labels)) < 2:
        raise ConfigError("to train, supported pairs and others are needed: got one kind")
    mean, spread = figures.mean(axis=0), figures.std(axis=0)
    scale = np.where(spread > 1e-9, spread, 1.0)
    standard = torch.tensor((figures - mean) / scale, dtype=torch.float32)
    best, best_f1, best_epoch = Linear(mean, scale, np.zeros(len(mean)), 0.0), -1.0, 0
    with torch.enable_grad():
        module = nn.Linear(len(mean), 1)
        nn.init.zeros_(module.weight)
        nn.init.zeros_(module.bias)
        optimiser = torch.optim.AdamW(module.parameters(), lr=_RATE)
        for epoch in range(_EPOCHS):
            _step(module, optimiser, standard, torch.tensor(labels, dtype=torch.float32))
            linear = Linear(mean, scale, *_weights(module))
            f1 = macro_f1(development[1], (linear(dev_figures) >= 0.5).tolist())
            if f1 > best_f1:
                best, best_f1, best_epoch = linear, f1, epoch
            if epoch - best_epoch >= _PATIENCE:
                break
    return AttendedScorer(reader, layer, best)


def _all_figures(reader: Checkpoint, pairs: Sequence[Pair], *, layer: int) -> FloatArray:
    rows = encode_attended(reader, pairs)
    lengths = [len(row["input_ids"]) for row in rows]
    if max(lengths, default=0) > reader.window:
        raise ConfigError(f"a pair of {max(lengths)} tokens: {reader.name} reads {reader.window}")
    batches = by_length(lengths)
    found = [attention_figures(reader, [rows[i] for i in batch], layer=layer) for batch in batches]
    order = np.argsort([i for batch in batches for i in batch])
    figures: FloatArray = np.concatenate(found)[order]
    return figures


def _step(module: nn.Linear, optimiser: Any, figures: Tensor, labels: Tensor) -> None:
    optimiser.zero_grad()
    nn.functional.binary_cross_entropy_with_logits(module(figures)[:, 0], labels).backward()
    optimiser.step()


def _weights(module: nn.Linear) -> tuple[FloatArray, float]:
    return module.weight.detach()[0].double().numpy(), float(module.bias.detach())
