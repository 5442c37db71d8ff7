"""Sets whose rows bring their own distractors: HotpotQA, MuSiQue, EntailmentBank."""

from collections.abc import Sequence

from eval.case import AttributionCase, Row, joined_text, titled_passages
from ragattr.types import Passage, Source


def hotpotqa(rows: Sequence[Row]) -> list[AttributionCase]:
    """One passage per article; its sentences are written "Title: sentence" in the rows."""
    return [_hotpotqa(row) for row in rows]


def musique(rows: Sequence[Row]) -> list[AttributionCase]:
    """One passage per paragraph, written "Title: text" in the rows; gold is a whole passage."""
    return [_musique(row) for row in rows]


def entailmentbank(rows: Sequence[Row]) -> list[AttributionCase]:
    """One passage of facts with a blank line between them.

    Facts begin in lower case and end without a full stop: after a single line break, ragattr's
    sentence splitter takes the next one for the same wrapped paragraph.
    """
    return [_entailmentbank(row) for row in rows]


def _hotpotqa(row: Row) -> AttributionCase:
    articles, places = list[tuple[str, list[str]]](), list[tuple[int, int]]()
    sentences = row["context_sentences"]
    for title, sentence in zip(_titles(sentences), sentences, strict=True):
        if not articles or articles[-1][0] != title:
            articles.append((title, []))
        places.append((len(articles) - 1, len(articles[-1][1])))
        articles[-1][1].append(sentence[len(title) + 2 :])
    passages, gold = titled_passages(articles, {places[i] for i in row["gold_sentence_idx"]})
    return _case(row, passages, gold, "hotpotqa")


def _musique(row: Row) -> AttributionCase:
    pairs = [unit.partition(": ") for unit in row["context_sentences"]]
    articles = [(title, (text,)) for title, _, text in pairs]
    passages, gold = titled_passages(articles, {(i, 0) for i in row["gold_sentence_idx"]})
    return _case(row, passages, gold, "musique")


def _entailmentbank(row: Row) -> AttributionCase:
    text, spans = joined_text(row["context_sentences"], separator="\n\n")
    gold = tuple(Source(0, spans[i]) for i in row["gold_sentence_idx"])
    return _case(row, (Passage(text, "1"),), gold, "entailmentbank")


def _titles(sentences: Sequence[str]) -> list[str]:
    """Each sentence's title: the longest beginning up to ": " that a neighbour has too.

    A title may hold ": " itself; where no neighbour tells, it ends at the first one.
    """
    titles = []
    for i, sentence in enumerate(sentences):
        near = [sentences[j] for j in (i - 1, i + 1) if 0 <= j < len(sentences)]
        shared = [
            head
            for head in _heads(sentence)
            if any(other.startswith(f"{head}: ") for other in near)
        ]
        titles.append(max(shared, key=len, default=sentence.partition(": ")[0]))
    return titles


def _heads(sentence: str) -> list[str]:
    parts = sentence.split(": ")
    return [": ".join(parts[:n]) for n in range(1, len(parts))]


def _case(
    row: Row, passages: tuple[Passage, ...], gold: tuple[Source, ...], kind: str
) -> AttributionCase:
    return AttributionCase(
        id=row["id"],
        source=row["source"],
        question=row["question"],
        answer=row["answer"],
        passages=passages,
        gold=gold,
        kind=kind,
    )
