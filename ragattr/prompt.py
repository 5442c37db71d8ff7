"""Prompts are text files with `$fields`; a chat knows where each passage lies in it."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

from ragattr.errors import PromptError
from ragattr.types import Context, Message, Passage, Source, Span

ANSWER_FIELDS = ("passages", "question")


def prompts_folder() -> Path:
    """Where the prompt files are: inside the package in a wheel, beside it in a checkout."""
    package = Path(__file__).parent
    for folder in (package / "prompts", package.parent / "prompts"):
        if (folder / "answer.txt").is_file():
            return folder
    raise PromptError(f"no prompts in {package / 'prompts'} or {package.parent / 'prompts'}")


@dataclass(frozen=True)
class Prompt:
    """A text with `$fields`."""

    name: str
    text: str

    @classmethod
    def load(cls, path: Path, fields: Sequence[str]) -> "Prompt":
        """Read a prompt and check that it uses just the fields that its stage fills."""
        try:
            text = path.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise PromptError(f"no prompt at {path}") from error
        except UnicodeDecodeError as error:
            raise PromptError(f"{path.name} is not UTF-8 (byte {error.start})") from error
        if not Template(text).is_valid():
            raise PromptError(
                f"{path.name} holds a $ that begins no field: write $$ for a dollar sign"
            )
        used = sorted(
            m["named"] or m["braced"] for m in Template.pattern.finditer(text) if not m["escaped"]
        )
        if used != sorted(fields):
            raise PromptError(f"{path.name} uses {used}, the stage fills {sorted(fields)}")
        return cls(path.name, text)

    @property
    def sha256(self) -> str:
        """The hash of the prompt's text: the record says under which prompt it was made."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def fill(self, values: Mapping[str, str]) -> tuple[str, dict[str, int]]:
        """The filled text, and where each field's value starts in it."""
        pieces, starts, cursor, length = list[str](), dict[str, int](), 0, 0
        for match in Template(self.text).pattern.finditer(self.text):
            field = match["named"] or match["braced"]
            value = values[field] if field else "$"
            pieces += [self.text[cursor : match.start()], value]
            length += match.start() - cursor
            if field:
                starts.setdefault(field, length)
            length += len(value)
            cursor = match.end()
        return "".join([*pieces, self.text[cursor:]]), starts


@dataclass(frozen=True)
class Chat:
    """Messages for a model, and where the passages lie in them.

    All spans refer to `text`, the contents of the messages one after the other. `blocks` are
    what goes when there are to be no passages at all: the passages with their numbers and titles.
    """

    messages: tuple[Message, ...]
    passages: tuple[Span, ...]
    blocks: tuple[Span, ...]

    @property
    def text(self) -> str:
        """The contents of all messages, one after the other."""
        return "".join(message["content"] for message in self.messages)

    def removals(self, sources: Sequence[Source]) -> list[tuple[Span, ...]]:
        """What to cut so that one source is gone, for each source in turn.

        The separator in front of a source goes with it; the first source of a passage takes
        the separator behind it instead, so the next one moves up to its place.
        """
        removals = list[tuple[Span, ...]]()
        for i, source in enumerate(sources):
            start, end = source.span.start, source.span.end
            if i > 0 and sources[i - 1].passage == source.passage:
                start = sources[i - 1].span.end
            elif i + 1 < len(sources) and sources[i + 1].passage == source.passage:
                end = sources[i + 1].span.start
            removals.append((Span(start, end).shift(self.passages[source.passage].start),))
        return removals


def answer_chat(prompt: Prompt, context: Context) -> Chat:
    """One user message: the passages, numbered from 1, and the question."""
    block, spans = _numbered(context.passages)
    text, starts = prompt.fill({"passages": block, "question": context.query.text})
    at = starts["passages"]
    return Chat(
        messages=({"role": "user", "content": text},),
        passages=tuple(span.shift(at) for span in spans),
        blocks=(Span(at, at + len(block)),),
    )


def sent_chat(messages: Sequence[Message], passages: Sequence[Passage]) -> Chat | str:
    """The chat that was really sent, or the id of a passage that is not in it, in order."""
    starts = [0]
    for message in messages:
        starts.append(starts[-1] + len(message["content"]))
    spans, at, cursor = list[Span](), 0, 0
    for passage in passages:
        found = -1
        while at < len(messages):
            found = messages[at]["content"].find(passage.text, cursor)
            if found >= 0:
                break
            at, cursor = at + 1, 0
        if found < 0:
            return passage.id
        cursor = found + len(passage.text)
        spans.append(Span(found, cursor).shift(starts[at]))
    return Chat(tuple(messages), tuple(spans), tuple(spans))


def _numbered(passages: Sequence[Passage]) -> tuple[str, list[Span]]:
    pieces, spans, length = list[str](), list[Span](), 0
    for number, passage in enumerate(passages, start=1):
        head = f"{'' if number == 1 else chr(10) * 2}[{number}] " + (
            f"{passage.title}\n" if passage.title else ""
        )
        pieces += [head, passage.text]
        start = length + len(head)
        length = start + len(passage.text)
        spans.append(Span(start, length))
    return "".join(pieces), spans
