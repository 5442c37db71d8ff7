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

    The new file keeps the old one's rights, and a link to it stays a link. A device or a pipe is
    written to as it is.

    Raises:
        InputError: it cannot be written; the old file stays as it was.
    """
    if path.exists() and not path.is_file():
        with writing(path):
            yield path
        return
    target = path.resolve()
    unfinished = target.with_name(f"{target.name}.partial")
    try:
        with writing(path):
            yield unfinished
            put(unfinished, target)
    finally:
        unfinished.unlink(missing_ok=True)


def write_whole(path: Path, text: str) -> None:
    """One text in UTF-8, whole.

    Raises:
        InputError: it cannot be written; the old file stays as it was.
    """
    with whole_file(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


def make_folder(path: Path) -> None:
    """A folder, with those above it; one that is there stays as it is.

    Raises:
        InputError: it cannot be made.
    """
    with writing(path):
        path.mkdir(parents=True, exist_ok=True)


@contextmanager
def writing(path: Path, *native: type[Exception]) -> Iterator[None]:
    """What a disk or its file system refuses in this block, as one sentence with the path.

    Args:
        native: what libraries raise in place of an OSError.

    Raises:
        InputError: it cannot be written.
    """
    expected: tuple[type[Exception], ...] = (OSError, *native)
    try:
        yield
    except expected as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise InputError(f"cannot write {path}: {reason}") from error


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
