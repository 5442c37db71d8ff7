"""An index folder, opened: its passages, and retrievers over them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ragattr.errors import ConfigError, InputError, MissingExtra
from ragattr.models.protocols import Encoder
from ragattr.retrieval.bm25 import RetrieveBM25
from ragattr.retrieval.build import (
    FORMAT,
    MANIFEST,
    NEAREST,
    NUMBERS,
    VECTORS,
    WORDS,
    is_unfinished,
    load_faiss,
)
from ragattr.retrieval.dense import RetrieveDense, RetrieveNearest
from ragattr.retrieval.store import Store, StoredPassages
from ragattr.stage import Stage
from ragattr.types import Context, Query

SEARCH_EFFORT = 128  # candidates of the graph


@dataclass(frozen=True)
class Index:
    """Passages with what is searched of them, memory-mapped.

    Attributes:
        folder: holds the manifest.
        encoder_name: of the vectors; questions have to be encoded by the same.
    """

    folder: Path
    passages: StoredPassages = field(repr=False)
    encoder_name: str
    search: Path = field(repr=False)
    has_graph: bool

    def __len__(self) -> int:
        return len(self.passages)

    def by_words(self, k: int) -> Stage[Query, Context]:
        """BM25."""
        return RetrieveBM25(self.passages, k, built=self._words)

    def by_meaning(self, encoder: Encoder, k: int) -> Stage[Query, Context]:
        """Nearest vectors: by faiss where the index has its graph, else every one is compared.

        Raises:
            ConfigError: the index was built with another encoder.
        """
        if encoder.name != self.encoder_name:
            raise ConfigError(
                f"the index {self.folder} was built with the encoder {self.encoder_name!r}, not "
                f"{encoder.name!r}: give --encoder, or build it again with ragattr index"
            )
        if self.has_graph:
            return RetrieveNearest(self.passages, encoder, self._graph, k)
        return RetrieveDense(self.passages, encoder, k, built=self._vectors)

    @cached_property
    def _words(self) -> Any:
        try:
            import bm25s
        except ImportError as error:
            raise MissingExtra("local") from error
        with _undamaged(self.search / WORDS):
            return bm25s.BM25.load(self.search / WORDS, mmap=True, show_progress=False)

    @cached_property
    def _vectors(self) -> NDArray[np.float32]:
        with _undamaged(self.search / VECTORS):
            vectors: NDArray[np.float32] = np.load(self.search / VECTORS, mmap_mode="r")
        return vectors

    @cached_property
    def _graph(self) -> Any:
        with _undamaged(self.search / NEAREST):
            graph: Any = load_faiss().read_index(str(self.search / NEAREST))
        graph.hnsw.efSearch = SEARCH_EFFORT
        return graph


@contextmanager
def _undamaged(path: Path) -> Iterator[None]:
    """What a file of the index cannot be read for, as one sentence that names it."""
    try:
        yield
    except (OSError, ValueError, KeyError, EOFError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path} is damaged ({reason}): build the index again") from error


def open_index(folder: Path) -> Index:
    """An index folder that `build_index` made.

    Raises:
        InputError: no index, one that was not finished, or of another format; the message says
            how to build it.
    """
    again = f"ragattr index --docs PATH... -o {folder}"
    path = folder / MANIFEST
    if not path.is_file():
        what = "an index that was not finished" if Store.is_in(folder) else "no index"
        raise InputError(f"{folder} is {what}: build it with {again}")
    try:
        manifest = json.loads(path.read_text("utf-8"))
        search = folder / str(manifest["search"])
        written = int(manifest["format"])
        encoder_name, has_graph = str(manifest["encoder"]), bool(manifest["graph"])
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is damaged: build the index again with {again}") from error
    if written != FORMAT:
        raise InputError(
            f"{folder} is an index of format {written}, this version reads {FORMAT}: build it "
            f"again with {again}"
        )
    store = Store(folder)
    if is_unfinished(store):
        raise InputError(f"{folder} was changed and not finished: go on with {again}")
    if not search.is_dir():
        raise InputError(f"{folder} lacks {search.name}: build it again with {again}")
    with _undamaged(search / NUMBERS):
        numbers = np.load(search / NUMBERS, mmap_mode="r")
    return Index(folder, StoredPassages(store, numbers), encoder_name, search, has_graph)
