"""Pickle, zip slip, code of models, "lc" metadata, YAML tags: what is read never runs.

Each trap would write a file, the canary, if anything of it ran.
"""

import ast
import io
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ragattr
from ragattr.errors import RagattrError
from ragattr.models.fake import FakeEncoder
from ragattr.record import dumps, loads, read_case
from ragattr.retrieval.build import NUMBERS, VECTORS, WORDS, build_index
from ragattr.retrieval.documents import read_corpus
from ragattr.retrieval.index import open_index
from ragattr.types import Query
from tests.reliability.figures import Shown, sizes

PACKAGE = Path(ragattr.__file__).parent
DANGEROUS = {  # what runs or builds what it reads
    *("pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "yaml", "imp"),
    *("langchain_core.load", "extractall", "unpack_archive", "eval", "exec", "system", "popen"),
}


class Trap:
    """Writes the canary when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.write_text, (self.canary, "ran")


def pickled_array(canary: Path) -> bytes:
    held = io.BytesIO()
    np.save(held, np.array([Trap(canary)], dtype=object), allow_pickle=True)
    return held.getvalue()


def numbers_of_an_index(folder: Path, canary: Path) -> None:
    built = index(folder)
    next(built.glob(f"search-*/{NUMBERS}")).write_bytes(pickled_array(canary))
    open_index(built)


def vectors_of_an_index(folder: Path, canary: Path) -> None:
    built = index(folder)
    next(built.glob(f"search-*/{VECTORS}")).write_bytes(pickled_array(canary))
    open_index(built).by_meaning(FakeEncoder(), 3)([Query("Who?", "1")])


def words_of_an_index(folder: Path, canary: Path) -> None:
    built = index(folder)
    for path in built.glob(f"search-*/{WORDS}/*.npy"):
        path.write_bytes(pickled_array(canary))
    open_index(built).by_words(3)([Query("Who makes honey?", "1")])


def index(folder: Path) -> Path:
    (folder / "a.txt").write_text("Bees make honey.")
    build_index([folder / "a.txt"], folder / "index", FakeEncoder())
    return folder / "index"


def measured_example(folder: Path, canary: Path) -> None:
    from ragattr.learn.examples import _load

    np.savez(folder / "0.npz", id=np.array([Trap(canary)], dtype=object))
    _load(folder / "0.npz")


def training_checkpoint(folder: Path, canary: Path) -> None:
    from ragattr.learn.cross_encoder import _Training
    from tests.learn.test_cross_encoder import _model

    (folder / "c.pt").write_bytes(pickle.dumps(Trap(canary), protocol=2))
    _Training.of(_model(), 1, 1e-3, identity="i").resume(folder / "c.pt")


def weights_of_a_verifier(folder: Path, canary: Path) -> None:
    from ragattr.models.pair_reader import read_weights

    encoder: Any = None
    (folder / "w.safetensors").write_bytes(pickle.dumps(Trap(canary), protocol=2))
    read_weights(encoder, folder / "w.safetensors")


def pickled_weights(folder: Path, canary: Path) -> None:
    from ragattr.models.hf import HFModel

    HFModel.load(str(model(folder, canary)))


def code_of_a_model(folder: Path, canary: Path) -> None:
    from ragattr.models.hf import HFModel

    HFModel.load(str(model(folder, canary, model_type="own")))


def code_of_a_verifier(folder: Path, canary: Path) -> None:
    from ragattr.setup import Setup

    Setup(verifier=f"nli:{model(folder, canary, model_type='own')}").entailment_model()


def code_of_an_encoder(folder: Path, canary: Path) -> None:
    from ragattr.models.encoder import NamedEncoder

    NamedEncoder.load(str(model(folder, canary, model_type="own")))


def model(folder: Path, canary: Path, **fields: str) -> Path:
    """A folder with code of its own for everything, and its weights in a pickle."""
    code = f"open({str(canary)!r}, 'w').write('ran')\nclass Own: pass\n"
    (folder / "own.py").write_text(code)
    (folder / "modules.json").write_text(json.dumps([{"idx": 0, "name": "0", "path": "",
                                                      "type": "own.Own"}]))  # fmt: skip
    classes = ("AutoConfig", "AutoModel", "AutoTokenizer", "AutoModelForCausalLM")
    own = {"auto_map": {name: "own.Own" for name in classes}, "model_type": "llama", **fields}
    own["auto_map"]["AutoModelForSequenceClassification"] = "own.Own"
    for name in ("config.json", "tokenizer_config.json"):
        (folder / name).write_text(json.dumps(own))
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Trap(canary), protocol=2))
    return folder


TRAPS: dict[str, Callable[[Path, Path], None]] = {
    trap.__name__: trap
    for trap in (
        *(numbers_of_an_index, vectors_of_an_index, words_of_an_index, measured_example),
        *(training_checkpoint, weights_of_a_verifier, pickled_weights, code_of_a_model),
        *(code_of_a_verifier, code_of_an_encoder),
    )
}


@sizes(quick=1, full=1)
@pytest.mark.parametrize("name", TRAPS)
def test_what_would_run_is_refused_by_name(name: str, n: int, tmp_path: Path, shown: Shown) -> None:
    canary = tmp_path / "canary"
    shown(n, failures=1)
    with pytest.raises(RagattrError):
        TRAPS[name](tmp_path, canary)
    assert not canary.exists()
    shown(n, failures=0)


def test_the_traps_are_real(tmp_path: Path) -> None:
    np.load(io.BytesIO(pickled_array(tmp_path / "canary")), allow_pickle=True)
    assert (tmp_path / "canary").read_text() == "ran"


def docx(path: Path, *more: tuple[str, str]) -> Path:
    """A small document, with members of any name added."""
    import docx as library

    document = library.Document()
    document.add_paragraph("Bees make honey.")
    document.save(str(path))
    with zipfile.ZipFile(path, "a") as archive:
        for name, content in more:
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize(
    "name", ["../canary", "../../canary", "/tmp/ragattr-canary", "word/../canary"]
)
def test_members_of_a_document_are_written_nowhere(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    (passage,) = read_corpus([docx(folder / "a.docx", (name, "slipped"))]).passages
    assert passage.text == "Bees make honey."
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == ["a.docx"]
    assert not Path("/tmp/ragattr-canary").exists()


def test_entities_of_a_document_bring_no_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hidden words")
    path = docx(tmp_path / "a.docx")
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    entity = f'<!DOCTYPE d [<!ENTITY x SYSTEM "{(tmp_path / "secret").as_uri()}">]>'.encode()
    body = members["word/document.xml"].replace(b"Bees make honey.", b"Bees &x;")
    members["word/document.xml"] = body.replace(b"<w:document", entity + b"<w:document", 1)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    try:
        said = " ".join(passage.text for passage in read_corpus([path]).passages)
    except RagattrError:
        said = ""
    assert "hidden" not in said


@pytest.mark.parametrize(
    "text", ["!!python/object/apply:os.system ['touch canary']", "--- !ruby/x"]
)
def test_yaml_in_front_of_a_document_is_text(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(f"---\ntitle: {text}\n---\nBees make honey.\n")
    said = " ".join(passage.text for passage in read_corpus([tmp_path / "a.md"]).passages)
    assert text in said


def test_metadata_that_names_a_constructor_stays_data() -> None:
    lc = {"lc": 1, "type": "constructor", "id": ["os", "system"], "kwargs": {"command": "true"}}
    row = {"question": "?", "passages": [{"text": "a", "metadata": lc}], "lc": 1, "answer": "b"}
    case = read_case(loads(dumps(row)), default_id="1", answered=True)
    assert case["passages"][0]["metadata"] == lc


def test_no_file_of_the_package_uses_what_runs_what_it_reads() -> None:
    found = {
        f"{path.relative_to(PACKAGE)}: {name}"
        for path in PACKAGE.rglob("*.py")
        for name in _dangers(ast.parse(path.read_text("utf-8")))
    }
    assert found == set()


def _dangers(tree: ast.Module) -> set[str]:
    """Imports and calls that are dangerous, and loaders without the switch that makes them safe."""
    found = set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names} & DANGEROUS
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module or ""} & DANGEROUS
        elif isinstance(node, ast.Call):
            found |= _danger_of(node)
    return found


def _danger_of(call: ast.Call) -> set[str]:
    owner = getattr(getattr(call.func, "value", None), "id", "")
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    given = {word.arg: getattr(word.value, "value", None) for word in call.keywords}
    if given.get("trust_remote_code") or given.get("allow_pickle") or given.get("shell"):
        return {f"{name} with trust"}
    if (owner, name) == ("torch", "load") and given.get("weights_only") is not True:
        return {"torch.load"}
    is_method = isinstance(call.func, ast.Attribute) and owner not in ("os", "")
    return set() if is_method and name in ("eval", "exec") else {name} & DANGEROUS
