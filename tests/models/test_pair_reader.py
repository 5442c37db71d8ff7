"""The embedded cross-encoder: what is kept of it is what was trained."""

from pathlib import Path

import numpy as np
import pytest

from ragattr.models.protocols import Pair

PAIRS = [
    Pair("Bees make honey.", "Honey is made by bees."),
    Pair("Bees make honey.", "Bees make wax."),
]


@pytest.mark.model
def test_a_kept_cross_encoder_says_what_the_trained_one_said(tmp_path: Path) -> None:
    """Head and match marks begin as chance: they are kept whole, and not as a difference."""
    import torch

    from ragattr.models import embedded
    from ragattr.models.pair_reader import PairReader, read_weights, save, untrained

    encoder = embedded.encoder()
    torch.manual_seed(0)
    trained = untrained(encoder)
    with torch.no_grad():
        for weight in trained.encoder.encoder.parameters():
            weight += 0.01 * torch.randn_like(weight)
        trained.match.weight.normal_(std=0.05)
    save(trained, untrained(encoder), tmp_path / "c.safetensors")
    before = PairReader(trained.eval(), encoder).read(PAIRS).logits
    after = PairReader(read_weights(encoder, tmp_path / "c.safetensors"), encoder)
    assert after.read(PAIRS).logits == pytest.approx(before, abs=0.01)


@pytest.mark.model
def test_the_shipped_cross_encoder_says_the_same_whenever_it_is_loaded() -> None:
    from ragattr.models import embedded
    from ragattr.models.entailment import CROSS_ENCODER
    from ragattr.models.pair_reader import PairReader

    weights = Path(embedded.__file__).parent / CROSS_ENCODER
    first, again = (PairReader.load(embedded.encoder(), weights) for _ in range(2))
    assert np.array_equal(first.read(PAIRS).logits, again.read(PAIRS).logits)
