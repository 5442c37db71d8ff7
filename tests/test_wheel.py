"""The wheel holds all it needs, and the prompts are found in all three layouts."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def run(*command: str | Path, cwd: Path, stdin: str = "") -> str:
    """Run and give what was printed; a failure shows what was said."""
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, input=stdin, capture_output=True, text=True, check=False,
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(
        sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation",
        "--disable-pip-version-check", "-w", folder, ROOT, cwd=folder,
    )  # fmt: skip
    return next(folder.glob("ragattr-*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel, which sees the packages of this one but no checkout."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder / "venv", with_pip=False)
    python = folder / "venv" / "bin" / "python"
    here = Path(sysconfig.get_path("purelib"))
    there = Path(
        run(
            python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder
        ).strip()
    )
    (there / "packages.pth").write_text(f"{here}\n")
    run(
        sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps",
        "--disable-pip-version-check", wheel, cwd=folder,
    )  # fmt: skip
    return folder


def test_the_wheel_holds_prompts_weights_word_lists_and_template(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {
        "ragattr/prompts/answer.txt",
        "ragattr/prompts/answer_cited.txt",
        "ragattr/models/verifier.json",
        "ragattr/text/common_words.txt",
        "ragattr/report/report.html.j2",
        "ragattr/py.typed",
    } <= names
    assert not [name for name in names if name.startswith(("tests/", "eval/"))]


@pytest.mark.model
def test_cite_runs_from_the_wheel_without_the_checkout(installed: Path) -> None:
    case = {"question": "What?", "passages": ["Bees make honey."], "answer": "Bees make honey [1]."}
    command = installed / "venv" / "bin" / "ragattr"
    record = json.loads(
        run(command, "cite", "--input", "-", "--json", cwd=installed, stdin=json.dumps(case))
    )
    assert record["claims"][0]["citations"][0]["class"] == "grounded"
    assert record["tier"] == "logits"


def test_prompts_are_found_in_the_wheel(installed: Path) -> None:
    code = "import ragattr.prompt as p; print(p.prompts_folder())"
    found = run(installed / "venv" / "bin" / "python", "-c", code, cwd=installed).strip()
    assert Path(found).parts[-2:] == ("ragattr", "prompts")
    assert str(installed) in found


def test_prompts_are_found_in_an_editable_install(tmp_path: Path) -> None:
    code = "import ragattr.prompt as p; print(p.prompts_folder())"
    assert Path(run(sys.executable, "-c", code, cwd=tmp_path).strip()) == ROOT / "prompts"


def test_prompts_are_found_in_a_checkout_that_is_not_installed(tmp_path: Path) -> None:
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import ragattr.prompt as p; "
    code += "print(p.prompts_folder())"
    assert Path(run(sys.executable, "-I", "-c", code, cwd=tmp_path).strip()) == ROOT / "prompts"
