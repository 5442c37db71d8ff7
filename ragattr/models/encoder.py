"""Sentence encoders: the embedded one by transformers, others by sentence-transformers."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ragattr.errors import MissingExtra, ModelNotFound
from ragattr.models.loading import first_line, readable, without_progress

try:
    import torch
    from transformers import AutoModel, AutoTokenizer
except ImportError as error:
    raise MissingExtra("local") from error

_BATCH_TOKENS = 8192
_REMEMBERED = 20_000


@dataclass(frozen=True)
class MeanEncoder:
    """A transformer whose sentence vector is the mean over its tokens, scaled to length 1.

    A text longer than the window is read in pieces and their means are joined by length, so
    nothing is cut off. Vectors of recent texts are remembered: judging asks for the same
    sentences again and again.
    """

    name: str
    model: Any = field(repr=False)
    tokenizer: Any = field(repr=False)
    max_tokens: int = 256
    _recent: "OrderedDict[str, NDArray[np.float32]]" = field(
        default_factory=OrderedDict, repr=False
    )

    @classmethod
    def load(cls, folder: str, *, name: str) -> "MeanEncoder":
        """Read a folder that holds a model with its tokenizer."""
        with without_progress():
            model = AutoModel.from_pretrained(folder, use_safetensors=True, trust_remote_code=False)
            tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
        return cls(name, model.eval(), tokenizer)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """[texts, dimensions], each row of length 1."""
        vectors = {text: self._recent[text] for text in texts if text in self._recent}
        missing = [text for text in dict.fromkeys(texts) if text not in vectors]
        vectors.update(zip(missing, self._encode(missing), strict=True))
        self._recent.update(vectors)
        while len(self._recent) > _REMEMBERED:
            self._recent.popitem(last=False)
        if not texts:
            return np.zeros((0, self.model.config.hidden_size), dtype=np.float32)
        return np.stack([vectors[text] for text in texts])

    def _encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if not texts:
            return np.zeros((0, self.model.config.hidden_size), dtype=np.float32)
        tokens = self.tokenizer(
            [readable(text) for text in texts],
            truncation=True,
            max_length=self.max_tokens,
            return_overflowing_tokens=True,
        )
        pieces, owners = tokens["input_ids"], np.array(tokens["overflow_to_sample_mapping"])
        lengths = np.array([len(piece) for piece in pieces])
        totals = np.zeros((len(texts), self.model.config.hidden_size), dtype=np.float32)
        for rows in _batches(lengths):
            means = self._means([pieces[row] for row in rows])
            np.add.at(totals, owners[rows], means * lengths[rows][:, None])
        unit: NDArray[np.float32] = totals / np.linalg.norm(totals, axis=1, keepdims=True)
        return unit

    def _means(self, pieces: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        padded = self.tokenizer.pad({"input_ids": pieces}, return_tensors="pt").to(
            self.model.device
        )
        with torch.inference_mode():
            states = self.model(**padded).last_hidden_state
        mask = padded["attention_mask"].unsqueeze(-1).to(states.dtype)
        means: NDArray[np.float32] = ((states * mask).sum(1) / mask.sum(1)).float().cpu().numpy()
        return means


@dataclass(frozen=True)
class NamedEncoder:
    """Any sentence-transformers model, by folder or hub name."""

    name: str
    model: Any = field(repr=False)

    @classmethod
    def load(cls, name: str) -> "NamedEncoder":
        """Read the model; a hub name needs the network unless it is cached."""
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise MissingExtra("local") from error
        try:
            with without_progress():
                model = SentenceTransformer(
                    name, trust_remote_code=False, model_kwargs={"use_safetensors": True}
                )
        except (OSError, ValueError) as error:
            raise ModelNotFound(f"no sentence encoder {name!r}: {first_line(error)}") from error
        return cls(name, model)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """[texts, dimensions], each row of length 1."""
        vectors: NDArray[np.float32] = self.model.encode(
            [readable(text) for text in texts], normalize_embeddings=True, show_progress_bar=False
        )
        return vectors


def _batches(lengths: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Rows of similar length together, so that little is padded."""
    batches, current = [], list[int]()
    for row in np.argsort(lengths, kind="stable"):
        if current and (len(current) + 1) * lengths[row] > _BATCH_TOKENS:
            batches.append(np.array(current))
            current = []
        current.append(int(row))
    return [*batches, np.array(current)] if current else batches
