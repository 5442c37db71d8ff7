"""Scored spans against a plain loop: one whole pass for each span."""

from typing import Any

import pytest

from ragattr.models import embedded
from ragattr.models.spans import score_spans
from ragattr.types import Span

pytestmark = pytest.mark.model

TEXT = 'The bridge opened on 19 March 1932, cost £6 million ("a lot") and Zürich\'s is older.'
PROMPT = f"Passage: {TEXT}\nQuestion: When did the bridge open?\nAnswer:"


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return embedded.language_model().tokenizer


@pytest.fixture(scope="module")
def tiny(tokenizer: Any) -> Any:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
    )
    return LlamaForCausalLM(config).eval()


def _plain(model: Any, tokenizer: Any, text: str) -> float:
    """log P(text) + log P(a line break or the end of the turn), read in one row without a cache."""
    import torch

    prompt, said = (
        tokenizer(t, add_special_tokens=False)["input_ids"] for t in (PROMPT, f" {text}")
    )
    ends = {
        tokenizer(t, add_special_tokens=False)["input_ids"][0] for t in ("\n", "\n" * 2, "\n" * 3)
    }
    with torch.inference_mode():
        rows = torch.log_softmax(model(torch.tensor([[*prompt, *said]])).logits[0].float(), -1)
    before = rows[len(prompt) - 1 : -1]
    written = sum(float(row[token]) for row, token in zip(before, said, strict=True))
    return written + float(torch.logsumexp(rows[-1, [*ends, tokenizer.eos_token_id]], 0))


def test_each_score_is_that_of_a_pass_of_its_own(tiny: Any, tokenizer: Any) -> None:
    short = "Passage: It rains.\nQuestion: What?\nAnswer:"
    found, other, alone = score_spans(tiny, tokenizer, [PROMPT, short, PROMPT], [TEXT, "It", TEXT])
    assert found == alone
    assert [span for span, _ in other] == [Span(0, 2)]
    assert len(found) > 12
    for span, logprob in found[:3] + found[-3:]:
        assert logprob == pytest.approx(_plain(tiny, tokenizer, span.of(TEXT)), abs=1e-3)


def test_spans_are_whole_words_and_the_best_comes_first(tiny: Any, tokenizer: Any) -> None:
    (found,) = score_spans(tiny, tokenizer, [PROMPT], [TEXT])
    for span, _ in found:
        before, behind = TEXT[: span.start][-1:], TEXT[span.end :][:1]
        assert not (before.isalnum() and TEXT[span.start].isalnum())
        assert not behind.isalnum()
        assert len(span.of(TEXT).split()) <= 12
    assert [s for _, s in found] == sorted((s for _, s in found), reverse=True)


@pytest.mark.parametrize("text", ["", " ", "?!", "…"])
def test_a_text_without_words_has_no_spans(tiny: Any, tokenizer: Any, text: str) -> None:
    assert score_spans(tiny, tokenizer, [PROMPT], [text]) == [[]]


@pytest.mark.parametrize("text", ["9", "東京都", "naïve café", "a" * 600])
def test_a_single_run_of_characters_is_one_span_at_least(
    tiny: Any, tokenizer: Any, text: str
) -> None:
    (found,) = score_spans(tiny, tokenizer, [PROMPT], [text])
    assert text in [span.of(text) for span, _ in found]


def test_the_embedded_model_finds_the_date() -> None:
    from ragattr.api import writer
    from ragattr.setup import Setup
    from ragattr.types import Context, Passage, Query

    passages = (Passage("The Harbour Bridge was built by 1,400 men. It opened in 1932.", "a"),)
    write = writer(Setup(), form="span")
    (answer,) = write([Context(Query("When did the Harbour Bridge open?", "q"), passages)])
    assert answer.text == "1932"
