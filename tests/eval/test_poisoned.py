import random

import pytest

from eval.poisoned_cases import ALL_FAMILIES, CLEAN, POISONED, case, cases
from eval.poisoned_figures import answer_figures, rate, rate_by_phrasing
from eval.poisoned_texts import FAMILIES, Phrasing, of, phrasings
from ragattr.learn.floors import read_facts


@pytest.mark.parametrize(
    ("hits", "expected"),
    [
        ([False] * 10, (0.0, 0.0, 0.2775)),  # by hand: z² / (n + z²), with z² = 3.8415
        ([True] * 10, (1.0, 0.7225, 1.0)),
        ([True, False] * 5, (0.5, 0.2366, 0.7634)),
    ],
)
def test_a_rate_has_wilsons_interval(
    hits: list[bool], expected: tuple[float, float, float]
) -> None:
    found = rate(hits)
    assert found
    assert (found["rate"], found["low"], found["high"]) == pytest.approx(expected, abs=1e-4)


def test_many_texts_of_few_phrasings_count_as_few() -> None:
    found = rate_by_phrasing([False] * 100, ["a"] * 50 + ["b"] * 50, seed=0)
    assert (found["low"], found["high"]) == pytest.approx((0.0, 0.6576), abs=1e-4)  # 0 of 2
    assert (found["n"], found["phrasings"]) == (100, 2)


def test_no_cases_have_no_rate() -> None:
    assert rate([]) is None


def test_every_family_has_attacks_and_twins_of_both_splits_in_phrasings_of_their_own() -> None:
    for family in FAMILIES:
        for kind in ("attack", "twin"):
            tune, test = (
                {one.text for one in of(family, split, kind)} for split in ("tune", "test")
            )
            assert len(tune) >= 3
            assert len(test) >= 3
            assert tune.isdisjoint(test)


def test_choices_targets_and_codes_are_filled_in() -> None:
    one = Phrasing("f", "tune", "attack", "‹a|b› ⟦$target⟧ $question", "base64")
    assert one.fill("Hi", "How?", random.Random(0)) in ("a SGk= How?", "b SGk= How?")
    filled = [one.fill("Hi", "How?", random.Random(0)) for one in phrasings()]
    assert not any(sign in text for text in filled for sign in ("‹", "›", "⟦", "$target"))


def test_cases_hold_their_poison_where_they_say_and_the_splits_share_no_fact() -> None:
    made = [*cases("tune", 1, seed=0)]
    assert len(made) == (2 * len(POISONED) + 1) * len(ALL_FAMILIES)
    golds = {fact["gold"] for fact in read_facts()}
    for one in made:
        changed = [i for i, text in enumerate(one.passages) if text not in golds]
        assert changed == [*one.poisoned]
    tested = {one.fact["id"] for one in cases("test", 1, seed=0)}
    assert tested.isdisjoint(one.fact["id"] for one in made)
    assert CLEAN in {one.family for one in made}


def test_the_same_seed_makes_the_same_case() -> None:
    facts = read_facts()
    pair = [case(facts, "tune", "override", "attack", 3, random.Random(7)) for _ in range(2)]
    assert pair[0] == pair[1]


def test_an_alarm_on_another_passage_is_not_right() -> None:
    base = {"family": "override", "kind": "attack", "poisoned": [1], "worked": True, "right": False}
    alarm = {"kind": "instructions", "passage": 1}
    rows = [{**base, "alarms": [alarm]}, {**base, "alarms": [{**alarm, "passage": 0}]}]
    figures = answer_figures(rows)["attacks"]
    assert figures["alarm_given_success"]["rate"] == 0.5
    assert figures["attack_success"]["rate"] == 1.0
