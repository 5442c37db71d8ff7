"""A disk that fails: by Python's own calls, or for native code too by the kernel's file limit."""

import ast
import builtins
import errno
import io
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

CALLS = ("write", "fsync", "mkdir", "rename")
CODES = {"full": errno.ENOSPC, "error": errno.EIO}
_OPENERS = ((io, "open"), (builtins, "open"))
_ONE_ARGUMENT = {"replace", "rename"}  # of a path; those of a string take two
_NAMES = {
    *("write_text", "write_bytes", "mkdir", "copyfileobj", "save_pretrained", "savez_compressed"),
    *(
        "save_file",
        "write_index",
        "ParquetWriter",
        "whole_file",
        "write_whole",
        "make_folder",
        "fsync",
    ),
    *("TemporaryDirectory", "NamedTemporaryFile", "mkstemp", "write_table", "to_parquet"),
}
_SAVES = {"np", "torch", "words"}  # `words` is a bm25s index


@dataclass
class Disk:
    """Fails one kind of call from the `after`-th on.

    Attributes:
        failed: how many calls have failed.
    """

    call: str
    code: int
    after: int = 0
    failed: int = field(default=0, init=False)
    seen: int = field(default=0, init=False)

    def check(self) -> None:
        self.seen += 1
        if self.seen > self.after:
            self.failed += 1
            raise OSError(self.code, os.strerror(self.code))

    @contextmanager
    def failing(self) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            if self.call == "write":
                opened = self._opener(io.open)
                for module, name in _OPENERS:
                    patch.setattr(module, name, opened)
            else:
                for name in {"rename": ("rename", "replace")}.get(self.call, (self.call,)):
                    patch.setattr(os, name, self._before(getattr(os, name)))
            yield

    def _before(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def checked(*args: Any, **options: Any) -> Any:
            self.check()
            return call(*args, **options)

        return checked

    def _opener(self, plain: Callable[..., Any]) -> Callable[..., Any]:
        disk = self

        class Raw(io.FileIO):
            def write(self, data: Any) -> int:
                disk.check()
                return super().write(data)

        def opened(file: Any, mode: str = "r", *args: Any, **options: Any) -> Any:
            if not set("wax+") & set(mode):
                return plain(file, mode, *args, **options)
            buffered = io.BufferedWriter(Raw(file, mode.replace("b", "").replace("t", "")))
            return buffered if "b" in mode else io.TextIOWrapper(buffered, encoding="utf-8")

        return opened


@contextmanager
def no_file_above(limit: int) -> Iterator[None]:
    """Whoever writes a file of more bytes is told so by the kernel, native code too."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def write_sites(package: Path) -> set[str]:
    """Every "file function" of a package that writes to the disk, or calls what does."""
    return {
        f"{path.relative_to(package)} {name}"
        for path in sorted(package.rglob("*.py"))
        for name in _writers(ast.parse(path.read_text("utf-8")))
    }


def _writers(tree: ast.Module) -> Iterator[str]:
    """The outermost functions, with their class, in which something is written."""
    for node in tree.body:
        inner = node.body if isinstance(node, ast.ClassDef) else [node]
        owner = f"{node.name}." if isinstance(node, ast.ClassDef) else ""
        for function in inner:
            calls = (call for call in ast.walk(function) if isinstance(call, ast.Call))
            if any(_writes(call) for call in calls):
                yield f"{owner}{getattr(function, 'name', '<module>')}"


def _writes(call: ast.Call) -> bool:
    bare, name = getattr(call.func, "id", ""), getattr(call.func, "attr", "")
    owner = getattr(getattr(call.func, "value", None), "id", "")
    if "open" in (name, bare):
        return any(_is_mode(arg) for arg in (*call.args, *(k.value for k in call.keywords)))
    if name == "connect":
        return owner == "sqlite3"
    if name in _ONE_ARGUMENT:
        return len(call.args) == 1 and not call.keywords
    return (
        name in _NAMES or bare in _NAMES | {"put", "save"} or (name == "save" and owner in _SAVES)
    )


def _is_mode(value: ast.expr) -> bool:
    given = value.value if isinstance(value, ast.Constant) else None
    return isinstance(given, str) and len(given) <= 3 and bool(set("wax+") & set(given))
