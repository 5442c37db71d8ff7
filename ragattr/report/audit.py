"""An audit as a page and in the terminal: figures with intervals, groups, what to look at."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rich import box
from rich.console import Console
from rich.table import Table

from ragattr import __version__
from ragattr.metrics.agreement import Agreement
from ragattr.metrics.audit import CLASSES, FIGURES
from ragattr.metrics.tally import Difference, Figure
from ragattr.record import Row
from ragattr.report.html import section_view
from ragattr.report.page import render_page
from ragattr.report.summary import MARKS, best_row, readable

FIRST = ("citation_recall", "citation_precision", "citation_f1", "groundedness")
BY_GROUP = ("citation_recall", "citation_precision", "groundedness")
MOST_GROUPS = 20  # in a table
_BETTER = {True: "more is better", False: "less is better", None: ""}


class Group(NamedTuple):
    """The figures of a part of the records."""

    name: str
    n: int
    figures: Mapping[str, Figure]


@dataclass(frozen=True)
class Audit:
    """What an audit found.

    Attributes:
        figures: by name, each with its 95 % interval.
        groups: by kind ("source", "question"), those of its parts, the largest first.
        histogram: how many statements have a probability of "supported" in each of equal bins.
        readers: the models as read by which use was measured.
        worst: the records to look at, worst first.
        differences: to another audit, on the `n_compared` questions of both.
        about: what the run was made with.
    """

    figures: Mapping[str, Figure]
    n_records: int
    n_failed: int
    n_questions: int
    n_warned: int
    groups: Mapping[str, Sequence[Group]]
    histogram: tuple[int, ...]
    verifier: Row | None
    readers: tuple[str, ...]
    worst: tuple[Row, ...]
    agreement: Agreement | None
    differences: Mapping[str, Difference]
    n_compared: int
    about: Mapping[str, object]
    seconds: float


def render_audit(audit: Audit) -> str:
    """One page, as self-contained as a record's."""
    bins, highest = len(audit.histogram), max(audit.histogram, default=0) or 1
    threshold = (audit.verifier or {}).get("threshold")
    return render_page(
        "audit.html.j2",
        {
            "audit": audit,
            "some": some,
            "lines": [
                _line(name, audit.figures[name]) for name in FIGURES if name in audit.figures
            ],
            "classes": [
                (name, audit.figures[f"class_{name}"].value)
                for name in CLASSES
                if f"class_{name}" in audit.figures
            ],
            "groups": [
                (kind, [_group(group) for group in groups[:MOST_GROUPS]], len(groups))
                for kind, groups in audit.groups.items()
            ],
            "by_group": [(name, FIGURES[name].title) for name in BY_GROUP],
            "bins": [
                (100 * i / bins, 100 / bins, 100 * n / highest, n, i / bins, (i + 1) / bins)
                for i, n in enumerate(audit.histogram)
            ],
            "threshold": threshold,
            "differences": [
                (FIGURES[name].title, name, difference)
                for name in FIGURES
                if (difference := audit.differences.get(name))
            ],
            "sections": [_case(record, i) for i, record in enumerate(audit.worst, start=1)],
            "marks": MARKS,
            "version": __version__,
        },
    )


def print_audit(audit: Audit, console: Console) -> None:
    """The figures as a table, what was counted, and how to read them."""
    failed = f", {audit.n_failed} failed" if audit.n_failed else ""
    judged = "not judged"
    if audit.verifier:
        judged = f"judged by {audit.verifier['name']} from {audit.verifier['threshold']:.2f} on"
    answers = f"{some(audit.n_records, 'answer')} to {some(audit.n_questions, 'question')}{failed}"
    console.print(readable(f"{answers}; {judged}"), markup=False, highlight=False)
    table = Table("", "value", "95 % interval", "of", box=box.SIMPLE_HEAD)
    for name, meaning in FIGURES.items():
        if (found := audit.figures.get(name)) is not None:
            interval = f"{found.low:.3f} to {found.high:.3f}"
            table.add_row(meaning.title, f"{found.value:.3f}", interval, f"{found.n:,.0f}")
    console.print(table)
    if audit.differences:
        table = Table(
            f"minus the other, {audit.n_compared} questions",
            "",
            "95 % interval",
            "p",
            box=box.SIMPLE_HEAD,
        )
        for name, meaning in FIGURES.items():
            if (change := audit.differences.get(name)) is not None:
                interval = f"{change.low:+.3f} to {change.high:+.3f}"
                table.add_row(meaning.title, f"{change.value:+.3f}", interval, f"{change.p:.3f}")
        console.print(table)
    if audit.agreement:
        console.print(agreement_sentence(audit.agreement))


def agreement_sentence(found: Agreement) -> str:
    """How far verdicts agree with labels, in words."""
    return (
        f"{found.n} labels: accuracy {found.accuracy:.3f}, kappa {found.kappa:.2f}; of what is "
        f"called supported {found.precision:.3f} is, and {found.recall:.3f} of what is is called "
        f"so; balanced accuracy {found.balanced_accuracy:.3f}, with --threshold "
        f"{found.threshold:g} on these labels {found.refitted_balanced_accuracy:.3f}"
    )


def some(n: int, what: str) -> str:
    """Example: "1 answer", "2,000 answers"."""
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def _line(name: str, figure: Figure) -> Row:
    meaning = FIGURES[name]
    return {
        "name": name,
        "title": meaning.title,
        "what": meaning.what,
        "better": {True: "more is better", False: "less is better", None: ""}[
            meaning.more_is_better
        ],
        "value": figure.value,
        "low": figure.low,
        "high": figure.high,
        "n": f"{figure.n:,.0f}",
        "is_first": name in FIRST,
    }


def _group(group: Group) -> Row:
    return {
        "name": group.name,
        "n": group.n,
        "figures": [group.figures.get(name) for name in BY_GROUP],
    }


def _case(record: Row, number: int) -> Row:
    section = section_view(record, number)
    passages = {passage["id"]: i for i, passage in enumerate(record["passages"], start=1)}
    statements = []
    for claim in section["claims"]:
        row = best_row(claim["claim"])
        shown = row is not None and row["text"] is not None and claim["class"] != "none"
        statements.append(
            {
                **claim,
                "quote": row["text"] if row and shown else None,
                "passage": passages.get(row["passage"]) if row and shown else None,
                "probability": _known(claim["claim"]["probability"]),
            }
        )
    return {**section, "statements": [s for s in statements if s["class"] != "none"]}


def _known(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else value
