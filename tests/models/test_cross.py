"""What the cross-encoder is given of a pair."""

from ragattr.models.cross import TokenPair, Vocabulary, padded_width

VOCABULARY = Vocabulary(first=1, between=2, padding=0, continuing=frozenset({90, 91}))


def test_a_word_is_shared_when_all_its_pieces_are() -> None:
    # "play ##ing cards" against "play cards": "playing" is another word than "play"
    pair = TokenPair((10, 90, 11), (10, 11))
    assert VOCABULARY.matches(pair) == ([1, 1, 2], [1, 2])


def test_a_batch_marks_segments_padding_and_the_claim() -> None:
    batch = VOCABULARY.batch([TokenPair((10, 11), (11,)), TokenPair((12,), (13, 14, 15))])
    assert batch.ids.shape == (2, padded_width(7))
    assert batch.ids[0, :7].tolist() == [1, 10, 11, 2, 11, 2, 0]
    assert batch.attention[0, :7].tolist() == [1, 1, 1, 1, 1, 1, 0]
    assert batch.segments[0, :7].tolist() == [0, 0, 0, 0, 1, 1, 0]
    assert batch.matches[0, :7].tolist() == [0, 1, 2, 0, 2, 0, 0]
    assert batch.claim.tolist() == batch.segments.tolist()


def test_widths_are_multiples_of_sixteen() -> None:
    assert [padded_width(n) for n in (1, 16, 17, 32)] == [16, 16, 32, 32]
