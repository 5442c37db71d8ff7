"""One prompt, many fillings: what the parts of RARR ask a language model."""

from collections.abc import Mapping, Sequence

from ragattr.models.protocols import LanguageModel, Reply
from ragattr.prompt import Chat, Prompt


def ask(
    model: LanguageModel,
    prompt: Prompt,
    fillings: Sequence[Mapping[str, str]],
    *,
    max_new_tokens: int,
    temperature: float = 0.0,
    seed: int = 0,
) -> list[Reply | None]:
    """A reply to each; None where prompt and reply do not fit the model's window."""
    chats = [
        Chat(({"role": "user", "content": prompt.fill(values)[0]},), (), ()) for values in fillings
    ]
    room = model.window - max_new_tokens
    fitting = [i for i, chat in enumerate(chats) if model.count_tokens(chat, Reply("")) <= room]
    if not fitting:
        return [None] * len(chats)
    written = model.write(
        [chats[i] for i in fitting],
        max_new_tokens=max_new_tokens,
        temperature=temperature,
        seed=seed,
    )
    replies = dict(zip(fitting, written, strict=True))
    return [replies.get(i) for i in range(len(chats))]


def one_line(text: str) -> str:
    """The text in one line, so that nothing in it can look like a part of the prompt."""
    return " ".join(text.split())
