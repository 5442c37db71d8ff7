import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from ragattr.retrieval.documents import read_corpus
from ragattr.stage import Stage
from ragattr.types import Query

PIPELINES = Path(__file__).parent.parent.parent / "pipelines"


def _module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, PIPELINES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_sample_documents_are_read_without_their_scripts() -> None:
    corpus = read_corpus([PIPELINES / "sample"])
    assert len({passage.source for passage in corpus.passages}) == 12
    assert not any("IGNORE-THIS-SCRIPT-TEXT" in passage.text for passage in corpus.passages)


@pytest.mark.model
@pytest.mark.parametrize("path", sorted(PIPELINES.glob("*.py")), ids=lambda path: path.stem)
def test_every_build_builds(path: Path) -> None:
    passages = read_corpus([PIPELINES / "sample"]).passages
    assert isinstance(_module(path.stem).build(passages), Stage)


@pytest.mark.model
def test_the_pipeline_does_what_the_command_does() -> None:
    import ragattr

    question = "Who discovered penicillin?"
    documents = [PIPELINES / "sample" / name for name in ("penicillin.md", "honey-bees.md")]
    (cited,) = _module("answer").build(read_corpus(documents).passages)([Query(question, "1")])
    record = ragattr.answer(question=question, docs=documents)
    assert cited.judgement.attribution.answer.text == record["answer"]
    assert [verdict.label for verdict in cited.judgement.verdicts] == [
        claim["verdict"] for claim in record["claims"]
    ]
