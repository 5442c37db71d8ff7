"""Encoder-decoders: the format each was trained on, and the first token that they would write."""

import pytest

from ragattr.models.checkpoint import Checkpoint
from ragattr.models.chunks import Chunked
from ragattr.models.label_words import NO, YES
from ragattr.models.protocols import Pair
from ragattr.models.seq2seq import Seq2SeqScorer, minicheck_format, true_format
from ragattr.prompt import Prompt
from tests.models.tiny import t5, word_tokenizer

PROMPT = Prompt("entail.txt", "Does passage support statement : $premise statement $hypothesis")
PAIRS = [
    Pair("The bridge was opened in 1932 .", "The bridge is long ."),
    Pair("Bees make honey and wax too .", "Bees make wax ."),
]


def _scorer(name: str) -> Seq2SeqScorer:
    tokenizer = word_tokenizer(pair="$A </s> $B </s>")
    return Seq2SeqScorer.wrap(Checkpoint.wrap(t5(), tokenizer, name=name), PROMPT)


def _plain(scorer: Seq2SeqScorer, text: str, yes: list[str], no: list[str]) -> float:
    """Summed probabilities of single words, of one row, from the first step of the decoder."""
    import torch

    tokenizer, model = scorer.reader.tokenizer, scorer.reader.model
    with torch.inference_mode():
        rows = tokenizer(text, return_tensors="pt", return_token_type_ids=False)
        logits = model(**rows, decoder_input_ids=torch.tensor([[0]])).logits[0, 0]
    p = torch.softmax(logits.double(), 0)[tokenizer.convert_tokens_to_ids([*yes, *no])]
    return float(p[: len(yes)].sum() / p.sum())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("google/t5_xxl_true_nli_mixture", "premise: P hypothesis: H"),
        ("lytang/MiniCheck-Flan-T5-Large", "predict: P</s>H"),
        ("google/flan-t5-small", "Does passage support statement : P statement H"),
        ("org/t5-construed", "Does passage support statement : P statement H"),
    ],
)
def test_the_name_chooses_the_format(name: str, expected: str) -> None:
    assert _scorer(name).format("P", "H") == expected


@pytest.mark.parametrize(
    ("name", "form"), [("t5_xxl_true", true_format), ("minicheck", minicheck_format)]
)
def test_trained_models_say_one_or_zero(name: str, form: object) -> None:
    scorer = _scorer(name)
    found = Chunked(scorer).entails(PAIRS)
    for row, pair in zip(found, PAIRS, strict=True):
        p = _plain(scorer, scorer.format(*pair), ["1"], ["0"])
        assert row == pytest.approx([p, 0, 1 - p], abs=1e-5)


def test_other_models_are_asked_in_words_that_say_yes_or_no() -> None:
    scorer = _scorer("flan")
    yes, no = ["Yes", "yes", "True", "true"], ["No", "no", "False", "false"]
    for row, pair in zip(Chunked(scorer).entails(PAIRS), PAIRS, strict=True):
        text = f"Does passage support statement : {pair.premise} statement {pair.hypothesis}"
        assert row[0] == pytest.approx(_plain(scorer, text, yes, no), abs=1e-5)
    assert set(yes) <= set(YES)
    assert set(no) <= set(NO)


def test_a_pair_alone_and_among_others_gets_the_same_numbers() -> None:
    verifier = Chunked(_scorer("flan"))
    together = verifier.entails([*PAIRS, Pair("Bees .", "Bees .")])
    assert verifier.entails(PAIRS[:1])[0] == pytest.approx(together[0], abs=1e-5)
    assert verifier.entails(PAIRS[1:])[0] == pytest.approx(together[1], abs=1e-5)


def test_a_premise_cannot_end_itself_for_minicheck() -> None:
    scorer = _scorer("minicheck")
    (row,) = scorer.encode([Pair("Bees </s> make honey", "Bees")])
    assert row["input_ids"].count(scorer.reader.tokenizer.eos_token_id) == 2
