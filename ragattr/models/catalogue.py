"""What is installed, and what each command would use: read from files, nothing is loaded."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from ragattr.errors import RagattrError
from ragattr.models import embedded


@dataclass(frozen=True)
class Installed:
    """One model by its role. `megabytes` is None and `problem` says why when it is not here."""

    role: str
    name: str
    tier: str
    used_by: str
    place: str | None
    megabytes: float | None
    problem: str | None

    def __str__(self) -> str:
        size = f"{self.megabytes:.1f} MB in {self.place}" if self.problem is None else self.problem
        return f"{self.role}: {self.name} (tier {self.tier}; used by {self.used_by})\n    {size}"


def installed() -> list[Installed]:
    """The embedded language model, encoder and verifier."""
    return [
        _entry(
            "language model",
            embedded.LANGUAGE_MODEL,
            "logits",
            "answer, cite, attribute",
            embedded.find_gguf,
        ),
        _entry("encoder", embedded.ENCODER, "text", "answer, cite, verify", embedded.find_encoder),
        _entry("verifier", embedded.VERIFIER, "text", "answer, cite, verify", _find_verifier),
    ]


@dataclass(frozen=True)
class Served:
    """What a server can do, as it was found by asking."""

    role: str
    name: str
    url: str
    tier: str
    window: int | None
    chat: bool
    tokenises: bool
    top_logprobs: int
    whole_vocabulary: bool

    def __str__(self) -> str:
        window = f"a window of {self.window:,} tokens" if self.window else "a window it keeps quiet"
        shows = f"the {self.top_logprobs} likeliest tokens" if self.top_logprobs else "nothing"
        return (
            f"{self.role}: {self.name} at {self.url} (tier {self.tier}; used by answer, cite, "
            f"attribute)\n    {window}; {'chat' if self.chat else 'plain completions'}; "
            f"{'gives' if self.tokenises else 'keeps'} its token ids; of a prompt it shows "
            f"{'the whole vocabulary' if self.whole_vocabulary else shows}"
        )


def served(name: str) -> Served:
    """One model of a server, openai:URL#NAME."""
    from ragattr.models.openai import UNKNOWN_WINDOW, ServedModel

    model = ServedModel.named(name)
    return Served(
        role="language model",
        name=model.card.name,
        url=model.endpoint.shown_url,
        tier="logprobs" if model.shown_logprobs else "text",
        window=None if model.window == UNKNOWN_WINDOW else model.window,
        chat=model.can_chat,
        tokenises=model.can_tokenise,
        top_logprobs=model.shown_logprobs,
        whole_vocabulary=model.can_tokenise and model.shows_vocabulary,
    )


def _find_verifier() -> Path:
    return Path(str(files("ragattr.models") / "verifier.json"))


def _entry(role: str, name: str, tier: str, used_by: str, find: Callable[[], Path]) -> Installed:
    try:
        path = find()
    except RagattrError as error:
        return Installed(role, name, tier, used_by, None, None, str(error))
    inside = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    size = sum(file.stat().st_size for file in inside) / 1e6
    return Installed(role, name, tier, used_by, str(path), round(size, 1), None)
