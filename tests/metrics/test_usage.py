from dataclasses import replace

import numpy as np
import pytest

from ragattr.errors import ConfigError
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


GROUPED = replace(
    MEASURED,
    sources=(Source(0, Span(0, 4)), Source(0, Span(5, 9)), Source(0, Span(0, 9))),
    scores=np.array([[0.0] * 5, [0.0] * 5, [0.2, 0.0, 0.0, 0.0, 0.0]]),
    groups=((0, 1),),
    group_scores=np.array([[0.4, 9.0, 0.2, 0.0, 0.0]]),
)


def test_a_groups_score_is_summed_over_the_claims_own_tokens() -> None:
    use = claim_use(GROUPED, FIRST)
    assert use is not None
    assert use.group_scores.tolist() == pytest.approx([0.6])


def test_members_of_a_group_share_its_part_and_the_group_counts_once() -> None:
    use = claim_use(GROUPED, FIRST)  # 0.6 of the group and 0.2 of the third
    assert use is not None
    assert use.shares is not None
    assert use.counts is not None
    assert use.shares.tolist() == pytest.approx([0.75, 0.75, 0.25])
    assert use.counts.tolist() == [True, True, False]  # 0.3 and 0.1 a token, over 0.15


def test_what_single_members_do_is_not_added_to_their_group() -> None:
    scores = np.array([[0.1, 0, 0, 0, 0], [0.3, 0, 0, 0, 0], [0.2, 0, 0, 0, 0]])
    use = claim_use(replace(GROUPED, scores=scores), FIRST)
    assert use is not None
    assert use.shares is not None
    assert use.shares.tolist() == pytest.approx([0.75, 0.75, 0.25])


def test_a_group_that_does_nothing_to_a_claim_has_no_share_of_it() -> None:
    use = claim_use(replace(GROUPED, context_scores=None), SECOND)
    assert use is not None
    assert use.shares is not None
    assert use.shares.tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("drops", "expected"),
    [([np.log(2), 9.0, 3 * np.log(2)], 1 / 4), ([0.0, 9.0, 0.0], 1.0), ([-1.0, 9.0, 0.5], 1.0)],
)
def test_the_parametric_share_is_the_likelihood_per_token_that_is_kept(
    drops: list[float], expected: float
) -> None:
    measured = replace(MEASURED, context_drops=np.array([*drops, 0.0, 0.0]))
    use = claim_use(measured, FIRST)
    assert use is not None
    assert use.parametric_share == pytest.approx(expected)


def test_without_the_contexts_drops_the_parametric_share_is_not_known() -> None:
    use = claim_use(MEASURED, FIRST)
    assert use is not None
    assert use.parametric_share is None


def test_group_scores_must_fit_groups_and_tokens() -> None:
    with pytest.raises(ConfigError, match=r"group_scores must be \[groups, tokens\] \(1, 5\)"):
        replace(GROUPED, group_scores=np.zeros((2, 5)))
