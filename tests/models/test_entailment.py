"""The embedded verifier: what each figure says, and that the shipped weights are sane."""

import json
from importlib.resources import files

import numpy as np
import pytest

from ragattr.errors import ConfigError
from ragattr.models.entailment import EmbeddedVerifier, log_odds, quadratic, sigmoid
from ragattr.models.fake import FakeEncoder, FakeReader
from ragattr.models.features import FEATURES, features


def _figures(claim: str, *sentences: str, similarity: tuple[float, ...] = ()) -> dict[str, float]:
    near = np.array(similarity or [0.5] * len(sentences))
    return dict(zip(FEATURES, features(claim, sentences, near), strict=True))


def test_recall_is_the_share_of_content_words_found() -> None:
    found = _figures(
        "Bees make sweet honey.", "Bees make wax.", "Honey is thick.", similarity=(0.9, 0.1)
    )
    assert found["recall"] == pytest.approx(3 / 4)  # bees, make, honey; not sweet
    assert found["recall_nearest"] == pytest.approx(2 / 4)


def test_a_number_that_is_missing_lowers_number_recall() -> None:
    assert _figures("In 1889 it cost 1,000.", "It cost 1000 in 1889.")["number_recall"] == 1.0
    assert _figures("In 1888 it cost 1,000.", "It cost 1000 in 1889.")["number_recall"] == 0.5
    assert _figures("It cost much.", "It cost 1000.")["number_recall"] == 1.0


def test_a_name_that_is_missing_lowers_name_recall() -> None:
    assert _figures("It was built by Eiffel in Paris.", "Eiffel built it.")["name_recall"] == 0.5


def test_negation_on_one_side_differs_and_on_both_sides_does_not() -> None:
    assert _figures("Bees do not sting.", "Bees sting.")["negation_differs"] == 1.0
    assert _figures("Bees do not sting.", "Bees never sting.")["negation_differs"] == 0.0


def test_similarity_takes_the_nearest_and_the_mean_of_three() -> None:
    found = _figures("x", "a", "b", "c", "d", similarity=(0.1, 0.4, 0.9, 0.2))
    assert found["similarity"] == pytest.approx(0.9)
    assert found["similarity_top3"] == pytest.approx(0.5)


def test_bigrams_see_the_order_of_words() -> None:
    assert _figures("dog bites man", "dog bites man")["bigram_recall"] == 1.0
    assert _figures("dog bites man", "man bites dog")["bigram_recall"] == 0.0


def test_quadratic_columns_are_the_figures_and_their_products() -> None:
    assert quadratic(np.array([[2.0, 3.0]])).tolist() == [[2, 3, 4, 6, 9]]


def test_sigmoid_is_safe_for_large_logits() -> None:
    assert sigmoid(np.array([-1e4, 0.0, 1e4])).tolist() == [0.0, 0.5, 1.0]


def test_log_odds_of_supported_and_of_contradicted_against_neither() -> None:
    """Equal logits: odds of 1 to 2 for supported, even for contradicted against neither."""
    found = log_odds(np.array([[0.0, 0.0, 0.0], [2.0, 1.0, 0.0]]))
    assert found[0] == pytest.approx([-np.log(2), 0.0])
    assert found[1] == pytest.approx([2 - np.log(np.e + 1), 1.0])


def test_weights_of_other_features_are_refused() -> None:
    weights = json.loads((files("ragattr.models") / "verifier.json").read_text("utf-8"))
    weights["features"] = ["length"]
    with pytest.raises(ConfigError, match="was trained on"):
        EmbeddedVerifier.of(weights, FakeEncoder(), FakeReader(), revision="test")


def test_the_card_says_what_the_weights_were_trained_on_and_under_which_licences() -> None:
    folder = files("ragattr.models")
    card = json.loads((folder / "verifier.json").read_text("utf-8"))["card"]
    page = (folder / "verifier.md").read_text("utf-8")
    assert {"cross_validated_macro_f1", "rows", "seed", "command"} <= set(card)
    assert [name for name in card["data"] if f"`{name}`" not in page] == []


@pytest.mark.model
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("The tower was completed in 1889.", "The tower was completed in 1925."),
        ("The tower stands in Paris.", "The tower stands in Madrid."),
        ("The tower is made of iron.", "Penguins live in Antarctica."),
    ],
)
def test_what_the_evidence_says_scores_higher_than_what_it_does_not(right: str, wrong: str) -> None:
    from ragattr.models import embedded
    from ragattr.models.protocols import Pair

    evidence = "The tower was completed in 1889. It is made of iron and stands in Paris."
    of_right, of_wrong = embedded.verifier().entails(
        [Pair(evidence, right), Pair(evidence, wrong)]
    )[:, 0]
    assert of_right > of_wrong


@pytest.mark.model
def test_a_pair_is_judged_alike_alone_and_in_any_company() -> None:
    from ragattr.learn.floors import read_facts
    from ragattr.models import embedded
    from ragattr.models.protocols import Pair

    facts = read_facts()[:12]
    passages = [fact["passage"] for fact in facts]
    pairs = [Pair(fact["passage"], fact["paraphrase"]) for fact in facts]
    pairs += [Pair(fact["gold"], facts[i - 1]["gold"]) for i, fact in enumerate(facts)]
    pairs += [Pair(" ".join(passages[: n + 4]), facts[n]["paraphrase"]) for n in range(4)]  # long
    verifier = embedded.verifier()
    together = verifier.entails(pairs)
    alone = np.concatenate([verifier.entails([pair]) for pair in pairs])
    assert np.abs(together - alone).max() < 1e-3
    assert ((together[:, 0] >= 0.5) == (alone[:, 0] >= 0.5)).all()
