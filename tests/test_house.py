import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import ragattr
from ragattr.generation.extract import SPAN_FIELDS
from ragattr.models.label_words import ENTAIL_FIELDS
from ragattr.prompt import ANSWER_FIELDS, Prompt, prompts_folder
from ragattr.revision.editor import EDIT_FIELDS
from ragattr.revision.gate import GATE_FIELDS
from ragattr.revision.questions import QUESTION_FIELDS
from ragattr.verification.pace import ENOUGH_FIELDS, SUPPORT_FIELDS
from ragattr.verification.split import FACT_FIELDS

PACKAGE = Path(ragattr.__file__).parent
HEAVY = ("torch", "transformers", "sklearn", "scipy", "pandas", "rich", "typer")
STAGE_ROOMS = (
    *("retrieval", "generation", "attribution", "mechanism"),
    *("citation", "verification", "revision"),
)
FLOORS: tuple[tuple[str, ...], ...] = (  # a room imports from floors below its own, and from itself
    ("errors",),
    ("types", "stage", "prompt", "written"),
    ("text",),
    ("metrics",),
    ("schema", "record", "models"),
    STAGE_ROOMS,
    ("learn", "report"),
    ("setup", "coherence"),
    ("measured",),
    ("revising", "auditing"),
    ("api",),
    ("batch",),
    ("adapters", "serve"),
    ("cli",),
)
BESIDE = {("prompt", "types"), ("record", "schema")}  # neighbours on one floor that may be imported
FILES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}


def _room(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def _imported(source: str) -> Iterator[str]:
    """The rooms that a file imports, anywhere in it: in functions and under TYPE_CHECKING too."""
    for node in ast.walk(ast.parse(source)):
        names = list[str]()
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "ragattr":
            names = [f"ragattr.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        rooms = (name.split(".")[1] for name in names if name.startswith("ragattr."))
        yield from (room for room in rooms if room != "__version__")


def _may_import(room: str, other: str) -> bool:
    return room == other or FLOOR[other] < FLOOR[room] or (room, other) in BESIDE


def _loaded(code: str) -> set[str]:
    """The packages that a fresh Python holds after running `code`."""
    shown = f"{code}\nimport sys; print('\\n'.join(sys.modules), file=sys.__stderr__)"
    done = subprocess.run([sys.executable, "-c", shown], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in done.stderr.split()}


def test_public_names_are_sorted_and_at_most_30() -> None:
    assert ragattr.__all__ == sorted(set(ragattr.__all__))
    assert len(ragattr.__all__) <= 30


@pytest.mark.parametrize("name", ragattr.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(ragattr, name).__name__ == name


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_left(path: Path) -> None:
    room = _room(path)
    wrong = {other for other in _imported(path.read_text("utf-8")) if not _may_import(room, other)}
    assert wrong == set()


def test_the_import_check_sees_late_and_typing_imports() -> None:
    source = (
        "from typing import TYPE_CHECKING\nimport ragattr.text.align\nfrom ragattr import cli\n"
        "if TYPE_CHECKING:\n    from ragattr.api import cite\n"
        "def late():\n    from ragattr.models import hf\n"
    )
    assert set(_imported(source)) == {"text", "cli", "api", "models"}


@pytest.mark.parametrize(
    ("room", "other"),
    [
        ("text", "metrics"),
        ("models", "record"),
        ("record", "models"),
        ("citation", "retrieval"),
        ("types", "prompt"),
        ("schema", "record"),
        ("learn", "report"),
        ("api", "batch"),
    ],
)
def test_the_import_check_refuses_the_way_back(room: str, other: str) -> None:
    assert not _may_import(room, other)


def test_import_ragattr_loads_no_heavy_package() -> None:
    loaded = _loaded("import ragattr")
    assert "ragattr" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_import_ragattr_takes_less_than_half_a_second() -> None:
    timed = "import time; t = time.perf_counter(); import ragattr; print(time.perf_counter() - t)"
    runs = [subprocess.check_output([sys.executable, "-c", timed], text=True) for _ in range(3)]
    assert min(float(run) for run in runs) < 0.5


@pytest.mark.parametrize("command", [[], ["cite"], ["answer"], ["models"]])
def test_help_is_printed_without_torch(command: list[str]) -> None:
    run = [sys.executable, "-X", "importtime", "-m", "ragattr.cli", *command, "--help"]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.split("\n")}
    assert "Usage: " in done.stdout
    assert "typer" in loaded
    assert loaded.isdisjoint({"torch", "transformers", "sklearn", "scipy", "sentence_transformers"})


FIELDS = {
    "span": SPAN_FIELDS,
    "decompose": FACT_FIELDS,
    "entail": ENTAIL_FIELDS,
    "rarr_questions": QUESTION_FIELDS,
    "rarr_gate": GATE_FIELDS,
    "rarr_edit": EDIT_FIELDS,
    **dict.fromkeys(("pace_enough", "pace_enough_again"), ENOUGH_FIELDS),
    **dict.fromkeys(("pace_support", "pace_support_again"), SUPPORT_FIELDS),
}


@pytest.mark.parametrize("path", sorted(prompts_folder().iterdir()), ids=lambda path: path.name)
def test_every_prompt_loads(path: Path) -> None:
    prompt = Prompt.load(path, FIELDS.get(path.stem, ANSWER_FIELDS))
    assert (prompt.name, prompt.text) == (path.name, path.read_text("utf-8").strip())
