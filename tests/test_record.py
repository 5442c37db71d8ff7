import copy
import dataclasses
import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragattr.errors import InputError
from ragattr.record import (
    answered_case,
    dumps,
    loads,
    read_case,
    read_pair,
    read_question,
    to_answer,
    to_attribution_record,
    to_record,
)
from ragattr.schema import json_schema
from ragattr.text.align import token_spans
from ragattr.text.offsets import OffsetUnit
from ragattr.types import (
    Alarm,
    Answer,
    Attribution,
    Citation,
    CitedAnswer,
    Claim,
    Context,
    Floors,
    Judgement,
    Marker,
    ModelCard,
    Passage,
    Query,
    Source,
    Span,
    Verdict,
    VerifierCard,
)

TEXT = "😀 Paris grew [1]. Rome\u0301 fell [9]."
FIRST, SECOND = "😀 Paris grew [1].", "Rome\u0301 fell [9]."
PASSAGE, OTHER = "é Paris grew. 😀 Rome \ud83d stood.", "東京は大きい。"
CASE = {
    "id": "c1",
    "question": "What grew?",
    "passages": [{"id": "p1", "text": PASSAGE, "own": 1}, {"id": "p2", "text": OTHER}],
    "answer": TEXT,
    "own": {"kept": [1, None]},
}
UNITS: tuple[OffsetUnit, ...] = ("codepoints", "utf8", "utf16")


def _place(whole: str, piece: str) -> Span:
    return Span(whole.index(piece), whole.index(piece) + len(piece))


def _measured() -> Attribution:
    claims = tuple(Claim(said, _place(TEXT, said)) for said in (FIRST, SECOND))
    markers = (Marker(_place(TEXT, "[1]"), (1,)), Marker(_place(TEXT, "[9]"), (9,)))
    passages = (Passage(PASSAGE, "p1"), Passage(OTHER, "p2"))
    return Attribution(
        answer=Answer(Context(Query("What grew?", "c1"), passages), TEXT, claims, markers),
        tokens=token_spans([0, 12, 16, 17, 28, 32], len(TEXT)),  # "😀 Paris grew", " [1]", ".", ...
        sources=(
            Source(0, _place(PASSAGE, "é Paris grew.")),
            Source(0, _place(PASSAGE, "😀 Rome \ud83d stood.")),
            Source(1, _place(OTHER, OTHER)),
        ),
        scores=np.array([[0.4, 9, 0.2, 0.1, 9, 0], [0, 9, 0, 0.3, 9, 0.1], [0, 9, 0, 0, 9, 0]]),
        unit="nats",
        method="jsd",
        context_scores=np.array([0.3, 9, 0.1, 0.2, 9, 0.0]),
        logprobs=np.array([-1.0, -9, -2, -3, -9, -4]),
        model=ModelCard("reader", "1", "float32"),
        floors=Floors(noise=0.01, context=0.02, reader=-5.0),
        warnings=("measured",),
    )


def _cited() -> CitedAnswer:
    measured = _measured()
    (grew, fell), (one, nine) = measured.answer.claims, measured.answer.markers
    judgement = Judgement(
        attribution=measured,
        sources=measured.sources,
        supports=np.array([[0.9, 0.2, 0.1], [np.nan] * 3]),
        contradicts=np.zeros((2, 3)),
        passage_supports=np.array([[0.9, 0.1], [np.nan] * 2]),
        passage_contradicts=np.zeros((2, 2)),
        cited=np.array([0.9, np.nan]),
        verdicts=(Verdict(grew, "supported", 0.9123456789), Verdict(fell, "unclear", None)),
        proofs=((0,), ()),
        verifier=VerifierCard("judge", "2", 0.5, 0.6),
        warnings=("judged",),
    )
    whole = Source(0, Span(0, len(PASSAGE)))
    found = Citation(grew, measured.sources[1], 0.0, 0.2, 0.0, "unsupported", "found")
    rows = (Citation(grew, whole, 1.0, 0.9, 0.0, "grounded", "answer", one), found)
    dangling = Citation(fell, None, None, None, None, None, "answer", nine, problem="dangling")
    return CitedAnswer(judgement, (rows, (dangling,)), (0.25, None), ("joined",))


def _cut(whole: str, fields: dict[str, Any], unit: OffsetUnit) -> str:
    """The plain second implementation: encode the whole, slice, decode."""
    if unit == "codepoints":
        return whole[fields["start"] : fields["end"]]
    codec, width = {"utf8": ("utf-8", 1), "utf16": ("utf-16-le", 2)}[unit]
    stored = whole.encode(codec, "surrogatepass")
    return stored[fields["start"] * width : fields["end"] * width].decode(codec, "surrogatepass")


def _pieces(record: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object with offsets and a text, with the whole that it lies in."""
    for claim in record["claims"]:
        yield TEXT, claim
        for row in claim["citations"]:
            if row["marker"]:
                yield TEXT, row["marker"]
            if row["passage"]:
                yield {"p1": PASSAGE, "p2": OTHER}[row["passage"]], row


# Reading


def test_aliases_of_other_tools_are_read() -> None:
    row = {"user_input": "Q?", "retrieved_contexts": ["One."], "response": "A."}
    case = read_case(row, default_id="9", answered=True)
    passages = [{"id": "1", "text": "One."}]
    assert case == {"id": "9", "question": "Q?", "passages": passages, "answer": "A."}
    assert read_case({"question": "Q?", "contexts": ["One."]}, default_id="9", answered=False)[
        "passages"
    ] == [{"id": "1", "text": "One."}]


def test_beside_the_real_name_an_alias_stays_a_field_of_its_own() -> None:
    row = {"question": "Q?", "contexts": ["Other."], "passages": ["One."]}
    case = read_case(row, default_id="1", answered=False)
    assert case["passages"] == [{"id": "1", "text": "One."}]
    assert case["contexts"] == ["Other."]


def test_integer_ids_are_read_as_strings_and_bare_passages_are_numbered() -> None:
    row = {"id": 7, "question": "Q?", "passages": ["One.", {"id": 70, "text": "Two."}, "Three."]}
    case = read_case(row, default_id="1", answered=False)
    assert case["id"] == "7"
    assert [passage["id"] for passage in case["passages"]] == ["1", "70", "3"]


def test_unknown_fields_survive_in_the_case_and_in_its_passages() -> None:
    row = {"own": [1], "question": "Q?", "passages": [{"own": None, "text": "One."}]}
    case = read_case(row, default_id="1", answered=False)
    assert case["own"] == [1]
    assert case["passages"] == [{"id": "1", "own": None, "text": "One."}]


def test_reading_leaves_the_row_as_it_was() -> None:
    row = {"id": 7, "question": "Q?", "contexts": ["One.", {"id": 2, "text": "Two."}]}
    before = copy.deepcopy(row)
    read_case(row, default_id="1", answered=False)
    assert row == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"question": None}, "question: wanted a string, got null"),
        ({"question": " \n"}, "question: is empty"),
        ({"passages": []}, "passages: there are none"),
        (
            {"passages": ["a", {"id": 1, "text": "b"}]},
            "passages[1].id: '1' is the id of an earlier",
        ),
        ({"passages": ["a", "b", {"text": None}]}, "passages[2].text: wanted a string, got null"),
        ({"passages": ["a", "b", {"title": "t"}]}, "passages[2].text: this field is missing"),
        ({"answer": ""}, "answer: is empty"),
        ({"answer": None}, "answer: this field is missing"),
        (
            {"passages": ["a", "x" * 2_000_000]},
            "passages[1].text: 2,000,000 characters, at most 1,0",
        ),
    ],
)
def test_what_is_wrong_with_a_case_is_said_with_its_path(
    change: dict[str, Any], message: str
) -> None:
    row = {"question": "Q?", "passages": ["One."], "answer": "A.", **change}
    with pytest.raises(InputError) as caught:
        read_case(row, default_id="1", answered=True)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("name", ["question", "passages", "answer"])
def test_a_missing_field_of_a_case_is_named(name: str) -> None:
    row = {"question": "Q?", "passages": ["One."], "answer": "A."}
    del row[name]
    with pytest.raises(InputError, match=f"^{name}: this field is missing$"):
        read_case(row, default_id="1", answered=True)


def test_a_case_without_an_answer_is_fine_where_none_is_needed() -> None:
    case = read_case({"question": "Q?", "passages": ["One."]}, default_id="4", answered=False)
    assert "answer" not in case


def test_questions_and_pairs_keep_their_own_fields_and_get_an_id() -> None:
    question = read_question({"user_input": "Q?", "own": 1}, default_id="3")
    assert question == {"question": "Q?", "own": 1, "id": "3"}
    pair = read_pair({"id": 5, "claim": "It is.", "evidence": []}, default_id="3")
    assert pair == {"id": "5", "claim": "It is.", "evidence": []}


@pytest.mark.parametrize("claim", ["", "  "])
def test_an_empty_claim_is_refused(claim: str) -> None:
    with pytest.raises(InputError, match="^claim: is empty$"):
        read_pair({"claim": claim, "evidence": ["One."]}, default_id="1")


def test_a_case_becomes_an_answer_with_claims_markers_and_ranges() -> None:
    passages = [{"text": "One.", "title": "T", "page": 2, "start": 5, "end": 9}, "Two."]
    row = {"question": "Q?", "passages": passages, "answer": "It is [2]. So?", "generator": "gpt"}
    answer = to_answer(read_case(row, default_id="8", answered=True))
    assert answer.context.query == Query("Q?", "8")
    assert answer.context.passages[0] == Passage("One.", "1", "T", None, 2, Span(5, 9))
    assert [claim.text for claim in answer.claims] == ["It is [2].", "So?"]
    assert answer.markers == (Marker(Span(6, 9), (2,)),)
    assert (answer.generator, answer.messages) == ("gpt", None)


def test_a_generated_answer_makes_a_case_that_reads_back_as_the_same_answer() -> None:
    passages = (Passage("One.", "a", "T", "f.pdf", 2, Span(5, 9)), Passage("Two.", "b"))
    claims = (Claim("It is.", Span(0, 6)),)
    messages = ({"role": "user", "content": "Hi"},)
    context = Context(Query("Q?", "8"), passages)
    answer = Answer(context, "It is.", claims, (), None, "gpt", messages)
    row = answered_case({"id": "8", "question": "Q?"}, answer)
    assert to_answer(read_case(row, default_id="1", answered=True)) == answer


# JSON


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_json_does_not_have_are_refused(number: str) -> None:
    with pytest.raises(InputError, match=f"not JSON .*{number}"):
        loads(f'{{"score": {number}}}')


@pytest.mark.parametrize("number", ["1e999", "-1e999"])
def test_a_number_that_could_not_be_written_again_is_not_read(number: str) -> None:
    with pytest.raises(InputError):
        loads(f'{{"score": {number}}}')


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("[1]", "wanted a JSON object, got list"),
        ("{'a': 1}", "not JSON"),
        ('{"a": 1', "not JSON"),
        ('{"a": ' + "[" * 100_000, "nested too deeply"),
    ],
)
def test_a_line_that_is_no_json_object_is_refused(line: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        loads(line)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, b"bytes"])
def test_what_json_cannot_hold_is_not_written(value: object) -> None:
    with pytest.raises(InputError, match="cannot be written as JSON"):
        dumps({"a": value})


def _only_lone(text: str) -> str:
    return re.sub("[\ud800-\udbff]+(?=[\udc00-\udfff])", "", text)


STRINGS = st.text(st.characters(exclude_categories=()) | st.sampled_from('\ud83d\\"\u2028')).map(
    _only_lone
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | STRINGS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(STRINGS, inner, max_size=3),
)  # fmt: skip


@settings(deadline=None)
@given(st.dictionaries(STRINGS, VALUES, max_size=4))
def test_a_line_read_back_and_written_again_is_the_same_bytes(row: dict[str, Any]) -> None:
    line = dumps(row)
    assert loads(line) == row
    assert dumps(loads(line)).encode("utf-8") == line.encode("utf-8")


def test_two_surrogates_side_by_side_are_written_as_they_are_read_back() -> None:
    line = dumps({"a": "\ud83d\ude00"})
    assert dumps(loads(line)) == line


def test_lone_surrogates_are_escaped_and_other_characters_are_not() -> None:
    assert dumps({"é": "\ud83d😀\x00\u2028"}) == '{"é": "\\ud83d😀\\u0000\u2028"}'


# Records


@pytest.mark.parametrize("unit", UNITS)
def test_every_text_of_a_record_stands_at_its_offsets(unit: OffsetUnit) -> None:
    pieces = list(_pieces(to_record(CASE, _cited(), offsets=unit)))
    assert len(pieces) == 6  # two claims, two markers, two rows
    assert [_cut(whole, piece, unit) for whole, piece in pieces] == [p["text"] for _, p in pieces]


@pytest.mark.parametrize("unit", UNITS)
def test_every_source_of_a_record_stands_at_its_offsets(unit: OffsetUnit) -> None:
    record = to_record(CASE, _cited(), offsets=unit)
    wholes = {"p1": PASSAGE, "p2": OTHER}
    found = [_cut(wholes[s["passage"]], s, unit) for s in record["attribution"]["sources"]]
    assert found == ["é Paris grew.", "😀 Rome \ud83d stood.", OTHER]


def test_offsets_of_the_second_claim_differ_by_unit_as_counted_by_hand() -> None:
    places = [to_record(CASE, _cited(), offsets=unit)["claims"][1] for unit in UNITS]
    # The emoji before it takes 1, 4 and 2; the accent within it 1, 2 and 1.
    assert [(claim["start"], claim["end"]) for claim in places] == [(18, 33), (21, 37), (19, 34)]


def test_a_record_is_the_case_with_every_field_of_the_contract() -> None:
    record = to_record(CASE, _cited(), offsets="utf8")
    assert {name: record[name] for name in CASE} == CASE
    assert (record["tier"], record["offsets"]) == ("logits", "utf8")
    assert record["warnings"] == ["measured", "judged", "joined"]
    assert record["model"] == {"name": "reader", "revision": "1", "dtype": "float32"}
    assert set(record) == {
        *CASE,
        *("tier", "offsets", "ragattr", "warnings", "alarms", "model", "verifier", "settings"),
        *("claims", "attribution", "revision"),
    }


def _alarmed() -> CitedAnswer:
    orders = Alarm(0, "instructions", 0.75123456789, (0, 1), _place(PASSAGE, "Rome"))
    return dataclasses.replace(_cited(), alarms=(orders, Alarm(1, "no_entailment", 1.0, (1,))))


def test_an_alarm_names_its_passage_its_claims_from_1_and_its_stretch() -> None:
    record = to_record(CASE, _alarmed())
    orders, unsupported = record["alarms"]
    assert orders == {
        **{"passage": "p1", "kind": "instructions", "used": 0.751235, "claims": [1, 2]},
        **{"start": 16, "end": 20, "text": "Rome"},
    }
    assert (unsupported["passage"], unsupported["claims"]) == ("p2", [2])
    assert [unsupported[name] for name in ("start", "end", "text")] == [None] * 3
    jsonschema.validate({**record, "generator": None}, json_schema())


def test_the_stretch_of_an_alarm_has_the_offsets_of_the_record() -> None:
    places = [to_record(CASE, _alarmed(), offsets=unit)["alarms"][0] for unit in UNITS]
    # Before it stand "é", which takes 1, 2 and 1, and the emoji, which takes 1, 4 and 2.
    assert [(place["start"], place["end"]) for place in places] == [(16, 20), (20, 24), (17, 21)]


def test_a_claim_has_its_verdict_and_figures_with_six_digits_and_null_for_unknown() -> None:
    first, second = to_record(CASE, _cited())["claims"]
    names = ("verdict", "probability", "cited_probability", "context_use")
    assert [first[name] for name in names] == ["supported", 0.912346, 0.9, 0.25]
    assert [second[name] for name in names] == ["unclear", None, None, None]


def test_a_dangling_row_has_its_marker_and_nothing_else() -> None:
    (row,) = to_record(CASE, _cited())["claims"][1]["citations"]
    assert row == {
        **dict.fromkeys(("passage", "start", "end", "text", "used", "supports", "contradicts")),
        **{"class": None, "group": None, "jointly": False, "origin": "answer"},
        "marker": {"start": 29, "end": 32, "text": "[9]"},
        "problem": "dangling",
    }


def test_scores_are_sums_over_each_claims_tokens_without_its_markers() -> None:
    measured = to_record(CASE, _cited())["attribution"]
    assert [pytest.approx(row) for row in measured["scores"]] == [[0.6, 0, 0], [0.1, 0.4, 0]]
    assert measured["n_tokens"] == [2, 2]
    assert measured["reader_logprob"] == (-1 - 2 - 3 - 4) / 4


def test_a_record_fits_the_schema_and_is_written_and_read_back_the_same() -> None:
    record = to_record(CASE, _cited(), offsets="utf16")
    schema = json_schema()
    jsonschema.validate(record, schema)
    jsonschema.validate(record, {"$defs": schema["$defs"], "$ref": "#/$defs/record"})
    assert dumps(loads(dumps(record))) == dumps(record)
    assert json.loads(dumps(record)) == record


def test_a_record_with_a_verdict_of_its_own_does_not_fit_the_schema() -> None:
    record = to_record(CASE, _cited())
    record["claims"][0]["verdict"] = "maybe"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(record, {**json_schema(), "anyOf": [{"$ref": "#/$defs/record"}]})


def test_without_a_measurement_the_tier_is_text_and_the_attribution_null() -> None:
    answer = _measured().answer
    record = to_attribution_record(CASE, Attribution(answer, (), (), None, "nats"))
    assert (record["tier"], record["attribution"], record["model"]) == ("text", None, None)
    assert [claim["context_use"] for claim in record["claims"]] == [None, None]


def test_an_attribution_alone_is_a_record_without_verdicts() -> None:
    record = to_attribution_record(CASE, _measured(), offsets="utf8")
    jsonschema.validate(record, {**json_schema(), "anyOf": [{"$ref": "#/$defs/record"}]})
    assert [claim["verdict"] for claim in record["claims"]] == ["unclear", "unclear"]
    assert [claim["context_use"] for claim in record["claims"]] == pytest.approx(
        [0.2 / np.log(2), 0.1 / np.log(2)], abs=1e-6
    )


def _fully_measured() -> Attribution:
    """Two sentences that say the same, and all that a measurement may know."""
    return dataclasses.replace(
        _measured(),
        method="jsd-fast",
        drops=np.array([[0.5, 9, -0.25, 0, 9, 0], [0.0, 9, 0, 1, 9, 0], [0.0, 9, 0, 0, 9, 0]]),
        context_drops=np.array([np.log(2), 9, np.log(2), -3, 9, 1]),
        groups=((0, 1),),
        group_scores=np.array([[0.3, 9, 0.1, 0.2, 9, 0.12345678]]),
        passes=2.123456789,
        seconds=0.98765,
        verified=(0, 2),
        confidence=0.987654321,
        fidelity={"lds@0.5": [0.5, 0.25, 0.75]},
        partial=True,
    )


def test_groups_have_their_members_and_a_score_for_each_claim() -> None:
    measured = to_attribution_record(CASE, _fully_measured())["attribution"]
    assert measured["groups"] == [[0, 1]]
    assert [pytest.approx(row) for row in measured["group_scores"]] == [[0.4], [0.323457]]


def test_drops_are_sums_over_each_claims_tokens_without_its_markers() -> None:
    measured = to_attribution_record(CASE, _fully_measured())["attribution"]
    assert measured["drops"] == [[0.25, 0.0, 0.0], [0.0, 1.0, 0.0]]
    assert to_attribution_record(CASE, _measured())["attribution"]["drops"] is None


def test_the_record_says_what_a_measurement_cost_and_how_sure_it_is() -> None:
    measured = to_attribution_record(CASE, _fully_measured())["attribution"]
    assert (measured["passes"], measured["seconds"]) == (2.123457, 0.988)
    assert (measured["verified"], measured["confidence"]) == (2, 0.987654)
    assert (measured["partial"], measured["interventional"]) == (True, True)
    assert measured["fidelity"] == {"lds@0.5": [0.5, 0.25, 0.75]}


def test_a_claim_says_how_much_of_its_likelihood_the_model_keeps_without_the_context() -> None:
    claims = to_attribution_record(CASE, _fully_measured())["claims"]
    assert [claim["parametric_share"] for claim in claims] == [0.5, 1.0]
    plain = to_attribution_record(CASE, _measured())["claims"]
    assert [claim["parametric_share"] for claim in plain] == [None, None]


def test_a_full_measurement_fits_the_schema_and_is_read_back_the_same() -> None:
    record = to_attribution_record(CASE, _fully_measured())
    jsonschema.validate(record, {**json_schema(), "anyOf": [{"$ref": "#/$defs/record"}]})
    assert dumps(loads(dumps(record))) == dumps(record)


def test_a_row_of_a_group_has_its_number() -> None:
    cited = _cited()
    first, second = cited.citations[0]
    rows = ((dataclasses.replace(first, group=0), second), ())
    found = to_record(CASE, dataclasses.replace(cited, citations=rows))["claims"][0]["citations"]
    assert [row["group"] for row in found] == [0, None]
