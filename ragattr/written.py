"""Files that are whole or not there: written beside, put on the disk, renamed."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ragattr.errors import InputError


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Where to write; what was written takes the place of `path` when the block ends well.

    The new file keeps the old one's rights, and a link to it stays a link.

    Raises:
        InputError: it cannot be written; the old file stays as it was.
    """
    target = path.resolve()
    unfinished = target.with_name(f"{target.name}.partial")
    try:
        yield unfinished
        put(unfinished, target)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        unfinished.unlink(missing_ok=True)


def write_whole(path: Path, text: str) -> None:
    """One text in UTF-8, whole.

    Raises:
        InputError: it cannot be written; the old file stays as it was.
    """
    with whole_file(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


def put(unfinished: Path, path: Path) -> None:
    """Rename a file that is finished, once it is on the disk."""
    with unfinished.open("rb") as file:
        os.fsync(file.fileno())
    if path.exists():
        shutil.copymode(path, unfinished)
    unfinished.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
