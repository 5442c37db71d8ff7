"""Fine-tuning on a tiny encoder: what it learns, what it costs to be stopped."""

import random
from math import log
from pathlib import Path

import pytest

from ragattr.errors import ConfigError
from ragattr.learn.cross_encoder import BATCH_TOKENS, Example, batches, fine_tune, loss, mean_loss
from ragattr.models.cross import CrossEncoder, TokenPair, Vocabulary, padded_width

VOCABULARY = Vocabulary(first=1, between=2, padding=0, continuing=frozenset({9}))


def _model() -> CrossEncoder:
    import torch
    from transformers import BertConfig, BertModel

    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=50, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=32, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    return CrossEncoder(BertModel(config, add_pooling_layer=False))


def _same_word_or_not(n: int) -> list[Example]:
    """Supported when the claim's word stands in the evidence."""
    rng, found = random.Random(0), list[Example]()
    for i in range(n):
        words = rng.sample(range(10, 50), 5)
        said = words[0] if i % 2 else rng.choice([w for w in range(10, 50) if w not in words])
        found.append(Example(TokenPair(tuple(words), (said,)), "supported" if i % 2 else "neither"))
    return found


def test_it_learns_whether_the_word_is_shared(tmp_path: Path) -> None:
    model = fine_tune(
        _model(), VOCABULARY, _same_word_or_not(2000), passes=8, rate=1e-3,
        checkpoint=tmp_path / "c.pt",
    )  # fmt: skip
    import torch

    unseen = _same_word_or_not(2100)[2000:]
    with torch.inference_mode():
        said = model(VOCABULARY.batch([e.pair for e in unseen])).argmax(1).tolist()
    assert said == [0 if e.label == "supported" else 2 for e in unseen]


def test_a_stopped_training_ends_where_an_unbroken_one_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    monkeypatch.setattr("ragattr.learn.cross_encoder.CHECKPOINT", 5)
    monkeypatch.setattr("ragattr.learn.cross_encoder.BATCH_TOKENS", 320)
    examples = _same_word_or_not(200)

    def stop(step: int, total: int) -> None:
        if step == 8:
            raise KeyboardInterrupt

    whole = fine_tune(
        _model(), VOCABULARY, examples, passes=1, rate=1e-3, checkpoint=tmp_path / "whole.pt"
    )
    with pytest.raises(KeyboardInterrupt):
        fine_tune(
            _model(), VOCABULARY, examples, passes=1, rate=1e-3,
            checkpoint=tmp_path / "part.pt", progress=stop,
        )  # fmt: skip
    steps = list[int]()
    again = fine_tune(
        _model(), VOCABULARY, examples, passes=1, rate=1e-3, checkpoint=tmp_path / "part.pt",
        progress=lambda step, total: steps.append(step),
    )  # fmt: skip
    assert steps == [6, 7, 8, 9, 10]
    for name, weights in whole.state_dict().items():
        assert torch.equal(weights, again.state_dict()[name]), name


def test_it_stops_when_what_is_watched_gets_worse_and_keeps_the_best(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    monkeypatch.setattr("ragattr.learn.cross_encoder.CHECKPOINT", 1)
    monkeypatch.setattr("ragattr.learn.cross_encoder.BATCH_TOKENS", 320)
    losses = iter([0.9, 0.5, 0.6, 0.7, 0.8, 0.1])
    seen = list[dict[str, torch.Tensor]]()

    def measured(model: CrossEncoder, *_: object) -> float:
        seen.append({name: weight.clone() for name, weight in model.state_dict().items()})
        return next(losses)

    monkeypatch.setattr("ragattr.learn.cross_encoder.mean_loss", measured)
    examples, steps = _same_word_or_not(200), list[int]()
    model = fine_tune(
        _model(), VOCABULARY, examples, watched=examples[:10], passes=1, rate=1e-3,
        checkpoint=tmp_path / "c.pt", progress=lambda step, total: steps.append(step),
    )  # fmt: skip
    assert steps == [1, 2, 3, 4, 5]
    for name, weights in model.state_dict().items():
        assert torch.equal(weights, seen[1][name]), name


def test_the_loss_of_watched_examples_is_their_mean(tmp_path: Path) -> None:
    model = _model().eval()
    examples = _same_word_or_not(60)
    logits = model(VOCABULARY.batch([example.pair for example in examples]))
    found = mean_loss(model, VOCABULARY, examples)
    assert found == pytest.approx(loss(logits.float(), examples).item(), abs=5e-3)


def test_the_checkpoint_of_another_training_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "c.pt"
    fine_tune(_model(), VOCABULARY, _same_word_or_not(40), passes=1, rate=1e-3, checkpoint=place)
    for examples, rate in ((_same_word_or_not(42), 1e-3), (_same_word_or_not(40), 2e-3)):
        with pytest.raises(ConfigError, match=r"c\.pt is of a training on other data"):
            fine_tune(_model(), VOCABULARY, examples, passes=1, rate=rate, checkpoint=place)


def test_not_supported_asks_only_that_the_two_other_classes_have_the_mass() -> None:
    import torch

    pair = TokenPair((10,), (11,))
    logits = torch.tensor([[0.0, 0.0, 0.0]])
    assert loss(logits, [Example(pair, "not_supported")]).item() == pytest.approx(-log(2 / 3))
    assert loss(logits, [Example(pair, "neither")]).item() == pytest.approx(log(3))
    assert loss(logits, [Example(pair, "contradicted", 0.5)]).item() == pytest.approx(log(3) / 2)


def test_a_pass_reads_every_example_once_in_batches_of_one_width() -> None:
    rng = random.Random(1)
    examples = [
        Example(TokenPair((10,) * rng.randint(1, 250), (11,)), "supported") for _ in range(900)
    ]
    found = batches(examples, rng)
    assert sorted(i for batch in found for i in batch) == list(range(900))
    for batch in found:
        (width,) = {padded_width(examples[i].pair.n_tokens) for i in batch}
        assert len(batch) * width <= BATCH_TOKENS
