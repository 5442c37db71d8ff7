"""What was trained is tied to weights and chat template; what is shipped does its work."""

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ragattr.attribution.head import AttributeHead
from ragattr.attribution.heads import AttributeHeads
from ragattr.errors import ConfigError
from ragattr.learn.floors import read_facts
from ragattr.models import embedded
from ragattr.models.hf import HFModel
from ragattr.models.learned import find_learned, identity, keep_learned
from ragattr.setup import METHODS, Setup, answer_prompt
from ragattr.text.claims import read_claims
from ragattr.text.sentences import sources_of
from ragattr.types import Answer, Context, Passage, Query

pytestmark = pytest.mark.model


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own for what is trained; the embedded model is loaded before it is set."""
    embedded.language_model()
    monkeypatch.setenv("RAGATTR_CACHE", str(tmp_path))
    return tmp_path


def _shuffled(model: HFModel) -> HFModel:
    """The same parameters, each with its values in another order."""
    import torch

    own, generator = copy.deepcopy(model.model), torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weights in own.parameters():
            order = torch.randperm(weights.numel(), generator=generator)
            weights.copy_(weights.flatten()[order].view_as(weights))
    return replace(model, model=own)


def _retold(model: HFModel) -> HFModel:
    """The same model under another chat template."""
    tokenizer = copy.deepcopy(model.tokenizer)
    tokenizer.chat_template += "{# another #}"
    return replace(model, tokenizer=tokenizer)


def _fact_cases(n: int) -> list[tuple[Answer, int]]:
    """Shipped facts among three others, with the index of the sentence that answers."""
    facts, found = read_facts(), []
    for i in range(n):
        others = [facts[(i + 10 * k) % len(facts)]["passage"] for k in (1, 2, 3)]
        texts = [*others[: i % 4], facts[i]["passage"], *others[i % 4 :]]
        passages = tuple(Passage(text, str(k)) for k, text in enumerate(texts))
        start = facts[i]["passage"].index(facts[i]["gold"])
        gold = next(
            k
            for k, source in enumerate(sources_of(passages))
            if (source.passage, source.span.start) == (i % 4, start)
        )
        text = facts[i]["gold"]
        claims, markers = read_claims(text, len(passages))
        found.append(
            (
                Answer(Context(Query(facts[i]["question"], "q"), passages), text, claims, markers),
                gold,
            )
        )
    return found


@pytest.mark.parametrize("name", ["heads", "explainer"])
def test_what_is_shipped_finds_the_sentence_that_an_answer_repeats(name: str) -> None:
    stage = METHODS[name].make(Setup(method=name))
    hits, passes = [], []
    for answer, gold in _fact_cases(6):
        (found,) = stage([answer])
        assert found.scores is not None
        hits.append(found.scores.sum(axis=1).argmax() == gold)
        passes.append(found.passes)
    assert np.mean(hits) >= 5 / 6
    assert max(passes) <= {"heads": 1.2, "explainer": 3.0}[name]


@pytest.mark.parametrize("changed", [_shuffled, _retold])
@pytest.mark.parametrize("kind", ["heads", "explainer"])
def test_another_model_or_template_is_refused(kind: Any, changed: Any) -> None:
    with pytest.raises(ConfigError, match=f"ragattr train {kind} --model SmolLM2"):
        find_learned(kind, changed(embedded.language_model()))


def test_a_file_of_another_model_is_refused_even_under_the_right_name(cache: Path) -> None:
    model = embedded.language_model()
    path = keep_learned("heads", _retold(model), {"weights": [[1.0]], "head": [0, 0]})
    elsewhere = keep_learned("heads", model, {"weights": [[2.0]], "head": [0, 0]})
    assert path.parent == elsewhere.parent == cache / "learned"
    path.replace(elsewhere)
    assert find_learned("heads", model)["weights"] != [[1.0]]


def test_what_the_user_trained_comes_before_what_is_shipped() -> None:
    model = embedded.language_model()
    path = keep_learned("heads", model, {"weights": [[2.0]], "head": [0, 0]})
    assert find_learned("heads", model)["weights"] == [[2.0]]
    assert json.loads(path.read_text("utf-8"))["model"]["name"] == model.card.name


def test_an_explainer_of_other_heads_is_refused() -> None:
    model = embedded.language_model()
    heads = find_learned("heads", model)
    keep_learned("heads", model, {**heads, "trained": {"examples": 3}})
    with pytest.raises(ConfigError, match="trained with other heads"):
        METHODS["explainer"].make(Setup(method="explainer"))


def test_one_head_with_other_weights_is_another_model() -> None:
    import torch

    model = embedded.language_model()
    own = copy.deepcopy(model.model)
    with torch.no_grad():
        own.model.layers[3].self_attn.q_proj.weight[320:384] = 0.0  # head 5
    assert identity(replace(model, model=own)) != identity(model)


def test_a_float_copy_of_the_same_weights_is_the_same_model() -> None:
    model = embedded.language_model()
    own = copy.deepcopy(model.model).float()
    assert find_learned("heads", replace(model, model=own)) == find_learned("heads", model)


def test_attribution_changes_when_the_weights_are_shuffled() -> None:
    """Adebayo et al. 2018: a map that survives other weights says nothing of the model."""
    model = embedded.language_model()
    weights = np.array(find_learned("heads", model)["weights"])
    answer, _ = _fact_cases(1)[0]
    before, after = (
        AttributeHeads(each, answer_prompt(), weights=weights)([answer])[0].scores
        for each in (model, _shuffled(model))
    )
    assert before is not None
    assert after is not None
    shares = [scores.sum(axis=1) / scores.sum() for scores in (before, after)]
    assert np.abs(shares[0] - shares[1]).sum() > 0.5


def test_a_head_out_of_range_names_the_range() -> None:
    answer, _ = _fact_cases(1)[0]
    stage = AttributeHead(embedded.language_model(), answer_prompt(), head=(30, 0))
    with pytest.raises(ConfigError, match="no head 0 in layer 30: the model has 30 layers of 9"):
        stage([answer])
