"""An audit's page and table: nothing of a record is more than text in them."""

from html.parser import HTMLParser
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from ragattr.attribution.unmeasured import Unmeasured
from ragattr.auditing import AuditRows
from ragattr.citation.join import Cite
from ragattr.metrics.agreement import agreement
from ragattr.metrics.audit import count
from ragattr.metrics.tally import Tally, compare
from ragattr.models.fake import FakeVerifier
from ragattr.record import Row
from ragattr.report.audit import Audit, Group, print_audit, render_audit
from ragattr.verification.gold import CompareWithGold
from ragattr.verification.passages import VerifyPassages

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</style><style>*{background:url(https://example.org/x)}",
    "</title><svg/onload=alert(1)>",
    "[link](javascript:alert(1)) ![x](https://example.org/x.png)",
    '=HYPERLINK("https://example.org")',
    "{{ 7 * 7 }}{% raw %}",
    "\u202egnp.exe\u2066 \x1b[2J\x00 \ud800",
    "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
    "&lt;script&gt; &#60;script&#62;",
)


class _Nodes(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags, self.attributes = set[str](), list[tuple[str, str | None]]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs


def _audited(*rows: Row) -> Audit:
    judge = VerifyPassages(FakeVerifier()) >> Cite()
    audit_rows = AuditRows(Unmeasured(), judge, CompareWithGold(FakeVerifier()))
    records = audit_rows.together(list(rows))
    tally = Tally()
    for record in records:
        tally.add(count(record), str(record["question"]))
    figures = tally.figures()
    differences, n_compared = compare(tally, tally), len(tally.questions)
    return Audit(
        figures=figures,
        n_records=len(records),
        n_failed=1,
        n_questions=1,
        n_warned=0,
        groups={"source": [Group(str(rows[0].get("source", "")), len(records), figures)]},
        histogram=(1, 0, 3),
        verifier=records[0]["verifier"],
        readers=(),
        worst=tuple(records),
        agreement=agreement([True, False], [0.9, 0.1], 0.5),
        differences=differences,
        n_compared=n_compared,
        about={},
        seconds=1.0,
    )


def _row(text: str, **other: Any) -> Row:
    return {
        "id": text,
        "question": f"{text}?",
        "passages": [{"id": text, "title": text, "text": f"Bees make wax. {text}"}],
        "answer": f"Bees make honey [1]. {text} [9].",
        "source": text,
        **other,
    }


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(text: str) -> None:
    """R8: no script, no picture, no handler, nothing that would be loaded."""
    page = render_audit(_audited(_row(text)))
    nodes = _Nodes()
    nodes.feed(page)
    assert nodes.tags.isdisjoint(
        {"script", "img", "iframe", "object", "embed", "form", "link", "a"}
    )
    assert not [name for name, _ in nodes.attributes if name.startswith("on") or name == "src"]
    assert page.count("<style") == 1
    assert page.count("Content-Security-Policy") == 1
    assert not {"\u202e", "\x1b", "\x00", "\ud800"} & set(page)


def test_the_page_says_who_judged_what_was_compared_and_how_it_agrees() -> None:
    page = render_audit(_audited(_row("plain"), {**_row("other"), "id": "2"}))
    for said in (
        "2 answers to 1 question<",
        "Judged by <bdi>fake</bdi> 1, supported from 0.50 on",
        "Use of the sources was not measured",
        "1 row failed",
        "Against the other run",
        "Beside human labels",
        "Answers to look at first",
    ):
        assert said in page


def test_the_table_shows_every_figure_with_its_interval_and_count() -> None:
    audit, out = _audited(_row("plain")), StringIO()
    print_audit(audit, Console(file=out, width=120))
    said = out.getvalue()
    assert "1 answer to 1 question, 1 failed; judged by fake from 0.50 on" in said
    for name in ("citation recall", "groundedness", "dangling citations"):
        assert name in said
    assert "2 labels: accuracy 1.000" in said
