from dataclasses import replace

import numpy as np
import pytest

from ragattr.metrics.usage import claim_use, is_unreadable, reader_logprob
from ragattr.text.align import token_spans
from ragattr.types import (
    Answer,
    Attribution,
    Claim,
    Context,
    Floors,
    Marker,
    Passage,
    Query,
    Source,
    Span,
)

TEXT = "Big [1]. Old."  # tokens "Big", " [1]", ".", " Old", "."
FIRST, SECOND = Claim("Big [1].", Span(0, 8)), Claim("Old.", Span(9, 13))
ANSWER = Answer(
    Context(Query("?", "q"), (Passage("One. Two.", "a"),)),
    TEXT,
    (FIRST, SECOND),
    (Marker(Span(4, 7), (1,)),),
)
MEASURED = Attribution(
    answer=ANSWER,
    tokens=token_spans([0, 3, 7, 8, 12], 13),
    sources=(Source(0, Span(0, 4)), Source(0, Span(5, 9))),
    scores=np.array([[0.3, 0.6, 0.1, 0.0, 0.0], [0.1, 0.0, 0.1, -0.2, 0.1]]),
    unit="nats",
    context_scores=np.array([0.3, 0.7, 0.1, 0.0, 0.0]),
    logprobs=np.array([-1.0, -9.0, -2.0, -3.0, -4.0]),
    floors=Floors(noise=0.15, context=0.01, reader=-5.0),
)


def test_a_claims_scores_are_summed_over_its_own_tokens_without_its_markers() -> None:
    use = claim_use(MEASURED, FIRST)
    assert use is not None
    assert (use.columns, use.scores.tolist()) == ([0, 2], pytest.approx([0.4, 0.2]))


def test_shares_are_parts_of_the_sum_and_counting_is_decided_per_token() -> None:
    use = claim_use(MEASURED, FIRST)  # per token 0.2 and 0.1, the floor is 0.15
    assert use is not None
    assert use.shares is not None
    assert use.counts is not None
    assert use.shares.tolist() == pytest.approx([2 / 3, 1 / 3])
    assert use.counts.tolist() == [True, False]


def test_context_use_is_the_mean_over_ln2() -> None:
    use = claim_use(MEASURED, FIRST)
    assert use is not None
    assert use.context_use == pytest.approx(0.2 / 0.6931471805599453)


def test_below_the_context_floor_every_share_is_0() -> None:
    use = claim_use(MEASURED, SECOND)  # the second source has 0.1, but the context moves nothing
    assert use is not None
    assert use.shares is not None
    assert use.counts is not None
    assert (use.shares.tolist(), use.counts.tolist()) == ([0.0, 0.0], [False, False])


def test_negative_scores_take_nothing_from_the_others() -> None:
    scores = np.array([[0.0, 0.0, 0.0, 0.2, 0.2], [0.0, 0.0, 0.0, -0.2, 0.1]])
    use = claim_use(replace(MEASURED, scores=scores, context_scores=None), SECOND)
    assert use is not None
    assert use.shares is not None
    assert use.scores.tolist() == pytest.approx([0.4, -0.1])
    assert use.shares.tolist() == pytest.approx([1.0, 0.0])


@pytest.mark.parametrize(
    "measured",
    [
        replace(MEASURED, floors=None),
        replace(MEASURED, floors=Floors(noise=0.15, context=0.01, reader=-2.0)),
    ],
)
def test_without_floors_or_a_readable_answer_there_are_scores_but_no_shares(
    measured: Attribution,
) -> None:
    use = claim_use(measured, FIRST)
    assert use is not None
    assert use.scores.tolist() == pytest.approx([0.4, 0.2])
    assert (use.shares, use.counts) == (None, None)


def test_nothing_is_known_where_nothing_was_measured() -> None:
    assert claim_use(replace(MEASURED, scores=None), FIRST) is None


def test_the_readers_logprob_leaves_markers_out() -> None:
    assert reader_logprob(MEASURED) == pytest.approx((-1 - 2 - 3 - 4) / 4)
    assert reader_logprob(replace(MEASURED, logprobs=None)) is None
    assert not is_unreadable(MEASURED)
