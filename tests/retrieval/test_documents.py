import json
from pathlib import Path

import pytest

from ragattr.errors import InputError
from ragattr.retrieval.documents import read_corpus, read_document

PROSE = "Ten words stand here so that one can count them. " * 30


def _file(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def _pdf(pages: list[str]) -> bytes:
    """A minimal PDF: a catalogue, a page tree, a font, and two objects for each page."""
    kids = " ".join(f"{4 + 2 * i} 0 R" for i in range(len(pages)))
    bodies = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for i, text in enumerate(pages):
        drawing = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET"
        bodies += [
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {5 + 2 * i} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>",
            f"<< /Length {len(drawing)} >>\nstream\n{drawing}\nendstream",
        ]
    written, places = "%PDF-1.4\n", list[int]()
    for number, body in enumerate(bodies, start=1):
        places.append(len(written))
        written += f"{number} 0 obj\n{body}\nendobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    size = len(bodies) + 1
    return (
        f"{written}xref\n0 {size}\n0000000000 65535 f \n{table}"
        f"trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{len(written)}\n%%EOF\n"
    ).encode("latin-1")


def _docx(path: Path) -> Path:
    import docx

    document = docx.Document()
    document.core_properties.title = "The report"
    document.add_heading("Heights", 1)
    document.add_paragraph("The tower is 330 m tall. It is in Paris.")
    table = document.add_table(rows=1, cols=2)
    table.rows[0].cells[0].text, table.rows[0].cells[1].text = "Tower", "330"
    document.add_paragraph("After the table.")
    document.save(str(path))
    return path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", f"The title\n\n{PROSE}"),
        ("a.txt", "\ufeffThe title\r\n\r\n" + PROSE.replace(". ", ".\r\n")),
        ("a.txt", f"😀 e\u0301. {PROSE}"),
        ("a.md", f"\n# The title\n\n{PROSE}\n\n## Part\n\n- one\n- two"),
        ("a.html", f"<title>The title</title><p>{PROSE}<p>Caf&eacute; <b>bold</b>."),
        ("a.pdf", _pdf(["First page. It is short.", "Second page."])),
    ],
)
def test_each_passage_stands_at_its_span_in_the_text_of_its_file(
    tmp_path: Path, name: str, content: str | bytes
) -> None:
    path = _file(tmp_path, name, content)
    passages, text = read_corpus([path]).passages, read_document(path).text
    assert len(passages) > 1
    assert [p.span.of(text) if p.span else None for p in passages] == [p.text for p in passages]


def test_passages_are_numbered_within_their_file_and_name_it(tmp_path: Path) -> None:
    path = _file(tmp_path, "a.txt", PROSE)
    passages = read_corpus([path]).passages
    assert [passage.id for passage in passages] == [f"{path}#1", f"{path}#2", f"{path}#3"]
    assert {(passage.source, passage.page) for passage in passages} == {(str(path), None)}


@pytest.mark.parametrize(
    ("name", "content", "title", "first"),
    [
        ("notes.txt", "The title\n\nThe body.", "The title", "The body."),
        ("notes.txt", "The title\r\n\r\nThe body.", "The title", "The body."),
        ("notes.txt", "One line.\nAnother line.", "notes", "One line.\nAnother line."),
        ("notes.txt", "Only a line.", "notes", "Only a line."),
        ("notes.md", "# The title\n\nThe body.", "The title", "The body."),
        ("notes.md", "## A part\n\nThe body.", "notes", "## A part\n\nThe body."),
        ("notes.html", "<title>The\n title</title><p>The body.", "The title", "The body."),
        ("notes.htm", "<p>The body.", "notes", "The body."),
        ("NOTES.TXT", "The body.", "NOTES", "The body."),
    ],
)
def test_a_title_is_told_from_the_body(
    tmp_path: Path, name: str, content: str, title: str, first: str
) -> None:
    (passage,) = read_corpus([_file(tmp_path, name, content)]).passages
    assert (passage.title, passage.text) == (title, first)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("<p>One</p><script>var x = '<p>two</p>';</script><p>Three</p>", "One\n\nThree"),
        ("<style>p {}</style><p>One<!-- two --></p><noscript>Four</noscript>", "One"),
        (
            "<p>A <b>bold</b> and <i>big</i>\n word, un<em>do</em>ne.",
            "A bold and big word, undone.",
        ),
        ("<ul><li>One<li>Two</ul>", "One\n\nTwo"),
        ("One<br>two<hr>three", "One\n\ntwo\n\nthree"),
        ("Fish &amp; chips&nbsp;&#8364;5", "Fish & chips €5"),
        ("<p>One</p><script>unclosed", "One"),
        ("<svg><title>Icon</title></svg><p>One", "One"),
    ],
)
def test_html_gives_what_a_reader_sees(tmp_path: Path, body: str, text: str) -> None:
    html = f"<!doctype html><html><head><title>T</title></head><body>{body}</body></html>"
    document = read_document(_file(tmp_path, "a.html", html))
    assert (document.title, document.text) == ("T", text)


def test_a_page_without_a_closing_head_tag_still_has_its_body(tmp_path: Path) -> None:
    html = "<!doctype html><html><head><title>T</title><body><p>The body.</p></body></html>"
    assert read_document(_file(tmp_path, "a.html", html)).text == "The body."


def test_a_pdf_keeps_its_page_numbers(tmp_path: Path) -> None:
    path = _file(tmp_path, "a.pdf", _pdf(["The first page.", "The second page.", ""]))
    passages = read_corpus([path]).passages
    found = [(passage.page, passage.text) for passage in passages]
    assert found == [(1, "The first page."), (2, "The second page.")]


def test_the_pages_of_a_pdf_lie_in_its_text(tmp_path: Path) -> None:
    document = read_document(_file(tmp_path, "a.pdf", _pdf(["One.", "Two."])))
    assert document.pages is not None
    assert [page.of(document.text) for page in document.pages] == ["One.", "Two."]


def test_a_docx_gives_headings_paragraphs_and_table_rows_in_order(tmp_path: Path) -> None:
    document = read_document(_docx(tmp_path / "a.docx"))
    assert document.title == "The report"
    assert document.text == (
        "Heights\n\nThe tower is 330 m tall. It is in Paris.\n\nTower | 330\n\nAfter the table."
    )


def test_a_docx_passage_stands_at_its_span(tmp_path: Path) -> None:
    path = _docx(tmp_path / "a.docx")
    (passage,) = read_corpus([path]).passages
    assert passage.span is not None
    assert passage.span.of(read_document(path).text) == passage.text


def test_lines_of_jsonl_are_passages_and_keep_their_ids(tmp_path: Path) -> None:
    rows = [{"id": 7, "text": "One.", "title": "T"}, {"note": "no text"}, {"text": "Two."}]
    lines = "\n\n".join(json.dumps(row) for row in rows)
    path = _file(tmp_path, "a.jsonl", lines)
    found = [(p.id, p.text, p.title) for p in read_corpus([path]).passages]
    assert found == [("7", "One.", "T"), (f"{path}#5", "Two.", None)]


@pytest.mark.parametrize("char", ["\u2028", "\u2029", "\x85"])
def test_line_separators_within_a_json_string_do_not_cut_the_line(
    tmp_path: Path, char: str
) -> None:
    line = json.dumps({"id": "a", "text": f"One{char}two."}, ensure_ascii=False)
    (passage,) = read_corpus([_file(tmp_path, "a.jsonl", line)]).passages
    assert passage.text == f"One{char}two."


def test_a_null_id_is_no_id(tmp_path: Path) -> None:
    path = _file(tmp_path, "a.jsonl", '{"id": null, "text": "One."}\n{"id": null, "text": "Two."}')
    assert [p.id for p in read_corpus([path]).passages] == [f"{path}#1", f"{path}#2"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"abc\xff", r"a\.txt is not UTF-8 \(byte 3\)"),
        ("a.md", b"\xff\xfe", r"a\.md is not UTF-8"),
        ("a.xyz", b"abc", r"a\.xyz: documents are \.txt.* not \.xyz"),
        ("README", b"abc", r"README: documents are .* without an ending"),
        ("a.pdf", b"%PDF-1.4 no more", r"cannot read .*a\.pdf"),
        ("a.docx", b"no zip", r"cannot read .*a\.docx"),
        ("a.txt", b"", r"no passages in .*a\.txt"),
        ("a.jsonl", b'{"text": "a"}\n{"text"', r"a\.jsonl, line 2: not JSON"),
        ("a.jsonl", b'{"text": 5}', r"a\.jsonl, line 1: text must be a string, got int"),
        ("a.jsonl", b"[" * 100_000, r"a\.jsonl, line 1"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        read_corpus([_file(tmp_path, name, content)])


def test_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no file or folder .*gone\.txt"):
        read_corpus([tmp_path / "gone.txt"])
    with pytest.raises(InputError, match=r"cannot read .*gone\.txt: No such file"):
        read_document(tmp_path / "gone.txt")


def test_an_empty_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"no passages in {tmp_path}"):
        read_corpus([tmp_path])


def test_two_passages_of_one_id_are_refused_with_their_files(tmp_path: Path) -> None:
    one = _file(tmp_path, "a.jsonl", '{"id": "x", "text": "One."}')
    two = _file(tmp_path, "b.jsonl", '{"id": "x", "text": "Two."}')
    with pytest.raises(
        InputError, match=r"two passages have the id 'x' \(.*a\.jsonl, .*b\.jsonl\)"
    ):
        read_corpus([one, two])


def test_a_folder_is_walked_by_name_and_what_is_passed_over_is_told(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    _file(tmp_path, "b.txt", "Two.")
    _file(tmp_path / "sub", "a.txt", "Three.")
    _file(tmp_path, "a.txt", "One.")
    _file(tmp_path, "c.png", b"\x89PNG")
    _file(tmp_path, ".hidden.txt", "Hidden.")
    corpus = read_corpus([tmp_path])
    assert [passage.text for passage in corpus.passages] == ["One.", "Two.", "Three."]
    assert [line.partition(":")[0] for line in corpus.skipped] == [str(tmp_path / "c.png")]
