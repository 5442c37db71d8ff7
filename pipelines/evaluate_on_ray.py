"""A log audited by many workers: on the cores of this machine, or on a Ray cluster.

    pip install 'ragattr[local,ray]'
    python pipelines/evaluate_on_ray.py pipelines/rag_log.jsonl my-audit
    python pipelines/evaluate_on_ray.py s3://logs/answers/*.parquet my-audit HEAD:6379

This process reads, keeps what is finished, counts and writes; every worker judges with models of
its own. Stop it and start it again: what is finished is not done again, with any engine.
"""

import sys
from pathlib import Path

from rich.console import Console

from ragattr import Cite
from ragattr.adapters.reading import reading
from ragattr.attribution.unmeasured import Unmeasured
from ragattr.auditing import AuditRows
from ragattr.batch.evaluate import STATE, evaluate_rows
from ragattr.batch.ray import OnRay
from ragattr.batch.sources import read_rows
from ragattr.batch.state import open_state
from ragattr.models import embedded
from ragattr.report.audit import print_audit
from ragattr.verification.gold import CompareWithGold
from ragattr.verification.passages import VerifyPassages


def build() -> AuditRows:
    """What a worker does: measure nothing, judge, join."""
    verifier = embedded.verifier()
    judge = VerifyPassages(verifier) >> Cite()
    return AuditRows(Unmeasured(), judge, CompareWithGold(verifier))


def main(log: str, folder: str, address: str | None = None) -> None:
    """Write metrics.json, records.parquet and report.html, and print the figures."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    with open_state(Path(folder) / STATE, {"judge": "as build() has it"}) as state:
        engine = OnRay(build, address=address)
        audit, _ = evaluate_rows(
            read_rows(log), Path(folder), engine, read=reading({}), state=state
        )
    print_audit(audit, Console())


if __name__ == "__main__":
    main(*sys.argv[1:])
