"""What a model shows when nothing is there, measured on shipped facts and kept with the model.

Each fact is a question with its own passage among unrelated ones. The model answers, and every
sentence is deleted and hidden in turn. Then the question is asked without any passage, and that
answer, from memory, is read under passages that do not answer it.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

import numpy as np

from ragattr.errors import ConfigError
from ragattr.metrics.answers import contains_answer
from ragattr.metrics.ranking import area_under_roc
from ragattr.models.protocols import Reply, WhiteBoxModel
from ragattr.prompt import Chat, Prompt, answer_chat
from ragattr.text.sentences import sources_of
from ragattr.types import Context, FilterError, FloatArray, Floors, Passage, Query, Source

N_UNRELATED = 3
NOISE_QUANTILE, READER_QUANTILE, TAIL_QUANTILE = 0.98, 0.1, 0.99
CONTEXT_QUANTILE = 0.01  # of right answers: hardly one of them may be called unused
PARAMETRIC_QUANTILE = 0.05  # of answers from memory
OFFSET = 1e-3  # nats per token, in the log ratio of exact and estimated scores
MAX_NEW_TOKENS = 48
_SMALLEST_SCALE = 0.01
_FEWEST = 10  # right answers from which on the figures mean something


@dataclass
class Found:
    """The raw figures, all per answer token in nats, or over ln 2 where they are parts.

    Attributes:
        noise: JSD of deleting a sentence that has nothing to do with the question; right answers.
        gold: JSD of deleting the sentence that answers; right answers.
        ratio: log of exact over estimated JSD; all answers.
        context: mean JSD / ln 2 without any passage; right answers.
        context_unanswerable: the same for answers to what the passages do not say.
        parametric, parametric_unanswerable: the likelihood that is kept without any passage.
        reader: log-probability of the annotated answer in its context.
    """

    noise: list[float] = field(default_factory=list)
    gold: list[float] = field(default_factory=list)
    ratio: list[float] = field(default_factory=list)
    context: list[float] = field(default_factory=list)
    context_unanswerable: list[float] = field(default_factory=list)
    parametric: list[float] = field(default_factory=list)
    parametric_unanswerable: list[float] = field(default_factory=list)
    reader: list[float] = field(default_factory=list)


def read_facts() -> list[dict[str, str]]:
    """The shipped facts: question, answer, passage, gold sentence, paraphrase."""
    text = files("ragattr.learn").joinpath("facts.jsonl").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


def measure_floors(
    model: WhiteBoxModel,
    prompt: Prompt,
    facts: Sequence[Mapping[str, str]],
    *,
    seed: int = 0,
    progress: Callable[[int], None] = lambda n: None,
) -> tuple[Floors, FilterError, dict[str, Any]]:
    """The floors, the error of knock-outs, and the distributions that they were taken from.

    Raises:
        ConfigError: the model answers too few of the questions for the figures to mean anything.
    """
    found, rng, n_right = Found(), np.random.default_rng(seed), 0
    for i, fact in enumerate(facts):
        others = [facts[k]["passage"] for k in rng.permutation(len(facts)) if k != i]
        place = int(rng.integers(N_UNRELATED + 1))
        texts = [*others[:place], fact["passage"], *others[place:N_UNRELATED]]
        n_right += _measure(model, prompt, fact, texts, place, found)
        _measure_unanswerable(model, prompt, fact, others[: N_UNRELATED + 1], found)
        progress(i + 1)
    if n_right < _FEWEST:
        raise ConfigError(
            f"{model.card.name} answers {n_right} of {len(facts)} simple questions: too few to "
            "measure its floors"
        )
    return _floors(found), _filter_error(found), _distributions(found)


def _measure(
    model: WhiteBoxModel,
    prompt: Prompt,
    fact: Mapping[str, str],
    texts: Sequence[str],
    place: int,
    found: Found,
) -> bool:
    """Add what one fact in its context shows; whether the model answered right."""
    context = _context(fact["question"], texts)
    chat, sources = answer_chat(prompt, context), sources_of(context.passages)
    (reply,) = model.write([chat], max_new_tokens=MAX_NEW_TOKENS)
    found.reader.append(float(model.read(chat, Reply(fact["answer"])).logprobs.mean()))
    if not reply.text.strip():
        return False
    is_right = contains_answer(reply.text, fact["answer"]) > 0
    exact, estimated, context_jsd, context_drop = _per_token(model, chat, sources, reply)
    found.ratio += np.log((exact + OFFSET) / (estimated + OFFSET)).tolist()
    if is_right:
        found.context.append(context_jsd / float(np.log(2)))
        found.parametric.append(float(np.exp(-max(context_drop, 0.0))))
        for source, score in zip(sources, exact.tolist(), strict=True):
            if source.passage != place:
                found.noise.append(score)
            elif source.span.of(fact["passage"]) == fact["gold"]:
                found.gold.append(score)
    return is_right


def _measure_unanswerable(
    model: WhiteBoxModel,
    prompt: Prompt,
    fact: Mapping[str, str],
    texts: Sequence[str],
    found: Found,
) -> None:
    """Add what an answer from memory shows: written without passages, read under unrelated ones."""
    bare = answer_chat(prompt, _context(fact["question"], []))
    (reply,) = model.write([bare], max_new_tokens=MAX_NEW_TOKENS)
    if not reply.text.strip():
        return
    chat = answer_chat(prompt, _context(fact["question"], texts))
    effects = model.read(chat, reply).delete([chat.blocks])
    found.context_unanswerable.append(float(effects.jsd.mean() / np.log(2)))
    found.parametric_unanswerable.append(float(np.exp(-max(effects.drops.mean(), 0.0))))


def _per_token(
    model: WhiteBoxModel, chat: Chat, sources: Sequence[Source], reply: Reply
) -> tuple[FloatArray, FloatArray, float, float]:
    """[sources] exact and estimated JSD; JSD and drop without any passage."""
    reading, removals = model.read(chat, reply), chat.removals(sources)
    exact = reading.delete([*removals, chat.blocks])
    estimated = reading.knock_out(removals) if reading.can_knock_out else exact
    n_sources = len(sources)
    return (
        exact.jsd[:n_sources].mean(axis=1),
        estimated.jsd[:n_sources].mean(axis=1),
        float(exact.jsd[n_sources].mean()),
        float(exact.drops[n_sources].mean()),
    )


def _context(question: str, texts: Sequence[str]) -> Context:
    passages = tuple(Passage(text, str(i)) for i, text in enumerate(texts, start=1))
    return Context(Query(question, "q"), passages)


def _floors(found: Found) -> Floors:
    return Floors(
        noise=float(np.quantile(found.noise, NOISE_QUANTILE)),
        context=float(np.quantile(found.context, CONTEXT_QUANTILE)),
        reader=float(np.quantile(found.reader, READER_QUANTILE)),
        parametric=float(np.quantile(found.parametric_unanswerable, PARAMETRIC_QUANTILE)),
    )


def _filter_error(found: Found) -> FilterError:
    """A logistic distribution with the ratios' median and their tail."""
    middle = float(np.median(found.ratio))
    tail = float(np.quantile(found.ratio, TAIL_QUANTILE)) - middle
    odds = float(np.log(TAIL_QUANTILE / (1 - TAIL_QUANTILE)))
    return FilterError(offset=OFFSET, middle=middle, scale=max(tail / odds, _SMALLEST_SCALE))


def _distributions(found: Found) -> dict[str, Any]:
    levels = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99)
    noise = float(np.quantile(found.noise, NOISE_QUANTILE))
    return {
        "right_answers": len(found.context),
        "gold_above_noise": float((np.array(found.gold) > noise).mean()),
        "context_use_auroc": area_under_roc(found.context, found.context_unanswerable),
        "parametric_share_auroc": area_under_roc(found.parametric_unanswerable, found.parametric),
        **{
            name: {"count": len(values), **{str(q): float(np.quantile(values, q)) for q in levels}}
            for name, values in found.__dict__.items()
        },
    }
