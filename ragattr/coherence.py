"""Whether a record from elsewhere hangs together: what it points to is there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ragattr.errors import InputError
from ragattr.schema import Record, check
from ragattr.text.offsets import positions


def check_record(row: Mapping[str, Any]) -> None:
    """Raise an InputError that names the first place where a record is none.

    Fields are of their types, passages have ids, offsets lie in the texts that they are of, and
    scores are as many as claims and sources.

    Example: `claims[0].citations[1].passage: there is no passage 'b'`.
    """
    check(row, Record)
    ends = _Ends.of(row)
    for i, claim in enumerate(row["claims"]):
        _check_claim(claim, f"claims[{i}]", ends)
    for i, alarm in enumerate(row["alarms"]):
        ends.check_alarm(alarm, f"alarms[{i}]", len(row["claims"]))
    if row["attribution"] is not None:
        _check_attribution(row["attribution"], len(row["claims"]), ends)
    if row["revision"] is not None:
        _check_revision(row["revision"], row["offsets"], ends)


@dataclass(frozen=True)
class _Ends:
    """How long the answer and each passage are, in the record's unit."""

    answer: int
    passages: Mapping[str, int]

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "_Ends":
        lengths = dict[str, int]()
        for i, passage in enumerate(row["passages"]):
            id = passage.get("id") if isinstance(passage, Mapping) else None
            if not isinstance(id, str):
                raise InputError(f"passages[{i}].id: a record's passages have ids")
            if id in lengths:
                raise InputError(f"passages[{i}].id: {id!r} is the id of an earlier passage")
            lengths[id] = _length(passage["text"], row["offsets"])
        return cls(_length(row.get("answer") or "", row["offsets"]), lengths)

    def check_answer(self, place: Mapping[str, Any], path: str) -> None:
        _check_range(place, self.answer, path)

    def check_passage(self, place: Mapping[str, Any], path: str) -> None:
        if place["passage"] not in self.passages:
            raise InputError(f"{path}.passage: there is no passage {place['passage']!r}")
        _check_range(place, self.passages[place["passage"]], path)

    def check_alarm(self, alarm: Mapping[str, Any], path: str, n_claims: int) -> None:
        is_placed = alarm["start"] is not None or alarm["end"] is not None
        self.check_passage(alarm if is_placed else {**alarm, "start": 0, "end": 0}, path)
        if any(not 1 <= number <= n_claims for number in alarm["claims"]):
            raise InputError(f"{path}.claims: there are {n_claims}")


def _check_claim(claim: Mapping[str, Any], path: str, ends: _Ends) -> None:
    ends.check_answer(claim, path)
    for i, citation in enumerate(claim["citations"]):
        at = f"{path}.citations[{i}]"
        if citation["passage"] is not None or citation["origin"] == "found":
            ends.check_passage(citation, at)
        if citation["marker"] is not None:
            ends.check_answer(citation["marker"], f"{at}.marker")


def _check_attribution(found: Mapping[str, Any], n_claims: int, ends: _Ends) -> None:
    n_sources = len(found["sources"])
    for i, source in enumerate(found["sources"]):
        ends.check_passage(source, f"attribution.sources[{i}]")
    members = [*found["groups"], (found.get("subset") or {}).get("sources", [])]
    if any(not 0 <= i < n_sources for group in members for i in group):
        raise InputError(f"attribution.groups: there are {n_sources} sources")
    for name, n_columns in (("scores", n_sources), ("group_scores", len(found["groups"]))):
        scores = found.get(name)
        if scores and ([len(row) for row in scores] != [n_columns] * n_claims):
            raise InputError(f"attribution.{name}: wanted [{n_claims}][{n_columns}] numbers")
    if found["scores"] and len(found["n_tokens"]) != n_claims:
        raise InputError(f"attribution.n_tokens: wanted {n_claims} numbers")


def _check_revision(revision: Mapping[str, Any], offsets: Any, ends: _Ends) -> None:
    after = _Ends(_length(revision["text"], offsets), ends.passages)
    for i, claim in enumerate(revision["claims"]):
        _check_claim(claim, f"revision.claims[{i}]", after)
    last = 0
    for i, edit in enumerate(revision["edits"]):
        ends.check_answer(edit, f"revision.edits[{i}]")
        if edit["start"] < last:
            raise InputError(f"revision.edits[{i}].start: reaches into the edit before")
        last = edit["end"]
        if edit.get("evidence") is not None:
            ends.check_passage(edit["evidence"], f"revision.edits[{i}].evidence")
    if any(not 0 <= i < len(revision["claims"]) for i in revision.get("unsupported", ())):
        raise InputError(f"revision.unsupported: there are {len(revision['claims'])} claims")


def _check_range(place: Mapping[str, Any], length: int, path: str) -> None:
    start, end = place["start"], place["end"]
    if start is None or end is None or not 0 <= start <= end <= length:
        raise InputError(f"{path}: [{start}, {end}) lies outside a text of length {length}")


def _length(text: str, offsets: Any) -> int:
    return int(positions(text, offsets)[-1])
