"""Doubles of a language model that remember what they were asked."""

from dataclasses import dataclass, field

from ragattr.models.fake import FakeModel
from ragattr.models.protocols import Reply
from ragattr.prompt import Chat


@dataclass(kw_only=True)
class Listening:
    """All but `write`.

    Attributes:
        heard: the texts of its chats.
    """

    heard: list[str] = field(default_factory=list)
    window: int = 4096
    card = FakeModel().card
    control_tokens: tuple[str, ...] = ()

    def count_tokens(self, chat: Chat, reply: Reply) -> int:
        return len(chat.text.split())
