"""A cross-encoder: claim and evidence read together by one small transformer.

Beside its word, place and segment every token says whether its word also stands in the other
text; without that, an encoder learns to compare words from a great many pairs only. The figures
for supported, contradicted and neither come from the states of the claim's tokens: their mean,
their largest, and the first token's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ragattr.errors import MissingExtra

try:
    import torch
    from torch import Tensor, nn
except ImportError as error:
    raise MissingExtra("local") from error

N_CLASSES = 3
WIDTH_STEP = 16  # tokens
_SPECIAL, _ALONE, _SHARED = 0, 1, 2  # what the match embedding tells of a token


class TokenPair(NamedTuple):
    """The word pieces of a premise and a hypothesis, without special tokens."""

    premise: tuple[int, ...]
    hypothesis: tuple[int, ...]

    @property
    def n_tokens(self) -> int:
        """Length in the window, special tokens counted."""
        return len(self.premise) + len(self.hypothesis) + 3


class Batch(NamedTuple):
    """[pairs, tokens] each; `claim` marks the tokens that are pooled."""

    ids: Tensor
    attention: Tensor
    segments: Tensor
    matches: Tensor
    claim: Tensor


class CrossEncoder(nn.Module):
    """Reads a batch of pairs and gives [pairs, 3] logits."""

    def __init__(self, encoder: Any) -> None:
        super().__init__()
        width = encoder.config.hidden_size
        self.encoder = encoder
        self.match = nn.Embedding(3, width)
        self.head = nn.Linear(3 * width, N_CLASSES)
        nn.init.zeros_(self.match.weight)

    def reading_in(self, dtype: torch.dtype) -> "CrossEncoder":
        """Itself, ready to read in this dtype; what is pooled and the head stay in float32."""
        self.encoder.to(dtype)
        self.match.to(dtype)
        return self.eval()

    def forward(self, batch: Batch) -> Tensor:
        words = self.encoder.embeddings.word_embeddings(batch.ids)
        states = self.encoder(
            inputs_embeds=words + self.match(batch.matches),
            attention_mask=batch.attention,
            token_type_ids=batch.segments,
        ).last_hidden_state.float()
        claim = batch.claim.unsqueeze(-1)
        mean = (states * claim).sum(1) / claim.sum(1)
        largest = states.masked_fill(claim == 0, -torch.inf).amax(1)
        logits: Tensor = self.head(torch.cat([states[:, 0], mean, largest], dim=1))
        return logits


@dataclass(frozen=True)
class Vocabulary:
    """What the cross-encoder needs of its tokenizer.

    Attributes:
        continuing: pieces that go on with a word.
    """

    first: int
    between: int
    padding: int
    continuing: frozenset[int]

    @classmethod
    def of(cls, tokenizer: Any) -> "Vocabulary":
        """Of a WordPiece tokenizer."""
        pieces = tokenizer.get_vocab()
        continuing = frozenset(i for piece, i in pieces.items() if piece.startswith("##"))
        return cls(
            tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.pad_token_id, continuing
        )

    def batch(self, pairs: Sequence[TokenPair]) -> Batch:
        """The pairs padded to the longest, rounded up to a multiple of `WIDTH_STEP`."""
        width = padded_width(max(pair.n_tokens for pair in pairs))
        ids = np.full((len(pairs), width), self.padding)
        attention, segments, matches, claim = (np.zeros_like(ids) for _ in range(4))
        for row, pair in enumerate(pairs):
            middle = len(pair.premise) + 2
            end = pair.n_tokens
            ids[row, :end] = [
                self.first, *pair.premise, self.between, *pair.hypothesis, self.between
            ]  # fmt: skip
            attention[row, :end] = 1
            segments[row, middle:end] = 1
            claim[row, middle:end] = 1
            of_premise, of_hypothesis = self.matches(pair)
            matches[row, 1 : middle - 1] = of_premise
            matches[row, middle : end - 1] = of_hypothesis
        return Batch(*map(torch.from_numpy, (ids, attention, segments, matches, claim)))

    def matches(self, pair: TokenPair) -> tuple[list[int], list[int]]:
        """For each piece whether its whole word also stands in the other text."""
        premise, hypothesis = self._words(pair.premise), self._words(pair.hypothesis)
        shared = set(premise) & set(hypothesis)
        return _marked(premise, shared), _marked(hypothesis, shared)

    def _words(self, pieces: Sequence[int]) -> list[tuple[int, ...]]:
        words = list[tuple[int, ...]]()
        for piece in pieces:
            if words and piece in self.continuing:
                words[-1] = (*words[-1], piece)
            else:
                words.append((piece,))
        return words


def padded_width(n_tokens: int) -> int:
    """The width that a pair is read at, a multiple of `WIDTH_STEP`.

    When only pairs of one width share a batch, a pair is padded alike in any company, and its
    figures are the same, in bfloat16 too.
    """
    return -(-n_tokens // WIDTH_STEP) * WIDTH_STEP


def _marked(words: Sequence[tuple[int, ...]], shared: set[tuple[int, ...]]) -> list[int]:
    return [_SHARED if word in shared else _ALONE for word in words for _ in word]
