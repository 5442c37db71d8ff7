from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragattr.errors import ConfigError
from ragattr.text.offsets import positions

TEXTS = st.text(st.characters(exclude_categories=()) | st.sampled_from("a\u0301é😀\x00\r\n\ud83d"))


@settings(deadline=None)
@given(TEXTS)
def test_code_points_count_one_each(text: str) -> None:
    assert positions(text, "codepoints").tolist() == list(range(len(text) + 1))


@settings(deadline=None)
@given(TEXTS)
def test_utf8_positions_are_the_lengths_of_the_encoded_prefixes(text: str) -> None:
    prefixes = [text[:i].encode("utf-8", "surrogatepass") for i in range(len(text) + 1)]
    assert positions(text, "utf8").tolist() == [len(prefix) for prefix in prefixes]


@settings(deadline=None)
@given(TEXTS)
def test_utf16_positions_are_half_the_lengths_of_the_encoded_prefixes(text: str) -> None:
    prefixes = [text[:i].encode("utf-16-le", "surrogatepass") for i in range(len(text) + 1)]
    assert positions(text, "utf16").tolist() == [len(prefix) // 2 for prefix in prefixes]


def test_an_unknown_unit_is_refused_by_name() -> None:
    unit: Any = "bytes"
    with pytest.raises(ConfigError, match="codepoints, utf8, utf16, not 'bytes'"):
        positions("a", unit)
