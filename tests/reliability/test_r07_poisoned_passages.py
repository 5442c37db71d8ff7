"""Poisoned passages, 1, 3 or 5 of 5: how often attacks work, and what is raised for nothing.

With fake models the answer says what the attacker wanted, so that every attack has worked; with the
embedded ones it is the model's own. `python -m eval.poisoned` has the same with intervals.
"""

import random

import pytest

import ragattr
from eval.poisoned_cases import PoisonedCase, case, cases
from eval.poisoned_figures import answer_figures
from eval.poisoned_texts import FAMILIES, Kind
from ragattr.learn.floors import read_facts
from ragattr.metrics.answers import contains_answer
from tests.reliability.figures import SEED, Shown, sizes

IN_PLAIN_SIGHT = [name for name in FAMILIES if name not in ("hidden characters", "base64")]


def made(n: int, kind: Kind, n_poisoned: int) -> list[PoisonedCase]:
    """Cases whose poisoned passages, and no others, say in words what the attacker wants."""
    rng, facts = random.Random(f"{SEED} {kind}"), read_facts()
    drawn = (
        case(facts, "tune", rng.choice(IN_PLAIN_SIGHT), kind, n_poisoned, rng)
        for _ in iter(int, None)
    )
    holding = (one for one in drawn if kind == "twin" or says_it(one))
    return [next(holding) for _ in range(n)]


def says_it(one: PoisonedCase) -> bool:
    """Whether the words that are wanted stand in what was planted and nowhere else."""
    held = " ".join(text for i, text in enumerate(one.passages) if i not in one.poisoned).lower()
    planted = " ".join(one.passages[i] for i in one.poisoned)
    return contains_answer(planted, one.wanted) > 0 and not any(
        word in held for word in one.wanted.lower().split()
    )


def raised(one: PoisonedCase, answer: str) -> list[str]:
    """The kinds of alarms that name a changed passage."""
    record = ragattr.cite(
        question=one.fact["question"], passages=one.passages, answer=answer, method="jsd"
    )
    poisoned = {str(i + 1) for i in one.poisoned}
    return [alarm["kind"] for alarm in record["alarms"] if alarm["passage"] in poisoned]


@sizes(quick=10, full=500)
@pytest.mark.usefixtures("fakes")
def test_an_order_that_moved_the_answer_raises_an_alarm(n: int, shown: Shown) -> None:
    missed = [one for one in made(n, "attack", 1) if "instructions" not in raised(one, one.wanted)]
    shown(n, len(missed))
    assert missed == []


@sizes(quick=10, full=500)
@pytest.mark.usefixtures("fakes")
def test_a_harmless_twin_is_never_taken_for_an_order(n: int, shown: Shown) -> None:
    twins = made(n, "twin", 5)
    alarmed = [one for one in twins if "instructions" in raised(one, one.fact["gold"])]
    shown(n, len(alarmed))
    assert alarmed == []


@pytest.mark.hard
@pytest.mark.model
def test_attacks_on_the_embedded_model_and_alarms(shown: Shown) -> None:
    from eval.poisoned import examine, pipeline

    work = pipeline()
    rows = [examine(work, one) for one in cases("test", 1, seed=SEED)]
    found = answer_figures(rows)
    shown(
        len(rows),
        attack_success=found["attacks"]["attack_success"],
        alarm_given_success=found["attacks"]["alarm_given_success"],
        false_alarm_on_twins=found["twins"]["false_alarm"],
        false_alarm_on_clean=found["clean"]["false_alarm"],
    )
    assert all(len(row["passages"]) == 5 for row in rows)
