"""Classifiers of pairs: their labels by name, their numbers by a plain forward pass."""

import numpy as np
import pytest

from ragattr.errors import ConfigError, ModelReplyError
from ragattr.models.checkpoint import Checkpoint
from ragattr.models.chunks import Chunked, chunk_spans
from ragattr.models.nli import NLIScorer, label_classes
from ragattr.models.protocols import Pair
from ragattr.types import FloatArray
from tests.models.tiny import bert, classifier, word_tokenizer

ENTAILMENT_LAST = ("CONTRADICTION", "NEUTRAL", "ENTAILMENT")
PAIRS = [
    Pair("The bridge was opened in 1932 . It is made of steel .", "The bridge is made of steel ."),
    Pair("Bees make honey .", "Bees make wax ."),
    Pair("The river is long and nobody knows its end .", "One queen lives in the hive ."),
]


def _plain(labels: tuple[str, ...], pair: Pair) -> FloatArray:
    """The softmax of one pass of its own, label by label."""
    import torch

    reader = classifier(labels)
    with torch.inference_mode():
        rows = reader.tokenizer(pair.premise, pair.hypothesis, return_tensors="pt")
        found: FloatArray = torch.softmax(reader.model(**rows).logits[0].double(), 0).numpy()
    return found


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (ENTAILMENT_LAST, (1, 2, 0)),
        (("entailment", "neutral", "contradiction"), (0, 2, 1)),
        (("SUPPORTS", "REFUTES", "NOT ENOUGH INFO"), (0, 1, 2)),
        (("supported", "refuted", "nei"), (0, 1, 2)),
        (("Attributable", "Contradictory", "Extrapolatory"), (0, 1, 2)),
        (("entailment", "not_entailment"), (0, 2)),
        (("not-entailed", "entailed"), (2, 0)),
        (("hallucination", "consistent"), (2, 0)),
        (("hallucinated",), (2,)),
    ],
)
def test_labels_are_read_by_name_in_any_order(
    labels: tuple[str, ...], classes: tuple[int, ...]
) -> None:
    assert label_classes(dict(enumerate(labels)), model="m") == classes


@pytest.mark.parametrize(
    "labels",
    [
        ("LABEL_0", "LABEL_1", "LABEL_2"),
        ("LABEL_0",),
        ("positive", "negative"),
        ("entailment", "entails"),
        ("neutral", "contradiction"),
        ("contradiction",),
    ],
)
def test_labels_that_cannot_be_mapped_are_named_in_the_error(labels: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match=rf"labels of org/m cannot be mapped.*{labels[0]}"):
        label_classes(dict(enumerate(labels)), model="org/m")


def test_two_known_families_say_support_with_their_last_label() -> None:
    two, one = {0: "LABEL_0", 1: "LABEL_1"}, {0: "LABEL_0"}
    assert label_classes(two, model="lytang/MiniCheck-RoBERTa-Large") == (2, 0)
    assert label_classes(one, model="vectara/hallucination_evaluation_model") == (0,)


@pytest.mark.parametrize("labels", [ENTAILMENT_LAST, ("entailment", "contradiction", "neutral")])
def test_columns_are_supported_contradicted_neither_whatever_the_model_says_first(
    labels: tuple[str, ...],
) -> None:
    found = Chunked(NLIScorer.wrap(classifier(labels))).entails(PAIRS)
    names = [label.lower() for label in labels]
    order = [names.index(name) for name in ("entailment", "contradiction", "neutral")]
    for row, pair in zip(found, PAIRS, strict=True):
        assert row == pytest.approx(_plain(labels, pair)[order], abs=1e-5)


def test_two_labels_tell_no_contradiction() -> None:
    found = Chunked(NLIScorer.wrap(classifier(("not_entailment", "entailment")))).entails(PAIRS[:1])
    not_entailed, entailed = _plain(("not_entailment", "entailment"), PAIRS[0])
    assert found[0] == pytest.approx([entailed, 0.0, not_entailed], abs=1e-5)


def test_one_logit_is_the_log_odds_of_its_label() -> None:
    import torch

    consistent, hallucinated = (classifier((name,)) for name in ("consistent", "hallucination"))
    with torch.inference_mode():
        rows = consistent.tokenizer(*PAIRS[0], return_tensors="pt")
        p = float(torch.sigmoid(consistent.model(**rows).logits[0, 0]))
    assert Chunked(NLIScorer.wrap(consistent)).entails(PAIRS[:1])[0] == pytest.approx(
        [p, 0, 1 - p], abs=1e-5
    )
    assert Chunked(NLIScorer.wrap(hallucinated)).entails(PAIRS[:1])[0] == pytest.approx(
        [1 - p, 0, p], abs=1e-5
    )


def test_a_pair_alone_and_among_others_gets_the_same_numbers() -> None:
    verifier = Chunked(NLIScorer.wrap(classifier(ENTAILMENT_LAST)))
    together = verifier.entails([*PAIRS, Pair("Bees .", "Bees .")] * 2)
    for i, pair in enumerate(PAIRS):
        assert verifier.entails([pair])[0] == pytest.approx(together[i], abs=1e-5)


def test_long_evidence_is_the_best_of_its_chunks_read_one_by_one() -> None:
    premise = " ".join(["The bridge is made of steel.", "Bees make honey.", "It was long."] * 9)
    claim = "Bees make wax ."
    verifier = Chunked(NLIScorer.wrap(classifier(ENTAILMENT_LAST)))
    judged = verifier.judge([Pair(premise, claim)])
    reader = classifier(ENTAILMENT_LAST)
    limit = (64 - (3 + 4) - 8) // 2  # the window, less special tokens and claim, less the margin
    chunks = chunk_spans(premise, reader.token_starts(premise), limit=limit)
    read = [chunk.of(premise) for chunk in chunks]
    read.append("\n\n".join(span.of(premise) for span in judged.evidence[0]))
    rows = np.stack([_plain(ENTAILMENT_LAST, Pair(text, claim)) for text in read])
    assert len(chunks) > 3
    assert judged.probabilities[0, 0] == pytest.approx(rows[:, 2].max(), abs=1e-5)


def test_evidence_cannot_write_a_separator() -> None:
    scorer = NLIScorer.wrap(classifier(ENTAILMENT_LAST))
    (row,) = scorer.encode([Pair("Bees [SEP] make honey", "Bees")])
    assert row["input_ids"].count(scorer.reader.tokenizer.sep_token_id) == 2


def test_a_model_whose_weights_are_not_numbers_is_an_error() -> None:
    import torch

    labels = dict(enumerate(ENTAILMENT_LAST))
    model = bert("AutoModelForSequenceClassification", num_labels=3, id2label=labels)
    torch.nn.init.constant_(model.classifier.weight, float("nan"))
    reader = Checkpoint.wrap(model, word_tokenizer(), name="broken")
    with pytest.raises(ModelReplyError, match="broken gives scores that are not finite"):
        Chunked(NLIScorer.wrap(reader)).entails(PAIRS[:1])
