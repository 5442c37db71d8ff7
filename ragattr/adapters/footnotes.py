r"""Markdown footnotes: `text[^a]` with a definition `[^a]: source` on a line of its own.

    {"question", "answer": "The tower is tall.[^1]\n\n[^1]: It is 330 m high.", "passages"?: [...]}

With `passages` in the row, the footnote n is the n-th of them, and any other name is a passage's
id; definitions only describe them. Without, each definition is a passage: its name the id, its
text what was cited. A definition goes on in lines that are indented. A footnote that is nowhere
defined becomes a number that points nowhere.

Losses. Reading: the definitions, where passages are given; how they were indented. Footnotes in
code are read like others, and so are numbers in brackets that the answer itself holds. Writing:
verdicts and figures, and which sentence is cited; passages stay in the row as they are. A record
also cites what was found to support a claim; a marker with a number that points nowhere stays.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NotRequired, TypedDict

from ragattr.adapters.pieces import Cite, Piece, answered, cut_answer, joined
from ragattr.adapters.plain import others, plain_row
from ragattr.errors import InputError
from ragattr.record import Row
from ragattr.schema import PassageFields, check

_OWN = frozenset({"question", "answer", "passages"})
_REFERENCE = re.compile(r"\[\^(?P<name>[^\]\s]+)\]")
_DEFINITION = re.compile(r"^ {0,3}\[\^(?P<name>[^\]\s]+)\]:[ \t]*(?P<text>.*)", re.M | re.S)
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_INDENT = re.compile(r" {4}|\t")
_SPACE = re.compile(r"\s+")


class FootnotesRow(TypedDict):
    """What is read of a row."""

    question: str
    answer: str
    passages: NotRequired[list[str | PassageFields]]


def matches(row: Mapping[str, Any]) -> bool:
    """Whether a row's answer has footnotes with definitions; a record has been read already."""
    answer = row.get("answer")
    return "claims" not in row and isinstance(answer, str) and bool(_DEFINITION.search(answer))


def read(value: Any) -> Row:
    """The case that an answer with footnotes is.

    Raises:
        InputError: a field is missing or of the wrong type, or a footnote is defined twice.
    """
    row = plain_row(value)
    check(row, FootnotesRow)
    body, defined = _split(row["answer"])
    passages = row.get("passages", defined)
    numbers = _numbers(row.get("passages"), defined)
    return {
        **others(row, _OWN),
        "question": row["question"],
        "passages": list(passages),
        "answer": joined(_read_body(body, numbers, len(passages))),
    }


def write(record: Mapping[str, Any]) -> Row:
    """The answer of a case or record with footnotes, and its passages."""
    case = answered(record)
    pieces = cut_answer(case)
    body = "".join(
        piece.text + "".join(f"[^{number}]" for number in piece.numbers) for piece in pieces
    )
    cited = sorted({number for piece in pieces for number in piece.numbers})
    notes = [f"[^{number}]: {_described(case['passages'][number - 1])}" for number in cited]
    return {
        "id": case["id"],
        "question": case["question"],
        "answer": "\n\n".join([body, "\n".join(notes)]) if notes else body,
        "passages": case["passages"],
    }


def _split(text: str) -> tuple[str, list[Row]]:
    """The text without its definitions, and these as passages, in their order."""
    body, definitions, name = list[str](), dict[str, str](), ""
    for line in _LINE.findall(text):
        match = _DEFINITION.match(line)
        if match:
            name = match["name"]
            if name in definitions:
                raise InputError(f"answer: the footnote {name!r} is defined twice")
            definitions[name] = match["text"]
        elif name and (not line.strip() or _INDENT.match(line)):
            definitions[name] += _INDENT.sub("", line, count=1)
        else:
            body.append(line)
            name = ""
    passages = [{"id": name, "text": text.strip()} for name, text in definitions.items()]
    return "".join(body).rstrip() if definitions else text, passages


def _numbers(given: Sequence[Any] | None, defined: Sequence[Row]) -> dict[str, int]:
    """The passage that each name stands for."""
    passages = defined if given is None else given
    named = {
        str(passage["id"]): number
        for number, passage in enumerate(passages, start=1)
        if isinstance(passage, Mapping) and passage.get("id") is not None
    }
    if given is None:
        return named
    return {**named, **{str(number): number for number in range(1, len(given) + 1)}}


def _read_body(body: str, numbers: Mapping[str, int], n_passages: int) -> Iterator[Piece]:
    """The body in pieces, each up to the footnotes that follow it."""
    nowhere, cursor, piece = dict[str, int](), 0, Piece("")
    for note in _REFERENCE.finditer(body):
        between = body[cursor : note.start()].rstrip(" \t")
        if between:
            yield piece
            piece = Piece(between)
        number = numbers.get(note["name"])
        if number is None:
            number = nowhere.setdefault(note["name"], n_passages + len(nowhere) + 1)
        piece = Piece(piece.text, (*piece.cites, Cite(number)))
        cursor = note.end()
    yield piece
    yield Piece(body[cursor:])


def _described(passage: Mapping[str, Any]) -> str:
    """The passage's title, source and page on one line, or its text where none is known."""
    page = passage.get("page")
    known = [passage.get("title"), passage.get("source"), f"p. {page}" if page else None]
    words = ", ".join(_SPACE.sub(" ", word).strip() for word in known if word)
    return words or "\n    ".join(passage["text"].splitlines())
