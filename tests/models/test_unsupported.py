"""Token classifiers: how far a claim is supported, and which of its words are not."""

import numpy as np
import pytest

from ragattr.errors import ConfigError
from ragattr.models.checkpoint import Checkpoint
from ragattr.models.protocols import Pair
from ragattr.models.unsupported import (
    SpanVerifier,
    TokenScorer,
    UnsupportedSpan,
    _stretches,
    unsupported_label,
)
from ragattr.types import FloatArray, Span
from tests.models.tiny import bert, word_tokenizer

PAIRS = [
    Pair("The bridge was opened in 1932 . It is made of steel .", "The bridge  is made of stone."),
    Pair("Bees make honey .", "Bees make wax"),
]


@pytest.fixture(scope="module", params=[("LABEL_0", "LABEL_1"), ("unsupported", "supported")])
def verifier(request: pytest.FixtureRequest) -> SpanVerifier:
    labels = dict(enumerate(request.param))
    model = bert("AutoModelForTokenClassification", num_labels=2, id2label=labels)
    return SpanVerifier(TokenScorer.wrap(Checkpoint.wrap(model, word_tokenizer(), name="tiny")))


def _plain(verifier: SpanVerifier, pair: Pair) -> FloatArray:
    """[tokens of the claim], from one pass of its own."""
    import torch

    reader = verifier.scorer.reader
    column = 1 if reader.model.config.id2label[0] == "LABEL_0" else 0
    rows = reader.tokenizer(*pair, return_tensors="pt")
    with torch.inference_mode():
        found = torch.softmax(reader.model(**rows).logits[0].double(), -1)[:, column].numpy()
    n_claim = len(reader.tokenizer(pair.hypothesis, add_special_tokens=False)["input_ids"])
    of_claim: FloatArray = found[-1 - n_claim : -1]
    return of_claim


def test_supported_is_one_minus_the_worst_token_of_the_claim(verifier: SpanVerifier) -> None:
    for row, pair in zip(verifier.entails(PAIRS), PAIRS, strict=True):
        worst = _plain(verifier, pair).max()
        assert row == pytest.approx([1 - worst, 0, worst], abs=1e-5)


def test_a_pair_alone_and_among_others_gets_the_same_numbers(verifier: SpanVerifier) -> None:
    together = verifier.entails(PAIRS)
    assert verifier.entails(PAIRS[1:])[0] == pytest.approx(together[1], abs=1e-5)


def test_every_word_that_is_marked_lies_in_a_span_and_no_other(verifier: SpanVerifier) -> None:
    for pair, spans in zip(PAIRS, verifier.unsupported(PAIRS), strict=True):
        tokens = verifier.scorer.reader.tokenizer(
            pair.hypothesis, add_special_tokens=False, return_offsets_mapping=True
        )["offset_mapping"]
        for (start, end), marked in zip(tokens, _plain(verifier, pair), strict=True):
            held = [one for one, _ in spans if one.start <= start and end <= one.end]
            assert len(held) == int(marked >= 0.5)


def test_without_evidence_the_whole_claim_is_unsupported(verifier: SpanVerifier) -> None:
    assert verifier.unsupported([Pair("", " Bees fly. "), Pair("Bees", " ")]) == [
        (UnsupportedSpan(Span(1, 10), 1.0),),
        (),
    ]


def test_neighbouring_tokens_make_one_span_without_white_space_at_its_ends() -> None:
    tokens = (Span(0, 4), Span(4, 10), Span(10, 11), Span(11, 15))
    found = _stretches(tokens, np.array([0.2, 0.6, 0.9, 0.1]), "One  two 3 four")
    assert found == [UnsupportedSpan(Span(5, 10), 0.9)]


@pytest.mark.parametrize(
    ("labels", "marked"),
    [
        (("LABEL_0", "LABEL_1"), 1),
        (("O", "HAL"), 1),
        (("supported", "hallucinated"), 1),
        (("hallucination", "supported"), 0),
    ],
)
def test_the_label_of_unsupported_tokens_is_read_by_name(
    labels: tuple[str, ...], marked: int
) -> None:
    assert unsupported_label(dict(enumerate(labels)), model="m") == marked


@pytest.mark.parametrize("labels", [("O", "B-PER", "I-PER"), ("noun", "verb")])
def test_labels_of_another_task_are_refused(labels: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match=labels[1]):
        unsupported_label(dict(enumerate(labels)), model="m")


def test_lettuce_models_read_evidence_as_a_text_to_sum_up() -> None:
    model = bert("AutoModelForTokenClassification", num_labels=2)
    lettuce = TokenScorer.wrap(Checkpoint.wrap(model, word_tokenizer(), name="org/lettucedect-x"))
    assert lettuce.frame == ("Summarize the following text:\npassage 1: ", "\noutput:")
