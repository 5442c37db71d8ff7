"""What fits a model's window, and what the record says of what does not."""

from collections.abc import Sequence
from dataclasses import replace

from ragattr.models.protocols import LanguageModel, Reply
from ragattr.prompt import Prompt, answer_chat
from ragattr.types import Context, Passage


def fit_context(
    model: LanguageModel, prompt: Prompt, context: Context, reply: Reply, *, room: int
) -> Context:
    """The context with as many of its first passages as fit with `reply` and `room` tokens."""
    for n_passages in range(len(context.passages), 0, -1):
        kept = replace(
            context,
            passages=context.passages[:n_passages],
            scores=context.scores[:n_passages],
            duplicates=context.duplicates[:n_passages],
        )
        if model.count_tokens(answer_chat(prompt, kept), reply) + room <= model.window:
            return kept
    return replace(context, passages=(), scores=(), duplicates=())


def dropped_warnings(passages: Sequence[Passage]) -> list[str]:
    """One line for each passage that does not fit."""
    return [
        f"passage {passage.id!r} does not fit the model's window: left out" for passage in passages
    ]


def control_warnings(passages: Sequence[Passage], control_tokens: Sequence[str]) -> list[str]:
    """One line for each passage that holds a string which would end a turn."""
    return [
        f"passage {passage.id!r} holds the control token {token!r}: read as plain characters"
        for passage in passages
        for token in control_tokens
        if token in passage.text
    ]
