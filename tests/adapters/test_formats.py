from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragattr.adapters.formats import FORMATS, detect
from ragattr.errors import InputError
from ragattr.record import dumps, loads, read_case
from tests.adapters.rows import ANSWER, CASE, record

JUNK = st.sampled_from([None, True, -1, 3, 0.5, "", "a [1]", "\ud83d", [], ["a"], [[]], {}])
WRITTEN = [*((name, form.write(record())) for name, form in FORMATS.items()), ("", record())]


def _broken(value: Any, data: st.DataObject) -> Any:
    """The value with one of its parts, at any depth, put out of order."""
    if not value or not isinstance(value, dict | list) or data.draw(st.integers(0, 9)) == 0:
        return data.draw(JUNK)
    if isinstance(value, dict):
        name = data.draw(st.sampled_from(sorted(value)))
        if data.draw(st.integers(0, 9)) == 0:
            return {key: held for key, held in value.items() if key != name}
        return {**value, name: _broken(value[name], data)}
    i = data.draw(st.integers(0, len(value) - 1))
    return [*value[:i], _broken(value[i], data), *value[i + 1 :]]


@pytest.mark.parametrize("name", FORMATS)
def test_what_a_format_writes_is_known_to_be_its_own(name: str) -> None:
    row = FORMATS[name].write(record())
    assert detect(row) == name
    assert [other for other, form in FORMATS.items() if form.matches(row)] == [name]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("row", [CASE, record(), record("utf16")], ids=["case", "record", "utf16"])
def test_what_a_format_writes_reads_as_a_case_that_can_be_audited(name: str, row: Any) -> None:
    case = read_case(FORMATS[name].read(FORMATS[name].write(row)), default_id="1", answered=True)
    assert case["question"] == CASE["question"]
    assert case["answer"].removesuffix(" [2]") == ANSWER
    assert [p["text"] for p in case["passages"]] == [p["text"] for p in CASE["passages"]]
    assert loads(dumps(case)) == case


@pytest.mark.parametrize("name", FORMATS)
def test_reading_and_writing_leave_the_row_as_it_was(name: str) -> None:
    row = record()
    written = FORMATS[name].write(row)
    before = dumps(written)
    FORMATS[name].read(written)
    assert row == record()
    assert dumps(written) == before


def test_a_case_a_record_and_anything_else_are_in_no_format() -> None:
    for value in (CASE, record(), {}, {"response": "a"}, [], "a", SimpleNamespace()):
        assert detect(value) is None


def test_an_object_of_an_sdk_is_known_by_its_dump() -> None:
    message = SimpleNamespace(model_dump=lambda: {"content": [{"type": "text", "text": "a"}]})
    assert detect({"response": message, "question": "Q?"}) == "anthropic"


def test_a_row_that_is_nested_too_deeply_is_refused() -> None:
    row: Any = {}
    for _ in range(100_000):
        row = {"response": row}
    with pytest.raises(InputError, match="nested too deeply"):
        detect(row)


@settings(deadline=None, max_examples=400)
@given(st.sampled_from(WRITTEN), st.data())
def test_a_row_that_is_out_of_order_is_read_or_refused(
    written: tuple[str, Any], data: st.DataObject
) -> None:
    row = _broken(written[1], data)
    detect(row)
    for name, form in FORMATS.items():
        if name == written[0]:
            with suppress(InputError):
                read_case(form.read(row), default_id="1", answered=True)
        if isinstance(row, dict):
            with suppress(InputError):
                dumps(form.write(row))
