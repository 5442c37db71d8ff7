"""What a record says was measured, as an attribution again: judged later, not measured anew."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ragattr.coherence import check_record
from ragattr.text.align import claim_columns
from ragattr.text.offsets import OffsetUnit, positions
from ragattr.types import (
    Answer,
    Attribution,
    Claim,
    FloatArray,
    Floors,
    ModelCard,
    Source,
    Span,
)

DECIDING = ("jsd", "jsd-fast")  # methods whose scores are held against the noise floor


def to_attribution(record: Mapping[str, Any], answer: Answer) -> Attribution:
    """The attribution of a record, on the claims that it was summed over.

    A record holds sums over a claim's tokens and their number. Here each claim has as many tokens,
    all at its first character, with equal parts of the sums: what a claim used comes out the same.

    Raises:
        InputError: the record does not hang together.
    """
    check_record(record)
    found, unit = record["attribution"], record["offsets"]
    claims = [_claim(fields, answer.text, unit) for fields in record["claims"]]
    answer, n_tokens = replace(answer, claims=tuple(claims)), found["n_tokens"]

    def spread(rows: Sequence[Sequence[float]]) -> FloatArray:
        return _spread(rows, n_tokens)

    def each(
        values: Sequence[float | None], per_token: Callable[[float], float]
    ) -> FloatArray | None:
        if None in values:
            return None
        return np.repeat([per_token(value or 0.0) for value in values], n_tokens)

    return Attribution(
        answer=answer,
        tokens=tuple(
            token
            for claim, n in zip(claims, n_tokens, strict=True)
            for token in _tokens(claim, answer, n)
        ),
        sources=_sources(found["sources"], answer, unit),
        scores=spread(found["scores"]),
        unit=found["unit"],
        method=found["method"],
        interventional=found["interventional"],
        decides=found["method"] in DECIDING,
        drops=None if found["drops"] is None else spread(found["drops"]),
        context_scores=each(
            [claim["context_use"] for claim in record["claims"]], lambda use: use * math.log(2)
        ),
        context_drops=each(
            [claim.get("parametric_share") for claim in record["claims"]],
            lambda share: -math.log(max(share, 1e-12)),
        ),
        logprobs=each([found["reader_logprob"]] * len(n_tokens), float),
        groups=tuple(tuple(members) for members in found["groups"]),
        group_scores=spread(found["group_scores"]) if found["groups"] else None,
        model=ModelCard(**record["model"]) if record["model"] else None,
        floors=_floors(record["settings"]),
        proxy=found["proxy"],
        passes=found["passes"],
        seconds=found["seconds"],
        verified=tuple(range(found["verified"])),
        confidence=found["confidence"],
        fidelity=found["fidelity"],
        partial=found["partial"],
        tier=record["tier"],
        settings=record["settings"],
    )


def _claim(fields: Mapping[str, Any], text: str, unit: OffsetUnit) -> Claim:
    span = _span(fields, text, unit)
    return Claim(span.of(text), span, fields["needs_support"])


def _sources(
    fields: Sequence[Mapping[str, Any]], answer: Answer, unit: OffsetUnit
) -> tuple[Source, ...]:
    place = {passage.id: i for i, passage in enumerate(answer.context.passages)}
    texts = [passage.text for passage in answer.context.passages]
    found = [(place[source["passage"]], source) for source in fields]
    return tuple(Source(passage, _span(source, texts[passage], unit)) for passage, source in found)


def _span(fields: Mapping[str, Any], text: str, unit: OffsetUnit) -> Span:
    """A range in the record's unit, in code points."""
    start, end = np.searchsorted(positions(text, unit), [fields["start"], fields["end"]])
    return Span(int(start), int(end))


def _tokens(claim: Claim, answer: Answer, n: int) -> list[Span]:
    """Stand-ins for the claim's tokens: empty but the last, at a character that says something."""
    characters = [Span(at, at + 1) for at in range(claim.span.start, claim.span.end)]
    said = claim_columns(claim.span, characters, answer.text, answer.markers)
    if not said or not n:
        return []
    token = characters[said[0]]
    return [Span(token.start, token.start)] * (n - 1) + [token]


def _spread(rows: Sequence[Sequence[float]], n_tokens: Sequence[int]) -> FloatArray:
    """[sources, tokens] from [claims][sources]: a claim's sums in equal parts."""
    parts = [
        np.repeat(np.array(row)[:, None] / max(n, 1), n, axis=1)
        for row, n in zip(rows, n_tokens, strict=True)
    ]
    return np.concatenate(parts, axis=1) if parts else np.zeros((0, 0))


def _floors(settings: Mapping[str, Any]) -> Floors | None:
    if settings.get("noise_floor") is None:
        return None
    return Floors(
        noise=settings["noise_floor"],
        context=settings["context_floor"],
        reader=settings["reader_floor"],
        parametric=settings.get("parametric_floor", 1.0),
    )
