"""Examples to learn attribution from: what one reading shows, and what deleting does.

Deletion of every sentence of a few hundred contexts is dear. So only those are deleted that are
likely to matter, with the first ones, which are hardest to estimate, and a few at random; the
others keep what hiding them does.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from ragattr.attribution.inside import look_inside
from ragattr.attribution.signals import Hidden, Signals, read_signals
from ragattr.attribution.subject import find_subject, measured_claims
from ragattr.errors import InputError
from ragattr.models.protocols import Encoder, Reply, WhiteBoxModel
from ragattr.prompt import Prompt, answer_chat
from ragattr.text.claims import read_claims
from ragattr.types import Answer, Attribution, Context, FloatArray
from ragattr.written import make_folder, whole_file

MAX_NEW_TOKENS = 48
N_BEST, N_FIRST, N_RANDOM = 6, 2, 2  # sentences of an example that are deleted


@dataclass(frozen=True, eq=False)
class Example:
    """The first claim of one answer in its context.

    Attributes:
        id: of what was read; see `example_id`.
        jsd: [sources], nats per token, when a source is deleted; of those that were not, when it is
            hidden.
        is_exact: [sources], which were deleted.
    """

    id: str
    signals: Signals
    hidden: Hidden
    jsd: FloatArray
    is_exact: NDArray[np.bool_]


def measure_examples(
    model: WhiteBoxModel,
    prompt: Prompt,
    encoder: Encoder,
    contexts: Sequence[tuple[Context, str | None]],
    *,
    work: Path,
    seed: int = 0,
    progress: Callable[[int], None] = lambda n: None,
) -> list[Example]:
    """Measure answers, by turns the model's own and the rows'; each is kept in `work` at once."""
    make_folder(work)
    found = []
    for i, (context, answer) in enumerate(contexts):
        path = work / f"{i:05d}.npz"
        example = _load(path) if path.exists() else None
        if example is None or example.id != example_id(context, answer if i % 2 else None):
            rng = np.random.default_rng([seed, i])
            example = _measure(model, prompt, encoder, context, answer if i % 2 else None, rng)
            if example is not None:
                _save(path, example)
        if example is not None:
            found.append(example)
        progress(i + 1)
    return found


def _measure(
    model: WhiteBoxModel,
    prompt: Prompt,
    encoder: Encoder,
    context: Context,
    answer: str | None,
    rng: np.random.Generator,
) -> Example | None:
    """One example, or None when there is nothing to measure."""
    chat = answer_chat(prompt, context)
    reply = Reply(answer) if answer else model.write([chat], max_new_tokens=MAX_NEW_TOKENS)[0]
    claims, markers = read_claims(reply.text, len(context.passages))
    subject = find_subject(
        model,
        prompt,
        Answer(
            context,
            reply.text,
            claims,
            markers,
            token_ids=reply.token_ids,
            generator=None if answer else model.card.name,
        ),
    )
    if isinstance(subject, Attribution):
        return None
    reading = look_inside(model.read(subject.chat, subject.reply), model.card)
    signals, n_sources = read_signals(subject, reading, encoder)[0], len(subject.sources)
    claim = measured_claims(subject.answer, reading.tokens)[0]
    hidden = Hidden.of(reading.knock_out(subject.removals), claim, [*range(n_sources)], n_sources)
    best = np.argsort(-hidden.jsd, kind="stable")[:N_BEST]
    chosen = sorted({*best, *range(N_FIRST), *rng.permutation(n_sources)[:N_RANDOM]})
    chosen = [int(i) for i in chosen if i < n_sources]
    effects = reading.delete([subject.removals[i] for i in chosen])
    jsd = hidden.jsd.copy()
    jsd[chosen] = effects.jsd[:, claim].mean(axis=1)
    is_exact = np.zeros(n_sources, dtype=bool)
    is_exact[chosen] = True
    return Example(example_id(context, answer), signals, hidden, jsd, is_exact)


def example_id(context: Context, answer: str | None) -> str:
    """A digest of question, passages and answer; None is an answer of the model's own."""
    parts = [context.query.text, *(passage.text for passage in context.passages), answer or ""]
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()


def _save(path: Path, example: Example) -> None:
    signals = vars(example.signals)
    with whole_file(path) as unfinished, unfinished.open("wb") as file:
        np.savez_compressed(
            file,
            id=np.array(example.id),
            hidden_jsd=example.hidden.jsd,
            hidden_drops=example.hidden.drops,
            jsd=example.jsd,
            is_exact=example.is_exact,
            **{**signals, "attention": signals["attention"].astype(np.float32)},
        )


def _load(path: Path) -> Example:
    try:
        with np.load(path, allow_pickle=False) as kept:
            signals = Signals(**{name: kept[name] for name in Signals.__dataclass_fields__})
            hidden = Hidden(kept["hidden_jsd"], kept["hidden_drops"])
            return Example(str(kept["id"]), signals, hidden, kept["jsd"], kept["is_exact"])
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise InputError(f"{path} holds no example that was measured: delete it") from error
