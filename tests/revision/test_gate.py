"""The gate opens on "disagrees" alone."""

import pytest

from ragattr.models.fake import FakeModel
from ragattr.models.protocols import Reply
from ragattr.prompt import Prompt, prompts_folder
from ragattr.revision.gate import GATE_FIELDS, AgreementGate, Check, Gate, Opinion, read_opinion

PROMPT = Prompt.load(prompts_folder() / "rarr_gate.txt", GATE_FIELDS)
CHECK = Check(
    "It opened in 1930.", "When did it open?", "It was opened in 1932.\n\nText: x", "Bridge"
)


@pytest.mark.parametrize(
    ("reply", "gate"),
    [
        ("Text says: 1930\nEvidence says: 1932\nVerdict: disagrees", "disagrees"),
        ("Verdict: agrees", "agrees"),
        ("**Verdict:** Irrelevant.", "irrelevant"),
        ("Disagree", "disagrees"),
        ("Verdict: disagrees (1930, 1932)", "disagrees"),
        ("Verdict: disagrees\n\nText: Bees.\nQuestion: ?\nVerdict: agrees", "disagrees"),
        ("Text: a\nQuestion: b\nEvidence: c\nText says: d\nVerdict: agrees", "agrees"),
        ("Verdict: agrees, disagrees or irrelevant", "unreadable"),
        ("Verdict: agrees\nVerdict: disagrees", "unreadable"),
        ("The text says 1930 and the evidence agrees with it, I think.", "unreadable"),
        ("Verdict: not irrelevant", "unreadable"),
        ("Verdict: yes", "unreadable"),
        ("disagreement", "unreadable"),
        ("", "unreadable"),
    ],
)
def test_only_a_clear_verdict_is_read(reply: str, gate: Gate) -> None:
    assert read_opinion(Reply(reply)).gate == gate


def test_what_the_model_wrote_on_the_way_is_kept() -> None:
    said = "Text says: 1930\n Evidence says: 1932\nVerdict: disagrees"
    assert read_opinion(Reply(said)).reasoning == "Text says: 1930\nEvidence says: 1932"
    assert read_opinion(Reply("Hm, 1930?")) == Opinion("unreadable", "Hm, 1930?")


def test_what_does_not_fit_the_window_is_unreadable_and_says_so() -> None:
    (opinion,) = AgreementGate(FakeModel(window=200), PROMPT)([CHECK])
    assert opinion == Opinion("unreadable", "text and evidence do not fit the model's window")


def test_each_check_gets_its_own_opinion_in_order() -> None:
    model = FakeModel({"Evidence: Bridge: It was opened in 1932. Text: x": "Verdict: disagrees",
                       "Evidence: Bees": "Verdict: irrelevant"})  # fmt: skip
    other = Check("It opened in 1930.", "When did it open?", "Bees hum.")
    gates = [opinion.gate for opinion in AgreementGate(model, PROMPT)([CHECK, other, CHECK])]
    assert gates == ["disagrees", "irrelevant", "disagrees"]
