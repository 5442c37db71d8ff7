"""Records from elsewhere: what they point to must be there."""

import copy
from typing import Any

import pytest

from ragattr.coherence import check_record
from ragattr.errors import InputError
from ragattr.text.offsets import OffsetUnit
from tests.adapters.rows import record

MEASURED: dict[str, Any] = {
    "method": "jsd", "unit": "nats", "interventional": True, "proxy": True, "reader_logprob": None,
    "sources": [{"passage": "eiffel", "start": 0, "end": 5}], "groups": [[0]], "scores": [[1], [2]],
    "drops": None, "n_tokens": [3, 4], "passes": 1, "seconds": 1, "verified": 1,
    "confidence": None, "fidelity": None, "partial": False,
}  # fmt: skip

ALARM: dict[str, Any] = {
    "passage": "eiffel", "kind": "no_entailment", "used": 0.9, "claims": [1], "start": None,
    "end": None, "text": None,
}  # fmt: skip


def changed(path: str, value: object) -> dict[str, Any]:
    """A record that was measured, with another value at a place."""
    made: Any = {**copy.deepcopy(record()), "attribution": copy.deepcopy(MEASURED)}
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    place = made
    for step in steps:
        place = place[step]
    place[last] = value
    return made


@pytest.mark.parametrize("unit", ["codepoints", "utf8", "utf16"])
def test_a_record_of_our_own_hangs_together(unit: OffsetUnit) -> None:
    check_record(record(unit))
    check_record(changed("alarms", [ALARM]))


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("passages.0", "a bare text", "passages[0].id: a record's passages have ids"),
        ("passages.1.id", "eiffel", "passages[1].id: 'eiffel' is the id of an earlier passage"),
        ("claims.0.end", 999, "claims[0]: [0, 999) lies outside a text of length"),
        ("claims.0.citations.0.passage", "b", "citations[0].passage: there is no passage 'b'"),
        ("claims.1.citations.0.passage", None, "citations[0].passage: there is no passage None"),
        ("claims.0.citations.0.marker.start", -1, "marker: [-1,"),
        ("alarms", [ALARM | {"passage": "b"}], "alarms[0].passage: there is no passage 'b'"),
        ("alarms", [ALARM | {"start": 0, "end": 999}], "alarms[0]: [0, 999) lies outside"),
        ("alarms", [ALARM | {"claims": [3]}], "alarms[0].claims: there are 2"),
        ("attribution.sources.0.passage", "b", "attribution.sources[0].passage: there is no"),
        ("attribution.groups.0.0", 5, "attribution.groups: there are 1 sources"),
        ("attribution.scores", [[1]], "attribution.scores: wanted [2][1] numbers"),
        ("attribution.n_tokens", [3], "attribution.n_tokens: wanted 2 numbers"),
    ],
)
def test_what_points_nowhere_is_named(path: str, value: object, message: str) -> None:
    with pytest.raises(InputError) as caught:
        check_record(changed(path, value))
    assert message in str(caught.value)
