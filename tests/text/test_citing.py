"""Markers follow the style of their answer, and only wrong ones change."""

import pytest

from ragattr.text.citing import MarkerStyle, cite_claim, renumbered
from ragattr.text.claims import claim_markers, read_claims
from ragattr.text.edits import apply_edits


def _cited(text: str, wanted: list[list[int]], n_passages: int = 9) -> str:
    claims, markers = read_claims(text, n_passages)
    style = MarkerStyle.of(text, markers)
    return apply_edits(
        text,
        [
            edit
            for claim, numbers in zip(claims, wanted, strict=True)
            for edit in cite_claim(text, claim, claim_markers(claim, markers), numbers, style)
        ],
    )


@pytest.mark.parametrize(
    ("text", "wanted", "after"),
    [
        ("Bees make honey [1].", [[1]], "Bees make honey [1]."),
        ("Bees make honey [1].", [[2]], "Bees make honey [2]."),
        ("Bees make honey [1].", [[]], "Bees make honey."),
        ("Bees make honey [1][2].", [[2]], "Bees make honey [2]."),
        ("Bees make honey [1].", [[1, 3]], "Bees make honey [1][3]."),
        ("Bees make honey [1, 2].", [[2]], "Bees make honey [2]."),
        ("Bees make honey [1, 2].", [[2, 3]], "Bees make honey [2, 3]."),
        (
            "Bees make honey [1; 2]. Ants dig tunnels [3].",
            [[1, 2], [3, 4]],
            "Bees make honey [1; 2]. Ants dig tunnels [3; 4].",
        ),
        ("Bees make honey [2-4].", [[2, 4]], "Bees make honey [2, 4]."),
        (
            "Bees make honey. Ants dig tunnels [3].",
            [[1], [3]],
            "Bees make honey [1]. Ants dig tunnels [3].",
        ),
        (
            "Bees make honey. Ants dig tunnels.[3]",
            [[1], [3]],
            "Bees make honey.[1] Ants dig tunnels.[3]",
        ),
        (
            "Bees make honey. Ants dig tunnels. [3]",
            [[1], [3]],
            "Bees make honey. [1] Ants dig tunnels. [3]",
        ),
        (
            "Bees make honey (1). Ants dig tunnels.",
            [[2], [3]],
            "Bees make honey (2). Ants dig tunnels (3).",
        ),
        (
            "Bees make honey【1】. Ants dig tunnels.",
            [[1], [3]],
            "Bees make honey【1】. Ants dig tunnels【3】.",
        ),
        (
            "Bees make honey [^1]. Ants dig tunnels.",
            [[1], [3]],
            "Bees make honey [^1]. Ants dig tunnels [^3].",
        ),
        ("Bees make honey", [[1, 2]], "Bees make honey [1][2]"),
        (
            "“Bees make honey.” Ants dig tunnels.",
            [[1], []],
            "“Bees make honey [1].” Ants dig tunnels.",
        ),
        ("One.[1]Two [2].", [[], [2]], "One. Two [2]."),
        ("One.[1][3]Two [2].", [[], [2]], "One. Two [2]."),
        ("Bees make honey [1], [2].", [[1]], "Bees make honey [1]."),
        ("Bees make honey [1], [2].", [[2]], "Bees make honey [2]."),
        ("Bees make honey [1], [2] and [3].", [[1, 3]], "Bees make honey [1] and [3]."),
        ("Bees make honey [1] and [2].", [[]], "Bees make honey."),
        ("Bees make honey ([1]).", [[]], "Bees make honey."),
        ("[1] Bees make honey.", [[]], "Bees make honey."),
        ("Bees make honey 【1†source】.", [[2]], "Bees make honey 【2†source】."),
        ("Bees make honey 【1†a2.pdf】.", [[3]], "Bees make honey 【3】."),
        ("Bees make honey [1](https://a.b/4).", [[2]], "Bees make honey [2]."),
        ("Bees make honey [1](https://a.b/4).", [[1]], "Bees make honey [1](https://a.b/4)."),
    ],
)
def test_the_claims_cite_what_is_wanted(text: str, wanted: list[list[int]], after: str) -> None:
    assert _cited(text, wanted) == after


def test_all_markers_get_other_numbers_in_their_own_form() -> None:
    text = "Bees make honey [2][1]. Ants dig tunnels [1, 3]. So do moles [2-3]【1†a3.pdf】."
    _, markers = read_claims(text, 3)
    edits = renumbered(text, markers, {2: 1, 1: 2})
    after = "Bees make honey [1][2]. Ants dig tunnels [2, 3]. So do moles [1, 3]【2†a3.pdf】."
    assert apply_edits(text, edits) == after
