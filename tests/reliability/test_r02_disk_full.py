"""A full disk or an I/O error at every place that writes.

Faults of Python's own calls say ENOSPC and EIO; the kernel's limit on the size of files stops
native code too (SQLite, Arrow, safetensors, torch). `writers.py` holds the places.
"""

import errno
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from itertools import product
from pathlib import Path

import numpy as np
import pytest

import ragattr
from ragattr.errors import InputError, RagattrError
from ragattr.written import write_whole
from tests.reliability.disk import CALLS, CODES, Disk, no_file_above, write_sites
from tests.reliability.figures import Shown, sizes
from tests.reliability.writers import SITES, WRITERS

Failing = Callable[[], AbstractContextManager[None]]
pytestmark = pytest.mark.usefixtures("fakes")


def faults(n: int, written: list[int]) -> dict[str, Failing]:
    """Each call from its first to its `n`-th, and files of at most 0 to n - 1 parts of n."""
    found: dict[str, Failing] = {}
    for call, (name, code), after in product(CALLS, CODES.items(), range(n)):
        found[f"{call} {name} after {after}"] = Disk(call, code, after).failing
    for limit in {max(written, default=0) * part // n for part in range(n)}:
        found[f"files above {limit} bytes"] = lambda limit=limit: no_file_above(limit)
    return found


def sizes_of(folder: Path) -> list[int]:
    return [path.stat().st_size for path in folder.rglob("*") if path.is_file()]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def is_whole(path: Path) -> bool:
    """Whether a file of its kind is complete."""
    raw = path.read_bytes()
    try:
        if path.suffix == ".json":
            json.loads(raw)
        elif path.suffix == ".jsonl":
            [json.loads(line) for line in raw.decode().splitlines()]
            return raw.endswith((b"\n", b"}"))
        elif path.suffix in (".html", ".txt"):
            return raw.endswith((b"</html>", b"</html>\n")) or path.suffix == ".txt"
        elif path.suffix in (".sqlite", ".run"):
            with closing(sqlite3.connect(path)) as db:
                return db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        elif path.suffix in (".npy", ".npz"):
            np.load(path, allow_pickle=False)
        elif path.suffix == ".parquet":
            import pyarrow.parquet

            pyarrow.parquet.read_table(path)
    except (ValueError, OSError, sqlite3.Error):
        return False
    return True


def broken(folder: Path, before: dict[str, bytes]) -> list[str]:
    """Files that are neither as they were nor whole, files that are gone, and leavings.

    Rows that are finished stay in NAME.jsonl.partial.
    """
    gone = [name for name in before if not (folder / name).exists() and "search-" not in name]
    now = [path for path in folder.rglob("*") if path.is_file()]
    torn = [
        str(path.relative_to(folder))
        for path in now
        if path.read_bytes() != before.get(str(path.relative_to(folder))) and not is_whole(path)
    ]
    left = [str(p) for p in folder.rglob("*.partial") if not p.name.endswith(".jsonl.partial")]
    return [*gone, *torn, *left]


def tried(name: str, fault: Failing, folder: Path, *, over_old: bool) -> str | None:
    """What is wrong with the way a writer fails; None when nothing is."""
    folder.mkdir()
    if over_old:
        WRITERS[name](folder, "old")()
    write, before = WRITERS[name](folder, "new"), contents(folder)
    said = ""
    try:
        with fault():
            write()
    except RagattrError as error:
        said = str(error)
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
    if "\n" in said:
        return f"more than a line: {said!r}"
    wrong = broken(folder, before)
    return f"not as it was: {wrong}" if wrong else None


@sizes(quick=1, full=6)
@pytest.mark.parametrize("name", WRITERS)
def test_a_failing_disk_is_one_sentence_and_breaks_no_file(
    name: str, n: int, tmp_path: Path, shown: Shown
) -> None:
    (tmp_path / "good").mkdir()
    WRITERS[name](tmp_path / "good", "new")()
    failed, written = dict[str, str](), sizes_of(tmp_path / "good")
    trials = list(product(faults(n, written).items(), (False, True)))
    for number, ((what, fault), over_old) in enumerate(trials):
        if wrong := tried(name, fault, tmp_path / f"{number}", over_old=over_old):
            failed[f"{what}, {'over an old one' if over_old else 'new'}"] = wrong
    shown(len(trials), len(failed))
    assert failed == {}


def test_a_device_and_a_pipe_are_written_to_and_stay_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No space left"):
        write_whole(Path("/dev/full"), "text")
    assert Path("/dev/full").is_char_device()
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    write_whole(tmp_path / "pipe", "text")
    assert os.read(reader, 9) == b"text"
    os.close(reader)
    assert (tmp_path / "pipe").is_fifo()


def test_rows_can_be_written_to_standard_output_by_its_name() -> None:
    code = (
        "from pathlib import Path; from ragattr.batch.rows import jsonl_writer\n"
        "with jsonl_writer(Path('/dev/stdout')) as write: write({'id': '1'})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, '{"id": "1"}\n')


@pytest.mark.parametrize("arguments", ["schema", "lint -", "lint - --format json", "models --json"])
def test_an_output_pipe_on_a_full_disk_is_one_sentence_and_exit_2(arguments: str) -> None:
    row = json.dumps({"answer": "Bees make honey [9].", "passages": ["Bees."]})
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "ragattr.cli", *arguments.split()],
            input=row, stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
    assert os.strerror(errno.ENOSPC) in done.stderr


def test_every_place_that_writes_is_tried() -> None:
    assert write_sites(Path(ragattr.__file__).parent) == set(SITES)
    assert set(SITES.values()) <= set(WRITERS)
