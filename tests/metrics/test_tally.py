"""Sums of records, their intervals, and how two runs differ."""

import numpy as np
import pytest

from ragattr.metrics.tally import Counted, Questions, Tally, compare


def test_figures_are_sums_over_sums_with_an_interval_around_them() -> None:
    tally = Tally()
    for question in range(40):
        tally.add({"groundedness": Counted(question % 2, 1.0)}, str(question))
    found = tally.figures()["groundedness"]
    assert found.value == 0.5
    assert 0.3 < found.low < 0.42 < 0.58 < found.high < 0.7  # 0.5 +- 1.96 sqrt(0.25 / 40)
    assert found.n == 40


def test_answers_to_one_question_are_drawn_together() -> None:
    alone, together = Tally(), Tally()
    for i in range(40):
        alone.add({"groundedness": Counted(i % 2, 1.0)}, str(i))
        together.add({"groundedness": Counted(i % 2, 1.0)}, str(i % 2))
    assert together.figures()["groundedness"].low == 0.0
    assert alone.figures()["groundedness"].low > 0.3


def test_f1_is_the_harmonic_mean_of_the_two_means() -> None:
    tally = Tally()
    tally.add({"citation_recall": Counted(1.0, 1), "citation_precision": Counted(0.5, 1)}, "a")
    tally.add({"citation_recall": Counted(0.0, 1), "citation_precision": Counted(0.0, 1)}, "b")
    assert tally.figures()["citation_f1"].value == pytest.approx(2 * 0.5 * 0.25 / 0.75)


def test_a_run_does_not_differ_from_itself_and_differs_from_a_better_one() -> None:
    ours, better = Tally(), Tally()
    for i in range(50):
        ours.add({"groundedness": Counted(i % 2, 1.0)}, str(i))
        better.add({"groundedness": Counted(1.0, 1.0)}, str(i))
    same, other = compare(ours, ours), compare(ours, better)
    assert (same["groundedness"].value, same["groundedness"].p) == (0.0, 1.0)
    assert other["groundedness"].value == -0.5
    assert other["groundedness"].high < -0.3
    assert other["groundedness"].p < 0.01


def test_the_interval_is_as_wide_as_the_normal_one() -> None:
    """Of 400 answers, each to a question of its own, half good: 0.5 +- 1.96 sqrt(0.25 / 400)."""
    tally = Tally()
    for i in range(400):
        tally.add({"groundedness": Counted(i % 2, 1.0)}, str(i))
    found = tally.figures()["groundedness"]
    assert found.high - found.low == pytest.approx(2 * 1.96 * np.sqrt(0.25 / 400), rel=0.1)


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    """200 samples of 60 answers, three to a question, good with probability 0.7."""
    rng, n_covered = np.random.default_rng(0), 0
    for sample in range(200):
        tally = Tally(seed=sample)
        for question, is_good in enumerate(rng.random(60) < 0.7):
            for _ in range(3):
                tally.add({"groundedness": Counted(is_good, 1.0)}, str(question))
        found = tally.figures()["groundedness"]
        n_covered += found.low <= 0.7 <= found.high
    assert 0.90 <= n_covered / 200 <= 0.99


def test_the_order_of_records_changes_nothing() -> None:
    there, back = Tally(), Tally()
    records = [({"groundedness": Counted(i % 3, 2.0)}, str(i % 50)) for i in range(150)]
    for counts, question in records:
        there.add(counts, question)
    for counts, question in reversed(records):
        back.add(counts, question)
    one, other = there.figures()["groundedness"], back.figures()["groundedness"]
    assert (one.low, one.high) == (pytest.approx(other.low), pytest.approx(other.high))


def test_a_figure_that_comes_late_is_of_its_own_records_alone() -> None:
    tally = Tally()
    tally.add({"groundedness": Counted(1, 1)}, "a")
    tally.add({"groundedness": Counted(1, 1), "answer_f1": Counted(0.5, 1)}, "b")
    figures = tally.figures()
    assert (figures["groundedness"].n, figures["answer_f1"].n) == (2, 1)
    assert figures["answer_f1"].value == 0.5


def test_questions_are_counted_once() -> None:
    questions = Questions()
    for i in range(100_000):
        questions.add(str(i % 70_000))
    assert len(questions) == 70_000
    assert "69999" in questions
    assert "70000" not in questions
