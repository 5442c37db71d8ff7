import importlib.util
import inspect
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
    build, passages = _module(path.stem).build, read_corpus([PIPELINES / "sample"]).passages
    wanted = inspect.signature(build).parameters
    assert isinstance(build(passages) if wanted else build(), Stage)


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


@pytest.mark.model
def test_a_long_document_is_attributed_to_the_sentence_that_says_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    facts = [f"Station {i} reported {100 + i} birds in the year {1900 + i}." for i in range(40)]
    document = tmp_path / "birds.txt"
    document.write_text("\n\n".join(facts), encoding="utf-8")
    answer = "Station 17 reported 117 birds."
    _module("attribute_long_context").main(str(document), "How many birds at station 17?", answer)
    assert "Station 17 reported 117 birds in the year 1917." in capsys.readouterr().out
