"""The peers on six sentences, one of which says what the reply says."""

import sys
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

import pytest

from eval.peers import Peer, captum_ablation, context_cite, plain_loop
from ragattr.errors import ConfigError, MissingExtra
from ragattr.models import embedded
from ragattr.models.hf import HFModel
from ragattr.models.prompted import Prompted
from ragattr.models.protocols import Effects, Reply
from ragattr.prompt import Chat, answer_chat
from ragattr.setup import answer_prompt
from ragattr.text.sentences import sources_of
from ragattr.types import Context, Passage, Query, Span

pytestmark = pytest.mark.model

PASSAGES = (
    Passage("Arle lies on a river. The tower of Arle is kept by Ruth. It is {red}.", "1", "Arle"),
    Passage("Bees make honey. A hive holds one queen. Bears like honey.", "2"),
)
PLANTED = 1
CHAT = answer_chat(answer_prompt(), Context(Query("Who keeps the tower of Arle?", "q"), PASSAGES))
REMOVALS = CHAT.removals(sources_of(PASSAGES))
REPLY = Reply("The tower of Arle is kept by Ruth.")


@pytest.fixture(scope="module")
def model() -> HFModel:
    own = embedded.language_model()
    return replace(own, model=deepcopy(own.model).float())


@pytest.fixture(scope="module")
def exact(model: HFModel) -> Effects:
    return model.read(CHAT, REPLY).delete(REMOVALS)


def _n_tokens(model: HFModel) -> tuple[int, int]:
    """Of prompt and reply; and of all that a pass for each source reads, the full pass included."""
    prompted = Prompted(CHAT, model.tokenizer, model.control_tokens)
    n_all = model.count_tokens(CHAT, REPLY)
    lost = sum(len(prompted.tokens_of(removal)) for removal in REMOVALS)
    return n_all, (len(REMOVALS) + 1) * n_all - lost


def test_the_plain_loop_measures_what_ragattr_measures(model: HFModel, exact: Effects) -> None:
    found = plain_loop(model, CHAT, REMOVALS, REPLY)
    n_all, n_read = _n_tokens(model)
    assert found.scores == pytest.approx(exact.jsd.sum(axis=1), abs=1e-4)
    assert found.scores.argmax() == PLANTED
    assert found.passes == pytest.approx((n_read - 7) / n_all)  # the last token predicts nothing


def test_captum_measures_the_drop_that_ragattr_measures(model: HFModel, exact: Effects) -> None:
    """It cuts text where ragattr cuts tokens: a sentence moved to the front loses its space."""
    pytest.importorskip("captum")
    found = captum_ablation(model, CHAT, REMOVALS, REPLY)
    n_all, n_read = _n_tokens(model)
    assert found.scores[1:] == pytest.approx(exact.drops.sum(axis=1)[1:], abs=1e-3)
    assert found.scores[0] == pytest.approx(exact.drops.sum(axis=1)[0], abs=0.05)
    assert found.scores.argmax() == PLANTED
    assert found.passes == pytest.approx(n_read / n_all)


def test_contextcite_finds_the_planted_sentence(model: HFModel) -> None:
    pytest.importorskip("context_cite")
    found = context_cite(model, CHAT, REMOVALS, REPLY, n_ablations=16)
    assert found.scores.shape == (len(REMOVALS),)
    assert found.scores.argmax() == PLANTED
    assert 8 < found.passes < 16


def test_contextcite_reads_our_prompt_when_all_is_kept(model: HFModel) -> None:
    """Sources that are empty: every ablation is the full prompt, no token more or less."""
    pytest.importorskip("context_cite")
    found = context_cite(model, CHAT, [()] * len(REMOVALS), REPLY, n_ablations=2)
    assert found.passes == 2


def test_contextcite_refuses_a_chat_of_several_messages(model: HFModel) -> None:
    pytest.importorskip("context_cite")
    chat = Chat(({"role": "system", "content": "Be brief."}, *CHAT.messages), (), (Span(0, 2),))
    with pytest.raises(ConfigError, match="one user message"):
        context_cite(model, chat, [()], REPLY)


@pytest.mark.parametrize(
    ("package", "peer"), [("captum.attr", captum_ablation), ("context_cite", context_cite)]
)
def test_an_absent_package_is_named_by_its_extra(
    monkeypatch: pytest.MonkeyPatch, package: str, peer: Callable[..., Peer]
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtra, match="bench"):
        peer(None, CHAT, REMOVALS, REPLY)
