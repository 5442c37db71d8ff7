"""What the rows share: `shown`, where a full form notes its figures, and `fakes` for models."""

import re
import time
from collections.abc import Iterator

import pytest

from ragattr import setup
from ragattr.models import embedded
from ragattr.models.fake import FakeEncoder, FakeModel, FakeVerifier
from tests.reliability.figures import Shown, write_shown

_FULL = pytest.StashKey[list[Shown]]()


@pytest.fixture
def shown(request: pytest.FixtureRequest) -> Iterator[Shown]:
    """What this test shows; kept when it is a full form."""
    module = request.module
    (number,) = re.findall(r"test_r(\d+)_", module.__name__)
    part = request.function.__name__.removeprefix("test_").replace("_", " ")
    noted = Shown(f"R{int(number)}", module.__doc__.partition("\n")[0], _of(request, part))
    started = time.perf_counter()
    yield noted
    noted.seconds = time.perf_counter() - started
    marks = {mark.name for mark in request.node.iter_markers()}
    if marks & {"hard", "browser"}:
        request.config.stash.setdefault(_FULL, []).append(noted)


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The functions and the commands work with fake models, whatever names they are given."""
    monkeypatch.setattr(setup, "_named_model", lambda *name: FakeModel())
    monkeypatch.setattr(setup, "_named_encoder", lambda name: FakeEncoder())
    monkeypatch.setattr(setup, "_named_verifier", lambda name: FakeVerifier())
    monkeypatch.setattr(embedded, "encoder", FakeEncoder)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if found := session.config.stash.get(_FULL, []):
        write_shown(found)


def _of(request: pytest.FixtureRequest, part: str) -> str:
    """The test in words, with what it is parametrised by beside its size."""
    given = getattr(request.node, "callspec", None)
    of = [key for key in given.id.split("-") if key not in ("quick", "full")] if given else []
    return f"{part}: {', '.join(of)}" if of else part
