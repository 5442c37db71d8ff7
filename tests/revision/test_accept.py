"""A candidate is accepted by trees that read as they were fitted."""

import json
from pathlib import Path

import numpy as np
import pytest

from ragattr.errors import ConfigError
from ragattr.revision.accept import Acceptance, Tree, read_acceptance, shipped
from ragattr.revision.candidates import Candidate
from ragattr.revision.weigh import FIGURES, Weighed
from ragattr.types import Span

TREE = {
    "feature": [0, 1, -2, -2, -2],
    "threshold": [1.5, 0.0, 0.0, 0.0, 0.0],
    "left": [1, 2, -1, -1, -1],
    "right": [4, 3, -1, -1, -1],
    "value": [0.0, 0.0, -1.0, 2.0, 3.0],
}


def _weighed(before: float, nearness: list[float]) -> Weighed:
    figures = np.zeros((len(nearness), len(FIGURES)))
    figures[:, FIGURES.index("nearness")] = nearness
    row = tuple(
        Candidate(str(i), Span(0, 0), "", "word", near, True) for i, near in enumerate(nearness)
    )
    return Weighed(row, figures, before, np.zeros(len(nearness)), (0,), 0)


def _acceptance() -> Acceptance:
    tree = {**TREE, "feature": [FIGURES.index("nearness"), -2, -2], "threshold": [0.5, 0, 0],
            "left": [1, -1, -1], "right": [2, -1, -1], "value": [0, -3.0, 1.0]}  # fmt: skip
    return Acceptance(0.0, (Tree.of(tree),), unsupported_from=0.6, supported_from=0.8)


def test_a_row_goes_left_where_its_figure_is_at_most_the_threshold() -> None:
    rows = np.array([[1.5, 0.0], [1.5, 0.1], [1.6, -9.0], [-4.0, -1.0]])
    assert Tree.of(TREE)(rows).tolist() == [-1.0, 2.0, 3.0, -1.0]


def test_a_statement_without_support_gives_way_sooner() -> None:
    acceptance = _acceptance()  # the better candidate has 1 / (1 + e^-1) = 0.73
    assert acceptance.choose(_weighed(0.4, [0.1, 0.9])) == 1
    assert acceptance.choose(_weighed(0.6, [0.1, 0.9])) is None
    assert acceptance.choose(_weighed(0.4, [0.1, 0.2])) is None
    assert acceptance.choose(_weighed(0.4, [])) is None


@pytest.mark.parametrize("with_reader", [True, False])
def test_the_shipped_one_is_of_these_figures(with_reader: bool) -> None:
    found = shipped(with_reader=with_reader)
    assert found.unsupported_from <= found.supported_from < 1
    assert found.choose(_weighed(0.9, [0.0])) is None


def test_a_file_of_another_kind_is_one_sentence(tmp_path: Path) -> None:
    place = tmp_path / "accept.json"
    with pytest.raises(ConfigError, match="no acceptance of ragattr train reviser at"):
        read_acceptance(place, with_reader=True)
    place.write_text("[]")
    with pytest.raises(ConfigError, match="no acceptance of ragattr train reviser at"):
        read_acceptance(place, with_reader=True)
    place.write_text(json.dumps({"with_reader": {"figures": ["one"]}}))
    with pytest.raises(ConfigError, match="fitted on other figures"):
        read_acceptance(place, with_reader=True)
