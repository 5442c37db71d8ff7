"""What is learnt from planted errors, and that right texts stay."""

import json
from pathlib import Path

import numpy as np
import pytest

from ragattr.errors import ConfigError, InputError
from ragattr.learn.reviser import HARMED, Lesson, _most_harmed, fit, read_lessons, write
from ragattr.revision.accept import read_acceptance
from ragattr.revision.candidates import Candidate
from ragattr.revision.weigh import FIGURES, UNREAD, Weighed
from ragattr.types import Span

_NEAR, _READ = FIGURES.index("nearness"), FIGURES.index("likelihood_gain")


@pytest.fixture(autouse=True)
def few_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ragattr.learn.reviser.TREES", 40)
    monkeypatch.setattr("ragattr.learn.reviser.RATE", 0.3)


def _lessons(n: int) -> tuple[list[Lesson], list[Weighed]]:
    """The right candidate of a wrong text is near and likely; those of right texts are neither."""
    rng, lessons, weighed = np.random.default_rng(0), list[Lesson](), list[Weighed]()
    for i in range(n):
        for said in (f"wrong {i}", f"right {i}"):
            texts = [f"right {i}", f"other {i}", f"third {i}"]
            row = tuple(Candidate(t, Span(0, 0), "", "word", 0.0, True) for t in texts if t != said)
            figures = rng.normal(0, 0.1, (len(row), len(FIGURES)))
            if said.startswith("wrong"):
                figures[0, [_NEAR, _READ]] = 1.0, 9.0
            lessons.append(Lesson(said, f"right {i}", "", ()))
            before = 0.2 if said.startswith("wrong") else 0.9
            weighed.append(Weighed(row, figures, before, np.zeros(len(row)), (), 0))
    return lessons, weighed


def test_the_right_candidates_are_learnt_and_right_texts_stay(tmp_path: Path) -> None:
    lessons, weighed = _lessons(150)
    kept = fit(lessons, weighed, ["planted.jsonl"])
    for name in ("with_reader", "without_reader"):
        card = kept[name]["card"]
        assert (card["texts_with_an_error"], card["right_texts"]) == (150, 150)
        assert card["repaired_out_of_fold"] == 1.0
        assert card["harmed_out_of_fold"] <= HARMED
    assert kept["data"] == ["planted.jsonl"]
    write(kept, tmp_path / "accept.json")
    acceptance = read_acceptance(tmp_path / "accept.json", with_reader=True)
    for lesson, found in zip(lessons, weighed, strict=True):
        chosen = acceptance.choose(found)
        assert chosen == (None if lesson.said == lesson.right else 0)


def test_without_a_reader_its_figures_are_those_of_the_unread() -> None:
    lessons, weighed = _lessons(150)
    for found in weighed:
        found.figures[:, _NEAR] = 0.0  # only the reader knows
    kept = fit(lessons, weighed)
    assert kept["with_reader"]["card"]["repaired_out_of_fold"] == 1.0
    assert kept["without_reader"]["card"]["repaired_out_of_fold"] < 0.5
    assert UNREAD < 0


def test_texts_without_a_right_candidate_teach_nothing() -> None:
    lessons = [Lesson(f"a {i}", "b", "", ()) for i in range(10)]
    row = (Candidate("c", Span(0, 0), "", "word", 0.0, True),)
    weighed = [Weighed(row, np.zeros((1, len(FIGURES))), 0.5, np.zeros(1), (), 0)] * 10
    with pytest.raises(ConfigError, match="there is nothing to learn"):
        fit(lessons, weighed)


def test_few_right_texts_say_nothing_and_many_let_some_change() -> None:
    """With 0 of 114 changed, 90 % confidence says at most 2 %: 0.98 ** 114 = 0.0999."""
    assert [_most_harmed(n) for n in (0, 50, 113, 114, 420)] == [-1, -1, -1, 0, 4]


def test_every_case_is_read_with_its_error_and_without(tmp_path: Path) -> None:
    place = tmp_path / "planted.jsonl"
    case = {"answer": "It has 4.", "right": "It has 3.", "passages": ["It has 3. It is old."]}
    place.write_text(json.dumps(case) + "\n")
    wrong, right = read_lessons([place])
    assert (wrong.said, wrong.right, wrong.evidence) == (
        "It has 4.", "It has 3.", ("It has 3.", "It is old."),
    )  # fmt: skip
    assert (right.said, right.right) == ("It has 3.", "It has 3.")
    place.write_text('{"answer": "x", "passages": []}\n')
    with pytest.raises(InputError, match=r"planted\.jsonl, line 1: no field right"):
        read_lessons([place])
    with pytest.raises(InputError, match=r"cannot read .*missing\.jsonl: No such file"):
        read_lessons([tmp_path / "missing.jsonl"])
    place.write_text('{"answer": "x", "right": "y", "passages": [" "]}\n')
    with pytest.raises(InputError, match="the passages of 'x' hold no sentence"):
        read_lessons([place])
