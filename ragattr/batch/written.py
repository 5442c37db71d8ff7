"""Files that are whole or not there: written beside, put on the disk, renamed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ragattr.errors import InputError


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Where to write; what was written takes the place of `path` when the block ends well.

    Raises:
        InputError: it cannot be written; the old file stays as it was.
    """
    unfinished = path.with_name(path.name + ".partial")
    try:
        yield unfinished
        put(unfinished, path)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        unfinished.unlink(missing_ok=True)


def put(unfinished: Path, path: Path) -> None:
    """Rename a file that is finished, once it is on the disk."""
    with unfinished.open("rb") as file:
        os.fsync(file.fileno())
    unfinished.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
