"""Quotations of an answer that its passages do not have, or not so, or not where it cites."""

from collections.abc import Iterator, Sequence
from functools import cache

from ragattr.text.findings import Finding
from ragattr.text.quotes import is_quoted, most_like, plain
from ragattr.text.reading import Reading
from ragattr.types import Span


def find_misquoted(reading: Reading) -> Iterator[Finding]:
    """Check each quotation in a statement; without passages there is nothing to check."""
    passages = reading.passages
    if not passages or not reading.quotes:
        return
    plain_passages = cache(lambda: [plain(passage) for passage in passages])
    for span in reading.quotes:
        sentences, quote = reading.holding(span), span.of(reading.text)
        numbers = {n for sentence in sentences for m in sentence.markers for n in m.numbers}
        cited = sorted(n - 1 for n in numbers if 1 <= n <= len(passages))
        if any(is_quoted(quote, passages[i]) for i in cited):
            continue
        if any(sentence.claim.needs_support for sentence in sentences):
            yield from _misquoted(plain(quote), span, plain_passages(), cited)


def _misquoted(
    quote: str, span: Span, passages: Sequence[str], cited: Sequence[int]
) -> Iterator[Finding]:
    """What is wrong with one quotation. It and the passages are plain; `cited` count from 0."""
    if any(is_quoted(quote, passages[i]) for i in cited):
        return
    others = [i for i in range(len(passages)) if i not in cited]
    if where := [i for i in others if is_quoted(quote, passages[i])]:
        listed = " and ".join(str(i + 1) for i in where)
        message = f"these are words of passage {listed}, which the sentence does not cite"
        yield Finding("quote-uncited", span, message)
        return
    for numbers in (cited, others):
        if like := most_like(quote, [passages[i] for i in numbers]):
            said = "; ".join(like.differences) or "in other signs"
            message = f"passage {numbers[like.passage] + 1} says it otherwise: {said}"
            yield Finding("quote-near", span, message)
            return
    yield Finding("quote-absent", span, "no passage has these words")
