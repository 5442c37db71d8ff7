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
        _entry("verifier", "ragattr-features-1", "text", "answer, cite, verify", _find_verifier),
    ]


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
