"""A checkpoint that reads pairs: its window, its characters, its languages."""

from pathlib import Path

import pytest

from ragattr.errors import ConfigError, ModelNotFound
from ragattr.models.checkpoint import UNLIMITED, Checkpoint, window_of
from tests.models.tiny import bert, t5, word_tokenizer


@pytest.fixture(scope="module")
def reader() -> Checkpoint:
    return Checkpoint.wrap(bert("AutoModel"), word_tokenizer(), name="tiny")


def test_a_table_of_places_gives_the_window_without_the_rows_it_leaves_free() -> None:
    import transformers

    roberta = transformers.RobertaModel(
        transformers.RobertaConfig(
            vocab_size=9, hidden_size=8, intermediate_size=8, num_hidden_layers=1,
            num_attention_heads=2, max_position_embeddings=20, pad_token_id=1,
        )
    )  # fmt: skip
    assert window_of(roberta, word_tokenizer()) == 18
    assert window_of(bert("AutoModel", places=33), word_tokenizer()) == 33
    assert window_of(bert("AutoModel", places=33), word_tokenizer(limit=16)) == 16


def test_a_model_that_counts_distances_reads_further_than_its_tokenizer_says() -> None:
    assert window_of(t5(), word_tokenizer(limit=512)) == UNLIMITED


@pytest.mark.parametrize(
    "text", ["Bees  make honey .", "", "  \u00e9 \U0001f600 Bees \ud800 x", "[SEP]"]
)
def test_every_token_begins_inside_the_text_and_starts_never_fall(
    reader: Checkpoint, text: str
) -> None:
    starts = reader.token_starts(text)
    assert starts == sorted(starts)
    assert all(0 <= start < len(text) for start in starts)


def test_special_tokens_in_a_text_become_as_many_plain_characters(reader: Checkpoint) -> None:
    plain = reader.plain("a [SEP] b [CLS]")
    assert len(plain) == 15
    ids = reader.tokenizer(plain, add_special_tokens=False)["input_ids"]
    assert {reader.tokenizer.sep_token_id, reader.tokenizer.cls_token_id}.isdisjoint(ids)


def test_an_english_vocabulary_reads_english_and_a_huge_one_anything(
    reader: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert reader.reads("The tower was completed in 1889.")
    assert not reader.reads("\u5854\u306f1889\u5e74\u306b\u5b8c\u6210\u3057\u305f\u3002")
    monkeypatch.setattr("ragattr.models.checkpoint.MULTILINGUAL_FROM", 10)
    assert reader.reads("\u5854\u306f1889\u5e74\u306b\u5b8c\u6210\u3057\u305f\u3002")


def test_the_revision_of_local_weights_changes_with_them(reader: Checkpoint) -> None:
    other = bert("AutoModel")
    assert Checkpoint.wrap(other, word_tokenizer(), name="x").revision == reader.revision
    other.embeddings.word_embeddings.weight.data += 1
    assert Checkpoint.wrap(other, word_tokenizer(), name="x").revision != reader.revision


def test_a_slow_tokenizer_is_refused() -> None:
    with pytest.raises(ConfigError, match="no offset mapping"):
        Checkpoint.wrap(bert("AutoModel"), object(), name="x")


def test_pickled_weights_are_not_loaded(tmp_path: Path) -> None:
    import torch
    from transformers import AutoModel

    model = bert("AutoModel")
    model.config.save_pretrained(tmp_path)
    word_tokenizer().save_pretrained(tmp_path)
    torch.save(model.state_dict(), tmp_path / "pytorch_model.bin")
    with pytest.raises(ModelNotFound, match="safetensors"):
        Checkpoint.load(AutoModel, str(tmp_path))
