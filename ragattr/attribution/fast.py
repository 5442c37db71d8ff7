"""Divergence at the cost of a handful of passes: a packed filter, exact measurement of the best."""

from dataclasses import dataclass, field

from ragattr.attribution.filter import estimate
from ragattr.attribution.groups import find_groups
from ragattr.attribution.known import Known
from ragattr.attribution.measure import Measure, Measured, without_context
from ragattr.attribution.stopping import Stopping
from ragattr.attribution.subject import Subject, measured_claims
from ragattr.models.protocols import Encoder, Reading
from ragattr.types import FilterError

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
        """Filter, verify, look for sentences that say the same."""
        purse = self.budget.open(reading)
        context = without_context(subject, reading, purse)
        known = Known(subject, reading, purse)
        estimate(known)
        sureness = self._verify(known)
        groups = find_groups(known, floor=self.noise_floor, encoder=self.encoder)
        is_calibrated = self.model.filter_error is not None or known.is_exact.all()
        return Measured(
            scores=known.jsd,
            decides=True,
            drops=known.drops,
            context=context,
            groups=groups.members,
            group_scores=groups.joint.jsd,
            verified=known.verified,
            confidence=sureness if is_calibrated and known.is_known.all() else None,
            partial=purse.was_short,
        )

    def _verify(self, known: Known) -> float:
        """Put exact effects in place of estimates, the likeliest first; how sure it is then."""
        stopping = Stopping(self.model.filter_error or USUAL_ERROR, self.noise_floor)
        claims = measured_claims(known.subject.answer, known.reading.tokens)
        for n_measured in range(max(stopping.most)):
            wanted = {
                stopping.next(known.jsd[:, claim].mean(axis=1), known.is_exact, n_measured)
                for claim in claims
            }
            if not known.delete(sorted(i for i in wanted if i is not None)):
                break
        return min(
            stopping.confidence(known.jsd[:, claim].mean(axis=1), known.is_exact)
            for claim in claims
        )
