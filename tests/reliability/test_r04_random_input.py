"""Random input to each public function, reader and command."""

import io
import json
import random
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import ragattr
from ragattr.adapters.formats import FORMATS, detect
from ragattr.batch.answers import read_answers
from ragattr.batch.labels import read_labels
from ragattr.batch.sources import read_rows
from ragattr.cli import app
from ragattr.coherence import check_record
from ragattr.errors import RagattrError
from ragattr.record import dumps, loads, read_case, read_pair, read_question, to_answer
from ragattr.report.html import render_html
from ragattr.retrieval.documents import read_corpus
from ragattr.schema import Record, check
from ragattr.text.claims import read_claims
from ragattr.text.lint import lint_answer, mend_answer
from ragattr.text.markers import find_markers
from tests.adapters.rows import CASE, record
from tests.reliability import junk
from tests.reliability.figures import SEED, Shown, sizes

pytestmark = pytest.mark.usefixtures("fakes")
Attempt = Callable[[random.Random, Path], object]
LONGEST_S = 5.0  # of processor time
TOGETHER = 50  # rows of a file that a command is given
PAIR = {"id": "p", "claim": "Bees make honey.", "evidence": ["Bees make honey."], "question": "?"}
LABEL = {"id": "c1", "claim": 1, "label": "supported"}


def arguments(rng: random.Random, *names: str) -> dict[str, Any]:
    """Arguments of a public function, one to three of them or of their parts changed."""
    changed = junk.mutated({name: CASE[name] for name in names}, rng)
    return {name: changed.get(name) if isinstance(changed, dict) else changed for name in names}


def case(rng: random.Random) -> dict[str, Any]:
    return arguments(rng, "question", "passages", "answer")


def lines(row: Any, rng: random.Random, n: int = 1) -> str:
    """Rows as JSON, some of them not quite JSON."""
    return "\n".join(line(row, rng) for _ in range(n)) + "\n"


def line(row: Any, rng: random.Random) -> str:
    try:
        written = json.dumps(junk.mutated(row, rng), ensure_ascii=rng.random() < 0.5)
    except (RecursionError, ValueError):
        written = "[" * 3_000
    written = written.replace("\ud83d", "?") if rng.random() < 0.5 else written
    return junk.broken(written, rng) if rng.random() < 0.3 else written


def file(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.write_bytes(content.encode("utf-8", "surrogatepass"))
    return path


def table(rng: random.Random, folder: Path, kind: str) -> Path:
    """A table of a case, with bytes changed."""
    path = folder / f"rows.{kind}"
    if kind == "parquet":
        import pyarrow
        import pyarrow.parquet

        held = io.BytesIO()
        rows = [{"question": junk.text(rng), "passages": ["a"], "answer": "b [1]."}]
        text = json.loads(json.dumps(rows).encode("ascii", "replace").replace(b"\\ud", b"\\u0"))
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(text), held)
        raw = bytearray(held.getvalue())
    else:
        raw = bytearray(f"question,passages,answer\n{junk.text(rng)},{junk.text(rng)},a\n".encode(
            "utf-8", "surrogatepass"))  # fmt: skip
    for _ in range(rng.randint(0, 4)):
        raw[rng.randrange(len(raw))] = rng.randrange(256)
    path.write_bytes(raw[: rng.randint(0, len(raw))] if rng.random() < 0.2 else raw)
    return path


FUNCTIONS: dict[str, Attempt] = {
    "cite": lambda rng, _: ragattr.cite(**case(rng), tier=rng.choice(("auto", "text"))),
    "attribute": lambda rng, _: ragattr.attribute(**case(rng)),
    "answer": lambda rng, _: ragattr.answer(**arguments(rng, "question", "passages")),
    "revise": lambda rng, _: ragattr.revise(**case(rng)),
    "verify": lambda rng, _: ragattr.verify(
        **{"claim": "a", "evidence": ["a"]} | arguments_of_pair(rng)
    ),
    "read_case": lambda rng, _: to_answer(
        read_case(junk.mutated(CASE, rng), default_id="1", answered=True)
    ),
    "read_pair": lambda rng, _: read_pair(junk.mutated(PAIR, rng), default_id="1"),
    "read_question": lambda rng, _: read_question(junk.mutated(CASE, rng), default_id="1"),
    "loads": lambda rng, _: dumps(loads(line(CASE, rng))),
    "dumps": lambda rng, _: loads(dumps({"a": junk.value(rng)})),
    "check": lambda rng, _: check(junk.mutated(record(), rng), Record),
    "find_markers": lambda rng, _: find_markers(junk.text(rng), rng.randint(0, 9)),
    "read_claims": lambda rng, _: read_claims(junk.text(rng), rng.randint(0, 9)),
    "lint_answer": lambda rng, _: lint_answer(junk.text(rng), [junk.text(rng) for _ in range(3)]),
    "mend_answer": lambda rng, _: mend_answer(junk.text(rng), [junk.text(rng) for _ in range(3)]),
    "read_answers": lambda rng, _: list(read_answers([(1, line(CASE, rng))])),
    "rows of JSON Lines": lambda rng, at: list(
        read_rows(str(file(at, "a.jsonl", lines(CASE, rng))))
    ),
    "rows of CSV": lambda rng, at: list(read_rows(str(table(rng, at, "csv")))),
    "rows of Parquet": lambda rng, at: list(read_rows(str(table(rng, at, "parquet")))),
    "labels": lambda rng, at: read_labels(file(at, "labels.jsonl", lines(LABEL, rng))),
    "documents": lambda rng, at: read_corpus([document(rng, at)]),
    **{
        f"read {name}": lambda rng, _, name=name: FORMATS[name].read(
            junk.mutated(FORMATS[name].write(record()), rng)
        )
        for name in FORMATS
    },
    **{
        f"write {name}": lambda rng, _, name=name: FORMATS[name].write(
            checked(junk.mutated(record(), rng))
        )
        for name in FORMATS
    },
    "detect": lambda rng, _: detect(junk.value(rng)),
    "page of a record": lambda rng, _: render_html([checked(junk.mutated(record(), rng))]),
}


def arguments_of_pair(rng: random.Random) -> dict[str, Any]:
    changed = junk.mutated({"claim": PAIR["claim"], "evidence": PAIR["evidence"]}, rng)
    return changed if isinstance(changed, dict) and set(changed) <= {"claim", "evidence"} else {}


def checked(row: Any) -> Any:
    """A record as it is read from a file."""
    made = loads(dumps(row if isinstance(row, dict) else {}))
    check_record(made)
    return made


def document(rng: random.Random, folder: Path) -> Path:
    kind = rng.choice(("txt", "md", "html", "jsonl", "pdf", "docx"))
    content = lines({"text": "a", "id": "b"}, rng) if kind == "jsonl" else junk.text(rng)
    return file(folder, f"a.{kind}", content)


def failing(attempt: Attempt, n: int, folder: Path) -> tuple[list[str], float]:
    """What `n` attempts raised that they must not, or took too long for; the longest, in s."""
    wrong, longest = list[str](), 0.0
    with suppress(Exception):
        attempt(random.Random(SEED), folder)  # what it imports counts for nothing
    for number in range(n):
        rng, started = random.Random(f"{SEED} {number}"), time.process_time()
        try:
            attempt(rng, folder)
        except RagattrError:
            pass
        except BaseException as error:
            *_, last = traceback.extract_tb(error.__traceback__)
            place = f"{Path(last.filename).name}:{last.lineno}"
            wrong.append(f"{number}: {place}: {type(error).__name__}: {str(error)[:200]}")
        longest = max(longest, time.process_time() - started)
        if time.process_time() - started > LONGEST_S:
            wrong.append(f"{number}: {time.process_time() - started:.1f} s")
    return wrong, longest


@sizes(quick=500, full=10_000)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_raises_its_own_errors_alone(
    name: str, n: int, tmp_path: Path, shown: Shown
) -> None:
    wrong, longest = failing(FUNCTIONS[name], n, tmp_path)
    shown(n, len(wrong), longest_s=round(longest, 2))
    assert wrong == []


def case_file(rng: random.Random, folder: Path) -> Path:
    return file(folder, "cases.jsonl", lines(CASE, rng, TOGETHER))


def logged(rng: random.Random, folder: Path) -> list[object]:
    """Rows of an audit: cases, records and rows of other shapes; and labels."""
    shapes = [CASE, record(), *(form.write(record()) for form in FORMATS.values())]
    rows = "".join(lines(rng.choice(shapes), rng) for _ in range(TOGETHER))
    labels = ["--labels", file(folder, "labels.jsonl", lines(LABEL, rng, 3))]
    given = ["--input", file(folder, "log.jsonl", rows), "-o", folder / "audit", "--overwrite"]
    return [*given, *(labels if rng.random() < 0.2 else [])]


def documents(rng: random.Random, folder: Path) -> Path:
    docs = folder / f"docs{rng.random()}"
    docs.mkdir()
    file(docs, "b.txt", f"Bees make honey. {junk.text(rng)}")
    return docs if rng.random() < 0.7 else document(rng, docs).parent


def question_file(rng: random.Random, folder: Path) -> Path:
    return file(folder, "questions.jsonl", lines({"id": "q", "question": "?"}, rng, TOGETHER))


COMMANDS: dict[str, Callable[[random.Random, Path], Sequence[object]]] = {
    "cite": lambda rng, at: ["--input", case_file(rng, at), "--html", at / "page.html"],
    "attribute": lambda rng, at: ["--input", case_file(rng, at), "-o", at / "out.jsonl"],
    "revise": lambda rng, at: ["--input", case_file(rng, at), "--html", at / "page.html"],
    "mechanism": lambda rng, at: ["--input", case_file(rng, at)],
    "verify": lambda rng, at: ["--input", file(at, "p.jsonl", lines(PAIR, rng, TOGETHER))],
    "evaluate": logged,
    "lint": lambda rng, at: [case_file(rng, at), *rng.choice(([], ["--fix"]))],
    "index": lambda rng, at: ["--docs", documents(rng, at), "-o", at / "index"],
    "retrieve": lambda rng, at: ["--docs", documents(rng, at), "--input", question_file(rng, at)],
    "answer": lambda rng, at: ["--docs", documents(rng, at), "--input", question_file(rng, at)],
}


def command(name: str) -> Attempt:
    """A run on a file of rows; a row that fails in a way that nobody foresaw is a failure."""

    def attempt(rng: random.Random, folder: Path) -> None:
        given = [name, *map(str, COMMANDS[name](rng, folder))]
        done = CliRunner().invoke(app, given)
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code in (0, 1, 2, 3), done.exit_code
        unforeseen = [said for said in done.output.splitlines() if "unexpected " in said]
        assert unforeseen == []

    return attempt


@sizes(quick=5, full=10_000 // TOGETHER)
@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_tells_what_is_wrong_in_its_own_words(
    name: str, n: int, tmp_path: Path, shown: Shown
) -> None:
    """By files of `TOGETHER` rows; the time is that of a file."""
    wrong, longest = failing(command(name), n, tmp_path)
    shown(n * TOGETHER, len(wrong), longest_s=round(longest, 2))
    assert wrong == []
