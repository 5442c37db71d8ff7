"""Characters to tokens and back.

A token belongs to the piece of text that holds its first non-space character. Some tokenizers
report equal start and end offsets, so a token's end is the next token's start.
"""

from bisect import bisect_left
from collections.abc import Sequence

from ragattr.errors import AlignmentError
from ragattr.types import Marker, Span


def token_spans(starts: Sequence[int], length: int) -> tuple[Span, ...]:
    """The tokens' spans in a text of `length` characters, from where each one starts."""
    ends = [*starts, length][1:]
    if any(start > end for start, end in zip(starts, ends, strict=True)):
        raise AlignmentError(
            f"token starts must not fall, got {list(starts)[:20]} in {length} characters"
        )
    return tuple(Span(start, end) for start, end in zip(starts, ends, strict=True))


def anchors(tokens: Sequence[Span], text: str) -> list[int]:
    """The first non-space character of each token; its start when it has none."""
    return [
        token.end - len(token.of(text).lstrip()) if token.of(text).strip() else token.start
        for token in tokens
    ]


def tokens_within(span: Span, anchored: Sequence[int]) -> range:
    """The tokens whose anchor lies in `span`; anchors must not fall."""
    return range(bisect_left(anchored, span.start), bisect_left(anchored, span.end))


def claim_columns(
    span: Span, tokens: Sequence[Span], text: str, markers: Sequence[Marker]
) -> list[int]:
    """The tokens that say something in `span`: not those of markers, nor pure white space."""
    anchored = anchors(tokens, text)
    return [
        i
        for i in tokens_within(span, anchored)
        if _says_something(tokens[i], text)
        and not any(marker.span.holds(anchored[i]) for marker in markers)
    ]


def _says_something(token: Span, text: str) -> bool:
    """Whether the token is more than white space.

    Where a character was split into several tokens of bytes, all but the last are empty spans
    in front of it: they say as much as it does.
    """
    piece = token.of(text) or text[token.start : token.start + 1]
    return bool(piece.strip())
