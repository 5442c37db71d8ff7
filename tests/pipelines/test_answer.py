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
@pytest.mark.parametrize("name", ["answer", "attribute_long_context"])
def test_every_build_builds(name: str) -> None:
    build, passages = _module(name).build, read_corpus([PIPELINES / "sample"]).passages
    wanted = inspect.signature(build).parameters
    assert isinstance(build(passages) if wanted else build(), Stage)


@pytest.mark.model
def test_a_folder_is_indexed_and_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main = _module("index_a_folder").main
    for n_read in (12, 0):
        main(str(PIPELINES / "sample"), str(tmp_path / "index"), "Who discovered penicillin?")
        shown = capsys.readouterr().out
        assert f"{n_read} files read" in shown
        assert "penicillin.md" in shown


@pytest.mark.model
def test_a_served_model_answers_and_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("openai")
    from ragattr.models.scripted import Script, ScriptedServer

    with ScriptedServer(Script({"penicillin": "Alexander Fleming discovered it."})) as server:
        main = _module("answer_with_vllm").main
        main(server.url, str(PIPELINES / "sample"), "Who discovered penicillin?")
    shown = capsys.readouterr().out
    assert "Alexander Fleming discovered it." in shown
    assert "'jsd': 'lower bound'" in shown


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
