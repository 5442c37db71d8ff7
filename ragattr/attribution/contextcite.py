"""ContextCite: the weights of a sparse linear model of what random ablations do to a claim."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ragattr.attribution.measure import Measure, Measured
from ragattr.attribution.subject import Subject, measured_claims
from ragattr.errors import ConfigError
from ragattr.models.protocols import Reading
from ragattr.types import FloatArray

_HIGHEST = -1e-6  # a probability of 1 has no logit: log-probabilities are clipped here


@dataclass(frozen=True)
class AttributeContextCite(Measure):
    """Random halves of the sentences are deleted; a Lasso explains each claim's logit-probability.

    ContextCite, section 3 of the paper and its released code: sum of the claim's token
    log-probabilities as a logit, divided by its tokens, on standardised masks.

    Attributes:
        n_ablations: random masks, 64 as in the released library.
        keep: how likely a sentence is kept.
        alpha: of the Lasso.
    """

    n_ablations: int = 64
    keep: float = 0.5
    alpha: float = 0.01

    def __post_init__(self) -> None:
        if self.n_ablations < 2 or not 0 < self.keep < 1:
            raise ConfigError(
                "contextcite needs at least 2 ablations and a keep rate between 0 and 1, got "
                f"{self.n_ablations} and {self.keep}"
            )

    @property
    def method(self) -> str:
        """As the command line names it."""
        return "contextcite"

    def measure(self, subject: Subject, reading: Reading) -> Measured:
        """Each claim's weights stand evenly spread over its tokens, so that their sum is theirs."""
        purse = self.budget.open(reading)
        rng = np.random.default_rng(self.seed)
        masks = rng.random((self.n_ablations, len(subject.sources))) < self.keep
        removals = [subject.together(np.flatnonzero(~mask).tolist()) for mask in masks]
        costs = [subject.deletion_passes(removal) * self.keep for removal in removals]
        effects = purse.spend(reading.delete, removals, costs)
        masks, logprobs = masks[: len(effects.drops)], reading.logprobs - effects.drops
        scores = np.zeros((len(subject.sources), len(reading.tokens)))
        for columns in measured_claims(subject.answer, reading.tokens):
            weights = surrogate(masks, logprobs[:, columns], alpha=self.alpha)
            scores[:, columns] = weights[:, None] / len(columns)
        return Measured(scores=scores, unit="logits", decides=False, partial=purse.was_short)


def surrogate(masks: NDArray[np.bool_], logprobs: FloatArray, *, alpha: float) -> FloatArray:
    """The Lasso's weights, in units of the claim's logit-probability.

    Args:
        masks: [ablations, sources], True where a source was kept.
        logprobs: [ablations, tokens], of the claim's tokens, nats.

    Returns:
        [sources].
    """
    from sklearn.linear_model import Lasso

    if len(masks) < 2:
        return np.zeros(masks.shape[1])
    total = np.minimum(logprobs.sum(axis=1), _HIGHEST)
    logits = total - np.where(
        total > -0.1, np.log(-np.expm1(total)), np.log1p(-np.exp(np.minimum(total, -0.1)))
    )
    scale = masks.std(axis=0)
    scale[scale == 0] = 1.0
    n_tokens = logprobs.shape[1]
    fitted = Lasso(alpha=alpha).fit((masks - masks.mean(axis=0)) / scale, logits / n_tokens)
    weights: FloatArray = fitted.coef_ / scale * n_tokens
    return weights
