"""An attribution read back from a record is judged as the one that was measured."""

import json

import pytest

from ragattr.attribution.jsd import AttributeJSD
from ragattr.citation.join import Cite
from ragattr.errors import InputError
from ragattr.measured import to_attribution
from ragattr.metrics.usage import claim_use
from ragattr.models.fake import FakeModel, FakeVerifier
from ragattr.record import Row, read_case, to_answer, to_attribution_record, to_record
from ragattr.setup import answer_prompt
from ragattr.text.offsets import OffsetUnit
from ragattr.verification.passages import VerifyPassages

CASE = {
    "id": "é",
    "question": "What do insects do? 😀",
    "passages": ["Bees 😀 make honey. Ants dig tunnels.", "Wasps sting. Bees 😀 make honey."],
    "answer": "😀 Bees make honey [1]. Wasps sting [2][9].",
}


def _recorded(offsets: OffsetUnit) -> tuple[Row, Row]:
    """The whole record, and the one of what was measured alone, read back."""
    case = read_case(CASE, default_id="1", answered=True)
    (measured,) = AttributeJSD(FakeModel(), answer_prompt())([to_answer(case)])
    (cited,) = (VerifyPassages(FakeVerifier()) >> Cite())([measured])
    alone = to_attribution_record(case, measured, offsets=offsets)
    return to_record(case, cited, offsets=offsets), json.loads(json.dumps(alone))


@pytest.mark.parametrize("offsets", ["codepoints", "utf8", "utf16"])
def test_a_record_of_use_alone_is_judged_to_the_record_of_both(offsets: OffsetUnit) -> None:
    whole, alone = _recorded(offsets)
    assert any(row["used"] for claim in whole["claims"] for row in claim["citations"])
    case = read_case(alone, default_id="1", answered=True)
    attribution = to_attribution(alone, to_answer(case))
    (cited,) = (VerifyPassages(FakeVerifier()) >> Cite())([attribution])
    again = to_record(case, cited, offsets=offsets)
    assert again["claims"] == whole["claims"]
    assert again["attribution"] == whole["attribution"]


def test_what_a_claim_used_is_the_sum_that_the_record_has() -> None:
    _, alone = _recorded("codepoints")
    attribution = to_attribution(alone, to_answer(read_case(alone, default_id="1", answered=True)))
    use = claim_use(attribution, attribution.answer.claims[0])
    assert use is not None
    assert use.scores.tolist() == pytest.approx(alone["attribution"]["scores"][0], abs=1e-6)
    assert use.n_tokens == alone["attribution"]["n_tokens"][0]


def test_scores_that_are_not_of_these_claims_are_an_error() -> None:
    _, alone = _recorded("codepoints")
    alone["attribution"]["scores"].pop()
    with pytest.raises(InputError, match="attribution.scores"):
        to_attribution(alone, to_answer(read_case(alone, default_id="1", answered=True)))
