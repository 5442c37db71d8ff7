"""Rows in, result files out: every figure stands beside the command that made it."""

import json
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "results"
_PACKAGES = ("ragattr", "torch", "transformers", "numpy", "scikit-learn")


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    """The rows of a JSON Lines file."""
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def append_jsonl(path: Path, row: dict[str, Any]) -> None:
    """One more line: what is done is kept when the program stops."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row, ensure_ascii=False) + "\n")


def read_result(name: str) -> dict[str, Any]:
    """What `results/NAME.json` holds; nothing where it is not there."""
    path = FOLDER / f"{name}.json"
    return json.loads(path.read_text("utf-8")) if path.is_file() else {}


def write_result(
    name: str, figures: dict[str, Any], *, seed: int, command: str | None = None
) -> Path:
    """Write `results/NAME.json`: the figures, with command, versions, seed and machine.

    Args:
        command: what was run; None: this module, as it was called.
    """
    result = {
        "command": command or _command(),
        "date": datetime.now(UTC).date().isoformat(),
        "versions": {"python": platform.python_version(), **{p: version(p) for p in _PACKAGES}},
        "seed": seed,
        **figures,
    }
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{name}.json"
    path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def _command() -> str:
    given = [Path(arg).name if arg.startswith(("..", "/")) else arg for arg in sys.argv[1:]]
    return " ".join(["python -m", f"eval.{Path(sys.argv[0]).stem}", *given])
