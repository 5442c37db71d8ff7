"""What is wrong with the markers and quotations of an answer: one value per finding, its rules."""

from dataclasses import dataclass

from ragattr.errors import ConfigError
from ragattr.types import Edit, Span

RULES = {
    "malformed": "a citation that is not written as one, and so is not read",
    "out-of-range": "a number that names no passage",
    "dangling-footnote": "a footnote reference without its note, or a note without a reference",
    "duplicate": "a passage that one sentence cites twice",
    "misplaced": "a marker that a reader takes for another sentence's",
    "over-cited": "a sentence with more citations than anybody checks",
    "uncited": "a statement without a citation",
    "quote-absent": "a quotation that stands in no passage",
    "quote-near": "a quotation with other words than the passage has",
    "quote-uncited": "a quotation from a passage that the sentence does not cite",
}


@dataclass(frozen=True)
class Finding:
    """One finding.

    Attributes:
        rule: a key of `RULES`.
        span: of the answer, in code points; what is shown to people.
        message: for people; it may hold text of the answer and of passages.
        fix: a change of the answer that mends it and leaves what each sentence says as it is;
            None where only a person can tell what was meant.
    """

    rule: str
    span: Span
    message: str
    fix: Edit | None = None

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            raise ConfigError(f"no rule {self.rule!r}; there are {', '.join(RULES)}")


def change(text: str, span: Span, after: str, rule: str) -> Edit:
    """The edit that puts `after` in place of a span."""
    return Edit(span, span.of(text), after, rule)
