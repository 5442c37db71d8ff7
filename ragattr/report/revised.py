"""A revision as a page shows it: the text before and after, side by side, and why each edit."""

from collections.abc import Iterator, Sequence

from ragattr.record import Row
from ragattr.report.summary import code_points, passage_name, passage_numbers
from ragattr.text.offsets import positions

_METHODS = {
    "spans": "single details, judged by the verifier",
    "rarr": "RARR, asked of the language model",
    "citations": "the citations alone",
}


def revision_view(record: Row) -> Row | None:
    """Both texts in pieces, and each edit with its evidence; None without a revision."""
    revision = record["revision"]
    if revision is None:
        return None
    answer = record["answer"]
    places = positions(answer, record["offsets"])
    edits = [(*code_points(places, edit), edit) for edit in revision["edits"]]
    return {
        "method": _METHODS.get(revision.get("method", ""), revision.get("method", "")),
        "preservation": revision["preservation"],
        "before": list(_pieces(answer, edits, "before")),
        "after": list(_pieces(answer, edits, "after")),
        "edits": [_edit(record, edit) for _, _, edit in edits],
        "unsupported": [revision["claims"][i]["text"] for i in revision.get("unsupported", ())],
        "warnings": revision.get("warnings", ()),
    }


def _pieces(answer: str, edits: Sequence[tuple[int, int, Row]], side: str) -> Iterator[Row]:
    """Text that stayed, with number 0, and text of one side of an edit, with its number."""
    cursor = 0
    for number, (start, end, edit) in enumerate(edits, start=1):
        yield {"text": answer[cursor:start], "edit": 0}
        yield {"text": edit[side], "edit": number}
        cursor = end
    yield {"text": answer[cursor:], "edit": 0}


def _edit(record: Row, edit: Row) -> Row:
    place = edit.get("evidence")
    view = {name: edit[name] for name in ("before", "after", "reason", "passage")}
    if place is None:
        return {**view, "number": None, "name": None, "quote": None}
    number = passage_numbers(record)[place["passage"]]
    passage = record["passages"][number - 1]
    start, end = code_points(positions(passage["text"], record["offsets"]), place)
    quote = passage["text"][start:end]
    return {**view, "number": number, "name": passage_name(passage, number), "quote": quote}
