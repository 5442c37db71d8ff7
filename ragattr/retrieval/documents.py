"""Files to text: what a document says, its title, and where its pages begin."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from ragattr.errors import InputError, MissingExtra, RagattrError
from ragattr.record import loads
from ragattr.retrieval.passages import cut_passages
from ragattr.types import Passage, Span

_LONGEST_TITLE = 100


@dataclass(frozen=True)
class Document:
    """A file's extracted text; `body` leaves the title line out, `pages` are None without pages."""

    text: str
    title: str
    body: Span
    pages: tuple[Span, ...] | None = None


@dataclass(frozen=True)
class Corpus:
    """The passages of some files, and a line for each file that was passed over."""

    passages: tuple[Passage, ...]
    skipped: tuple[str, ...] = ()


def read_corpus(paths: Sequence[Path]) -> Corpus:
    """The passages of all files; folders are walked in order of their names.

    Raises:
        InputError: a path is missing, a named file is of no known kind or cannot be read, two
            passages have one id, or there is no passage at all.
    """
    passages, skipped = list[Passage](), list[str]()
    files = find_files(paths)
    for path in files.documents:
        found = read_passages(path)
        if not found:
            skipped.append(f"{path}: holds no text")
        passages += found
    skipped += files.skipped
    if not passages:
        raise InputError(f"no passages in {', '.join(map(str, paths))}")
    _check_ids(passages)
    return Corpus(tuple(passages), tuple(skipped))


def read_document(path: Path) -> Document:
    """The text of one file.

    Raises:
        InputError: the file cannot be read, or is not what its name says.
    """
    try:
        return _READERS[path.suffix.lower()](path)
    except RagattrError:
        raise
    except Exception as error:  # a damaged PDF or DOCX raises whatever its library thinks of
        raise InputError(f"cannot read {path}: {error or type(error).__name__}") from error


def read_text(path: Path) -> str:
    """A file as UTF-8, with or without a byte order mark; line ends stay as they are."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 (byte {error.start}): convert it first") from error


@dataclass(frozen=True)
class Files:
    """The documents among some files and folders, and a line for each file that is none."""

    documents: tuple[Path, ...]
    skipped: tuple[str, ...]


def find_files(paths: Sequence[Path]) -> Files:
    """Folders are walked in order of their names; hidden files are left out.

    Raises:
        InputError: a path is missing, or a file that was named is of no known kind.
    """
    documents, skipped = list[Path](), list[str]()
    for path, is_named in _files(paths):
        if path.suffix.lower() in (*_READERS, ".jsonl"):
            documents.append(path)
        elif is_named:
            raise InputError(
                f"{path}: documents are {', '.join((*_READERS, '.jsonl'))}, "
                f"not {path.suffix or 'files without an ending'}"
            )
        else:
            skipped.append(f"{path}: not a kind of document that is read")
    return Files(tuple(documents), tuple(skipped))


def _files(paths: Sequence[Path]) -> list[tuple[Path, bool]]:
    found = []
    for path in paths:
        if path.is_dir():
            inside = sorted(file for file in path.rglob("*") if file.is_file())
            found += [
                (f, False)
                for f in inside
                if not any(p.startswith(".") for p in f.relative_to(path).parts)
            ]
        elif path.exists():
            found.append((path, True))
        else:
            raise InputError(f"no file or folder {path}")
    return found


def read_passages(path: Path) -> list[Passage]:
    """The passages of one file; an InputError when it cannot be read."""
    if path.suffix.lower() == ".jsonl":
        return _json_passages(path)
    document = read_document(path)
    ranges = document.pages or (document.body,)
    passages = list[Passage]()
    for number, span in enumerate(ranges, start=1):
        for piece in cut_passages(document.text, span):
            passages.append(
                Passage(
                    text=piece.of(document.text),
                    id=f"{path}#{len(passages) + 1}",
                    title=document.title,
                    source=str(path),
                    page=number if document.pages else None,
                    span=piece,
                )
            )
    return passages


def _json_passages(path: Path) -> list[Passage]:
    passages = []
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = loads(line)
        except InputError as error:
            raise InputError(f"{path}, line {number}: {error}") from error
        if "text" not in row:
            continue
        if not isinstance(row["text"], str):
            raise InputError(
                f"{path}, line {number}: text must be a string, got {type(row['text']).__name__}"
            )
        if row["text"].strip():
            title = row.get("title")
            given = f"{path}#{number}" if row.get("id") is None else str(row["id"])
            passages.append(Passage(row["text"], given, str(title) if title else None, str(path)))
    return passages


def _check_ids(passages: Sequence[Passage]) -> None:
    seen = dict[str, Passage]()
    for passage in passages:
        if passage.id in seen:
            raise InputError(
                f"two passages have the id {passage.id!r} "
                f"({seen[passage.id].source}, {passage.source})"
            )
        seen[passage.id] = passage


def _read_plain(path: Path) -> Document:
    text = read_text(path)
    first, _, rest = text.partition("\n")
    is_title = (
        0 < len(first.strip()) <= _LONGEST_TITLE
        and not rest.partition("\n")[0].strip()
        and rest.strip()
    )
    start = len(first) + 1 if is_title else 0
    return Document(text, first.strip() if is_title else path.stem, Span(start, len(text)))


def _read_markdown(path: Path) -> Document:
    text = read_text(path)
    stripped = text.lstrip()
    if stripped.startswith("# "):
        line = stripped.partition("\n")[0]
        return Document(
            text, line[2:].strip(), Span(len(text) - len(stripped) + len(line), len(text))
        )
    return Document(text, path.stem, Span(0, len(text)))


def _read_html(path: Path) -> Document:
    reader = _PageReader()
    reader.feed(read_text(path))
    reader.close()
    text = "\n\n".join(
        block for block in ("".join(piece).strip() for piece in reader.blocks) if block
    )
    title = " ".join("".join(reader.title).split())
    return Document(text, title or path.stem, Span(0, len(text)))


class _PageReader(HTMLParser):
    """The visible text of a page in blocks; white space is folded as a browser does."""

    _HIDDEN = frozenset({"script", "style", "template", "noscript", "svg"})
    _INLINE = frozenset(
        "a abbr b bdi bdo cite code data del dfn em font i ins kbd label mark q s samp small span "
        "strong sub sup time "
        "u var wbr img".split()
    )

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[list[str]] = [[]]
        self.title: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self._HIDDEN or tag == "title":
            self._open.append(tag)
        elif tag not in self._INLINE:
            self.blocks.append([])

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            while self._open.pop() != tag:
                pass
        elif tag not in self._INLINE:
            self.blocks.append([])

    def handle_data(self, data: str) -> None:
        if self._open == ["title"]:
            self.title.append(data)
        elif not self._open:
            folded = " ".join(data.split())
            before = (
                " "
                if data[:1].isspace() and self.blocks[-1] and not self.blocks[-1][-1].endswith(" ")
                else ""
            )
            self.blocks[-1].append(
                before + folded + (" " if folded and data[-1:].isspace() else "")
            )


def _read_pdf(path: Path) -> Document:
    try:
        from pypdf import PdfReader
    except ImportError as error:
        raise MissingExtra("documents") from error
    reader = PdfReader(path)
    texts = [page.extract_text() for page in reader.pages]
    pages, cursor = [], 0
    for text in texts:
        pages.append(Span(cursor, cursor + len(text)))
        cursor += len(text) + 1
    title = reader.metadata.title if reader.metadata else None
    whole = "\f".join(texts)
    return Document(whole, str(title or path.stem), Span(0, len(whole)), tuple(pages))


def _read_docx(path: Path) -> Document:
    try:
        import docx
    except ImportError as error:
        raise MissingExtra("documents") from error
    document: Any = docx.Document(str(path))
    blocks = []
    for item in document.iter_inner_content():
        rows = getattr(item, "rows", None)
        blocks += (
            [item.text]
            if rows is None
            else [" | ".join(cell.text for cell in row.cells) for row in rows]
        )
    text = "\n\n".join(block for block in blocks if block.strip())
    return Document(text, document.core_properties.title or path.stem, Span(0, len(text)))


_READERS: dict[str, Callable[[Path], Document]] = {
    ".txt": _read_plain,
    ".md": _read_markdown,
    ".html": _read_html,
    ".htm": _read_html,
    ".pdf": _read_pdf,
    ".docx": _read_docx,
}
