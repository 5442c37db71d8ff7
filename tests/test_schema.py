from typing import Any

import jsonschema
import pytest

from ragattr.errors import InputError
from ragattr.schema import Case, EvidencePair, check, json_schema

CASE: dict[str, Any] = {
    "id": 7,
    "question": "How tall?",
    "passages": ["Bare.", {"id": "b", "text": "Object.", "page": 3, "own": [1]}],
    "answer": None,
    "messages": [{"role": "user", "content": "Hi"}],
    "own": {"kept": True},
}

WRONG = [
    ({"question": None}, "question: wanted a string, got null"),
    ({"question": 5}, "question: wanted a string, got a number"),
    ({"id": True}, "id: wanted a string or a whole number, got true or false"),
    ({"id": 1.5}, "id: wanted a string or a whole number, got a number"),
    ({"passages": "text"}, "passages: wanted a list, got a string"),
    ({"passages": {"text": "a"}}, "passages: wanted a list, got an object"),
    ({"passages": ["a", 5]}, "passages[1]: wanted a string or an object, got a number"),
    ({"passages": ["a", "b", {"text": 5}]}, "passages[2].text: wanted a string, got a number"),
    ({"passages": ["a", "b", {"id": "c"}]}, "passages[2].text: this field is missing"),
    ({"passages": [{"text": "a", "page": "3"}]}, "passages[0].page: wanted a whole number, got a"),
    ({"passages": [["a"]]}, "passages[0]: wanted a string or an object, got a list"),
    ({"answer": ["a"]}, "answer: wanted a string, got a list"),
    ({"messages": [{"role": "user"}]}, "messages[0].content: this field is missing"),
    ({"messages": ["Hi"]}, "messages[0]: wanted an object, got a string"),
]


def test_a_case_of_the_right_types_passes_with_fields_that_are_not_known() -> None:
    check(CASE, Case)
    jsonschema.validate(CASE, json_schema())


@pytest.mark.parametrize(("change", "message"), WRONG)
def test_a_wrong_type_is_named_with_its_path(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        check({**CASE, **change}, Case)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(("change", "message"), WRONG)
def test_the_json_schema_refuses_what_the_check_refuses(
    change: dict[str, Any], message: str
) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**CASE, **change}, json_schema())


@pytest.mark.parametrize("name", ["question", "passages"])
def test_a_missing_field_is_named(name: str) -> None:
    case = {key: value for key, value in CASE.items() if key != name}
    with pytest.raises(InputError, match=f"^{name}: this field is missing$"):
        check(case, Case)


def test_the_schema_is_a_valid_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())


def test_the_schema_refuses_a_case_whose_claims_are_no_claims() -> None:
    broken = {**CASE, "tier": "text", "claims": "none", "attribution": 3}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, json_schema())


def test_a_pair_needs_evidence_that_is_a_list_of_strings() -> None:
    with pytest.raises(InputError, match=r"^evidence\[1\]: wanted a string, got an object$"):
        check({"claim": "It is.", "evidence": ["a", {"text": "b"}]}, EvidencePair)
