"""Documents to an index folder; only files that changed are read again.

A build that was killed leaves what it has done in the store, and the next one goes on there. What
is searched lies in a folder of its own beside the store; the manifest that names it is written
last, in one step.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ragattr import __version__
from ragattr.errors import InputError, MissingExtra
from ragattr.models.protocols import Encoder
from ragattr.retrieval.bm25 import K1, B
from ragattr.retrieval.documents import find_files, read_passages
from ragattr.retrieval.ranking import searched
from ragattr.retrieval.store import FileState, Store
from ragattr.text.words import search_terms
from ragattr.written import make_folder, write_whole, writing

FORMAT = 1
MANIFEST, NUMBERS, VECTORS, WORDS, NEAREST = (
    *("manifest.json", "numbers.npy", "vectors.npy", "bm25", "hnsw.faiss"),
)
EXACT_UP_TO = 50_000  # vectors; above, the graph of faiss answers in a hundredth of the time
GRAPH_NEIGHBOURS, GRAPH_EFFORT = 32, 200  # of HNSW: links of a vector, candidates while building
_BATCH = 256
_UNFINISHED, _ENCODER = "unfinished", "encoder"
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Built:
    """What a build did.

    Attributes:
        n_passages: in the index now.
        n_read: files that were read, being new or changed.
        n_dropped: files that are gone.
        skipped: a line for each file that gave no passages.
    """

    n_passages: int
    n_read: int
    n_dropped: int
    skipped: tuple[str, ...]


def build_index(
    docs: Sequence[Path],
    folder: Path,
    encoder: Encoder,
    *,
    progress: Progress = lambda done, total: None,
) -> Built:
    """Make an index of files and folders, or bring one up to date.

    Args:
        progress: told how many passages have their vectors, of how many.

    Raises:
        InputError: nothing to index, two passages with one id, or a folder that is no index.
    """
    files = find_files(docs)
    store = _opened(folder)
    before = store.files()
    if store.state(_ENCODER) not in (None, encoder.name):
        store.set_state(_UNFINISHED, "1")
        store.forget_vectors()
    store.set_state(_ENCODER, encoder.name)
    gone = set(before) - {str(path) for path in files.documents}
    skipped, changed = [*files.skipped], list[Path]()
    for path in files.documents:
        if not _is_kept(store, path, before):
            changed.append(path)
        elif problem := before[str(path)].problem:
            skipped.append(f"{path}: {problem}")
    for name in [*gone, *map(str, changed)]:  # all first: an id may move from file to file
        store.set_state(_UNFINISHED, "1")
        store.drop(name)
    for path in changed:
        if problem := _read(store, path, is_named=path in docs):
            skipped.append(f"{path}: {problem}")
    n_passages = store.n_passages()
    if not n_passages:
        raise InputError(f"no passages in {', '.join(map(str, docs))}")
    if _encode(store, encoder, progress):
        store.set_state(_UNFINISHED, "1")
    if is_unfinished(store) or not (folder / MANIFEST).is_file():
        _publish(folder, _write_search(store, folder, encoder))
        store.set_state(_UNFINISHED, "0")
    return Built(n_passages, len(changed), len(gone), tuple(skipped))


def is_unfinished(store: Store) -> bool:
    """Whether a build was begun and did not come to its end."""
    return store.state(_UNFINISHED) != "0"


def _opened(folder: Path) -> Store:
    """The store of a folder that is an index, or empty, or not there yet."""
    if folder.is_file():
        raise InputError(f"{folder} is a file: an index is a folder")
    if folder.is_dir() and any(folder.iterdir()) and not Store.is_in(folder):
        raise InputError(f"{folder} holds other things and no index: name an empty folder")
    make_folder(folder)
    return Store(folder)


def _is_kept(store: Store, path: Path, before: Mapping[str, FileState]) -> bool:
    """Whether a file says what it said when it was read."""
    known = before.get(str(path))
    if known is None:
        return False
    try:
        found = path.stat()
        if (found.st_size, found.st_mtime_ns) == (known.size, known.mtime_ns):
            return True
        if _sha256(path) != known.sha256:
            return False
    except OSError:
        return False
    store.touch(str(path), found.st_size, found.st_mtime_ns)
    return True


def _read(store: Store, path: Path, *, is_named: bool) -> str | None:
    """Read a file into the store; why it gave no passages, when it gave none."""
    try:
        found = path.stat()
        state = FileState(found.st_size, found.st_mtime_ns, _sha256(path), None)
        passages = read_passages(path)
    except (OSError, InputError) as error:
        if is_named:
            raise InputError(f"cannot read {path}: {error}") from error
        passages, state = [], FileState(0, 0, "", str(error))
    if not passages and state.problem is None:
        state = state._replace(problem="holds no text")
    store.put(str(path), state, passages)
    return state.problem


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _encode(store: Store, encoder: Encoder, progress: Progress) -> int:
    """Give every passage its vector, a batch at a time; how many lacked one."""
    total = store.n_passages()
    missing = store.n_passages(without_vector=True)
    done = total - missing
    progress(done, total)
    while batch := store.to_encode(_BATCH):
        vectors = encoder.encode([searched(passage) for _, passage in batch])
        store.put_vectors([number for number, _ in batch], vectors)
        done += len(batch)
        progress(done, total)
    return missing


def _write_search(store: Store, folder: Path, encoder: Encoder) -> dict[str, Any]:
    """Write what is searched, in a folder of its own; the manifest that names it."""
    numbers, documents, vocabulary = list[int](), list[list[int]](), dict[str, int]()
    n_passages = store.n_passages()
    digest = hashlib.sha256(f"{FORMAT} {encoder.name}".encode())
    vectors: NDArray[np.float32] | None = None
    for row, (number, passage, vector) in enumerate(store.rows()):
        if vectors is None:
            vectors = np.zeros((n_passages, len(vector)), dtype=np.float32)
        vectors[row] = vector
        numbers.append(number)
        terms = search_terms(searched(passage))
        documents.append([vocabulary.setdefault(term, len(vocabulary)) for term in terms])
        digest.update(passage.id.encode("utf-8", "surrogatepass") + vector.tobytes())
    assert vectors is not None
    name = f"search-{digest.hexdigest()[:16]}"
    with _whole_folder(folder / name) as unfinished:
        np.save(unfinished / NUMBERS, np.array(numbers, dtype=np.int64))
        np.save(unfinished / VECTORS, vectors)
        _write_words(documents, vocabulary, unfinished / WORDS)
        has_graph = n_passages > EXACT_UP_TO and _write_graph(vectors, unfinished / NEAREST)
    return {
        "format": FORMAT,
        "ragattr": __version__,
        "encoder": encoder.name,
        "dimensions": int(vectors.shape[1]),
        "passages": n_passages,
        "search": name,
        "graph": has_graph,
        "sha256": digest.hexdigest(),
    }


@contextmanager
def _whole_folder(path: Path) -> Iterator[Path]:
    """Where to write; it takes the place of `path` when the block ends well."""
    unfinished = path.with_name(f"{path.name}.partial")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        with writing(path, RuntimeError):  # which is what faiss raises
            unfinished.mkdir()
            yield unfinished
            shutil.rmtree(path, ignore_errors=True)
            unfinished.rename(path)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _write_words(documents: list[list[int]], vocabulary: dict[str, int], folder: Path) -> None:
    import bm25s

    if not vocabulary:  # bm25s indexes no passages without a word; no question has this one
        vocabulary, documents = {"": 0}, [[0] for _ in documents]
    words = bm25s.BM25(k1=K1, b=B, method="lucene")
    words.index(bm25s.tokenization.Tokenized(documents, vocabulary), show_progress=False)
    words.save(folder, show_progress=False)


def _publish(folder: Path, manifest: dict[str, Any]) -> None:
    """Write the manifest in one step, then drop what the one before named."""
    write_whole(folder / MANIFEST, json.dumps(manifest, indent=1) + "\n")
    for other in folder.glob("search-*"):
        if other.name != manifest["search"]:
            shutil.rmtree(other, ignore_errors=True)


def _write_graph(vectors: NDArray[np.float32], path: Path) -> bool:
    """Whether faiss is here, and has made its graph."""
    try:
        faiss = load_faiss()
    except MissingExtra:
        return False
    graph = faiss.IndexHNSWFlat(vectors.shape[1], GRAPH_NEIGHBOURS, faiss.METRIC_INNER_PRODUCT)
    graph.hnsw.efConstruction = GRAPH_EFFORT
    graph.add(vectors)
    faiss.write_index(graph, str(path))
    return True


def load_faiss() -> Any:
    """The package; a MissingExtra error where it is not installed."""
    try:
        import faiss
    except ImportError as error:
        raise MissingExtra("faiss") from error
    return faiss
