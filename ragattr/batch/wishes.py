"""What an audit must reach, for a build to pass: METRIC=VALUE."""

from collections.abc import Mapping, Sequence

from ragattr.errors import ConfigError
from ragattr.metrics.audit import FIGURES
from ragattr.metrics.tally import Figure


def read_wishes(written: Sequence[str]) -> dict[str, float]:
    """The least that each figure may be, from METRIC=VALUE.

    Raises:
        ConfigError: there is no such figure, or no such number.
    """
    found = dict[str, float]()
    for wish in written:
        name, _, value = wish.partition("=")
        if name not in FIGURES:
            raise ConfigError(f"--fail-under knows no {name!r}; there is {', '.join(FIGURES)}")
        try:
            found[name] = float(value)
        except ValueError:
            raise ConfigError(f"--fail-under takes METRIC=VALUE, not {wish!r}") from None
    return found


def unmet(figures: Mapping[str, Figure], wishes: Mapping[str, float]) -> list[str]:
    """Which wishes are not met, each in a sentence; a figure that is not there meets none."""
    found = list[str]()
    for name, least in wishes.items():
        if name not in figures:
            found.append(f"{name}: these records have none; they have {', '.join(figures)}")
        elif not figures[name].value >= least:
            found.append(f"{name} is {figures[name].value:.3f}, below {least:g}")
    return found
