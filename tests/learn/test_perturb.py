"""Each change makes one detail wrong and leaves the rest."""

import random
from difflib import SequenceMatcher

from hypothesis import given
from hypothesis import strategies as st

from ragattr.learn.perturb import (
    change_date,
    change_name,
    change_number,
    change_order,
    change_polarity,
    change_relation,
    change_scope,
    change_word,
    drop_evidence,
    names_of,
    perturb,
)

CLAIM = "On Monday, 12 March 1889, Gustave Eiffel opened the tower in Paris before 2,000 guests."
EVIDENCE = (
    "Gustave Eiffel opened it on Monday, 12 March 1889. Armand Moisant built the halls in Lyon.",
    "There were 2,000 guests in Paris. It rained.",
)


def _changed_words(before: str, after: str) -> list[tuple[list[str], list[str]]]:
    a, b = before.split(), after.split()
    return [
        (a[i:j], b[k:m])
        for tag, i, j, k, m in SequenceMatcher(None, a, b, autojunk=False).get_opcodes()
        if tag != "equal"
    ]


def test_a_changed_number_is_one_that_the_evidence_does_not_hold() -> None:
    for seed in range(50):
        changed = change_number(CLAIM, " ".join(EVIDENCE), random.Random(seed))
        assert changed is not None
        ((before, after),) = _changed_words(CLAIM, changed)
        assert before[0].rstrip(",") in ("12", "1889", "2,000")
        assert after[0].rstrip(",") not in " ".join(EVIDENCE)


def test_a_written_number_changes_too() -> None:
    changed = change_number("She has three sons.", "Three sons.", random.Random(0))
    assert changed is not None
    assert changed != "She has three sons."
    assert change_number("She has sons.", "", random.Random(0)) is None


def test_thousands_keep_their_commas_and_decimals_their_places() -> None:
    assert "," in (change_number("It cost 12,500 francs", "", random.Random(1)) or "")
    changed = change_number("It grew by 2.35 percent", "", random.Random(1)) or ""
    assert len(changed.split()[3].split(".")[1]) == 2


def test_a_month_becomes_another_month() -> None:
    changed = change_date("It opened in May.", "It opened in May.", random.Random(0)) or ""
    assert changed.startswith("It opened in ")
    assert "May" not in changed
    assert change_date("It may open.", "", random.Random(0)) is None


def test_a_name_becomes_another_name_of_as_many_words() -> None:
    claim, evidence = "The tower of Gustave Eiffel", "It is said that Armand Moisant built halls."
    found = {change_name(claim, evidence, random.Random(s), ["Jules Ferry"]) for s in range(30)}
    assert found == {"The tower of Armand Moisant", "The tower of Jules Ferry"}


def test_not_goes_in_and_comes_out() -> None:
    rng = random.Random(0)
    assert change_polarity("Bees are small.", "", rng) == "Bees are not small."
    assert change_polarity("Bees are not small.", "", rng) == "Bees are small."
    assert change_polarity("Bees don't sting.", "", rng) == "Bees do sting."
    assert change_polarity("Bees cannot swim.", "", rng) == "Bees can swim."
    assert change_polarity("Bees sting.", "", rng) is None


def test_a_relation_becomes_its_opposite_in_the_same_case() -> None:
    rng = random.Random(0)
    assert change_relation("Sales rose.", "", rng) == "Sales fell."
    assert change_relation("First came bees.", "", rng) == "Last came bees."
    assert change_relation("Bees hum.", "", rng) is None


def test_a_guarded_statement_becomes_a_general_one() -> None:
    rng = random.Random(0)
    assert change_scope("Some bees sting.", "", rng) == "All bees sting."
    assert change_scope("Bees may sting.", "", rng) == "Bees will sting."
    assert change_scope("Bees sting.", "", rng) is None


def test_two_names_change_places_around_a_verb_and_not_around_and() -> None:
    evidence, rng = "Borg lost to Connors. Ada and Grace met.", random.Random(0)
    assert change_order("Connors beat Borg.", evidence, rng) == "Borg beat Connors."
    assert change_order("Ada and Grace met.", evidence, rng) is None
    assert change_order("The man beat Borg.", evidence, rng) is None


def test_a_word_becomes_one_of_the_evidence_with_its_ending() -> None:
    evidence = "Bees collecting pollen make honey quickly."
    found = {change_word("Bees make honey.", evidence, random.Random(s)) for s in range(30)}
    assert found == {"Bees pollen honey.", "Bees make pollen."}
    assert change_word("Bees sleep.", "Wasps are flying.", random.Random(0)) is None


def test_dropped_evidence_no_longer_holds_most_of_the_claim() -> None:
    evidence = ("The tower opened in 1889. It is tall. Many people visit every year.",)
    left = drop_evidence("The tower opened in 1889.", evidence)
    assert left == ("It is tall. Many people visit every year.",)


def test_evidence_of_one_sentence_cannot_be_dropped() -> None:
    assert drop_evidence("Bees hum.", ("Bees hum.",)) is None


def test_evidence_that_says_it_twice_loses_both() -> None:
    evidence = ("Bees hum loudly. Rain fell.", "Bees hum loudly at night.")
    assert drop_evidence("Bees hum loudly.", evidence) == ("Rain fell.",)


@given(st.integers(), st.integers(1, 4))
def test_wrong_versions_are_of_different_kinds_and_differ_from_the_pair(seed: int, n: int) -> None:
    found = perturb(CLAIM, EVIDENCE, random.Random(seed), n=n, strangers=["Jules Ferry"])
    assert len(found) == n
    assert len({changed.kind for changed in found}) == n
    assert all((c.claim, c.evidence) != (CLAIM, EVIDENCE) for c in found)


@given(st.text(), st.lists(st.text(), max_size=3), st.integers())
def test_any_text_can_be_changed_or_left(claim: str, evidence: list[str], seed: int) -> None:
    for changed in perturb(claim, evidence, random.Random(seed), n=9):
        assert (changed.claim == claim) != (changed.evidence == tuple(evidence))


def test_names_are_capitalised_runs_inside_a_text() -> None:
    assert names_of(["Then Gustave Eiffel met Ada."]) == ["Gustave Eiffel", "Ada"]
