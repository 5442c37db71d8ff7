"""What people say of statements: the labels that an audit is compared with."""

from pathlib import Path

from ragattr.batch.rows import read_lines
from ragattr.errors import InputError
from ragattr.record import loads

_SUPPORTED = {
    "supported": True,
    "attributable": True,
    "not_attributable": False,
    "contradicted": False,
    "not_enough_information": False,
    "not_supported": False,
}


def read_labels(path: Path) -> dict[tuple[str, str], bool]:
    """Whether people call a statement supported, by record and number or text of the claim."""
    found = dict[tuple[str, str], bool]()
    for number, line in read_lines(path):
        try:
            row = loads(line)
        except InputError as error:
            raise InputError(f"{path}, line {number}: {error}") from error
        for name in ("id", "claim", "label"):
            if name not in row:
                raise InputError(f"{path}, line {number}: {name}: this field is missing")
        if row["label"] not in [*_SUPPORTED]:  # it may be anything that JSON holds
            raise InputError(
                f"{path}, line {number}: label: wanted one of {', '.join(_SUPPORTED)}, "
                f"got {row['label']!r}"
            )
        found[str(row["id"]), str(row["claim"])] = _SUPPORTED[row["label"]]
    return found
