from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from ragattr.models.floors import keep_floors, kept_floors  # noqa: E402
from ragattr.types import FilterError, Floors, ModelCard  # noqa: E402

CARD = ModelCard("tiny", "local", "float32")
FLOORS, ERROR = Floors(0.01, 0.02, -5.0), FilterError(1e-3, 0.1, 0.2)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAGATTR_CACHE", str(tmp_path))


def _model(seed: int) -> "torch.nn.Module":
    torch.manual_seed(seed)
    return torch.nn.Linear(4, 3)


def test_what_was_kept_for_a_model_is_found_again() -> None:
    keep_floors(CARD, _model(0), FLOORS, ERROR)
    assert kept_floors(CARD, _model(0)) == (FLOORS, ERROR)


def test_other_weights_of_the_same_name_have_no_floors() -> None:
    keep_floors(CARD, _model(0), FLOORS, ERROR)
    assert kept_floors(CARD, _model(1)) is None


def test_another_dtype_has_no_floors() -> None:
    keep_floors(CARD, _model(0), FLOORS, ERROR)
    assert kept_floors(ModelCard("tiny", "local", "bfloat16"), _model(0)) is None


def test_no_unfinished_file_stays() -> None:
    path = keep_floors(CARD, _model(0), FLOORS, ERROR)
    assert [file.name for file in path.parent.iterdir()] == [path.name]
