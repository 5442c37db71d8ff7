"""An audit from files to a folder: metrics.json, records.parquet, report.html."""

import heapq
import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from ragattr import __version__
from ragattr.batch.rows import Outcome, as_it_is, read_lines, run_rows
from ragattr.batch.state import RunState
from ragattr.errors import ConfigError, InputError, MissingExtra
from ragattr.metrics.agreement import Agreement, agreement
from ragattr.metrics.audit import Difference, Figure, Tally, compare, count
from ragattr.record import Row, dumps, loads
from ragattr.report.audit import Audit, Group, render_audit
from ragattr.written import whole_file, write_whole

STATE, METRICS, RECORDS, REPORT = "run.sqlite", "metrics.json", "records.parquet", "report.html"
WORST = 12  # cases shown
BINS = 20  # of the histogram of probabilities
_KEPT_TOGETHER = 500  # records in one group of the table
_SUPPORTED = {
    "supported": True,
    "attributable": True,
    "not_attributable": False,
    "contradicted": False,
    "not_enough_information": False,
    "not_supported": False,
}
_ASKED = (
    "how many",
    "how much",
    "how",
    "who",
    "whom",
    "whose",
    "when",
    "where",
    "which",
    "what",
    "why",
)
Lines = Iterable[tuple[int, str]]


@dataclass(eq=False)
class Found:
    """What an audit has seen so far, in little: the records themselves are on the disk."""

    by: str
    labels: Mapping[tuple[str, str], bool] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)
    groups: dict[str, dict[str, Tally]] = field(default_factory=dict)
    histogram: list[int] = field(default_factory=lambda: [0] * BINS)
    labelled: list[tuple[bool, float]] = field(default_factory=list)
    worst: list[tuple[float, int, Row]] = field(default_factory=list)
    verifier: Row | None = None
    readers: set[str] = field(default_factory=set)
    n_warnings: int = 0

    def add(self, record: Row) -> None:
        """One record."""
        counts, question = count(record), str(record["question"])
        self.tally.add(counts, question)
        for kind, name in (("source", self._source(record)), ("question", question_type(question))):
            if name:
                self.groups.setdefault(kind, {}).setdefault(name, Tally()).add(counts, question)
        self.verifier = record["verifier"] or self.verifier
        if record["attribution"]:
            self.readers.add(str((record["model"] or {}).get("name")))
        self.n_warnings += bool(record["warnings"])
        for number, claim in enumerate(record["claims"], start=1):
            p = claim["probability"]
            if p is None:
                continue
            self.histogram[min(int(p * BINS), BINS - 1)] += 1
            for name in (str(number), claim["text"]):
                if (record["id"], name) in self.labels:
                    self.labelled.append((self.labels[record["id"], name], p))
                    break
        badness = _badness(record)
        if badness > 0:
            heapq.heappush(self.worst, (badness, -len(self.tally), record))
            if len(self.worst) > WORST:
                heapq.heappop(self.worst)

    def _source(self, record: Row) -> str | None:
        value = record.get(self.by)
        return str(value) if isinstance(value, str | int) else None


def question_type(question: str) -> str:
    """Example: "In what year was it built?" is a "what" question, "Is it old?" a "yes or no"."""
    words = question.lower()
    found = [
        (match.start(), -len(word), word)
        for word in _ASKED
        if (match := re.search(rf"\b{word}\b", words))
    ]
    if found:
        return min(found)[2]
    is_choice = re.match(
        r"\W*(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should)\b", words
    )
    return "yes or no" if is_choice else "other"


def evaluate_rows(
    lines: Lines,
    folder: Path,
    work: Callable[[Row], Row],
    *,
    read: Callable[[Row], Row] = as_it_is,
    state: RunState | None = None,
    by: str = "source",
    labels: Path | None = None,
    other: Path | None = None,
    about: Mapping[str, object] | None = None,
    seed: int = 0,
) -> tuple[Audit, Outcome]:
    """Judge the rows, count, and write the folder's three files.

    Args:
        work: from a case to its judged record.
        by: the field that tells where a row comes from, for figures of each.
        labels: JSON Lines of {"id", "claim", "label"}; a claim is its number from 1, or its text.
        other: the folder of another audit of the same questions, to compare with.
        about: what the run was made with, for metrics.json.

    Returns:
        The audit, and how many rows were done.
    """
    started = time.perf_counter()
    found = Found(by, read_labels(labels) if labels else {})
    theirs = None if other is None else read_tally(other)
    with ExitStack() as stack:
        write = stack.enter_context(_table(folder / RECORDS))

        def sink(record: Row) -> None:
            found.add(record)
            write(record)

        outcome = run_rows(lines, work, sink, read=read, state=state)
        if not outcome.n_done:
            raise InputError(f"no row could be judged; the first: {outcome.failures[0]}")
        audit = _audited(found, theirs, outcome, about or {}, seed, time.perf_counter() - started)
    write_whole(folder / METRICS, json.dumps(as_json(audit), indent=1) + "\n")
    write_whole(folder / REPORT, render_audit(audit))
    return audit, outcome


def _audited(
    found: Found,
    theirs: Tally | None,
    outcome: Outcome,
    about: Mapping[str, object],
    seed: int,
    seconds: float,
) -> Audit:
    differences: dict[str, Difference] = {}
    n_compared = 0
    if theirs is not None:
        differences, n_compared = compare(found.tally, theirs, seed=seed)
    labelled: Agreement | None = None
    if found.labels:
        if not found.labelled:
            raise InputError("no label names a statement of these records: see --labels")
        truth, p = zip(*found.labelled, strict=True)
        threshold = (found.verifier or {}).get("threshold", 0.5)
        labelled = agreement(truth, p, threshold)
    return Audit(
        figures=found.tally.figures(seed=seed),
        n_records=len(found.tally),
        n_failed=len(outcome.failures),
        n_questions=len(found.tally.sums()[1]),
        n_warned=found.n_warnings,
        groups={
            kind: [
                Group(name, len(tally), tally.figures(seed=seed, n_resamples=200))
                for name, tally in sorted(tallies.items(), key=lambda pair: -len(pair[1]))
            ]
            for kind, tallies in found.groups.items()
            if len(tallies) > 1
        },
        histogram=tuple(found.histogram),
        verifier=found.verifier,
        readers=tuple(sorted(found.readers)),
        worst=tuple(record for *_, record in sorted(found.worst, key=lambda w: (-w[0], -w[1]))),
        agreement=labelled,
        differences=differences,
        n_compared=n_compared,
        about=dict(about),
        seconds=seconds,
    )


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
        "interval": "95 % percentile bootstrap, questions drawn anew 1000 times",
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


def read_labels(path: Path) -> dict[tuple[str, str], bool]:
    """Whether people call a statement supported, by record and number or text of the claim."""
    found = dict[tuple[str, str], bool]()
    for number, line in read_lines(path):
        row = loads(line)
        for name in ("id", "claim", "label"):
            if name not in row:
                raise InputError(f"{path}, line {number}: {name}: this field is missing")
        if row["label"] not in _SUPPORTED:
            raise InputError(
                f"{path}, line {number}: label: wanted one of {', '.join(_SUPPORTED)}, "
                f"got {row['label']!r}"
            )
        found[str(row["id"]), str(row["claim"])] = _SUPPORTED[row["label"]]
    return found


def read_tally(folder: Path) -> Tally:
    """The counts of another audit, from its records."""
    tally = Tally()
    for record in read_records(folder):
        tally.add(count(record), str(record["question"]))
    return tally


def read_records(folder: Path) -> Iterator[Row]:
    """The records of an audit's folder.

    Raises:
        InputError: it holds none.
    """
    parquet = _pyarrow().parquet
    try:
        file = parquet.ParquetFile(folder / RECORDS)
    except (OSError, _pyarrow().ArrowException) as error:
        raise InputError(f"{folder} holds no audit: {error}") from error
    for batch in file.iter_batches(batch_size=_KEPT_TOGETHER, columns=["record"]):
        yield from (loads(text) for text in batch.column(0).to_pylist())


def sampled(lines: Lines, n: int, *, seed: int = 0) -> list[tuple[int, str]]:
    """N of the rows, in their order; the same n of the same rows for the same seed."""

    def lot(row: tuple[int, str]) -> bytes:
        return blake2b(f"{seed} {row[1].strip()}".encode("utf-8", "surrogatepass")).digest()

    return sorted(heapq.nsmallest(n, lines, key=lot))


def below(figures: Mapping[str, Figure], wanted: Sequence[str]) -> list[str]:
    """Which of the wishes `METRIC=VALUE` are not met, each in a sentence.

    Raises:
        ConfigError: there is no such figure, or no such number.
    """
    found = list[str]()
    for wish in wanted:
        name, _, written = wish.partition("=")
        try:
            least = float(written)
        except ValueError:
            raise ConfigError(f"--fail-under takes METRIC=VALUE, not {wish!r}") from None
        if name not in figures:
            raise ConfigError(
                f"--fail-under: these records have no {name}; they have {', '.join(figures)}"
            )
        if not figures[name].value >= least:
            found.append(f"{name} is {figures[name].value:.3f}, below {least:g}")
    return found


def _badness(record: Row) -> float:
    """How much there is to look at: contradicted and unsupported statements, false citations."""
    verdicts = [claim["verdict"] for claim in record["claims"]]
    threshold = (record["verifier"] or {}).get("threshold", 1.0)
    false = sum(
        row["problem"] == "dangling"
        or (row["supports"] is not None and row["supports"] < threshold and not row["jointly"])
        for claim in record["claims"]
        for row in claim["citations"]
        if row["origin"] == "answer"
    )
    return float(
        2 * verdicts.count("contradicted") + verdicts.count("not_enough_information") + false
    )


@contextmanager
def _table(path: Path) -> Iterator[Callable[[Row], None]]:
    """A writer of records as a table: a few plain columns, and the record as JSON."""
    pyarrow = _pyarrow()
    text, number = pyarrow.string(), pyarrow.float64()
    figures = list(count({"claims": [], "passages": []}))
    schema = pyarrow.schema(
        [(name, text) for name in ("id", "question", "answer")]
        + [(name, number) for name in figures]
        + [("record", text)]
    )
    rows = list[Row]()
    with (
        whole_file(path) as unfinished,
        pyarrow.parquet.ParquetWriter(unfinished, schema, compression="zstd") as writer,
    ):

        def write(record: Row) -> None:
            counts = count(record)
            shares = {name: counts[name].share for name in figures}
            rows.append(
                {
                    **{name: _utf8(str(record.get(name, ""))) for name in schema.names[:3]},
                    **{name: None if np.isnan(v) else v for name, v in shares.items()},
                    "record": dumps(record),
                }
            )
            if len(rows) == _KEPT_TOGETHER:
                flush()

        def flush() -> None:
            writer.write_table(pyarrow.Table.from_pylist(rows, schema))
            rows.clear()

        yield write
        if rows:
            flush()


def _utf8(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _pyarrow() -> Any:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtra("local") from error
    return pyarrow
