"""What a record measured of each sentence: its part in a claim, and which others say the same."""

from typing import NamedTuple

from ragattr.metrics.usage import REDUNDANT
from ragattr.record import Row
from ragattr.report.summary import code_points, figure, passage_numbers
from ragattr.text.offsets import positions

Place = tuple[str, int, int]  # passage id, start and end in the record's unit
_BEGINNING = 80  # characters


class Sentence(NamedTuple):
    """A sentence whose use was measured, with the number of its passage."""

    place: Place
    number: int
    text: str


def sentences(record: Row) -> list[Sentence]:
    """All sentences that were measured, in the order of the scores."""
    numbers = passage_numbers(record)
    texts = {passage["id"]: passage["text"] for passage in record["passages"]}
    places = {name: positions(text, record["offsets"]) for name, text in texts.items()}
    found = list[Sentence]()
    for source in (record["attribution"] or {}).get("sources", ()):
        name = source["passage"]
        start, end = code_points(places[name], source)
        place = (name, source["start"], source["end"])
        found.append(Sentence(place, numbers[name], texts[name][start:end]))
    return found


def beginning(text: str, length: int = _BEGINNING) -> str:
    """The text on one line, cut where it is longer."""
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length - 1].rstrip()}…"


def parts(record: Row, claim: int) -> list[float] | None:
    """[sentences], each one's part of what the claim uses, 0..1, as `metrics.usage` has it.

    Members of a group each have the group's part, which counts once. None where nothing was
    measured or the reader cannot be said to read the answer; all 0 where the passages together
    make no difference.
    """
    attribution = record["attribution"] or {}
    if claim >= len(attribution.get("scores") or ()) or _is_below(
        attribution.get("reader_logprob"), record, "reader_floor"
    ):
        return None
    joint = [max(score, 0.0) for score in attribution["scores"][claim]]
    if _is_below(record["claims"][claim]["context_use"], record, "context_floor"):
        return [0.0] * len(joint)
    repeated = set[int]()
    for members, score in groups(record, claim):
        repeated.update(members[1:])
        for i in members:
            joint[i] = max(score, 0.0)
    total = sum(score for i, score in enumerate(joint) if i not in repeated)
    return [score / total if total > 0 else 0.0 for score in joint]


def groups(record: Row, claim: int) -> list[tuple[list[int], float]]:
    """The sentences of each group that hide each other in the claim, and their joint score."""
    attribution = record["attribution"] or {}
    joint = attribution.get("group_scores") or ()
    if claim >= len(joint):
        return []
    alone = [max(score, 0.0) for score in attribution["scores"][claim]]
    return [
        (members, score)
        for members, score in zip(attribution["groups"], joint[claim], strict=True)
        if score > REDUNDANT * sum(alone[i] for i in members)
    ]


def either_of(record: Row, claim: int) -> list[list[int]]:
    """The groups that the claim uses: their joint score per token is above the noise floor."""
    floor, found = _floor(record, "noise_floor"), parts(record, claim)
    if floor is None or found is None or not any(found):
        return []
    limit = floor * record["attribution"]["n_tokens"][claim]
    return [members for members, score in groups(record, claim) if score > limit]


def verified(attribution: Row) -> str | None:
    """How many sentences were measured exactly, and how sure the ranking is."""
    if attribution.get("verified") is None:
        return None
    said = f"{attribution['verified']} of {len(attribution['sources'])} sentences exactly"
    sure = attribution.get("confidence")
    return said if sure is None else f"{said}, ranking sure to {figure(sure)}"


def fidelity_figures(attribution: Row) -> list[tuple[str, str]]:
    """The name of each figure that has an interval, and both in words."""
    return [
        (name, "{:.2f} ({:.2f} to {:.2f})".format(*value))
        for name, value in (attribution.get("fidelity") or {}).items()
        if isinstance(value, list | tuple) and len(value) == 3
    ]


def alone(attribution: Row) -> tuple[list[int], str] | None:
    """The few sentences that were looked for, and in words how far they give the same answer."""
    subset = attribution.get("subset")
    if subset is None:
        return None
    if not subset["sources"]:
        return [], "the answer needs no sentence of the passages: it is as likely without any"
    what = (
        "these alone give the same answer"
        if subset["is_sufficient"]
        else "no few sentences give the same answer; these come closest"
    )
    change = f"{-subset['loss']:+.2f} with them alone, {-subset['drop']:+.2f} without them"
    return subset["sources"], f"{what} (log-probability per token {change})"


def _floor(record: Row, name: str) -> float | None:
    floor = record.get("settings", {}).get(name)
    return None if floor is None else float(floor)


def _is_below(value: float | None, record: Row, name: str) -> bool:
    floor = _floor(record, name)
    return value is not None and floor is not None and value < floor
