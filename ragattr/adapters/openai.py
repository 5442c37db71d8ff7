"""OpenAI annotations: a response of the Responses API, or a chat completion, with its request.

    {"input" | "messages": [...], "passages"?: [...],
     "response": {"output": [{"type": "message", "content": [{"text", "annotations"}]}]}
               | {"choices": [{"message": {"content", "annotations"}}]}}

`request` may hold the input. A `url_citation` names a page and a `file_citation` a file, neither
has its text: that is looked for in the `passages` of the row (`source` is the URL, `id` the file),
in the results of `file_search_call`, of which those of one file are one passage, and in the
`content` that some compatible servers add. The link or marker that an annotation covers is
replaced by `[n]`; without one, `[n]` goes to its end. The response stays under `openai`.

Offsets. Documented as the first and the "last" character; in recorded responses the end is
exclusive, and non-ASCII text shows that bytes are not meant. Whether an emoji counts once or twice
is not said: code points are read, or UTF-16 units where only these put more URLs into their
ranges. Code points are written.

Losses. Reading: all choices but the first, refusals, files that a tool wrote, the request's chat,
and the words of a link; a citation of a URL that several passages have is one of each of them;
numbers in brackets that the answer itself holds are taken for citations. Writing: verdicts and
figures go, and which sentence is cited; passages stay in the row as they are. A record also cites
what was found to support a claim; a marker with a number that points nowhere stays in the text.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NotRequired, TypedDict
from urllib.parse import urlsplit

from ragattr.adapters.annotations import AnnotatedText, AnnotationFields
from ragattr.adapters.pieces import Cite, answered, cut_answer, joined
from ragattr.adapters.plain import others, plain_row, without_none
from ragattr.adapters.turns import question, turns
from ragattr.errors import InputError
from ragattr.record import Row
from ragattr.schema import PassageFields, check

_OWN = frozenset({"question", "input", "messages", "request", "response", "passages"})
_TRACKING = re.compile(r"[?&]utm_source=(?:openai|chatgpt\.com)\b")


class PartFields(TypedDict):
    """What is read of a part of a message."""

    type: str
    text: NotRequired[str]


class ResultFields(TypedDict):
    """What is read of a result of a file search."""

    file_id: NotRequired[str | None]
    filename: NotRequired[str | None]
    text: NotRequired[str | None]


class ItemFields(TypedDict):
    """What is read of an item of the output."""

    type: str
    content: NotRequired[list[PartFields] | None]
    results: NotRequired[list[ResultFields] | None]


class MessageFields(TypedDict):
    """What is read of the message of a chat completion."""

    content: NotRequired[str | None]


class ChoiceFields(TypedDict):
    """What is read of a choice of a chat completion."""

    message: MessageFields


class ResponseFields(TypedDict):
    """What is read of a response of either API."""

    id: NotRequired[str | None]
    model: NotRequired[str | None]
    output: NotRequired[list[ItemFields]]
    choices: NotRequired[list[ChoiceFields]]


class OpenAIRow(TypedDict):
    """What is read of a row, but for its input."""

    response: ResponseFields
    passages: NotRequired[list[str | PassageFields]]


def matches(row: Mapping[str, Any]) -> bool:
    """Whether a row holds a response of OpenAI's."""
    response = row.get("response")
    return isinstance(response, Mapping) and any(
        isinstance(response.get(name), list) for name in ("output", "choices")
    )


def read(value: Any) -> Row:
    """The case that a response with its request is.

    Raises:
        InputError: a field is missing or of the wrong type, an annotation leaves the text, or
            the text of its source is not in the row; the message has its path.
    """
    row = plain_row(value)
    check(row, OpenAIRow)
    chat, path = turns(row, "input", "messages")
    response = row["response"]
    shelf = _Shelf(row.get("passages", ()), response.get("output", ()))
    pieces = [piece for part in _parts(response) for piece in part.pieces(shelf.cited)]
    return {
        **without_none({"id": response.get("id"), "generator": response.get("model")}),
        **others(row, _OWN),
        "question": question(row, chat, path),
        "passages": shelf.passages,
        "answer": joined(pieces),
        "openai": response,
    }


def write(record: Mapping[str, Any]) -> Row:
    """The response of the Responses API that a case or record would be, and its passages."""
    case = answered(record)
    text, annotations = "", list[Row]()
    for piece in cut_answer(case):
        text += piece.text
        for number in piece.numbers:
            annotation, link = _annotation(case["passages"][number - 1], len(text))
            text += link
            annotations.append(annotation)
    part = {"type": "output_text", "text": text, "annotations": annotations}
    message = {"type": "message", "id": case["id"], "role": "assistant", "status": "completed"}
    return {
        "id": case["id"],
        "question": case["question"],
        "passages": case["passages"],
        "response": {
            "output": [{**message, "content": [part]}],
            **without_none({"model": case.get("generator")}),
        },
    }


def _parts(response: Mapping[str, Any]) -> Iterator[AnnotatedText]:
    if response.get("choices"):
        message, path = response["choices"][0]["message"], "response.choices[0].message"
        yield _part({**message, "text": message.get("content") or ""}, path)
    for i, item in enumerate(response.get("output", ())):
        if item["type"] == "message":
            for j, part in enumerate(item.get("content") or ()):
                if part["type"] == "output_text":
                    yield _part(part, f"response.output[{i}].content[{j}]")


def _part(held: Mapping[str, Any], path: str) -> AnnotatedText:
    """A text with its annotations, those of a chat completion taken out of their wrapping."""
    given = held.get("annotations") or []
    check(given, list[dict[str, Any]], f"{path}.annotations")
    annotations = [
        {**note, **note["url_citation"]} if isinstance(note.get("url_citation"), Mapping) else note
        for note in given
    ]
    check(annotations, list[AnnotationFields], f"{path}.annotations")
    if "text" not in held:
        raise InputError(f"{path}.text: this field is missing")
    return AnnotatedText(held["text"], annotations, path)


class _Shelf:
    """The passages of a row and of its file searches."""

    def __init__(self, given: Sequence[Any], output: Sequence[Mapping[str, Any]]) -> None:
        self.passages: list[Row] = [
            {"text": passage} if isinstance(passage, str) else dict(passage) for passage in given
        ]
        known = {passage.get("id") for passage in self.passages}
        found = dict[str, Row]()
        for result in (result for item in output for result in item.get("results") or ()):
            name, text = result.get("file_id"), result.get("text")
            if name is None or text is None or name in known:
                continue
            if name in found:
                found[name]["text"] += f"\n\n{text}"
            else:
                found[name] = without_none(
                    {"id": name, "text": text, "source": result.get("filename")}
                )
        self.passages += found.values()

    def cited(self, annotation: Mapping[str, Any], path: str) -> tuple[Cite, ...]:
        """The passages that an annotation names, by their numbers."""
        url = annotation.get("url")
        name, wanted = ("id", annotation.get("file_id")) if url is None else ("source", url)
        if wanted is None:
            raise InputError(f"{path}: it names neither a URL nor a file")
        numbers = [
            number
            for number, passage in enumerate(self.passages, start=1)
            if passage.get(name) is not None and _page(str(passage[name])) == _page(wanted)
        ]
        if not numbers and isinstance(text := annotation.get("content"), str) and text:
            self.passages.append({"text": text, "title": annotation.get("title"), "source": wanted})
            numbers = [len(self.passages)]
        if not numbers:
            raise InputError(
                f"{path}: the text of {wanted} is not in the row: "
                f"give it under 'passages', with this {name}"
            )
        return tuple(map(Cite, numbers))


def _page(url: str) -> str:
    """The URL without the note that its search adds to it."""
    return _TRACKING.sub("", url)


def _annotation(passage: Mapping[str, Any], at: int) -> tuple[Row, str]:
    """The annotation of a passage, and the link that it covers, with the space before it."""
    source = passage.get("source") or ""
    title = passage.get("title") or passage["id"]
    if not source.startswith(("http://", "https://")):
        name = source or title
        file = {"type": "file_citation", "file_id": passage["id"], "filename": name, "index": at}
        return file, ""
    link = f"([{urlsplit(source).netloc}]({source}))"
    start = at + (at > 0)
    covered = {"start_index": start, "end_index": start + len(link)}
    return {"type": "url_citation", "url": source, "title": title, **covered}, " " * (at > 0) + link
