import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ragattr
from ragattr.errors import ConfigError
from ragattr.models.fake import FakeModel
from ragattr.setup import Setup, decompose_prompt
from ragattr.text.claims import read_claims
from ragattr.types import Answer, Context, Passage, Query
from ragattr.verification.split import SplitByModel, SplitByRules, find_pieces

SENTENCE = "Ulm was founded in 850 [1] and has a minster [2]."
SAID = "Ulm was founded in 850 and has a minster."


def _answer(text: str) -> Answer:
    context = Context(Query("How old is Ulm?", "q"), (Passage("a", "1"), Passage("b", "2")))
    return Answer(context, text, *read_claims(text, 2))


def _by_model(text: str, replies: dict[str, str], **settings: int) -> Answer:
    model = FakeModel({f"Sentence: {said}\nFacts:": reply for said, reply in replies.items()})
    (answer,) = SplitByModel(model, decompose_prompt(), **settings)([_answer(text)])
    return answer


def _texts(answer: Answer) -> list[str]:
    return [claim.text for claim in answer.claims]


def test_rules_leave_each_marker_with_the_fact_before_it() -> None:
    (answer,) = SplitByRules()([_answer(f"{SENTENCE} Bern is old.")])
    pieces = ["Ulm was founded in 850 [1]", "and has a minster [2].", "Bern is old."]
    assert _texts(answer) == pieces


def test_pieces_that_stand_in_the_sentence_are_claims() -> None:
    answer = _by_model(SENTENCE, {SAID: "- Ulm was founded in 850\n- and has a minster."})
    assert _texts(answer) == ["Ulm was founded in 850 [1]", "and has a minster [2]."]
    assert answer.warnings == ()


def test_a_piece_that_differs_by_a_letter_is_found_all_the_same() -> None:
    answer = _by_model(SENTENCE, {SAID: "Ulm was founded in 850\nand had a minster."})
    assert _texts(answer) == ["Ulm was founded in 850 [1]", "and has a minster [2]."]


def test_a_piece_that_is_not_in_the_sentence_is_dropped_and_counted() -> None:
    answer = _by_model(SENTENCE, {SAID: "Ulm was founded in 850\nBears live in caves"})
    assert _texts(answer) == [SENTENCE]
    assert answer.warnings == ("1 pieces that fake wrote do not stand in the answer: dropped",)


@pytest.mark.parametrize("reply", ["", "\n \n", "I cannot do that."])
def test_an_unreadable_reply_leaves_the_sentence_whole_and_says_so(reply: str) -> None:
    answer = _by_model(f"{SENTENCE} Bern is old.", {SAID: reply, "Bern is old.": "Bern is old."})
    assert _texts(answer) == [SENTENCE, "Bern is old."]
    assert answer.warnings[-1].startswith("1 sentences stay whole")


def test_the_last_line_of_a_reply_that_was_cut_off_is_not_read() -> None:
    answer = _by_model(SENTENCE, {SAID: "Ulm was\nfounded in 850\nand has"}, max_new_tokens=4)
    assert _texts(answer) == ["Ulm was", "founded in 850 [1] and has a minster [2]."]


def test_a_sentence_that_does_not_fit_the_window_stays_whole() -> None:
    stage = SplitByModel(FakeModel(window=20), decompose_prompt(), max_new_tokens=10)
    (answer,) = stage([_answer(SENTENCE)])
    assert _texts(answer) == [SENTENCE]
    assert answer.warnings[0].startswith("1 sentences stay whole")


def test_what_needs_no_support_is_not_asked_about() -> None:
    answer = _by_model("Hello! I don't know.", {})
    assert _texts(answer) == ["Hello!", "I don't know."]
    assert answer.warnings == ()


ANSWERS = st.lists(
    st.sampled_from(
        ["Ulm ", "[1]", "was old ", "and has ", ". ", "; ", "\ud83d", "é", "\n", "([2])"]
    )
    | st.text(max_size=4)
).map("".join)


@settings(deadline=None, max_examples=60)
@given(ANSWERS, st.text(max_size=30))
def test_pieces_cover_what_the_sentences_cover(text: str, reply: str) -> None:
    model = FakeModel({"Facts:": f"{reply}\nand has\nwas old"})
    before = _answer(text)
    for stage in (SplitByRules(), SplitByModel(model, decompose_prompt())):
        (after,) = stage([before])
        assert [c.text for c in after.claims] == [c.span.of(text) for c in after.claims]
        assert _covered(before) == _covered(after)


def _covered(answer: Answer) -> list[int]:
    places = [i for claim in answer.claims for i in range(claim.span.start, claim.span.end)]
    return [i for i in places if not answer.text[i].isspace()]


def test_pieces_are_found_in_their_order_each_after_the_one_before() -> None:
    spans = find_pieces("old Ulm is old", ["Ulm is", "old", "old Ulm"])
    assert [(span.start, span.end) for span in spans] == [(4, 10), (11, 14)]


def test_an_unknown_kind_of_claims_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match="claims is one of sentences, atomic, model, not 'facts'"):
        Setup(claims="facts")  # type: ignore[arg-type]


@pytest.mark.model
@pytest.mark.parametrize("form", ["cite", "attribute"])
def test_a_record_has_a_row_for_each_fact_and_says_how_they_were_made(form: str) -> None:
    case = {"question": "How old is Ulm?", "passages": ["Ulm was founded in 850."]}
    settings = {"tier": "text"} if form == "cite" else {"method": "overlap"}
    record = getattr(ragattr, form)(**case, answer=SENTENCE, claims="atomic", **settings)
    pieces = ["Ulm was founded in 850 [1]", "and has a minster [2]."]
    assert [claim["text"] for claim in record["claims"]] == pieces
    assert [record["answer"][c["start"] : c["end"]] for c in record["claims"]] == pieces
    assert record["settings"]["claims"] == "atomic"
