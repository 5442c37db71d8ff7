"""Index folders: made once, brought up to date, never half believed."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ragattr.api import retriever
from ragattr.errors import ConfigError, InputError
from ragattr.models.fake import FakeEncoder
from ragattr.retrieval import build
from ragattr.retrieval.build import build_index
from ragattr.retrieval.documents import read_corpus
from ragattr.retrieval.index import open_index
from ragattr.types import Query

TEXTS = {
    "bees.txt": "Bees make honey from nectar. A hive holds many thousand bees in summer.",
    "iron.txt": "Iron rusts in rain. Rust is an oxide of iron that flakes off.",
    "tower.txt": "The Eiffel Tower in Paris was completed in 1889 for a world fair.",
    "whale.txt": "A blue whale is the largest animal. It feeds on krill.",
}
QUERIES = [Query("Who makes honey?", "1"), Query("What is rust?", "2"), Query("zzz qqq", "3")]


@dataclass(frozen=True)
class CountingEncoder(FakeEncoder):
    """Counts what it encodes, and stops at `most`."""

    seen: list[str] = field(default_factory=list)
    most: int = 10**9

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if len(self.seen) + len(texts) > self.most:
            raise KeyboardInterrupt
        self.seen.extend(texts)
        return super().encode(texts)


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    for name, text in TEXTS.items():
        (folder / name).write_text(text)
    return folder


def _ids(folder: Path, k: int = 3) -> list[list[str]]:
    find = retriever(open_index(folder), FakeEncoder(), k=k)
    return [[passage.id for passage in context.passages] for context in find(QUERIES)]


def test_an_index_finds_what_reading_the_documents_finds(docs: Path, tmp_path: Path) -> None:
    built = build_index([docs], tmp_path / "index", FakeEncoder())
    plain = retriever(read_corpus([docs]).passages, FakeEncoder(), k=3)(QUERIES)
    found = retriever(open_index(tmp_path / "index"), FakeEncoder(), k=3)(QUERIES)
    assert (built.n_passages, built.n_read, built.n_dropped, built.skipped) == (4, 4, 0, ())
    assert [c.passages for c in found] == [c.passages for c in plain]
    assert [c.scores for c in found] == [c.scores for c in plain]
    assert found[0].passages[0].text == TEXTS["bees.txt"]


def test_only_changed_files_are_read_and_encoded_again(docs: Path, tmp_path: Path) -> None:
    encoder = CountingEncoder()
    build_index([docs], tmp_path / "index", encoder)
    (docs / "iron.txt").write_text("Iron is a metal that people have smelted for long.")
    (docs / "gold.txt").write_text("Gold never rusts.")
    (docs / "whale.txt").unlink()
    encoder.seen.clear()
    built = build_index([docs], tmp_path / "index", encoder)
    assert (built.n_passages, built.n_read, built.n_dropped) == (4, 2, 1)
    assert sorted(text.partition("\n")[0] for text in encoder.seen) == ["gold", "iron"]
    rust = _ids(tmp_path / "index")[1]
    assert rust[0].endswith("gold.txt#1")
    assert not any("whale" in id for ids in _ids(tmp_path / "index", k=9) for id in ids)


def test_an_unchanged_folder_costs_nothing_and_changes_nothing(docs: Path, tmp_path: Path) -> None:
    encoder = CountingEncoder()
    build_index([docs], tmp_path / "index", encoder)
    before = (tmp_path / "index" / "manifest.json").stat().st_mtime_ns
    os.utime(docs / "bees.txt")  # touched, not changed
    encoder.seen.clear()
    built = build_index([docs], tmp_path / "index", encoder)
    assert (built.n_read, encoder.seen) == (0, [])
    assert (tmp_path / "index" / "manifest.json").stat().st_mtime_ns == before


def test_a_build_that_was_killed_is_refused_and_then_goes_on_where_it_stopped(
    docs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "_BATCH", 1)
    with pytest.raises(KeyboardInterrupt):
        build_index([docs], tmp_path / "index", CountingEncoder(most=2))
    with pytest.raises(InputError, match="not finished: build it with ragattr index --docs"):
        open_index(tmp_path / "index")
    encoder = CountingEncoder()
    built = build_index([docs], tmp_path / "index", encoder)
    assert (built.n_read, len(encoder.seen)) == (0, 2)
    assert _ids(tmp_path / "index")[0][0].endswith("bees.txt#1")


def test_an_update_that_was_killed_is_refused_until_it_is_finished(
    docs: Path, tmp_path: Path
) -> None:
    build_index([docs], tmp_path / "index", FakeEncoder())
    (docs / "gold.txt").write_text("Gold never rusts.")
    with pytest.raises(KeyboardInterrupt):
        build_index([docs], tmp_path / "index", CountingEncoder(most=0))
    with pytest.raises(InputError, match="not finished: go on with"):
        open_index(tmp_path / "index")
    build_index([docs], tmp_path / "index", FakeEncoder())
    assert len(open_index(tmp_path / "index")) == 5


def test_a_kill_before_the_manifest_leaves_no_half_index(
    docs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*arguments: object) -> None:
        raise KeyboardInterrupt

    publish = build._publish
    monkeypatch.setattr(build, "_publish", die)
    with pytest.raises(KeyboardInterrupt):
        build_index([docs], tmp_path / "index", FakeEncoder())
    monkeypatch.setattr(build, "_publish", publish)
    with pytest.raises(InputError, match="not finished"):
        open_index(tmp_path / "index")
    assert build_index([docs], tmp_path / "index", FakeEncoder()).n_read == 0
    assert len(open_index(tmp_path / "index")) == 4


def test_old_search_folders_are_removed(docs: Path, tmp_path: Path) -> None:
    build_index([docs], tmp_path / "index", FakeEncoder())
    (docs / "gold.txt").write_text("Gold never rusts.")
    build_index([docs], tmp_path / "index", FakeEncoder())
    assert len([*(tmp_path / "index").glob("search-*")]) == 1


# Bad input


def test_another_encoder_is_an_error_that_says_what_to_do(docs: Path, tmp_path: Path) -> None:
    build_index([docs], tmp_path / "index", FakeEncoder())
    with pytest.raises(ConfigError, match="encoder 'fake', not 'other'.*ragattr index"):
        retriever(open_index(tmp_path / "index"), FakeEncoder("other"), k=3)
    encoder = CountingEncoder("other")
    build_index([docs], tmp_path / "index", encoder)
    assert len(encoder.seen) == 4
    retriever(open_index(tmp_path / "index"), FakeEncoder("other"), k=3)


def test_a_folder_that_is_no_index_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no index: build it with"):
        open_index(tmp_path)


def test_a_folder_with_other_things_is_not_written_into(docs: Path) -> None:
    with pytest.raises(InputError, match="holds other things"):
        build_index([docs], docs, FakeEncoder())


def test_an_empty_corpus_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    with pytest.raises(InputError, match="no passages"):
        build_index([tmp_path / "docs"], tmp_path / "index", FakeEncoder())


def test_a_corpus_smaller_than_k_gives_all_of_it(docs: Path, tmp_path: Path) -> None:
    build_index([docs], tmp_path / "index", FakeEncoder())
    assert len(_ids(tmp_path / "index", k=50)[0]) == 4


def test_a_question_of_unknown_words_is_answered_by_meaning_alone(
    docs: Path, tmp_path: Path
) -> None:
    build_index([docs], tmp_path / "index", FakeEncoder())
    assert len(_ids(tmp_path / "index")[2]) == 3


def test_a_file_that_vanishes_or_is_damaged_is_skipped_and_named(
    docs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (docs / "bad.txt").write_bytes(b"\xff\xfe\xfa broken")
    read = build.read_passages

    def vanish(path: Path) -> object:
        if path.name == "iron.txt":
            path.unlink()
        return read(path)

    monkeypatch.setattr(build, "read_passages", vanish)
    built = build_index([docs], tmp_path / "index", FakeEncoder())
    assert built.n_passages == 3
    assert len(built.skipped) == 2
    assert any("bad.txt" in line and "UTF-8" in line for line in built.skipped)
    assert any("iron.txt" in line for line in built.skipped)


def test_an_id_may_move_from_one_file_to_another(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    rows = [json.dumps({"id": id, "text": f"The text of {id}."}) for id in ("one", "two", "three")]
    for names in (("a.jsonl", "b.jsonl"), ("b.jsonl", "a.jsonl")):
        for name, text in zip(names, ("\n".join(rows[:2]), rows[2]), strict=True):
            (docs / name).write_text(text)
        built = build_index([docs], tmp_path / "index", FakeEncoder())
        assert (built.n_passages, built.n_read) == (3, 2)


def test_two_passages_with_one_id_are_an_error(tmp_path: Path) -> None:
    for name in ("a.jsonl", "b.jsonl"):
        (tmp_path / name).write_text(json.dumps({"id": "same", "text": f"From {name}."}))
    with pytest.raises(InputError, match="the id of another one"):
        build_index([tmp_path / "a.jsonl", tmp_path / "b.jsonl"], tmp_path / "i", FakeEncoder())


def test_a_damaged_manifest_and_another_format_are_named(docs: Path, tmp_path: Path) -> None:
    build_index([docs], tmp_path / "index", FakeEncoder())
    manifest = tmp_path / "index" / "manifest.json"
    fields = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**fields, "format": 99}))
    with pytest.raises(InputError, match="format 99"):
        open_index(tmp_path / "index")
    manifest.write_text("{")
    with pytest.raises(InputError, match="damaged"):
        open_index(tmp_path / "index")


def test_a_lone_surrogate_in_a_passage_survives(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"id": "1", "text": "odd \\ud800 text"}')
    build_index([tmp_path / "a.jsonl"], tmp_path / "i", FakeEncoder())
    assert open_index(tmp_path / "i").passages[0].text == "odd \ud800 text"


# Large ones


def test_above_the_limit_faiss_finds_what_comparing_all_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("faiss")
    rows = [{"id": str(i), "text": f"word{i} word{i + 1} item"} for i in range(300)]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    queries = [Query(f"word{i} word{i + 1}", str(i)) for i in range(0, 300, 29)]
    found = []
    for limit, folder in ((50_000, "exact"), (100, "graph")):
        monkeypatch.setattr(build, "EXACT_UP_TO", limit)
        build_index([tmp_path / "a.jsonl"], tmp_path / folder, FakeEncoder())
        index = open_index(tmp_path / folder)
        assert index.has_graph == (folder == "graph")
        found.append(index.by_meaning(FakeEncoder(), 1)(queries))
    exact, graph = ([context.scores[0] for context in contexts] for contexts in found)
    assert graph == pytest.approx(exact, abs=1e-5)
