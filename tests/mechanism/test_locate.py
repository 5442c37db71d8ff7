"""Context heads and memory heads of a small model, and of one that was built to have them."""

import json
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from ragattr.errors import AlignmentError, ConfigError, InputError, ProbeError
from ragattr.mechanism import locate as room
from ragattr.mechanism.counterfactual import (
    Counterfactual,
    encode,
    encode_all,
    fair,
    read_counterfactuals,
)
from ragattr.mechanism.locate import Stability, concentrations, locate, most_concentrated
from ragattr.models import embedded
from ragattr.models.hf import HFModel
from ragattr.models.patching import Head
from tests.small import random_model

pytestmark = pytest.mark.model

HEADS = [Head(layer, head) for layer in (0, 1) for head in range(4)]


def _probe(place: str, context: str, memory: str) -> Counterfactual:
    prompt = f"The capital of {place} is"
    return Counterfactual(f"{prompt} {context}.", prompt, context, memory, place)


PROBES = [
    _probe("Norway", "Rome", "Oslo"),
    _probe("Egypt", "Paris", "Cairo"),
    _probe("Peru", "Berlin", "Lima"),
    _probe("Greece", "Madrid", "Athens"),
]


@lru_cache
def _small() -> HFModel:
    tokenizer = embedded.language_model().tokenizer
    return HFModel.wrap(random_model("Llama", len(tokenizer)), tokenizer)


# Probes


def test_a_probe_is_fair_when_its_memorised_answer_stands_nowhere_in_it() -> None:
    shown = _probe("Mexico", "Oslo", "Mexico City")
    named = Counterfactual("It was made by Ford.", "It was made by", "Ford", "Fiat", "Fiat Panda")
    swapped = _probe("Norway", "Lima", "Oslo")
    assert fair([PROBES[0], named, swapped]) == [PROBES[0]]  # and one of each subject
    assert shown.is_fair


def test_a_probes_answers_are_tokens_and_the_statements_answer_has_a_place() -> None:
    tokenizer, found = _small().tokenizer, encode(_small(), PROBES[0])
    assert tokenizer.decode([found.ids[i] for i in found.places]) == " Rome"
    assert [tokenizer.decode([answer]) for answer in found.answers] == [" Rome", " Oslo"]


def test_probes_that_cannot_be_told_apart_are_left_out() -> None:
    same = _probe("Spain", "New Delhi", "New York")
    with pytest.raises(AlignmentError, match="same token"):
        encode(_small(), same)
    assert [row.probe for row in encode_all(_small(), [same, PROBES[0]])] == [PROBES[0]]
    with pytest.raises(ConfigError, match="of 1 probes none"):
        encode_all(_small(), [same])


def test_the_shipped_probes_are_fair_and_can_be_encoded() -> None:
    found = read_counterfactuals()
    assert len(fair(found)) == len(found) >= 40
    assert len(encode_all(_small(), found)) == len(found)


@pytest.mark.parametrize("text", ["{", '{"subject": "x"}', "[1]"])
def test_a_file_of_something_else_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "rows.jsonl").write_text(text)
    with pytest.raises(InputError, match="each line is JSON with the fields"):
        read_counterfactuals(tmp_path / "rows.jsonl")


def test_probes_are_read_as_they_are_written(tmp_path: Path) -> None:
    row = {"subject": "Peru", "base_prompt": PROBES[2].prompt, "target_true": "Lima",
           "counterfactual_context": PROBES[2].statement, "target_context": "Berlin"}  # fmt: skip
    (tmp_path / "rows.jsonl").write_text(json.dumps(row) + "\n")
    assert read_counterfactuals(tmp_path / "rows.jsonl") == [PROBES[2]]


# Heads


def test_what_is_verified_is_what_a_patch_takes_away() -> None:
    found = locate(_small(), PROBES, n_verified=8)
    assert found.n_probes == 4
    assert {row.head for row in found.verified} == set(HEADS)
    assert {*found.context_heads, *found.memory_heads} <= set(HEADS)
    assert list(found.verified) == sorted(found.verified, key=lambda row: -row.patched)
    assert [row.estimated for row in found.verified] == [
        found.effects[row.head] for row in found.verified
    ]


def test_the_head_whose_patch_does_most_is_among_the_heads_by_effect() -> None:
    found = locate(_small(), PROBES, n_verified=8)
    patched = {row.head: abs(row.patched) for row in found.verified}
    assert max(patched, key=lambda head: patched[head]) in [
        HEADS[i] for i in np.argsort(-np.abs(found.effects).ravel())[:2]
    ]


def test_it_says_how_stable_it_is() -> None:
    found = locate(_small(), PROBES, n_verified=1).stability
    assert found.overlap == 1.0  # all eight heads are among the top ten
    assert -1 <= found.spearman <= 1
    assert str(Stability(0.8, 0.83)).startswith("80% of the top 10 heads are the same")
    assert room._overlap(np.arange(20.0), np.arange(20.0)[::-1]) == 0.0


def test_the_same_seeds_find_the_same_heads() -> None:
    first, second = (locate(_small(), PROBES, n_verified=3, seeds=(4, 5)) for _ in range(2))
    assert first.verified == second.verified


def test_heads_that_find_the_answer_come_first_then_those_that_look_sharply(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row = encode(_small(), PROBES[0])
    n, (place,) = len(row.ids), row.places
    looks = np.full((2, 4, n), 1 / n)
    looks[0, 1] = [0.5, *[0.1 / (n - 2)] * (n - 1)]  # much on the first token, which is left out
    looks[0, 1, place] = 0.4
    looks[1, 2, place] = 2 / n
    looks[0, 3, 2] = 0.99
    monkeypatch.setattr(room, "last_looks", lambda *_: looks)
    heads = [Head(0, 3), Head(1, 2), Head(0, 1)]
    found = concentrations(_small(), PROBES[:1], heads)
    assert [each.head for each in found] == [Head(0, 1), Head(1, 2), Head(0, 3)]
    assert [each.finds for each in found] == [1.0, 1.0, 0.0]
    rest = np.array([0.8, *[0.2 / (n - 2)] * (n - 2)])
    assert found[0].entropy == pytest.approx(-(rest * np.log(rest)).sum())
    assert found[0].on_answer == pytest.approx(0.4)
    assert most_concentrated(_small(), PROBES[:1], heads) == Head(0, 1)


def test_what_cannot_be_located_is_refused() -> None:
    with pytest.raises(ConfigError, match="fewer than two have an answer to swap"):
        locate(_small(), PROBES[:1])
    with pytest.raises(ConfigError, match="layers go from 0 to 1"):
        most_concentrated(_small(), PROBES, [Head(2, 0)])
    with pytest.raises(ConfigError, match="no head"):
        most_concentrated(_small(), PROBES, [])
    blind = HFModel(_small().card, _small().model, _small().tokenizer, interface=None)
    with pytest.raises(ProbeError):
        locate(blind, PROBES)
