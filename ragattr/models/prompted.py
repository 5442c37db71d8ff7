"""A chat as a model's own tokens, and which of them a span of the chat covers."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ragattr.errors import AlignmentError, ConfigError
from ragattr.models.loading import first_line, readable
from ragattr.prompt import Chat
from ragattr.text.align import anchors, token_spans, tokens_within
from ragattr.types import Span


class Prompted:
    """A chat as a model's tokens, each anchored at a character."""

    def __init__(self, chat: Chat, tokenizer: Any, control_tokens: Sequence[str]) -> None:
        contents = [disarmed(readable(m["content"]), control_tokens) for m in chat.messages]
        text, places = _rendered(tokenizer, chat, contents)
        has_template = tokenizer.chat_template is not None
        found = tokenizer(text, add_special_tokens=not has_template, return_offsets_mapping=True)
        self.ids: list[int] = list(found["input_ids"])
        starts = np.maximum.accumulate([0, *(start for start, _ in found["offset_mapping"])])[
            1:
        ].tolist()
        self._anchors = anchors(token_spans(starts, len(text)), text)
        self._places = places

    def without(self, removal: Sequence[Span]) -> tuple[list[int], int]:
        """The ids that stay, and how many of them stand before the first that goes."""
        gone = self.tokens_of(removal)
        kept = [token for i, token in enumerate(self.ids) if i not in gone]
        if not kept:
            raise AlignmentError("a removal leaves nothing of the prompt")
        return kept, min(gone, default=len(self.ids))

    def tokens_of(self, spans: Sequence[Span]) -> set[int]:
        """The tokens, by place, that spans of the chat's text hold."""
        return {
            i
            for span in spans
            for piece in self._rendered_spans(span)
            for i in tokens_within(piece, self._anchors)
        }

    def _rendered_spans(self, span: Span) -> list[Span]:
        """`span` of the chat's text, as spans of the rendered text: one per message it touches."""
        pieces = []
        for content, shift in self._places:
            start, end = max(span.start, content.start), min(span.end, content.end)
            if start < end:
                pieces.append(Span(start + shift, end + shift))
        return pieces


def _rendered(
    tokenizer: Any, chat: Chat, contents: Sequence[str]
) -> tuple[str, list[tuple[Span, int]]]:
    """The prompt as the model's template writes it, and for each message its span and its shift."""
    spans, start = [], 0
    for content in contents:
        spans.append(Span(start, start + len(content)))
        start += len(content)
    if tokenizer.chat_template is None:
        text, frame = "\n\n".join(contents) + "\n\n", ["", *["\n\n"] * len(contents)]
    else:
        text = _apply(tokenizer, chat, contents)
        holes = [f"\ue000{i}\ue001" for i in range(len(contents))]
        frame = _split_at(_apply(tokenizer, chat, holes), holes)
    places, cursor = [], 0
    for span, content, literal in zip(spans, contents, frame, strict=False):
        cursor += len(literal)
        skipped = 0
        if not text.startswith(content, cursor):  # some templates strip each message
            skipped = len(content) - len(content.lstrip())
            content = content.strip()
        if not text.startswith(content, cursor):
            raise AlignmentError(
                "the chat template rewrites a message: its passages cannot be found"
            )
        places.append(
            (
                Span(span.start + skipped, span.start + skipped + len(content)),
                cursor - span.start - skipped,
            )
        )
        cursor += len(content)
    if text[cursor:] != frame[-1]:
        raise AlignmentError(
            "the chat template depends on what the messages say: passages cannot be found"
        )
    return text, places


def _apply(tokenizer: Any, chat: Chat, contents: Sequence[str]) -> str:
    messages = [
        {**message, "content": content}
        for message, content in zip(chat.messages, contents, strict=True)
    ]
    try:
        text: str = tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=True
        )
    except Exception as error:  # templates raise their own errors, jinja's and plain ones
        raise ConfigError(
            f"the chat template refuses these messages: {first_line(error)}"
        ) from error
    return text


def _split_at(text: str, holes: Sequence[str]) -> list[str]:
    pieces = []
    for hole in holes:
        before, found, text = text.partition(hole)
        if not found:
            raise AlignmentError("the chat template leaves out a message")
        pieces.append(before)
    return [*pieces, text]


def disarmed(content: str, control_tokens: Sequence[str]) -> str:
    """Control tokens in a message become as many plain characters: a passage ends no turn."""
    for token in control_tokens:
        content = content.replace(token, "\u2039" + token[1:])
    return content
