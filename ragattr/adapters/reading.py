"""Rows in somebody's shape and with somebody's names, read as cases; records written as such."""

from collections.abc import Callable, Mapping, Sequence

from ragattr.adapters.formats import FORMATS, detect
from ragattr.errors import ConfigError, InputError
from ragattr.record import Row


def reading(columns: Mapping[str, str], shape: str = "auto") -> Callable[[Row], Row]:
    """A function that makes a case of a row.

    Args:
        columns: from our names of fields to the row's.
        shape: whose shape rows have, a key of `FORMATS`; "auto" looks at each row.

    Raises:
        ConfigError: there is no such shape.
    """
    if shape != "auto" and shape not in FORMATS:
        raise ConfigError(f"--from is one of auto, {', '.join(FORMATS)}, not {shape!r}")

    def read(row: Row) -> Row:
        renamed = _renamed(row, columns)
        name = detect(renamed) if shape == "auto" else shape
        return renamed if name is None else FORMATS[name].read(renamed)

    return read


def writing(shape: str | None) -> Callable[[Row], Row]:
    """A function that makes a row of somebody's shape of a record; None leaves it as it is.

    Raises:
        ConfigError: there is no such shape.
    """
    if shape is None:
        return lambda record: record
    if shape not in FORMATS:
        raise ConfigError(f"--to is one of {', '.join(FORMATS)}, not {shape!r}")
    return FORMATS[shape].write


def _renamed(row: Row, columns: Mapping[str, str]) -> Row:
    for theirs in columns.values():
        if theirs not in row:
            raise InputError(f"{theirs}: this field is missing, and --map names it")
    ours = {theirs: name for name, theirs in columns.items()}
    return {ours.get(name, name): value for name, value in row.items() if name not in columns}


def columns_of(pairs: Sequence[str]) -> dict[str, str]:
    """From our names to the input's, of `ours=theirs`.

    Raises:
        ConfigError: one of them is written otherwise.
    """
    for pair in pairs:
        if not all(pair.partition("=")):
            raise ConfigError(f"--map takes OURS=THEIRS, such as question=user_input, not {pair!r}")
    return {pair.partition("=")[0]: pair.partition("=")[2] for pair in pairs}
