"""Heads, MLPs and layers of a reply that is read with and without a source."""

from functools import lru_cache
from typing import Any

import numpy as np
import pytest

from ragattr.errors import ConfigError, ModelReplyError, ProbeError
from ragattr.mechanism.lens import Component, Seen, see
from ragattr.models import embedded
from ragattr.models.hf import HFModel
from ragattr.models.protocols import Reply
from ragattr.prompt import Chat
from ragattr.types import Span
from tests.small import random_model

pytestmark = pytest.mark.model

TEXT = "The tower was completed in 1889. It is made of iron."
PLACE = Span(0, len(TEXT))
CHAT = Chat(({"role": "user", "content": f"{TEXT} When was it made?"},), (PLACE,), (PLACE,))
REPLY = Reply("In 1889.")


@lru_cache
def _small() -> HFModel:
    tokenizer = embedded.language_model().tokenizer
    return HFModel.wrap(random_model("Llama", len(tokenizer)), tokenizer)


def test_a_removal_of_nothing_moves_nothing_and_a_sentence_moves_heads_and_mlps() -> None:
    nothing, sentence = (see(_small(), CHAT, REPLY, spans) for spans in ((), (Span(0, 32),)))
    assert nothing.heads.shape == (2, 4)
    assert nothing.heads == pytest.approx(np.zeros((2, 4)), abs=1e-5)
    assert sentence.heads.max() > 0.01
    assert sentence.mlps.max() > 0.01


def test_a_divergence_is_at_most_ln_2_for_each_token() -> None:
    found = see(_small(), CHAT, REPLY, (PLACE,))  # the only source: the context is empty then
    n_tokens = len(_small().reply_tokens(REPLY)[0])
    assert 0 < found.heads.max() <= n_tokens * np.log(2)


def test_the_table_names_all_components_in_order() -> None:
    seen = Seen(np.array([[0.1, 0.4]]), np.array([0.2]), np.zeros(1), np.zeros(1))
    expected = [Component(0, 1, 0.4), Component(0, None, 0.2), Component(0, 0, 0.1)]
    assert seen.table == expected
    assert [row.name for row in seen.table] == ["L0H1", "L0 MLP", "L0H0"]


def test_consensus_is_the_mean_of_both_relative_ranks() -> None:
    """Ranks by JSD 1, 3, 2 and by gain 2, 3, 1: (1 + 2) / 6, (3 + 3) / 6, (2 + 1) / 6."""
    heads = np.array([[0.3, 0.5], [0.0, 0.2], [0.2, 0.2]])
    seen = Seen(heads, np.zeros(3), np.array([0.1, 0.0, 0.2]), np.zeros(3))
    assert seen.consensus("attention") == pytest.approx([0.5, 1.0, 0.5])


def test_agreement_is_one_where_both_measures_order_the_layers_alike() -> None:
    values = np.array([0.3, 0.2, 0.1])
    seen = Seen(np.stack([values] * 2, axis=1), values, values, values[::-1])
    assert seen.agreement("attention") == pytest.approx((1.0, 1.0))
    assert seen.agreement("mlp") == pytest.approx((0.0, 0.0))


def test_an_empty_reply_is_refused() -> None:
    with pytest.raises(ConfigError, match="empty reply"):
        see(_small(), CHAT, Reply(""), (PLACE,))


def test_a_model_without_the_interface_is_refused() -> None:
    blind = HFModel(_small().card, _small().model, _small().tokenizer, interface=None)
    with pytest.raises(ProbeError, match="does not show its attention"):
        see(blind, CHAT, REPLY, (PLACE,))


def test_a_model_that_overflows_later_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    part: Any = _small().model.model.layers[1].mlp.down_proj
    monkeypatch.setattr(part, "forward", lambda states: states[..., :32] * float("inf"))
    with pytest.raises(ModelReplyError, match="not finite"):
        see(_small(), CHAT, REPLY, (PLACE,))
