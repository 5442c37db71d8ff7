"""Counterfactual probes: a statement against what the model remembers, then the same again.

    The official language of Ireland is Hindi. The official language of Ireland is ...

Context says Hindi, memory says English.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ragattr.errors import AlignmentError, ConfigError, InputError
from ragattr.models.hf import HFModel
from ragattr.text.align import anchors, token_spans, tokens_within
from ragattr.types import Span

SHIPPED = Path(__file__).parent / "probes.jsonl"
_COPIES = 8
_FIELDS = ("counterfactual_context", "base_prompt", "target_context", "target_true", "subject")


@dataclass(frozen=True)
class Counterfactual:
    """A statement, and a prompt that ends where an answer begins."""

    statement: str
    prompt: str
    context_answer: str
    memory_answer: str
    subject: str

    @property
    def text(self) -> str:
        """Statement and prompt."""
        return f"{self.statement} {self.prompt}"

    @property
    def is_fair(self) -> bool:
        """Whether the memorised answer stands neither in the subject nor in the text."""
        shown = f"{self.subject} {self.text}".casefold()
        return self.memory_answer.casefold() not in shown and self.context_answer in self.statement

    def saying(self, answer: str) -> "Counterfactual":
        """The same with another context answer."""
        before, _, after = self.statement.rpartition(self.context_answer)
        return Counterfactual(
            before + answer + after, self.prompt, answer, self.memory_answer, self.subject
        )


@dataclass(frozen=True)
class Encoded:
    """A probe as a model's tokens.

    Attributes:
        probe: itself.
        ids: of statement and prompt.
        places: where the statement's answer stands.
        answers: first tokens of the context answer and of the memorised one.
    """

    probe: Counterfactual
    ids: tuple[int, ...]
    places: range
    answers: tuple[int, int]


def read_counterfactuals(path: Path = SHIPPED) -> list[Counterfactual]:
    """Probes of a JSON Lines file, in the fields of comp-mech (Ortu et al. 2024)."""
    try:
        rows = [json.loads(line) for line in path.read_text("utf-8").split("\n") if line.strip()]
        return [Counterfactual(*(str(row[name]) for name in _FIELDS)) for row in rows]
    except OSError as error:
        raise InputError(f"no probes at {path}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path.name}: each line is JSON with the fields {_FIELDS}") from error


def fair(probes: Iterable[Counterfactual]) -> list[Counterfactual]:
    """Those whose memorised answer can only come from memory; one of each subject."""
    first = dict[str, Counterfactual]()
    for probe in probes:
        if probe.is_fair:
            first.setdefault(probe.subject, probe)
    return list(first.values())


def encode(model: HFModel, probe: Counterfactual) -> Encoded:
    """Its tokens, as plain text without a chat template.

    Raises:
        AlignmentError: the answers do not begin with two tokens of their own.
    """
    found = model.tokenizer(probe.text, return_offsets_mapping=True)
    spans = token_spans([start for start, _ in found["offset_mapping"]], len(probe.text))
    start = probe.statement.rfind(probe.context_answer)
    if start < 0:
        raise AlignmentError(f"{probe.context_answer!r} is not in {probe.statement!r}")
    answer = Span(start, start + len(probe.context_answer))
    ids = tuple(found["input_ids"])
    context, memory = (
        _first_token(model, probe.text, ids, answer)
        for answer in (probe.context_answer, probe.memory_answer)
    )
    if context == memory:
        raise AlignmentError(f"both answers to {probe.prompt!r} begin with the same token")
    return Encoded(probe, ids, tokens_within(answer, anchors(spans, probe.text)), (context, memory))


def encode_all(model: HFModel, probes: Sequence[Counterfactual]) -> list[Encoded]:
    """Those that `encode` takes; a ConfigError when it takes none."""
    found = []
    for probe in probes:
        with suppress(AlignmentError):
            found.append(encode(model, probe))
    if not found:
        raise ConfigError(f"of {len(probes)} probes none has answers with tokens of their own")
    return found


def batches(rows: Sequence[Encoded]) -> Iterator[list[int]]:
    """The places of probes of one length, a few together."""
    by_length = dict[int, list[int]]()
    for i, row in enumerate(rows):
        by_length.setdefault(len(row.ids), []).append(i)
    for group in by_length.values():
        yield from (group[first : first + _COPIES] for first in range(0, len(group), _COPIES))


def _first_token(model: HFModel, text: str, ids: tuple[int, ...], answer: str) -> int:
    longer: tuple[int, ...] = tuple(model.tokenizer(f"{text} {answer}")["input_ids"])
    if longer[: len(ids)] != ids or len(longer) == len(ids):
        raise AlignmentError(f"{answer!r} does not begin with a token of its own")
    return longer[len(ids)]
