"""A judge of another kind than the verifier: plain figures of words, numbers, names and vectors."""

from collections.abc import Sequence

from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from ragattr.learn.rows import Row
from ragattr.metrics.classification import source_weights
from ragattr.models.entailment import compare, pair_features
from ragattr.models.protocols import Encoder, Pair
from ragattr.verification.evidence import join


class SurfaceJudge:
    """Logistic regression on the plain figures and their products; no entailment model in it.

    Args:
        rows: labelled claims to fit it on; best of other questions than it judges.
    """

    def __init__(self, rows: Sequence[Row], encoder: Encoder) -> None:
        self._encoder = encoder
        labels = [row.attributable for row in rows]
        weights = source_weights([row.source for row in rows], labels)
        self._model: Pipeline = make_pipeline(
            StandardScaler(),
            PolynomialFeatures(2, include_bias=False),
            StandardScaler(),
            LogisticRegression(C=0.003, max_iter=1000),
        )
        pairs = [Pair(join(row.evidence), row.claim) for row in rows]
        figures = pair_features(pairs, compare(pairs, encoder))
        self._model.fit(figures, labels, logisticregression__sample_weight=weights)

    def judge(self, pairs: Sequence[Pair]) -> list[float]:
        """1 for each pair whose premise supports the hypothesis, as likely as not."""
        if not pairs:
            return []
        figures = pair_features(pairs, compare(pairs, self._encoder))
        found: list[float] = (
            (self._model.predict_proba(figures)[:, 1] >= 0.5).astype(float).tolist()
        )
        return found
