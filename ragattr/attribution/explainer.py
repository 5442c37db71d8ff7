"""A learned explainer: exact divergence, predicted from what one reading and hiding show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np

from ragattr.attribution.budget import Purse
from ragattr.attribution.heads import mixed
from ragattr.attribution.inside import look_inside
from ragattr.attribution.measure import Measure, Measured
from ragattr.attribution.ridge import Ridge
from ragattr.attribution.signals import Hidden, Signals, read_signals
from ragattr.attribution.stopping import Stopping
from ragattr.attribution.subject import Subject, measured_claims
from ragattr.errors import ConfigError
from ragattr.models.protocols import Encoder, Reading
from ragattr.types import FilterError, FloatArray

OFFSET = 1e-3  # nats per token, in logarithms of divergence
HIDDEN_SHARE = 0.5  # of the sentences are hidden: those that a glance at the reading prefers
MOST_PASSES = 3.0
SEEN = (
    "attention",
    "attention_over_best",
    "direct",
    "similarity",
    "place",
    "early",
    "length",
)
FIGURES = (*SEEN, "hidden", "hidden_drop")


@dataclass(frozen=True, eq=False)
class Explainer:
    """Predicts the log of leave-one-out divergence, nats per token.

    "Empirical Explainers" (section 3 of the paper): a cheap model that predicts the map of a dear
    explainer.

    Attributes:
        head_weights: [layers, heads], of the attention figure.
        glance: from the figures of the reading alone.
        full: from all figures.
        error: of `full` on sources that it was not fitted on.
    """

    head_weights: FloatArray = field(repr=False)
    glance: Ridge = field(repr=False)
    full: Ridge = field(repr=False)
    error: FilterError

    @classmethod
    def of(cls, kept: Mapping[str, Any], head_weights: FloatArray) -> Self:
        """From what `ragattr train explainer` wrote."""
        if tuple(kept["figures"]) != FIGURES:
            raise ConfigError("the explainer was trained on other figures: train it again")
        glance, full = (
            Ridge(*(np.array(kept[name][part]) for part in ("means", "scales", "coefficients")))
            for name in ("glance", "full")
        )
        return cls(head_weights, glance, full, FilterError(**kept["error"]))

    def at_a_glance(self, signals: Signals) -> FloatArray:
        """[sources], nats per token."""
        return _divergence(self.glance.predict(seen_figures(signals, self.head_weights)))

    def explain(self, signals: Signals, hidden: Hidden) -> FloatArray:
        """[sources], nats per token; what nobody hid is known at a glance alone."""
        seen = seen_figures(signals, self.head_weights)
        found = _divergence(self.glance.predict(seen))
        was_hidden = ~np.isnan(hidden.jsd)
        table = all_figures(seen, hidden)[was_hidden]
        found[was_hidden] = _divergence(self.full.predict(table))
        return found


def seen_figures(signals: Signals, head_weights: FloatArray) -> FloatArray:
    """[sources, SEEN]."""
    attention = np.log(np.maximum(mixed(signals.attention, head_weights), 0.0) + OFFSET)
    return np.stack(
        [
            attention,
            attention - attention.max(initial=-np.inf),
            np.arcsinh(signals.direct),
            signals.similarity,
            signals.places,
            np.exp(-10 * signals.places),
            np.log(signals.lengths + 1),
        ],
        axis=1,
    )


def all_figures(seen: FloatArray, hidden: Hidden) -> FloatArray:
    """[sources, FIGURES]."""
    return np.column_stack([seen, np.log(hidden.jsd + OFFSET), np.arcsinh(100 * hidden.drops)])


def _divergence(logs: FloatArray) -> FloatArray:
    return np.clip(np.exp(logs) - OFFSET, 0.0, np.log(2))


@dataclass(frozen=True)
class AttributeExplainer(Measure):
    """A glance at one reading, hiding what looks likely, deleting the best: about three passes.

    The limit counts what hiding and deleting cost by characters; the budget may be smaller.

    Attributes:
        explainer: trained for this model.
        encoder: of the similarity figure.
    """

    explainer: Explainer = field(kw_only=True, repr=False)
    encoder: Encoder = field(kw_only=True, repr=False)

    @property
    def method(self) -> str:
        """As the command line names it."""
        return "explainer"

    def measure(self, subject: Subject, reading: Reading) -> Measured:
        """A prediction stands evenly spread over its claim's tokens; what was deleted is exact."""
        inside, n_sources = look_inside(reading, self.model.card), len(subject.sources)
        most = min(MOST_PASSES, self.budget.passes or MOST_PASSES)
        purse = replace(self.budget, passes=most).open(reading)
        claims = measured_claims(subject.answer, reading.tokens)
        signals = read_signals(subject, inside, self.encoder)
        likely = _likely([self.explainer.at_a_glance(known) for known in signals])
        n_hidden = min(len(likely), int((most - reading.passes) / subject.knock_out_passes))
        chosen = likely[: max(n_hidden, 0)]
        effects = reading.knock_out([subject.removals[i] for i in chosen])
        scores = np.zeros((n_sources, len(reading.tokens)))
        for claim, known in zip(claims, signals, strict=True):
            hidden = Hidden.of(effects, claim, chosen, n_sources)
            scores[:, claim] = self.explainer.explain(known, hidden)[:, None]
        verified = self._verify(subject, reading, purse, claims, scores)
        is_limited = most < MOST_PASSES or self.budget.seconds is not None
        return Measured(
            scores=scores,
            decides=False,
            interventional=False,
            verified=verified,
            partial=is_limited and (purse.was_short or len(chosen) < len(likely)),
        )

    def _verify(
        self,
        subject: Subject,
        reading: Reading,
        purse: Purse,
        claims: Sequence[Sequence[int]],
        scores: FloatArray,
    ) -> tuple[int, ...]:
        """Put exact scores in place of the best predictions while passes are left; which ones."""
        stopping = Stopping(self.explainer.error, self.noise_floor)
        is_exact = np.zeros(len(scores), dtype=bool)
        for n_measured in range(max(stopping.most)):
            for claim in claims:
                best = stopping.next(scores[:, claim].mean(axis=1), is_exact, n_measured)
                if best is None or not purse.affords(
                    subject.deletion_passes(subject.removals[best])
                ):
                    continue
                scores[best] = reading.delete([subject.removals[best]]).jsd[0]
                is_exact[best] = True
        return tuple(np.flatnonzero(is_exact).tolist())


def _likely(predictions: Sequence[FloatArray]) -> list[int]:
    """The better part of the sources for any claim, the best of each first."""
    n_kept = int(np.ceil(HIDDEN_SHARE * len(predictions[0])))
    ranked = [np.argsort(-found, kind="stable")[:n_kept] for found in predictions]
    return [*dict.fromkeys(int(i) for rank in zip(*ranked, strict=True) for i in rank)]
