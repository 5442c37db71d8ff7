"""Pairs of texts as word pieces within a short window.

Of evidence that is too long, the sentences nearest to the claim are kept, in their own order:
nothing is cut off by place.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ragattr.models.cross import TokenPair
from ragattr.models.encoder import MeanEncoder
from ragattr.models.loading import readable
from ragattr.models.protocols import Pair
from ragattr.text.sentences import sentence_spans
from ragattr.types import FloatArray, Span

WINDOW = 256  # tokens, of both texts and what stands between them
_LONGEST_CLAIM = 128


class Read(NamedTuple):
    """A pair as it is read, and the spans of its premise that are."""

    tokens: TokenPair
    spans: tuple[Span, ...]


@dataclass(frozen=True)
class Digest:
    """Cuts pairs to the window; similarity and word pieces come from one encoder."""

    encoder: MeanEncoder

    def __call__(self, pairs: Sequence[Pair]) -> list[Read]:
        """The pairs in word pieces."""
        whole = self._pieces([text for pair in pairs for text in pair])
        found = []
        for pair in pairs:
            claim = whole[pair.hypothesis][:_LONGEST_CLAIM]
            tokens = TokenPair(whole[pair.premise], claim)
            found.append(
                Read(tokens, (Span(0, len(pair.premise)),))
                if tokens.n_tokens <= WINDOW
                else self._nearest(pair, claim)
            )
        return found

    def _nearest(self, pair: Pair, claim: tuple[int, ...]) -> Read:
        room = WINDOW - TokenPair((), claim).n_tokens
        spans = sentence_spans(pair.premise)
        sentences = [span.of(pair.premise) for span in spans]
        pieces = self._pieces(sentences)
        similarity = self.encoder.encode(sentences) @ self.encoder.encode([pair.hypothesis])[0]
        chosen = most_similar_within(similarity, [len(pieces[s]) for s in sentences], room)
        tokens = tuple(piece for i in chosen for piece in pieces[sentences[i]])[:room]
        return Read(TokenPair(tokens, claim), tuple(spans[i] for i in chosen))

    def _pieces(self, texts: Sequence[str]) -> dict[str, tuple[int, ...]]:
        distinct = list(dict.fromkeys(texts))
        found = self.encoder.tokenizer(
            [readable(text) for text in distinct],
            add_special_tokens=False,
            return_attention_mask=False,
            verbose=False,
        )["input_ids"]
        return dict(zip(distinct, map(tuple, found), strict=True))


def most_similar_within(similarity: FloatArray, lengths: Sequence[int], budget: int) -> list[int]:
    """The sentences nearest to the claim that fit together, in their own order; at least one.

    Args:
        similarity: [sentences], cosine with the claim.
        lengths: tokens of each sentence.
        budget: tokens that there is room for.
    """
    chosen, left = list[int](), budget
    for i in np.argsort(-similarity, kind="stable").tolist():
        if not chosen or lengths[i] <= left:
            chosen.append(i)
            left -= lengths[i]
    return sorted(chosen)
