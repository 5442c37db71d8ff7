"""The attention classifier: its figures by hand, its training on what can be learned."""

from pathlib import Path

import numpy as np
import pytest

from ragattr.errors import ConfigError
from ragattr.models.attended import (
    attention_figures,
    encode_attended,
    figures_of,
    fit,
    load_encoder,
)
from ragattr.models.checkpoint import Checkpoint
from ragattr.models.chunks import Chunked
from ragattr.models.protocols import Pair
from tests.models.tiny import bert, t5, word_tokenizer

PAIRS = [
    Pair("The bridge was opened in 1932 . It is made of steel .", "The bridge is made of stone ."),
    Pair("Bees make honey .", "Bees make wax ."),
]


def _t5() -> Checkpoint:
    tokenizer = word_tokenizer(pair="$A </s> $B </s>")
    return Checkpoint.wrap(t5().get_encoder(), tokenizer, name="t5")


@pytest.fixture(params=["bert", "t5"])
def reader(request: pytest.FixtureRequest) -> Checkpoint:
    if request.param == "t5":
        return _t5()
    return Checkpoint.wrap(bert("AutoModel"), word_tokenizer(), name="bert")


def test_figures_of_a_map_written_by_hand() -> None:
    # one head; token 0 special, 1 and 2 the claim, 3 and 4 the evidence
    attention = np.array(
        [
            [
                [1.0, 0.0, 0.0, 0.0, 0.0],
                [0.1, 0.1, 0.2, 0.3, 0.3],
                [0.0, 0.5, 0.1, 0.4, 0.0],
                [0.2, 0.4, 0.0, 0.2, 0.2],
                [0.4, 0.2, 0.2, 0.0, 0.2],
            ]
        ]
    )
    found = figures_of(attention, np.array([0, 1, 1, 2, 2]))
    entropy = (np.log(2) + 0.0) / 2
    assert found[0] == pytest.approx([0.25, 0.2, 0.225, 0.15, 0.35, entropy, 0.5])


def test_a_pair_without_a_claim_has_no_figures() -> None:
    assert figures_of(np.ones((2, 2, 2)) / 2, np.array([0, 2])).tolist() == [[0.0] * 7] * 2


def test_a_pair_alone_and_among_others_gets_the_same_figures(reader: Checkpoint) -> None:
    rows = encode_attended(reader, PAIRS)
    together = attention_figures(reader, rows, layer=1)
    assert together.shape == (2, 4 * 7)
    assert attention_figures(reader, rows[1:], layer=1)[0] == pytest.approx(together[1], abs=1e-5)


def test_the_claim_stands_first_and_parts_are_told_apart(reader: Checkpoint) -> None:
    (row,) = encode_attended(reader, [Pair("Bees make honey .", "Bees fly .")])
    assert [part for part in row["part"] if part] == [1, 1, 1, 2, 2, 2, 2]


def test_layers_that_are_not_there_are_refused(reader: Checkpoint) -> None:
    rows = encode_attended(reader, PAIRS)
    with pytest.raises(ConfigError, match="layers 0 to 1, not 2"):
        attention_figures(reader, rows, layer=2)


def test_training_learns_what_attention_shows(reader: Checkpoint) -> None:
    words = ["bridge", "river", "hive", "canal", "queen", "honey", "steel", "stone"]
    same = [Pair(f"The {word} is long .", f"The {word} is long .") for word in words]
    other = [Pair("Bees make wax and honey too .", f"The {word} is long .") for word in words]
    labels = [True] * 8 + [False] * 8
    scorer = fit(reader, ([*same, *other], labels), ([*same, *other], labels), layer=0)
    supported = Chunked(scorer).entails([*same, *other])[:, 0]
    assert ((supported >= 0.5) == labels).mean() >= 0.9


def test_training_needs_pairs_of_both_kinds(reader: Checkpoint) -> None:
    with pytest.raises(ConfigError, match="got one kind"):
        fit(reader, (PAIRS, [True, True]), (PAIRS, [True, False]), layer=0)


@pytest.mark.parametrize("kind", ["bert", "t5"])
def test_the_encoder_of_a_folder_shows_its_attention(tmp_path: Path, kind: str) -> None:
    (t5() if kind == "t5" else bert("AutoModel")).save_pretrained(tmp_path / kind)
    word_tokenizer().save_pretrained(tmp_path / kind)
    loaded = load_encoder(str(tmp_path / kind))
    rows = encode_attended(loaded, PAIRS)
    assert attention_figures(loaded, rows, layer=0).shape == (2, 4 * 7)


def test_an_encoder_that_hides_its_attention_is_refused() -> None:
    model = bert("AutoModel")
    model.set_attn_implementation("sdpa")
    hidden = Checkpoint.wrap(model, word_tokenizer(), name="hidden")
    with pytest.raises(ConfigError, match="hidden shows no attention"):
        attention_figures(hidden, encode_attended(hidden, PAIRS), layer=0)
