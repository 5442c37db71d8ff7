"""Training of heads and explainer, on examples whose rule is known."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from ragattr.attribution.explainer import Explainer
from ragattr.attribution.signals import Hidden, Signals
from ragattr.errors import ConfigError, InputError, ProbeError
from ragattr.learn.attribution import train
from ragattr.learn.contexts import FEWEST, MOST, read_contexts
from ragattr.learn.examples import Example, example_id, measure_examples
from ragattr.learn.explainer import fit_explainer, kept_fields
from ragattr.learn.heads import fit_heads
from ragattr.models.fake import FakeEncoder, FakeModel
from ragattr.models.hf import HFModel
from ragattr.setup import answer_prompt
from ragattr.text.sentences import sources_of
from ragattr.types import Context

READER = (1, 2)  # the head whose attention is what deletion does


def _examples(n: int) -> list[Example]:
    rng, found = np.random.default_rng(0), []
    for i in range(n):
        n_sources = int(rng.integers(8, 15))
        attention = rng.dirichlet(np.ones(n_sources), size=(2, 3))
        jsd = 0.2 * attention[READER] * np.exp(rng.normal(0, 0.3, n_sources))
        hidden = jsd * np.exp(rng.normal(0, 0.02, n_sources))
        signals = Signals(
            attention=attention,
            direct=rng.normal(size=n_sources),
            similarity=rng.uniform(size=n_sources),
            places=np.arange(n_sources) / n_sources,
            lengths=rng.uniform(20, 200, n_sources),
        )
        found.append(
            Example(str(i), signals, Hidden(hidden, hidden), jsd, np.ones(n_sources, dtype=bool))
        )
    return found


def test_the_mixture_finds_the_head_that_says_what_deletion_does() -> None:
    weights, figures = fit_heads(_examples(40))
    assert weights.shape == (2, 3)
    assert np.unravel_index(weights.argmax(), weights.shape) == READER
    assert weights.sum() == pytest.approx(1.0)
    assert figures["same_best"] > 0.5 > figures["same_best_mean_attention"]


def test_the_explainer_predicts_examples_that_it_has_not_seen() -> None:
    examples = _examples(60)
    weights, _ = fit_heads(examples)
    explainer, figures = fit_explainer(examples, weights)
    assert figures["same_best_full"] > 0.9
    assert figures["error_of_full"] < 0.1 < figures["error_of_glance"]
    read = Explainer.of(json.loads(json.dumps(kept_fields(explainer))), weights)
    example = examples[0]
    assert np.allclose(read.explain(example.signals, example.hidden), example.jsd, rtol=0.3)


def test_what_nobody_hid_is_predicted_at_a_glance() -> None:
    examples = _examples(40)
    explainer, _ = fit_explainer(examples, fit_heads(examples)[0])
    signals, hidden = examples[0].signals, examples[0].hidden
    half = Hidden(*(np.where(np.arange(len(x)) < 4, x, np.nan) for x in (hidden.jsd, hidden.drops)))
    found = explainer.explain(signals, half)
    assert np.allclose(found[4:], explainer.at_a_glance(signals)[4:])
    assert np.allclose(found[:4], explainer.explain(signals, hidden)[:4])


@pytest.mark.parametrize("jsd", [0.0, 0.01])
def test_constant_targets_teach_nothing(jsd: float) -> None:
    flat = [
        Example(e.id, e.signals, e.hidden, np.full_like(e.jsd, jsd), e.is_exact)
        for e in _examples(20)
    ]
    with pytest.raises(ConfigError, match="0 examples in which one sentence matters more"):
        fit_heads(flat)


def test_too_few_examples_are_refused() -> None:
    with pytest.raises(ConfigError, match="3 examples .* 10 are needed"):
        fit_heads(_examples(3))


def _file(folder: Path, *rows: dict[str, Any]) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def test_paragraphs_get_others_around_them_that_do_not_hold_the_answer(tmp_path: Path) -> None:
    rows = [
        {
            "question": f"What is thing {i}?",
            "answer": f"stuff{i}",
            "context_sentences": [f"Thing {i} is stuff{i}.", *[f"Line {k} of {i}." for k in "ab"]],
        }
        for i in range(30)
    ]
    contexts = read_contexts([_file(tmp_path, *rows)], n=5)
    assert len(contexts) == 5
    for context, answer in contexts:
        assert answer is not None
        assert [answer in p.text for p in context.passages].count(True) == 1
        assert FEWEST <= len(sources_of(context.passages)) <= MOST + 2


def test_cases_are_contexts_as_they_stand(tmp_path: Path) -> None:
    path = _file(tmp_path, {"question": "Q?", "passages": ["One. Two.", {"text": "Three."}]})
    ((context, answer),) = read_contexts([path], n=5)
    assert [passage.text for passage in context.passages] == ["One. Two.", "Three."]
    assert answer is None


def test_without_files_the_shipped_facts_are_contexts() -> None:
    assert len(read_contexts([], n=1000)) == 64


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"question": "Q?"}, "passages"),
        ({"question": None, "passages": ["a"]}, "question"),
        ({"question": "Q?", "passages": None}, "passages"),
        ({"question": "Q?", "passages": [{"id": "1"}]}, "text"),
        ({"question": "Q?", "passages": ["a"], "answer": 5}, "answer"),
        ({"question": "Q?", "context_sentences": "abc def."}, "a list of strings"),
    ],
)
def test_a_row_that_cannot_be_read_names_its_line_and_field(
    tmp_path: Path, row: dict[str, Any], says: str
) -> None:
    path = _file(tmp_path, {"question": "Q?", "passages": ["a"]}, row)
    with pytest.raises(InputError, match=rf"rows\.jsonl, line 2: .*{says}"):
        read_contexts([path], n=5)


def test_a_line_separator_inside_a_string_ends_no_row(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"question": "Q?", "passages": ["One.\u2028Two."]}\n', "utf-8")
    ((context, _),) = read_contexts([path], n=5)
    assert context.passages[0].text == "One.\u2028Two."


def test_examples_of_other_passages_are_not_taken_for_these() -> None:
    (first, _), (second, _) = read_contexts([], n=2)
    again = Context(first.query, second.passages)
    assert len({example_id(c, a) for c in (first, again) for a in (None, "x")}) == 4


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no rows in"):
        read_contexts([_file(tmp_path)], n=5)


def test_a_model_without_attention_teaches_nothing(tmp_path: Path) -> None:
    blind = cast("HFModel", SimpleNamespace(interface=None, card=SimpleNamespace(name="blind")))
    with pytest.raises(ProbeError, match="blind does not show its attention"):
        train("heads", blind, answer_prompt(), FakeEncoder(), [], data=["none"], work=tmp_path)


def test_measuring_examples_needs_a_model_that_can_be_looked_into(tmp_path: Path) -> None:
    contexts = read_contexts([], n=10)
    with pytest.raises(ProbeError):
        measure_examples(FakeModel(), answer_prompt(), FakeEncoder(), contexts, work=tmp_path)
