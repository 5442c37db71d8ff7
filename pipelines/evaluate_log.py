"""A log of a RAG system, audited: which statements its citations support.

    python pipelines/evaluate_log.py pipelines/rag_log.jsonl my-audit

Rows are read in whatever shape they have, their statements are judged passages first, and counted.
Stop it and start it again: what is finished is not done again.
"""

import sys
from pathlib import Path

from rich.console import Console

from ragattr import Cite
from ragattr.adapters.reading import reading
from ragattr.attribution.unmeasured import Unmeasured
from ragattr.auditing import AuditRows
from ragattr.batch.engine import Here
from ragattr.batch.evaluate import STATE, evaluate_rows
from ragattr.batch.sources import read_rows
from ragattr.batch.state import open_state
from ragattr.models import embedded
from ragattr.models.protocols import EntailmentModel
from ragattr.models.remembered import Remembered
from ragattr.report.audit import print_audit
from ragattr.verification.gold import CompareWithGold
from ragattr.verification.passages import VerifyPassages


def build(verifier: EntailmentModel) -> AuditRows:
    """Measure nothing, judge, join; where a row has a gold answer, set it beside the answer."""
    judge = VerifyPassages(verifier) >> Cite()
    return AuditRows(Unmeasured(), judge, CompareWithGold(verifier))


def main(log: str, folder: str) -> None:
    """Write metrics.json, records.parquet and report.html, and print the figures."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    verifier = embedded.verifier()
    settings = {"verifier": f"{verifier.name} {verifier.revision}"}
    with open_state(Path(folder) / STATE, settings) as state:
        work = build(Remembered(verifier, state.pairs()))
        audit, _ = evaluate_rows(
            read_rows(log), Path(folder), Here(work), read=reading({}), state=state
        )
    print_audit(audit, Console())


if __name__ == "__main__":
    main(*sys.argv[1:])
