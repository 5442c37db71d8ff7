import json
from pathlib import Path

import pytest

from ragattr.errors import ModelNotFound
from ragattr.models import embedded

pytestmark = pytest.mark.model


def test_the_installed_model_file_is_the_pinned_one() -> None:
    assert embedded.sha256(embedded.find_gguf()) == embedded.GGUF_SHA256


def test_a_converted_copy_that_was_damaged_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"whole")
    digest = embedded.sha256(tmp_path / "model.safetensors")
    (tmp_path / "manifest.json").write_text(json.dumps({"model.safetensors": digest}))
    assert embedded._is_intact(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"damaged")
    assert not embedded._is_intact(tmp_path)


def test_another_model_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAGATTR_CACHE", str(tmp_path))
    (tmp_path / "other.gguf").write_bytes(b"GGUF")
    with pytest.raises(ModelNotFound, match="is not the pinned model"):
        embedded.converted(tmp_path / "other.gguf")


def test_a_missing_model_file_names_the_command_that_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAGATTR_CACHE", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModelNotFound, match="ragattr models get"):
        embedded.find_gguf()


def test_the_first_load_converts_and_the_next_one_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAGATTR_CACHE", str(tmp_path))
    folder = embedded.converted(embedded.find_gguf())
    made = (folder / "model.safetensors").stat().st_mtime_ns
    assert embedded.converted(embedded.find_gguf()) == folder
    assert (folder / "model.safetensors").stat().st_mtime_ns == made


def test_the_embedded_model_brings_its_floors_and_the_error_of_its_knock_outs() -> None:
    model = embedded.language_model()
    assert (model.floors, model.filter_error) == (embedded.FLOORS, embedded.FILTER_ERROR)
