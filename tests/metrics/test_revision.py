"""Preservation and F1_AP by hand."""

import pytest

from ragattr.metrics.revision import f1_attributed_preserved, preservation


def test_preservation_is_the_share_of_characters_that_need_no_edit() -> None:
    assert preservation("in 1890", "in 1889") == pytest.approx(1 - 2 / 7)
    assert preservation("abcd", "abcd") == 1.0
    assert preservation("abcd", "") == 0.0
    assert preservation("ab", "something else altogether") == 0.0
    assert (preservation("", ""), preservation("", "a")) == (1.0, 0.0)


def test_f1_ap_of_the_paper() -> None:
    """RARR on NQ: 43.4 attributed, 83.1 preserved, 57.0 together (table 2)."""
    assert f1_attributed_preserved(43.4, 83.1) == pytest.approx(57.0, abs=0.05)
    assert f1_attributed_preserved(0.0, 0.0) == 0.0
