"""The embedded cross-encoder, ready to read pairs, and the file that it is kept in.

The file holds what training changed of the embedded encoder, in 8 bits a weight: the difference
to the encoder's own weights is small, so a step of 1/127 of a row's largest difference is too.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ragattr.errors import MissingExtra, ModelNotFound, ModelReplyError
from ragattr.models.cross import CrossEncoder, TokenPair, Vocabulary, padded_width
from ragattr.models.digest import Digest
from ragattr.models.encoder import MeanEncoder
from ragattr.models.entailment import CrossReading
from ragattr.models.hf import default_dtype
from ragattr.models.loading import without_progress
from ragattr.models.protocols import Pair
from ragattr.types import FloatArray

try:
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file
    from safetensors.torch import save as to_bytes
    from transformers import AutoModel
except ImportError as error:
    raise MissingExtra("local") from error

_BATCH_TOKENS = 8192
_SCALE = ".scale"
QUICKEST_ATTENTION = "eager"  # at these widths; in training a fifth quicker than "sdpa"


@dataclass(frozen=True, eq=False)
class PairReader:
    """Reads pairs of any length, in the dtype of its model."""

    model: CrossEncoder = field(repr=False)
    encoder: MeanEncoder

    @classmethod
    def load(cls, encoder: MeanEncoder, weights: Path) -> "PairReader":
        """The trained cross-encoder over the encoder that it was trained from."""
        return cls(read_weights(encoder, weights).reading_in(default_dtype()), encoder)

    def read(self, pairs: Sequence[Pair]) -> CrossReading:
        """Logits of pairs of which neither text is empty, and what was read of the premises."""
        read = Digest(self.encoder)(pairs)
        return CrossReading(
            self._logits([tokens for tokens, _ in read]), tuple(spans for _, spans in read)
        )

    def _logits(self, pairs: Sequence[TokenPair]) -> FloatArray:
        """[pairs, 3] logits. Pairs of one width share a batch: see `padded_width`."""
        widths = np.array([padded_width(pair.n_tokens) for pair in pairs])
        found = np.zeros((len(pairs), 3))
        for width in np.unique(widths).tolist():
            rows = np.flatnonzero(widths == width)
            for batch in np.array_split(rows, -(-len(rows) * width // _BATCH_TOKENS)):
                with torch.inference_mode():
                    logits = self.model(self._vocabulary.batch([pairs[i] for i in batch]))
                found[batch] = logits.float().numpy()
        if not np.isfinite(found).all():
            raise ModelReplyError("the cross-encoder gave numbers that are not finite")
        return found

    @cached_property
    def _vocabulary(self) -> Vocabulary:
        return Vocabulary.of(self.encoder.tokenizer)


def read_weights(
    encoder: MeanEncoder, weights: Path, *, attention: str = QUICKEST_ATTENTION
) -> CrossEncoder:
    """The trained cross-encoder, in float32.

    Raises:
        ModelNotFound: the file holds no weights.
    """
    try:
        kept = load_file(weights)
    except (OSError, SafetensorError) as error:
        raise ModelNotFound(f"no weights of a verifier in {weights}: {error}") from error
    model = untrained(encoder, attention=attention)
    add_difference(model, kept)
    return model.eval()


def untrained(encoder: MeanEncoder, *, attention: str = QUICKEST_ATTENTION) -> CrossEncoder:
    """A cross-encoder with the encoder's weights, without dropout."""
    with without_progress():
        copy = AutoModel.from_pretrained(
            encoder.model.name_or_path,
            attn_implementation=attention,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        )
    copy.pooler = None
    return CrossEncoder(copy)


def difference(model: CrossEncoder, base: CrossEncoder) -> dict[str, torch.Tensor]:
    """What training made of the base: what it changed of the encoder, and all that is new.

    Differences of matrices are in 8 bits, with a scale for each row.
    """
    found = dict[str, Any]()
    before = base.state_dict()
    for name, after in model.state_dict().items():
        if not _is_of_encoder(name):
            found[name] = after
            continue
        delta = after - before[name]
        if delta.ndim == 2 and delta.any():
            scale = delta.abs().amax(1, keepdim=True).clamp(min=1e-12) / 127
            found[name] = (delta / scale).round().to(torch.int8)
            found[f"{name}{_SCALE}"] = scale
        elif delta.any():
            found[name] = delta
    return found


def add_difference(model: CrossEncoder, kept: dict[str, torch.Tensor]) -> None:
    """Make an untrained cross-encoder the trained one, in place."""
    state = model.state_dict()
    with torch.no_grad():
        for name, value in kept.items():
            if not _is_of_encoder(name):
                state[name].copy_(value)
            elif not name.endswith(_SCALE):
                state[name] += value * kept.get(f"{name}{_SCALE}", 1.0)


def save(model: CrossEncoder, base: CrossEncoder, path: Path) -> None:
    """Write the file that `PairReader.load` reads."""
    path.write_bytes(to_bytes(difference(model, base)))


def _is_of_encoder(name: str) -> bool:
    """Whether the weight was there before training; what is new began as chance."""
    return name.startswith("encoder.")
