"""Divergence at the cost of a handful of passes: a packed filter, exact measurement of the best."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ragattr.attribution.budget import Purse
from ragattr.attribution.filter import estimates
from ragattr.attribution.groups import find_groups
from ragattr.attribution.measure import Measure, Measured, without_context
from ragattr.attribution.stopping import Stopping
from ragattr.attribution.subject import Subject, measured_claims
from ragattr.models.protocols import Encoder, Reading
from ragattr.types import FilterError, FloatArray

# The embedded model's, for models that nobody measured; then the record gives no confidence.
USUAL_ERROR = FilterError(offset=1e-3, middle=0.05, scale=0.2)


@dataclass(frozen=True)
class AttributeFast(Measure):
    """Knock-outs of all sentences in packed passes, then exact deletion of those that matter.

    Every sentence is first hidden from question and answer, all copies over one memory. Then the
    best of each claim are deleted exactly, one after another, until it is unlikely that one which
    was only estimated belongs among them. A model without the attention interface is measured
    exactly throughout.

    Attributes:
        encoder: proposes sentences that say the same; without one, their words do.
    """

    encoder: Encoder | None = field(default=None, repr=False)

    @property
    def method(self) -> str:
        """As the command line names it."""
        return "jsd-fast"

    def measure(self, subject: Subject, reading: Reading) -> Measured:
        """Filter, look for sentences that say the same, verify."""
        purse = self.budget.open(reading)
        context = without_context(subject, reading, purse)
        found = estimates(subject, reading, purse)
        jsd, drops = found.jsd, found.drops
        groups = find_groups(
            subject, reading, jsd, floor=self.noise_floor, encoder=self.encoder, purse=purse
        )
        jsd[groups.grouped], drops[groups.grouped] = groups.singles.jsd, groups.singles.drops
        is_exact = np.zeros(len(jsd), dtype=bool)
        is_exact[[*groups.grouped, *(found.reached if found.is_exact else ())]] = True
        sureness = self._verify(subject, reading, purse, jsd, drops, is_exact)
        is_calibrated = self.model.filter_error is not None or is_exact.all()
        return Measured(
            scores=jsd,
            decides=True,
            drops=drops,
            context=context,
            groups=groups.members,
            group_scores=groups.joint.jsd,
            verified=tuple(np.flatnonzero(is_exact).tolist()),
            confidence=sureness if is_calibrated and len(found.reached) == len(jsd) else None,
            partial=purse.was_short,
        )

    def _verify(
        self,
        subject: Subject,
        reading: Reading,
        purse: Purse,
        jsd: FloatArray,
        drops: FloatArray,
        is_exact: NDArray[np.bool_],
    ) -> float:
        """Put exact rows in place of estimated ones, the likeliest first; how sure it is then."""
        stopping = Stopping(self.model.filter_error or USUAL_ERROR, self.noise_floor)
        claims = measured_claims(subject.answer, reading.tokens)
        for n_measured in range(max(stopping.most)):
            wanted = {
                stopping.next(jsd[:, claim].mean(axis=1), is_exact, n_measured) for claim in claims
            }
            chosen = sorted(i for i in wanted if i is not None)
            removals = [subject.removals[i] for i in chosen]
            costs = [subject.deletion_passes(removal) for removal in removals]
            effects = purse.spend(reading.delete, removals, costs)
            done = chosen[: len(effects.jsd)]
            jsd[done], drops[done], is_exact[done] = effects.jsd, effects.drops, True
            if not done:
                break
        return min(stopping.sureness(jsd[:, claim].mean(axis=1), is_exact) for claim in claims)
