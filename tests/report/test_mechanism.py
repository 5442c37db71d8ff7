"""Heat maps of heads and layers."""

from typing import Any

from ragattr.report.mechanism import render_mechanism

SEEN: dict[str, Any] = {
    "id": "a",
    "question": "Who made <b>it</b>?",
    "answer": "Ann.",
    "model": {"name": "small", "revision": "1", "dtype": "float32"},
    "proxy": True,
    "warnings": ["one passage was left out"],
    "source": {"passage": "1", "text": "Ann made it.", "method": "jsd"},
    "heads": [[0.0, 0.4], [0.1, 0.0]],
    "mlps": [0.2, 0.0],
    "attention_gain": [-0.5, 0.25],
    "mlp_gain": [0.0, 0.0],
    "top": [{"name": "L0H1", "jsd": 0.4}],
}
FOUND: dict[str, Any] = {
    "model": {"name": "small", "revision": "1", "dtype": "float32"},
    "said": "12 probes: stable",
    "effects": [[1.0, -1.0]],
    "verified": [{"head": "L0H0", "estimated": 1.0, "patched": 0.9}],
}


def test_a_cell_is_shaded_by_the_root_of_its_part_of_the_largest_head() -> None:
    page = render_mechanism([SEEN])
    assert '<td class="cell plus-9" title="+0.400">' in page
    assert '<td class="cell plus-4" title="+0.100">' in page  # round(9 * sqrt(1 / 4))
    assert page.count('<td class="cell') == 2 * 5


def test_further_columns_have_scales_of_their_own_and_a_sign() -> None:
    page = render_mechanism([SEEN])
    assert '<td class="cell plus-9" title="+0.200">' in page
    assert '<td class="cell minus-9" title="-0.500">' in page
    assert '<td class="cell plus-0" title="+0.000">' in page


def test_heads_for_and_against_the_context_differ_in_colour() -> None:
    page = render_mechanism([FOUND])
    assert '<td class="cell plus-9" title="+1.000">' in page
    assert '<td class="cell minus-9" title="-1.000">' in page
    assert "12 probes: stable" in page


def test_a_page_says_who_read_the_answer_and_what_was_left_out() -> None:
    page = render_mechanism([SEEN])
    assert "as read by small" in page
    assert "one passage was left out" in page


def test_what_was_patched_stands_beside_what_was_estimated() -> None:
    page = render_mechanism([FOUND])
    assert "<td>L0H0</td><td>+1.000</td><td>+0.900</td>" in page


def test_nothing_of_a_document_becomes_markup_and_nothing_is_loaded() -> None:
    page = render_mechanism([SEEN, FOUND])
    assert "<b>it</b>" not in page
    assert "Who made &lt;b&gt;it&lt;/b&gt;?" in page
    assert "<script" not in page
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page
