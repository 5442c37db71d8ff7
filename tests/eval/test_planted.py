import json
import random
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval import planted_words as lists
from eval.planted import Planted, as_case, balanced, is_fit, main, plant, split_of
from eval.planted_ground import Ground
from eval.planted_kinds import HELD_OUT, KINDS, Setting
from eval.planted_names import names_of, pool_of
from eval.planted_numbers import (
    decades_later,
    doubled,
    first_digit_raised,
    last_digits_transposed,
    one_more,
    times_ten,
    two_fewer,
)
from eval.planted_words import Split
from ragattr.learn.rows import Row

CLAIMS = (
    "The Harbour Bridge was opened on 12 March 1932 in Sydney.",
    "Helen Marsh was born in Norway before the war ended.",
    "The museum holds 48 paintings and is not open on Monday.",
    "Oslo is often called the largest city of Norway.",
    "The northern tower is 90 metres high and was built by Robert Lang.",
    "The company sold three million bicycles in France.",
    "Robert Lang was taught by Helen Marsh in Toronto.",
    "Many visitors rarely see the western garden of the castle.",
)
STRANGERS = (
    "George Brook has moved to Chile with Anna Field.",
    "Peter Wood met Emma Stone in Denver last year.",
)


def _row(claim: str, evidence: str = "", group: str = "") -> Row:
    evidence = evidence or f"It is known. {claim} So it was."
    return Row(claim, (evidence,), "s", "supported", group or evidence)


def _rows(n: int = 12) -> list[Row]:
    """Each claim many times, every time with another question and other words around it."""
    return [
        _row(claim.replace("The ", f"The {word} ", 1), group=f"{claim}{word}")
        for word in "old new red big low far sad odd dim wet shy icy".split()[:n]
        for claim in CLAIMS + STRANGERS
    ]


def _edits(kind: str, claim: str, evidence: str = "", split: Split = "test") -> set[str]:
    """What the claim becomes by every edit of the kind."""
    find = {**KINDS, **HELD_OUT}[kind]
    setting = Setting(
        Ground(claim, [evidence or claim]), split, pool_of(STRANGERS), random.Random(0)
    )
    return {claim[: e.start] + e.text + claim[e.end :] for e in find(setting)}


@pytest.mark.parametrize(
    ("change", "number", "changed"),
    [
        (one_more, "19", "20"), (one_more, "96.1", "97.1"), (one_more, "1400", "1401"),
        (one_more, "14800", None), (two_fewer, "1967", "1965"), (two_fewer, "2", None),
        (last_digits_transposed, "1967", "1976"), (last_digits_transposed, "1966", None),
        (last_digits_transposed, "40", None), (times_ten, "40", "400"), (times_ten, "1967", None),
        (times_ten, "2.5", None), (doubled, "12", "24"), (first_digit_raised, "48", "78"),
        (first_digit_raised, "9", None), (decades_later, "1948", "1968"),
        (decades_later, "2010", "1990"), (decades_later, "48", None),
    ],
)  # fmt: skip
def test_a_number_is_changed_as_its_change_says(
    change: object, number: str, changed: str | None
) -> None:
    assert callable(change)
    assert change(number) == changed


def test_a_written_number_stays_written_and_a_comma_stays() -> None:
    assert _edits("number", "The house has six rooms here.") == {
        "The house has four rooms here.",
        "The house has twelve rooms here.",
    }
    claim = "The town has 4,100 houses in all."
    assert "The town has 7,100 houses in all." in _edits("number", claim)


@pytest.mark.parametrize(
    "claim",
    [
        "The house has about six rooms here.",
        "The house has more than 60 rooms here.",
        "The house was built before 1960 in Oslo.",
        "The house stands near Apollo 11 in Oslo.",
        "The house has 6 rooms, and 6 doors.",
    ],
)
def test_a_number_that_may_be_another_and_still_right_is_left(claim: str) -> None:
    assert not _edits("number", claim)


def test_a_number_is_left_where_the_evidence_has_it_of_something_else() -> None:
    claim = "The house has six rooms and a garden."
    far = "The house has rooms and a garden. " + "It is late now. " * 30 + "He ate six pears."
    assert not _edits("number", claim, far)


def test_a_date_moves_by_month_by_day_or_by_both() -> None:
    assert _edits("date", "The bridge was opened on 12 March 1932.", split="tune") == {
        f"The bridge was opened on {date} 1932."
        for date in ("12 April", "12 May", "13 March", "22 March", "21 July")
    }


def test_a_name_of_the_evidence_takes_the_place_of_another_of_its_sort() -> None:
    claim = "The tower in Paris was built by Robert Lang."
    evidence = f"{claim} Much later the owner sold it to one Henry Moore, who died in Berlin."
    assert _edits("name, of the evidence", claim, evidence) == {
        claim.replace("Robert Lang", "Henry Moore"),
        claim.replace("Paris", "Berlin"),
    }


def test_names_of_one_list_do_not_change_places() -> None:
    claim = "The prize was shared by Robert Lang that year."
    evidence = "The prize was shared by Robert Lang and Henry Moore that year."
    assert not _edits("name, of the evidence", claim, evidence)


def test_a_name_is_known_by_its_words() -> None:
    text = 'Anna Field of the University of Bergen saw "Peter Pan" in Mexico City, not in Norway.'
    assert [(name.text, name.sort) for name in names_of(text)] == [
        ("Anna Field", "woman"),
        ("University of Bergen", "University"),
        ("Norway", "country"),
    ]


@pytest.mark.parametrize(
    ("split", "claim", "wrong"),
    [
        ("tune", "The bridge was old and wide.", "The bridge was not old and wide."),
        ("tune", "Anna wrote the whole song.", "Anna did not write the whole song."),
        ("test", "The bridge can carry a train.", "The bridge can't carry a train."),
        ("test", "Anna wrote the whole song.", "Anna never wrote the whole song."),
        ("tune", "The bridge was not very old.", "The bridge was very old."),
        ("tune", "The bridge cannot carry a train.", "The bridge can carry a train."),
        ("test", "The bridge wasn't very old.", "The bridge was very old."),
    ],
)
def test_a_negation_is_put_in_or_taken_out(split: Split, claim: str, wrong: str) -> None:
    assert wrong in _edits("negation", claim, split=split)


@pytest.mark.parametrize(
    "claim",
    [
        "Some of the birds are found in lakes.",
        "He left the town when it was small.",
        "The bird is not only found in lakes.",
    ],
)
def test_a_negation_that_may_leave_a_truth_is_not_put_in(claim: str) -> None:
    assert not _edits("negation", claim, split="tune")


@pytest.mark.parametrize(
    ("kind", "claim", "wrong"),
    [
        ("relation", "Two lanes run above the road.", "Two lanes run below the road."),
        ("quantifier", "The bird is often seen here.", "The bird is rarely seen here."),
        ("superlative", "Oslo is the largest city here.", "Oslo is the smallest city here."),
        ("unit", "The walk took six hours there.", "The walk took six minutes there."),
        ("role", "In 1900 Brazil defeated Peru.", "In 1900 Peru defeated Brazil."),
    ],
)
def test_a_word_becomes_what_says_otherwise(kind: str, claim: str, wrong: str) -> None:
    assert _edits(kind, claim) == {wrong}


def test_a_relation_is_left_where_the_evidence_has_another_word_or_both() -> None:
    claim = "Two lanes run above the road."
    assert not _edits("relation", claim, "Two lanes run over the road.")
    assert not _edits("relation", claim, f"{claim} Two lanes run below the road.")


def test_a_clause_leaves_the_claim_whole_around_it() -> None:
    claim = "The bridge was opened to traffic in spring."
    found = _edits("clause", claim, split="tune")
    assert f"{claim[:-1]}, according to" in {text[: len(claim) + 13] for text in found}
    assert all("bridge was" in text or ", " in text for text in found)
    assert all(text.lower().endswith(("spring.", ".")) for text in found)


@pytest.mark.parametrize(
    "claim",
    [
        "Is the bridge the oldest of all?",
        "Too short a claim.",
        "I think the bridge is very old.",
        "1. The bridge is old and very wide.",
        "The call is `open(path)` in that case.",
        "One is here. Two is there. Three is gone now.",
        "word " * 61,
    ],
)
def test_a_claim_that_is_no_plain_statement_is_unfit(claim: str) -> None:
    assert not is_fit(claim)


def test_only_supported_claims_get_errors() -> None:
    rows = [Row(r.claim, r.evidence, r.source, "contradicted", r.group) for r in _rows()]
    assert plant(rows, "tune") == plant(rows, "test") == []


def test_per_claim_errors_are_of_different_kinds() -> None:
    of_claim: dict[str, list[str]] = {}
    for case in plant(_rows(), "test", per_claim=3):
        of_claim.setdefault(case.question, []).append(case.kind)
    assert {len(kinds) for kinds in of_claim.values()} & {2, 3}
    assert all(len(kinds) == len(set(kinds)) <= 3 for kinds in of_claim.values())


def test_two_kinds_and_more_are_of_the_test_split_alone() -> None:
    tune, test = ({case.kind for case in plant(_rows(), s)} for s in ("tune", "test"))
    assert not tune & set(HELD_OUT)
    assert len(test & set(HELD_OUT)) >= 2


def test_the_splits_share_no_claim_and_no_passage() -> None:
    rows = [*_rows(), *(_row(row.claim, "Another. " + row.claim) for row in _rows(3))]
    texts = [
        {text for case in plant(rows, s, per_claim=9) for text in (case.right, *case.evidence)}
        for s in ("tune", "test")
    ]
    assert all(texts)
    assert not texts[0] & texts[1]


def test_rows_of_one_question_are_in_one_split() -> None:
    rows = [_row(claim, group="How old?") for claim in CLAIMS]
    assert len({split_of(row) for row in rows}) == 1


def _wordings(split: Split) -> set[str]:
    pairs = (word for pair in lists.RELATIONS[split] for word in pair.split("/"))
    fillers = (text for texts in lists.FILLERS[split].values() for text in texts)
    templates = (re.sub(r"\{.*\}", "", clause.text) for clause in lists.CLAUSES[split])
    plain = (*lists.NUMBER_CHANGES[split], *lists.NEGATIONS[split], *lists.TAKEN_OUT[split])
    moved = map(str, (*lists.DATE_SHIFTS[split], *lists.WEEKDAY_SHIFTS[split]))
    return {*pairs, *fillers, *templates, *plain, *moved}


def test_the_splits_share_no_wording() -> None:
    assert not _wordings("tune") & _wordings("test")


def test_the_same_seed_gives_the_same_and_another_seed_another() -> None:
    rows = _rows()
    assert plant(rows, "test", seed=1) == plant(rows, "test", seed=1)
    assert plant(rows, "test", seed=1) != plant(rows, "test", seed=2)


def test_balanced_takes_one_of_each_kind_in_turn() -> None:
    cases = [
        Planted("w", "r", kind, 0, 1, ("e",), str(i), "s", "") for i, kind in enumerate("aaab")
    ]
    assert [case.id for case in balanced(cases, 3)] == ["0", "3", "1"]


def test_a_case_has_the_answer_and_its_passages() -> None:
    case = as_case(Planted("six b", "five b", "number", 0, 3, ("e", "f"), "1", "s", "q?"))
    assert (case["answer"], case["right"], case["passages"]) == ("six b", "five b", ["e", "f"])


def test_the_command_writes_one_case_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = tmp_path / "rows.jsonl", tmp_path / "planted.jsonl"
    lines = [
        {"claim": r.claim, "evidence": r.evidence, "label": "attributable", "question": r.group}
        for r in _rows()
    ]
    data.write_text("\n".join(map(json.dumps, lines)))
    monkeypatch.setattr(
        "sys.argv", ["planted", "--data", str(data), "-n", "5", "-o", str(out), "--show", "1"]
    )
    main()
    cases = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(cases) == 5
    assert {"id", "question", "passages", "answer", "right", "kind", "start", "end"} < set(cases[0])
    assert "  -> " in capsys.readouterr().out


def _is_undone(case: Planted) -> bool:
    """Whether other characters in [start, end) give back the right text."""
    rest = len(case.wrong) - case.end
    ends = case.right[: case.start], case.right[len(case.right) - rest :]
    return (
        case.wrong != case.right
        and (case.wrong[: case.start], case.wrong[case.end :]) == ends
        and case.start + rest <= len(case.right)
    )


@pytest.mark.parametrize("split", ["tune", "test"])
def test_wrong_and_right_differ_only_in_the_changed_characters(split: Split) -> None:
    cases = plant(_rows(), split, per_claim=9)
    assert len({case.kind for case in cases}) >= 5
    assert all(map(_is_undone, cases))


_PIECES = st.sampled_from(
    "The Oslo Norway France Helen Marsh Robert Lang was is not never can't cannot often largest "
    "before north 12 March 1932 two third 4,100 2.5 % million metres , . and by in of “ é İ ß 👍 "
    "University wrote defeated".split()
)


@settings(max_examples=60, deadline=None)
@given(st.lists(_PIECES, min_size=5, max_size=25), st.lists(_PIECES, max_size=15), st.text())
def test_any_text_can_be_undone(claim: list[str], more: list[str], strange: str) -> None:
    evidence = " ".join([*claim, ".", *more, strange])
    rows = [_row(" ".join(claim), evidence, group="1"), _row(strange, evidence, group="2")]
    for split in ("tune", "test"):
        assert all(map(_is_undone, plant([r for r in rows if r.claim], split, per_claim=9)))


@settings(max_examples=60, deadline=None)
@given(st.text(), st.text())
def test_no_text_breaks_a_kind(claim: str, evidence: str) -> None:
    for kind in {**KINDS, **HELD_OUT}:
        assert all(isinstance(wrong, str) for wrong in _edits(kind, claim, evidence))


def test_an_edit_that_would_spoil_the_article_is_left_out() -> None:
    row = _row("It was led by an uncle of the king.", group="a")
    cases = [case for s in range(9) for case in plant([row], split_of(row), seed=s, per_claim=9)]
    assert cases
    assert not any(re.search(r"\ban [^aeiou]|\ba [aeiou]", case.wrong) for case in cases)
