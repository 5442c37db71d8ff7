"""Questions with their own paragraph among paragraphs of other questions."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest

import numpy as np

from eval.case import AttributionCase, Row, joined_text, numbered
from ragattr.errors import ConfigError
from ragattr.text.sentences import sentence_spans
from ragattr.types import Source, Span

N_FEWEST, N_MOST = 3, 15  # distractor paragraphs
SENTENCES_PER_PASSAGE = 8


@dataclass(frozen=True)
class Paragraph:
    """A distractor; `n_sentences` as ragattr counts them."""

    sentences: tuple[str, ...]
    text: str
    n_sentences: int


@dataclass(frozen=True)
class Planned:
    """A question with its own paragraph, before other paragraphs come around it.

    `added` are sentences that go into distractor paragraphs; `is_gold` says whether they count.
    """

    row: Row
    text: str
    gold: tuple[Span, ...]
    added: tuple[str, ...] = ()
    is_gold: bool = False


def joined(
    rows: Sequence[Row], *, n_sentences: int, n: int, seed: int, kind: str
) -> list[AttributionCase]:
    """Each question's paragraph at a random place among others, about `n_sentences` in all.

    One case per distinct paragraph, so that cases are independent; further questions of a
    paragraph come only when `n` is larger than the number of paragraphs.

    Args:
        rows: question, answer, context_sentences, gold_sentence_idx, id and source.
        n_sentences: how many sentences to come close to, with 3 to 15 paragraphs of other rows;
            none of them holds the answer's text.
    """
    rng = np.random.default_rng(seed)
    planned = [plan(row) for row in spread(rows, n=n, rng=rng)]
    return surround(planned, rows, n_sentences=n_sentences, kind=kind, seed=seed)


def unanswerable(
    rows: Sequence[Row], *, n_sentences: int, n: int, seed: int
) -> list[AttributionCase]:
    """As `joined`, for questions that their own paragraph does not answer: no answer, no gold."""
    empty = [{**row, "answer": "", "gold_sentence_idx": []} for row in rows]
    return joined(empty, n_sentences=n_sentences, n=n, seed=seed, kind="unanswerable")


def repeated(
    facts: Sequence[Row],
    paragraphs: Sequence[Row],
    *,
    n_sentences: int,
    seed: int,
    paraphrased: bool,
) -> list[AttributionCase]:
    """Each fact twice: in its own passage, and again inside one distractor paragraph; both gold.

    With one seed, the verbatim and the paraphrased cases differ in the repeated sentence alone.

    Args:
        facts: id, question, answer, passage, gold (a sentence of the passage) and paraphrase.
        paragraphs: rows whose context_sentences are the distractors.
    """
    planned = [_plan_twice(fact, "paraphrase" if paraphrased else "gold") for fact in facts]
    kind = "repeated_paraphrase" if paraphrased else "repeated_verbatim"
    return surround(planned, paragraphs, n_sentences=n_sentences, kind=kind, seed=seed)


def counterfactual(
    rows: Sequence[Row], *, n: int, n_sentences: int, seed: int
) -> list[AttributionCase]:
    """A statement against world knowledge among others like it, about 8 sentences a passage.

    One case per subject; the other statements have other subjects and do not name the answer.
    Statements that ragattr would not cut apart (they begin in lower case) are left out.

    Args:
        rows: id, source, subject, base_prompt, counterfactual_context and target_context.
    """
    rng = np.random.default_rng(seed)
    subjects = {rows[i]["subject"]: rows[i] for i in rng.permutation(len(rows))}
    one_each = [row for row in subjects.values() if _stands_alone(row["counterfactual_context"])]
    return [_counterfactual(row, one_each, n_sentences, rng) for row in one_each[:n]]


def spread(rows: Sequence[Row], *, n: int, rng: np.random.Generator) -> list[Row]:
    """Up to `n` rows in random order, a second of one paragraph only after one of each."""
    groups = dict[str, list[Row]]()
    for i in rng.permutation(len(rows)):
        groups.setdefault(joined_text(rows[i]["context_sentences"])[0], []).append(rows[i])
    listed = list(groups.values())
    rounds = zip_longest(*(listed[i] for i in rng.permutation(len(listed))))
    return [row for row in chain.from_iterable(rounds) if row is not None][:n]


def plan(row: Row, *, added: tuple[str, ...] = ()) -> Planned:
    """The row's own paragraph and where its gold sentences stand in it."""
    text, spans = joined_text(row["context_sentences"])
    return Planned(row, text, tuple(spans[i] for i in row["gold_sentence_idx"]), added)


def surround(
    planned: Sequence[Planned],
    rows: Sequence[Row],
    *,
    n_sentences: int,
    kind: str,
    seed: int,
) -> list[AttributionCase]:
    """Put the paragraphs of `rows` around each planned question."""
    pool, rng = _paragraphs(rows), np.random.default_rng([seed, 1])
    return [_surrounded(item, pool, n_sentences, kind, rng) for item in planned]


def _paragraphs(rows: Sequence[Row]) -> list[Paragraph]:
    by_text = {joined_text(row["context_sentences"])[0]: row["context_sentences"] for row in rows}
    return [
        Paragraph(tuple(sentences), text, len(sentence_spans(text)))
        for text, sentences in by_text.items()
    ]


def _surrounded(
    item: Planned, pool: list[Paragraph], n_sentences: int, kind: str, rng: np.random.Generator
) -> AttributionCase:
    n_own = len(sentence_spans(item.text)) + len(item.added)
    chosen = _distractors(item, pool, n_sentences - n_own, rng)
    place = int(rng.integers(len(chosen) + 1))
    texts, gold = [paragraph.text for paragraph in chosen], list[Source]()
    untouched = [int(i) for i in rng.permutation(len(chosen))]
    for sentence in item.added:
        i, texts_i, span = _with_sentence(chosen, untouched, sentence, place, rng)
        untouched.remove(i)
        texts[i] = texts_i
        gold += [Source(i + int(i >= place), span)] if item.is_gold else []
    texts.insert(place, item.text)
    return AttributionCase(
        id=item.row["id"],
        source=item.row.get("source", "facts"),
        question=item.row["question"],
        answer=item.row["answer"],
        passages=numbered(texts),
        gold=(*(Source(place, span) for span in item.gold), *gold),
        kind=kind,
    )


def _distractors(
    item: Planned, pool: list[Paragraph], n_wanted: int, rng: np.random.Generator
) -> list[Paragraph]:
    """Random paragraphs with about `n_wanted` sentences together, as near as 3 to 15 can come."""
    foreign = [pool[i] for i in rng.permutation(len(pool)) if _is_foreign(pool[i], item)]
    if len(foreign) < N_FEWEST:
        raise ConfigError(f"{item.row['id']} needs {N_FEWEST} other paragraphs, has {len(foreign)}")
    counts = np.array([paragraph.n_sentences for paragraph in foreign], dtype=float)
    chosen, n_left = list[int](), float(n_wanted)
    while len(chosen) < min(N_MOST, len(foreign)):
        least = n_left / (N_MOST - len(chosen))
        most = n_left - max(N_FEWEST - len(chosen) - 1, 0)
        gaps = np.maximum(np.maximum(least - counts, counts - most), 0)
        gaps[chosen] = np.inf
        best = int(np.argmin(gaps))
        if len(chosen) >= N_FEWEST and abs(n_left - counts[best]) >= abs(n_left):
            break
        chosen.append(best)
        n_left -= counts[best]
    return [foreign[i] for i in chosen]


def _is_foreign(paragraph: Paragraph, item: Planned) -> bool:
    return paragraph.text != item.text and not _holds(paragraph.text, item.row["answer"])


def _holds(text: str, answer: str) -> bool:
    """Whether the answer's text is in there; one or two characters count as a whole word only."""
    wanted, found = answer.casefold(), text.casefold()
    if len(wanted) > 2:
        return wanted in found
    return bool(wanted) and bool(re.search(rf"(?<!\w){re.escape(wanted)}(?!\w)", found))


def _with_sentence(
    chosen: list[Paragraph],
    untouched: list[int],
    sentence: str,
    place: int,
    rng: np.random.Generator,
) -> tuple[int, str, Span]:
    """The first of the untouched paragraphs that can take `sentence`: number, new text, where.

    It can where the sentence stays one of its own (nothing unfinished stands before it) and does
    not touch the gold paragraph, which comes before paragraph number `place`.
    """
    for i in untouched:
        sentences = chosen[i].sentences
        first, last = int(i == place), len(sentences) - int(i == place - 1)
        for at in rng.permutation(np.arange(first, last + 1)):
            text, spans = joined_text([*sentences[:at], sentence, *sentences[at:]])
            if _is_whole(text, spans[at]):
                return i, text, spans[at]
    raise ConfigError(f"no paragraph can take the sentence {sentence!r}")


def _is_whole(text: str, span: Span) -> bool:
    """Whether ragattr's sentences begin and end where `span` does."""
    found = sentence_spans(text)
    starts, ends = {piece.start for piece in found}, {piece.end for piece in found}
    return span.start in starts and span.end in ends


def _plan_twice(fact: Row, repeated_as: str) -> Planned:
    text = fact["passage"].strip()
    start = text.find(fact["gold"])
    if start < 0:
        raise ConfigError(f"{fact['id']}: {fact['gold']!r} is not in its passage")
    span = Span(start, start + len(fact["gold"]))
    return Planned(fact, text, (span,), added=(fact[repeated_as],), is_gold=True)


def _counterfactual(
    row: Row, rows: list[Row], n_sentences: int, rng: np.random.Generator
) -> AttributionCase:
    others = [rows[i] for i in rng.permutation(len(rows)) if _is_unrelated(rows[i], row)]
    sentences = [other["counterfactual_context"] for other in others[: n_sentences - 1]]
    place = int(rng.integers(len(sentences) + 1))
    sentences.insert(place, row["counterfactual_context"])
    n_passages = -(-len(sentences) // SENTENCES_PER_PASSAGE)
    groups = np.array_split(np.arange(len(sentences)), n_passages)
    passages = [joined_text([sentences[i] for i in group]) for group in groups]
    (gold,) = (
        Source(number, passages[number][1][place - group[0]])
        for number, group in enumerate(groups)
        if place in group
    )
    return AttributionCase(
        id=row["id"],
        source=row["source"],
        question=f"Complete the sentence: {row['base_prompt']} ...",
        answer=row["target_context"],
        passages=numbered(text for text, _ in passages),
        gold=(gold,),
        kind="counterfactual",
    )


def _stands_alone(statement: str) -> bool:
    return not statement[:1].islower() and len(sentence_spans(statement)) == 1


def _is_unrelated(other: Row, row: Row) -> bool:
    sentence = other["counterfactual_context"].casefold()
    return not any(row[name].casefold() in sentence for name in ("subject", "target_context"))
