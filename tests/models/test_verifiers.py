"""A verifier by name: its kind read from its config, its labels checked."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from ragattr.errors import ConfigError, ModelNotFound
from ragattr.models.asked import AskedScorer
from ragattr.models.chunks import Chunked
from ragattr.models.nli import NLIScorer
from ragattr.models.protocols import Pair
from ragattr.models.seq2seq import Seq2SeqScorer
from ragattr.models.unsupported import SpanVerifier
from ragattr.models.verifiers import check_order, named_verifier
from ragattr.prompt import Prompt
from ragattr.types import FloatArray
from tests.models.tiny import bert, t5, word_tokenizer
from tests.small import random_model

PROMPT = Prompt("entail.txt", "Does passage support statement : $premise statement $hypothesis")
NLI = {0: "contradiction", 1: "entailment", 2: "neutral"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One saved model of every kind."""
    root = tmp_path_factory.mktemp("models")
    causal = word_tokenizer(pair="$A $B")
    models = {
        "nli": bert("AutoModelForSequenceClassification", num_labels=3, id2label=NLI),
        "unnamed": bert("AutoModelForSequenceClassification", num_labels=3),
        "spans": bert("AutoModelForTokenClassification", num_labels=2),
        "bare": bert("AutoModel"),
        "t5": t5(),
        "causal": random_model("Llama", len(causal)),
    }
    pairs = {"t5": "$A </s> $B </s>", "causal": "$A $B"}
    for name, model in models.items():
        model.save_pretrained(root / name)
        tokenizer = word_tokenizer(pair=pairs[name]) if name in pairs else word_tokenizer()
        tokenizer.save_pretrained(root / name)
    return root


@pytest.mark.parametrize(
    ("name", "kind"), [("nli", NLIScorer), ("t5", Seq2SeqScorer), ("causal", AskedScorer)]
)
def test_the_kind_is_read_from_the_config(folder: Path, name: str, kind: type) -> None:
    verifier = named_verifier(str(folder / name), PROMPT)
    assert isinstance(verifier, Chunked)
    assert isinstance(verifier.scorer, kind)
    assert verifier.entails([Pair("Bees make honey .", "Bees ."), Pair("", "Bees .")]).shape == (
        2,
        3,
    )


def test_token_classifiers_mark_spans(folder: Path) -> None:
    assert isinstance(named_verifier(str(folder / "spans"), PROMPT), SpanVerifier)


def test_a_prefix_says_the_kind(folder: Path) -> None:
    verifier = named_verifier(f"nli:{folder / 'nli'}", PROMPT)
    assert (verifier.name, len(verifier.revision)) == ("nli", 12)


def test_a_model_of_no_kind_is_an_error_that_lists_the_prefixes(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"\['BertModel'\]: write nli:NAME, t5:NAME, spans:NAME"):
        named_verifier(str(folder / "bare"), PROMPT)


def test_labels_without_names_are_an_error(folder: Path) -> None:
    with pytest.raises(ConfigError, match="labels of unnamed cannot be mapped"):
        named_verifier(str(folder / "unnamed"), PROMPT)


@pytest.mark.parametrize("prefix", ["", "nli:", "t5:", "spans:", "asked:"])
def test_a_folder_without_a_model_is_not_found(tmp_path: Path, prefix: str) -> None:
    with pytest.raises(ModelNotFound, match="nothing"):
        named_verifier(f"{prefix}{tmp_path / 'nothing'}", PROMPT)


@dataclass(frozen=True)
class Sure:
    """Sure that repetitions are supported, or that opposites are."""

    repeats: float
    opposites: float
    name: str = "sure"
    revision: str = "1"
    threshold: float = 0.5
    contradiction_threshold: float = 0.5

    def reads(self, text: str) -> bool:
        return True

    def entails(self, pairs: Sequence[Pair]) -> FloatArray:
        supported = [self.repeats if p == h else self.opposites for p, h in pairs]
        return np.array([[s, 0, 1 - s] for s in supported])


def test_labels_the_wrong_way_round_are_refused() -> None:
    check_order(Sure(repeats=0.9, opposites=0.1))
    with pytest.raises(ConfigError, match="the labels of sure are the wrong way round"):
        check_order(Sure(repeats=0.1, opposites=0.9))


def test_a_model_that_cannot_tell_is_told_of_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    check_order(Sure(repeats=0.5, opposites=0.5))
    assert "sure does not tell a sentence from its opposite" in caplog.text
