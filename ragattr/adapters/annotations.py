"""A text with OpenAI annotations, in pieces: where each annotation stands, and what it covers."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NotRequired, TypedDict

from ragattr.adapters.pieces import Cite, Piece
from ragattr.adapters.places import Places
from ragattr.errors import InputError
from ragattr.text.markers import find_markers
from ragattr.text.offsets import OffsetUnit
from ragattr.types import Span

_UNITS: tuple[OffsetUnit, ...] = ("codepoints", "utf16")


class AnnotationFields(TypedDict):
    """What is read of an annotation of any kind."""

    type: str
    url: NotRequired[str]
    title: NotRequired[str | None]
    content: NotRequired[str | None]
    start_index: NotRequired[int]
    end_index: NotRequired[int]
    file_id: NotRequired[str]
    filename: NotRequired[str | None]
    index: NotRequired[int]


@dataclass(frozen=True)
class AnnotatedText:
    """A text of a response with its annotations; `path` is where it stands in the row."""

    text: str
    annotations: Sequence[Mapping[str, Any]]
    path: str

    def pieces(
        self, cited: Callable[[Mapping[str, Any], str], tuple[Cite, ...]]
    ) -> Iterator[Piece]:
        """The text without the links and markers that are annotated, each piece with its cites.

        Args:
            cited: from an annotation and its path to what it cites.

        Raises:
            InputError: an annotation leaves the text; the message has its path.
        """
        edits, places = list[_Edit](), _unit(self)
        for i, annotation in enumerate(self.annotations):
            path = f"{self.path}.annotations[{i}]"
            span = _span(annotation, places, path)
            if span is not None:
                start = len(self.text[: span.start].rstrip(" \t"))
                edits.append(_Edit(Span(start, span.end), cited(annotation, path)))
        cursor = 0
        for edit in _merged(edits):
            yield Piece(self.text[cursor : edit.span.start], edit.cites)
            cursor = edit.span.end
        yield Piece(self.text[cursor:])


@dataclass(frozen=True)
class _Edit:
    """What is taken out of a text, and what is cited there."""

    span: Span
    cites: tuple[Cite, ...]


def _merged(edits: Sequence[_Edit]) -> list[_Edit]:
    """The edits in order; those that touch are one."""
    merged = list[_Edit]()
    for edit in sorted(edits, key=lambda edit: edit.span):
        if merged and edit.span.start <= merged[-1].span.end:
            last = merged.pop()
            end = max(last.span.end, edit.span.end)
            merged.append(_Edit(Span(last.span.start, end), last.cites + edit.cites))
        else:
            merged.append(edit)
    return merged


def _span(annotation: Mapping[str, Any], places: Places, path: str) -> Span | None:
    """What goes for an annotation, nothing or a link; None for one that cites no source."""
    if annotation["type"] == "file_citation":
        index = _place(annotation, "index", places, path)
        return Span(index, index)
    if annotation["type"] != "url_citation":
        return None
    start = _place(annotation, "start_index", places, path)
    end = _place(annotation, "end_index", places, path)
    if start >= end:
        given = f"[{annotation['start_index']}, {annotation['end_index']})"
        raise InputError(f"{path}: wanted a range of the text, got {given}")
    return _covered(places.text, Span(start, end), annotation.get("url", ""))


def _covered(text: str, span: Span, url: str) -> Span:
    """The link or marker that a range is, with brackets around it; else its end."""
    inner = span.of(text)
    if url not in inner and [m.span for m in find_markers(inner, 0)] != [Span(0, len(inner))]:
        return Span(span.end, span.end)
    if text[max(span.start - 1, 0) : span.start] == "(" and text[span.end : span.end + 1] == ")":
        return Span(span.start - 1, span.end + 1)
    return span


def _unit(part: AnnotatedText) -> Places:
    """The unit of a text's offsets: the one that puts the most URLs into their ranges."""
    units = [Places(part.text, unit) for unit in _UNITS]
    return max(units, key=lambda places: sum(_has_link(note, places) for note in part.annotations))


def _has_link(annotation: Mapping[str, Any], places: Places) -> bool:
    """Whether the annotation's URL stands in its range."""
    url = annotation.get("url")
    start = places.at(annotation.get("start_index", -1))
    end = places.at(annotation.get("end_index", -1))
    if url is None or start is None or end is None:
        return False
    return url in places.text[start:end]


def _place(annotation: Mapping[str, Any], name: str, places: Places, path: str) -> int:
    """The character that starts at the annotation's offset, or the end of the text."""
    if name not in annotation:
        raise InputError(f"{path}.{name}: this field is missing")
    place = places.at(annotation[name])
    if place is None:
        raise InputError(f"{path}.{name}: no character starts at {annotation[name]}")
    return place
