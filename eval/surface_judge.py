"""A judge of another kind than the verifier: plain figures of words, numbers, names and vectors."""

from collections.abc import Sequence

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from ragattr.learn.rows import Row
from ragattr.metrics.classification import source_weights
from ragattr.models.entailment import compare, pair_features
from ragattr.models.protocols import Encoder, Pair
from ragattr.types import FloatArray
from ragattr.verification.evidence import join


class SurfaceJudge:
    """Logistic regression on the plain figures and their products; no entailment model in it.

    Args:
        rows: labelled claims to fit it on; those with the same evidence as a judged text are few,
            and it has some ninety weights.
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
        figures = self._figures([Pair(join(row.evidence), row.claim) for row in rows])
        self._model.fit(figures, labels, logisticregression__sample_weight=weights)

    def supported(self, asked: Sequence[tuple[object, str]]) -> list[float]:
        """1 for each text that its evidence supports, as likely as not; an empty one is."""
        said = [(text, said) for text, said in asked if said.strip()]
        pairs = [Pair(join(text.evidence), said) for text, said in said]
        found = iter((self._model.predict_proba(self._figures(pairs))[:, 1] >= 0.5).tolist())
        return [float(next(found)) if said.strip() else 1.0 for _, said in asked]

    def _figures(self, pairs: Sequence[Pair]) -> FloatArray:
        if not pairs:
            return np.zeros((0, 12))
        return pair_features(pairs, compare(pairs, self._encoder))
