"""The plain figures of a claim and its evidence: words, numbers, names, vectors, lengths."""

from collections.abc import Sequence

import numpy as np

from ragattr.text.words import content_words, is_negated, names, numbers, stem, words
from ragattr.types import FloatArray

FEATURES = (
    "similarity",  # cosine of the claim and its nearest evidence sentence
    "similarity_top3",  # mean cosine of the claim and its three nearest sentences
    "recall",  # share of the claim's content words found in the evidence
    "recall_top3",  # the same, in the three nearest sentences
    "recall_nearest",  # the same, in the nearest sentence
    "bigram_recall",  # share of the claim's word pairs found in the evidence
    "number_recall",  # share of the claim's numbers found in the evidence; 1 when it has none
    "has_number",
    "name_recall",  # share of the claim's capitalised words found in the evidence; or 1
    "negation_differs",  # negated claim and plain nearest sentence, or the other way round
    "log_evidence_words",
    "log_claim_words",
)


def features(claim: str, sentences: Sequence[str], similarity: FloatArray) -> FloatArray:
    """The figures of one pair, in the order of `FEATURES`.

    Args:
        sentences: of the evidence, at least one.
        similarity: [sentences], cosine with the claim, -1..1.
    """
    order = np.argsort(-similarity, kind="stable")
    nearest = sentences[order[0]]
    claim_content = set(content_words(claim))
    per_sentence = [set(content_words(sentence)) for sentence in sentences]
    everything = " ".join(sentences)
    evidence_words = [word for sentence in sentences for word in words(sentence)]
    evidence_stems = {stem(word) for word in evidence_words}
    claim_words = words(claim)
    return np.array(
        [
            similarity[order[0]],
            similarity[order[:3]].mean(),
            _recall(claim_content, set().union(*per_sentence)),
            _recall(claim_content, set().union(*(per_sentence[i] for i in order[:3]))),
            _recall(claim_content, per_sentence[order[0]]),
            _recall(_bigrams(claim_words), _bigrams(evidence_words)),
            _recall(numbers(claim), numbers(everything)),
            float(bool(numbers(claim))),
            _recall(names(claim), evidence_stems),
            float(is_negated(claim) != is_negated(nearest)),
            np.log1p(len(evidence_words)),
            np.log1p(len(claim_words)),
        ]
    )


def _recall(wanted: set[object] | set[str], found: set[object] | set[str]) -> float:
    return len(wanted & found) / len(wanted) if wanted else 1.0


def _bigrams(sequence: Sequence[str]) -> set[object]:
    return set(zip(sequence, sequence[1:], strict=False))
