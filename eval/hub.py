"""The three sets that ARC-JSD reports on, in the form in which the Hugging Face hub holds them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from eval.case import AttributionCase, Row, titled_passages
from ragattr.errors import ConfigError, MissingExtra
from ragattr.text.sentences import sentence_spans
from ragattr.types import Passage, Source


def tydiqa_case(row: Row) -> AttributionCase:
    """A row of TyDi QA's secondary task (gold passage): gold is what the answer span touches.

    Row: id, title, context, question, answers {text: [...], answer_start: [...]}, characters.
    """
    text, answer = row["context"], row["answers"]["text"][0]
    start = _nearest(text, answer, row["answers"]["answer_start"][0])
    gold = tuple(
        Source(0, span)
        for span in sentence_spans(text)
        if span.start < start + len(answer) and start < span.end
    )
    passages = (Passage(text, "1", title=row["title"] or None),)
    return _case(row, answer, passages, gold, "tydiqa")


def hotpot_case(row: Row) -> AttributionCase:
    """A row of HotpotQA's distractor setting: gold are the supporting facts.

    Row: id, question, answer, context {title: [...], sentences: [[...], ...]},
    supporting_facts {title: [...], sent_id: [...]}. Some facts name sentences that do not exist.
    """
    titles = row["context"]["title"]
    facts = zip(row["supporting_facts"]["title"], row["supporting_facts"]["sent_id"], strict=True)
    articles = zip(titles, row["context"]["sentences"], strict=True)
    gold_places = {(titles.index(title), place) for title, place in facts if title in titles}
    passages, gold = titled_passages(articles, gold_places)
    return _case(row, row["answer"], passages, gold, "hotpotqa")


def musique_case(row: Row) -> AttributionCase:
    """A row of MuSiQue: gold are the supporting paragraphs, whole.

    Row: id, question, answer, paragraphs [{title, paragraph_text, is_supporting, idx}].
    """
    paragraphs = row["paragraphs"]
    articles = [(paragraph["title"], (paragraph["paragraph_text"],)) for paragraph in paragraphs]
    supporting = {(i, 0) for i, paragraph in enumerate(paragraphs) if paragraph["is_supporting"]}
    passages, gold = titled_passages(articles, supporting)
    return _case(row, row["answer"], passages, gold, "musique")


@dataclass(frozen=True)
class HubSet:
    """Where a set's validation rows are, which of them are meant, and what each becomes."""

    repository: str
    config: str | None
    is_wanted: Callable[[Row], bool]
    to_case: Callable[[Row], AttributionCase]


HUB_SETS = {
    "tydiqa": HubSet(
        "google-research-datasets/tydiqa",
        "secondary_task",
        lambda row: str(row["id"]).startswith("english"),
        tydiqa_case,
    ),
    "hotpotqa": HubSet("hotpotqa/hotpot_qa", "distractor", lambda row: True, hotpot_case),
    "musique": HubSet(
        "dgslibisey/MuSiQue", None, lambda row: bool(row.get("answerable", True)), musique_case
    ),
}


def from_hub(name: str, *, n: int, seed: int) -> list[AttributionCase]:
    """Up to `n` random cases of a set's validation split; downloads it, needs ragattr[eval]."""
    if name not in HUB_SETS:
        raise ConfigError(f"wanted one of {sorted(HUB_SETS)}, got {name!r}")
    wanted = HUB_SETS[name]
    rows = _rows(wanted)
    chosen = list[AttributionCase]()
    for i in np.random.default_rng(seed).permutation(len(rows)):
        if len(chosen) == n:
            break
        row = rows[int(i)]
        chosen += [wanted.to_case(row)] if wanted.is_wanted(row) else []
    return chosen


def _rows(wanted: HubSet) -> Any:
    try:
        from datasets import load_dataset
    except ImportError as error:
        raise MissingExtra("eval") from error
    return load_dataset(wanted.repository, wanted.config, split="validation")


def _nearest(text: str, answer: str, start: int) -> int:
    """Where `answer` stands in `text`, nearest to `start`: offsets are off in some rows."""
    starts = [i for i in range(len(text)) if text.startswith(answer, i)]
    if not answer or not starts:
        raise ConfigError(f"the answer {answer!r} is not in its passage {text[:60]!r}")
    return min(starts, key=lambda found: abs(found - start))


def _case(
    row: Row, answer: str, passages: tuple[Passage, ...], gold: tuple[Source, ...], kind: str
) -> AttributionCase:
    return AttributionCase(
        id=row["id"],
        source=HUB_SETS[kind].repository,
        question=row["question"],
        answer=answer,
        passages=passages,
        gold=gold,
        kind=kind,
    )
