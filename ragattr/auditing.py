"""An audit, composed: many answers judged at once, passages first, use measured when asked for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ragattr.citation.join import Cite
from ragattr.record import Row, read_case, to_answer, to_record
from ragattr.schema import Record, check
from ragattr.setup import Setup
from ragattr.stage import Stage
from ragattr.text.offsets import OffsetUnit
from ragattr.types import Answer, CitedAnswer
from ragattr.verification.passages import VerifyPassages


@dataclass(frozen=True)
class AuditRows:
    """From a case to its record; a row that is a judged record already is only checked.

    Attributes:
        again: whether judged records are judged anew.
    """

    examine: Stage[Answer, CitedAnswer]
    offsets: OffsetUnit
    again: bool = False

    def __call__(self, row: Row) -> Row:
        (done,) = self.together([row])
        return done

    def together(self, rows: Sequence[Row]) -> list[Row]:
        """The records of all rows; the verifier is asked about all of them at once."""
        records = [self._judged(row) for row in rows]
        cases = [
            read_case(row, default_id="1", answered=True)
            for row, record in zip(rows, records, strict=True)
            if record is None
        ]
        examined = iter(
            [
                to_record(case, cited, offsets=self.offsets)
                for case, cited in zip(
                    cases, self.examine([to_answer(case) for case in cases]), strict=True
                )
            ]
        )
        return [next(examined) if record is None else record for record in records]

    def _judged(self, row: Row) -> Row | None:
        if self.again or not row.get("claims") or row.get("verifier") is None:
            return None
        check(row, Record)
        return row


def audit_rows(setup: Setup, *, used: bool = False, again: bool = False) -> Callable[[Row], Row]:
    """A function from a case to its record, models loaded once.

    Args:
        used: whether it is measured what the model used.
        again: whether records that are judged already are judged anew.
    """
    measure = setup.measure(insist=True) if used else replace(setup, tier="text").measure()
    verify = VerifyPassages(setup.entailment_model(), setup.threshold)
    return AuditRows(measure >> verify >> Cite(), setup.offsets, again)
