import pytest

from ragattr.report.heat import legend, shade


@pytest.mark.parametrize(
    ("part", "expected"),
    [(-0.1, 0), (0.0, 0), (0.003, 0), (0.0124, 1), (1 / 9, 3), (0.25, 4), (4 / 9, 6), (1.0, 9)],
)
def test_a_shade_is_nine_times_the_square_root_of_the_part(part: float, expected: int) -> None:
    assert shade(part) == expected


def test_the_legend_shows_the_shade_of_its_own_figures() -> None:
    assert [level for level, part in legend()] == [shade(part) for _, part in legend()]
