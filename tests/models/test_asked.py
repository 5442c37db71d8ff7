"""A language model that is asked yes or no, against plain passes."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ragattr.errors import ConfigError
from ragattr.models.asked import AskedScorer
from ragattr.models.chunks import Chunked
from ragattr.models.hf import HFModel
from ragattr.models.label_words import LabelWords
from ragattr.models.protocols import Pair
from ragattr.prompt import Prompt
from tests.models.tiny import word_tokenizer
from tests.small import random_model

PROMPT = Prompt("entail.txt", "Does passage support statement : $premise statement $hypothesis")
PAIRS = [
    Pair("The bridge was opened in 1932 .", "The bridge is long ."),
    Pair("Bees make honey and wax too .", "Bees make wax ."),
    Pair("Bees .", "Bees ."),
]


@pytest.fixture(scope="module", params=["Llama", "GPT2"])
def scorer(request: pytest.FixtureRequest) -> AskedScorer:
    tokenizer = word_tokenizer(pair="$A $B")
    return AskedScorer.wrap(
        HFModel.wrap(random_model(request.param, len(tokenizer)), tokenizer), PROMPT
    )


def _row(scorer: AskedScorer, pair: Pair, said: str = "") -> Any:
    """[places, vocab], probabilities of one text of its own."""
    import torch

    text = f"{scorer.prompt.fill(pair._asdict())[0]}\n\n{said}"
    with torch.inference_mode():
        ids = scorer.reader.tokenizer(text, return_tensors="pt")["input_ids"]
        return torch.softmax(scorer.reader.model(ids).logits[0].double(), -1)


def _ids(scorer: AskedScorer, *words: str) -> list[int]:
    found: list[int] = scorer.reader.tokenizer.convert_tokens_to_ids(list(words))
    return found


YES, NO = ("Yes", "yes", "True", "true", "1"), ("No", "no", "False", "false", "0")


def test_attentiveness_is_the_mass_on_first_tokens_of_yes_and_no(scorer: AskedScorer) -> None:
    found = scorer.ask(scorer.encode(PAIRS))
    for i, pair in enumerate(PAIRS):
        mass = _row(scorer, pair)[-1, _ids(scorer, *YES, *NO)].sum()
        assert found.attentiveness[i] == pytest.approx(float(mass), abs=1e-5)


def test_where_attention_is_low_whole_answers_are_scored(scorer: AskedScorer) -> None:
    found = scorer.ask(scorer.encode(PAIRS[:1]))
    p_yes, p_no = (
        sum(float(_row(scorer, PAIRS[0], word)[-2, _ids(scorer, word)[0]]) for word in words)
        for words in (YES, NO)
    )
    unknown = scorer.reader.tokenizer.unk_token_id  # "YES" and "TRUE" are unknown words here
    blank = float(_row(scorer, PAIRS[0])[-1, unknown])
    assert found.attentiveness[0] < 0.5
    assert found.score[0] == pytest.approx((p_yes + blank) / (p_yes + p_no + 2 * blank), abs=1e-5)


def test_a_whole_answer_is_as_likely_as_all_its_tokens(
    scorer: AskedScorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    answers = {"Yes": [[20, 21, 22], [23]], "No": [[24, 25]]}
    monkeypatch.setattr(AskedScorer, "_answers", lambda _, forms: answers[forms[0]])
    ids = scorer.encode(PAIRS[:1])[0]["input_ids"]

    def likelihood(answer: list[int]) -> float:
        with torch.inference_mode():
            logits = scorer.reader.model(torch.tensor([[*ids, *answer]])).logits[0].double()
        p = torch.softmax(logits, -1)[len(ids) - 1 : -1]
        return float(np.prod([float(row[token]) for row, token in zip(p, answer, strict=True)]))

    p_yes, p_no = (sum(map(likelihood, answers[label])) for label in ("Yes", "No"))
    found = scorer.ask(scorer.encode(PAIRS[:1]))
    assert found.score[0] == pytest.approx(p_yes / (p_yes + p_no), abs=1e-5)


def test_where_attention_is_high_the_share_of_yes_is_the_score(scorer: AskedScorer) -> None:
    size = len(scorer.reader.tokenizer)
    halves = LabelWords(tuple(range(size // 2)), tuple(range(size // 2, size)))
    found = replace(scorer, words=halves).ask(scorer.encode(PAIRS))
    shares = [float(_row(scorer, pair)[-1, : size // 2].sum()) for pair in PAIRS]
    assert found.attentiveness == pytest.approx([1.0] * 3, abs=1e-6)
    assert found.score == pytest.approx(shares, abs=1e-5)


def test_a_pair_alone_and_among_others_gets_the_same_numbers(scorer: AskedScorer) -> None:
    verifier = Chunked(scorer)
    together = verifier.entails(PAIRS)
    for i, pair in enumerate(PAIRS):
        assert verifier.entails([pair])[0] == pytest.approx(together[i], abs=1e-5)


def test_calibration_divides_the_logit_and_adds_the_bias(scorer: AskedScorer) -> None:
    raw = scorer.score(scorer.encode(PAIRS))[:, 0]
    logits = np.log(raw / (1 - raw)) / 2 + 1
    calibrated = replace(scorer, temperature=2.0, bias=1.0).score(scorer.encode(PAIRS))[:, 0]
    assert calibrated == pytest.approx(1 / (1 + np.exp(-logits)))


def test_a_temperature_of_zero_is_refused(scorer: AskedScorer) -> None:
    with pytest.raises(ConfigError, match="temperature lies above 0"):
        replace(scorer, temperature=0.0)


def test_low_attentiveness_is_told_in_the_log(
    scorer: AskedScorer, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        Chunked(scorer).entails(PAIRS[:1])
    assert "below 0.5 for 1 of 1 pairs" in caplog.text
