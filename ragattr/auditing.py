"""An audit, composed: many answers judged at once, passages first, use measured when asked for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from ragattr.citation.join import Cite
from ragattr.coherence import check_record
from ragattr.measured import to_attribution
from ragattr.metrics.gold import gold_answers
from ragattr.record import Row, read_case, to_answer, to_record, with_gold
from ragattr.setup import Setup
from ragattr.stage import Stage
from ragattr.text.offsets import OffsetUnit
from ragattr.types import Answer, Attribution, CitedAnswer, GoldFigures
from ragattr.verification.gold import CompareWithGold
from ragattr.verification.passages import VerifyPassages


@dataclass(frozen=True)
class AuditRows:
    """From a case to its record; a row that is a judged record already is only checked.

    What a record says was measured is not measured again.

    Attributes:
        judge: judges and joins.
        compare: sets answers beside the gold answers of rows that have one.
        again: whether judged records are judged anew.
    """

    measure: Stage[Answer, Attribution]
    judge: Stage[Attribution, CitedAnswer]
    compare: Stage[tuple[Answer, str], GoldFigures]
    offsets: OffsetUnit = "codepoints"
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
        examined = iter(self._examined(cases))
        return [next(examined) if record is None else record for record in records]

    def _examined(self, cases: Sequence[Row]) -> list[Row]:
        cited = self.judge(self._measured(cases))
        records = [
            to_record(case, one, offsets=self.offsets)
            for case, one in zip(cases, cited, strict=True)
        ]
        given = [(i, gold[0]) for i, case in enumerate(cases) if (gold := gold_answers(case))]
        answers = [(cited[i].judgement.attribution.answer, text) for i, text in given]
        for (i, _), figures in zip(given, self.compare(answers), strict=True):
            records[i] = with_gold(records[i], figures)
        return records

    def _measured(self, cases: Sequence[Row]) -> list[Attribution]:
        answers = [to_answer(case) for case in cases]
        kept = [
            to_attribution(case, answer) if _holds_attribution(case) else None
            for case, answer in zip(cases, answers, strict=True)
        ]
        new = iter(self.measure([a for a, k in zip(answers, kept, strict=True) if k is None]))
        return [next(new) if attribution is None else attribution for attribution in kept]

    def _judged(self, row: Row) -> Row | None:
        if self.again or not row.get("claims") or row.get("verifier") is None:
            return None
        check_record(row)
        return row


def _holds_attribution(row: Row) -> bool:
    return isinstance(row.get("attribution"), Mapping) and bool(row.get("claims"))


def audit_rows(setup: Setup, *, used: bool = False, again: bool = False) -> Callable[[Row], Row]:
    """A function from a case to its record, models loaded once.

    Args:
        used: whether it is measured what the model used.
        again: whether records that are judged already are judged anew.
    """
    measure = setup.measure(insist=True) if used else replace(setup, tier="text").measure()
    verifier = setup.entailment_model()
    judge = VerifyPassages(verifier, setup.threshold) >> Cite()
    return AuditRows(measure, judge, CompareWithGold(verifier), setup.offsets, again)
