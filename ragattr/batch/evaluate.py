"""An audit from files to a folder: metrics.json, records.parquet, report.html."""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

from ragattr import __version__
from ragattr.batch.engine import Engine
from ragattr.batch.found import Found
from ragattr.batch.labels import read_labels
from ragattr.batch.rows import Outcome, as_it_is, run_rows
from ragattr.batch.state import RunState
from ragattr.batch.table import RECORDS, read_questions, read_tally, table_writer
from ragattr.errors import InputError
from ragattr.metrics.agreement import Agreement, agreement
from ragattr.metrics.tally import Figure, Tally, compare
from ragattr.record import Row
from ragattr.report.audit import Audit, Group, render_audit
from ragattr.written import write_whole

STATE, METRICS, REPORT = "run.sqlite", "metrics.json", "report.html"
FILES = (STATE, METRICS, RECORDS, REPORT)
Lines = Iterable[tuple[int, str]]


def evaluate_rows(
    lines: Lines,
    folder: Path,
    engine: Engine,
    *,
    read: Callable[[Row], Row] = as_it_is,
    state: RunState | None = None,
    by: str = "source",
    labels: Path | None = None,
    other: Path | None = None,
    about: Mapping[str, object] | None = None,
) -> tuple[Audit, Outcome]:
    """Judge the rows, count, and write the folder's three files.

    Args:
        engine: works on the rows; its work goes from a case to its judged record.
        by: the field that tells where a row comes from, for figures of each.
        labels: JSON Lines of {"id", "claim", "label"}; a claim is its number from 1, or its text.
        other: the folder of another audit of the same questions, to compare with.
        about: what the run was made with, for metrics.json.

    Returns:
        The audit, and how many rows were done.
    """
    started = time.perf_counter()
    asked = None if other is None else read_questions(other)
    found = Found(by, read_labels(labels) if labels else {}, asked)
    with table_writer(folder / RECORDS) as write:

        def sink(record: Row) -> None:
            found.add(record)
            write(record)

        outcome = run_rows(lines, engine, sink, read=read, state=state)
        if not outcome.n_done:
            raise InputError(f"no row could be judged; the first: {outcome.failures[0]}")
        theirs = None if other is None else read_tally(other, found.shared.questions)
        audit = _audited(found, theirs, outcome, about or {}, time.perf_counter() - started)
    write_whole(folder / METRICS, json.dumps(as_json(audit), indent=1) + "\n")
    write_whole(folder / REPORT, render_audit(audit))
    return audit, outcome


def _audited(
    found: Found,
    theirs: Tally | None,
    outcome: Outcome,
    about: Mapping[str, object],
    seconds: float,
) -> Audit:
    return Audit(
        figures=found.tally.figures(),
        n_records=len(found.tally),
        n_failed=len(outcome.failures),
        n_questions=len(found.tally.questions),
        n_warned=found.n_warnings,
        groups={
            kind: [
                Group(name, len(tally), tally.figures())
                for name, tally in sorted(tallies.items(), key=lambda pair: -len(pair[1]))
            ]
            for kind, tallies in found.groups.items()
            if len(tallies) > 1
        },
        histogram=tuple(found.histogram),
        verifier=found.verifier,
        readers=tuple(sorted(found.readers)),
        worst=tuple(record for *_, record in sorted(found.worst, key=lambda w: (-w[0], -w[1]))),
        agreement=_agreement(found),
        differences=compare(found.shared, theirs) if theirs is not None else {},
        n_compared=len(found.shared.questions),
        about=dict(about),
        seconds=seconds,
    )


def _agreement(found: Found) -> Agreement | None:
    if not found.labels:
        return None
    if not found.labelled:
        raise InputError("no label names a statement of these records: see --labels")
    truth, p = zip(*found.labelled, strict=True)
    return agreement(truth, p, (found.verifier or {}).get("threshold", 0.5))


def as_json(audit: Audit) -> Row:
    """What metrics.json says: every figure with its interval and its count."""

    def figures(found: Mapping[str, Figure]) -> Row:
        return {
            name: {
                "value": round(f.value, 6),
                "low": round(f.low, 6),
                "high": round(f.high, 6),
                "n": round(f.n, 3),
            }
            for name, f in found.items()
        }

    return {
        "ragattr": __version__,
        **audit.about,
        "records": audit.n_records,
        "failed": audit.n_failed,
        "questions": audit.n_questions,
        "records_with_warnings": audit.n_warned,
        "verifier": audit.verifier,
        "used_as_read_by": list(audit.readers),
        "interval": "95 % percentile bootstrap, questions drawn anew 1000 times (Poisson)",
        "figures": figures(audit.figures),
        "groups": {
            kind: [{"name": g.name, "records": g.n, "figures": figures(g.figures)} for g in groups]
            for kind, groups in audit.groups.items()
        },
        "probabilities": list(audit.histogram),
        "agreement": asdict(audit.agreement) if audit.agreement else None,
        "compared": {
            "questions": audit.n_compared,
            "differences": {n: asdict(d) for n, d in audit.differences.items()},
        }
        if audit.n_compared
        else None,
        "seconds": round(audit.seconds, 1),
    }
