"""A batch run that can be killed, as a process: `python -m tests.reliability.batch_run FOLDER`."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from ragattr.batch.engine import Here
from ragattr.batch.rows import jsonl_writer, read_lines, run_rows
from ragattr.batch.state import open_state
from ragattr.record import Row


class Doubling:
    """Doubles `n`, and notes in a file which rows it was given."""

    def __init__(self, log: Path, pause_s: float) -> None:
        self.log, self.pause_s = log, pause_s

    def __call__(self, row: Row) -> Row:
        return self.together([row])[0]

    def together(self, rows: Sequence[Row]) -> list[Row]:
        time.sleep(self.pause_s)
        with self.log.open("a") as file:
            file.write("".join(row["id"] + "\n" for row in rows))
        return [{"id": row["id"], "n": 2 * row["n"]} for row in rows]


def batch_run(folder: Path, *, pause_s: float = 0.0) -> None:
    """From in.jsonl to out.jsonl, with a state beside it."""
    work = Here(Doubling(folder / "log", pause_s))
    with (
        open_state(folder / "run.sqlite", {}) as state,
        jsonl_writer(folder / "out.jsonl") as write,
    ):
        run_rows(read_lines(folder / "in.jsonl"), work, write, state=state)


if __name__ == "__main__":
    batch_run(Path(sys.argv[1]), pause_s=0.01)
