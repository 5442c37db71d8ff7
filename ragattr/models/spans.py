"""Which span of a text a model would go on with: spans are scored, nothing is written freely."""

import copy
import re
from collections.abc import Sequence
from os.path import commonprefix
from typing import Any, NamedTuple

import numpy as np

from ragattr.errors import MissingExtra
from ragattr.models.protocols import ScoredSpan
from ragattr.types import Span

try:
    import torch
except ImportError as error:
    raise MissingExtra("local") from error

MOST_WORDS = 12
N_STARTS = 5  # words at which a span may start: those that the model finds likeliest
_START = re.compile(r"(?<!\w)[\w$£€]")
_REST = re.compile(rf"\S+(?:\s+\S+){{0,{MOST_WORDS - 1}}}")
_CLOSING = ")%°\"'”’"


class _Start(NamedTuple):
    """The tokens from one word on, and at which of them a span may end: place, then end."""

    ids: list[int]
    ends: list[tuple[int, int]]
    at: int


def score_spans(
    model: Any, tokenizer: Any, prompts: Sequence[str], texts: Sequence[str]
) -> list[list[ScoredSpan]]:
    """For each prompt, spans of its text, likeliest continuation first.

    Spans are whole words, at most 12. What all prompts begin with is read once; each takes two
    forward passes more: one reads the rest of the prompt and finds the five words at which the
    model would most likely start, the other reads what follows each of them, side by side.
    """
    rows = [tokenizer(prompt)["input_ids"] for prompt in prompts]
    shared = min(len(commonprefix(rows)), *(len(row) - 1 for row in rows)) if rows else 0
    ends = _line_ends(tokenizer)
    with torch.inference_mode():
        cache = model(_tensor([rows[0][:shared]], model)).past_key_values if shared else None
        return [
            _scored(
                model, row[shared:], shared, copy.deepcopy(cache), _starts(tokenizer, text), ends
            )
            for row, text in zip(rows, texts, strict=True)
        ]


def _scored(
    model: Any, rest: list[int], n_read: int, cache: Any, starts: list[_Start], line_ends: list[int]
) -> list[ScoredSpan]:
    """The spans of the likeliest starts behind what `cache` holds and the `rest` of the prompt."""
    if not starts:
        return []
    read = model(_tensor([rest], model), past_key_values=cache, use_cache=True, logits_to_keep=1)
    first = torch.log_softmax(read.logits[0, -1].float(), dim=-1)
    chances = first[[start.ids[0] for start in starts]].tolist()
    likeliest = np.argsort(-np.array(chances), kind="stable")[:N_STARTS].tolist()
    chosen = [starts[i] for i in likeliest]
    width = max(len(start.ids) for start in chosen)
    # Zeros behind a shorter row: no token before them sees them.
    rows = _tensor([[*start.ids, *[0] * (width - len(start.ids))] for start in chosen], model)
    read.past_key_values.batch_repeat_interleave(len(chosen))
    mask = rows.new_ones((len(chosen), n_read + len(rest) + width))
    logits = model(rows, past_key_values=read.past_key_values, attention_mask=mask).logits
    after = torch.log_softmax(logits.float(), dim=-1)
    said = after[:, :-1].gather(2, rows[:, 1:, None])[..., 0]
    opened = first[rows[:, 0]][:, None]
    so_far = torch.cat([opened, opened + said.cumsum(dim=1)], dim=1)
    scores = (so_far + torch.logsumexp(after[..., line_ends], dim=-1)).cpu().numpy()
    found = [
        ScoredSpan(Span(start.at, end), float(scores[row, place]))
        for row, start in enumerate(chosen)
        for place, end in start.ends
    ]
    return sorted(found, key=lambda scored: -scored.logprob)


def _tensor(rows: list[list[int]], model: Any) -> "torch.Tensor":
    return torch.tensor(rows, device=model.device)


def _starts(tokenizer: Any, text: str) -> list[_Start]:
    """Every word of the text as a start that leaves room for an end."""
    places = [match.start() for match in _START.finditer(text)]
    pieces = [_following(text, place) for place in places]
    if not pieces:
        return []
    found = tokenizer(
        [f" {piece}" for piece in pieces], add_special_tokens=False, return_offsets_mapping=True
    )
    starts = []
    for at, piece, ids, offsets in zip(
        places, pieces, found["input_ids"], found["offset_mapping"], strict=True
    ):
        ends = [
            (place, at + end - 1)
            for place, (_, end) in enumerate(offsets)
            if _ends_word(piece, end - 1)
        ]
        if ends:
            starts.append(_Start(list(ids), ends, at))
    return starts


def _following(text: str, place: int) -> str:
    match = _REST.match(text, place)
    return match.group() if match else text[place]


def _ends_word(piece: str, end: int) -> bool:
    last, following = piece[end - 1 : end], piece[end : end + 1]
    return (last.isalnum() or (last != "" and last in _CLOSING)) and not following.isalnum()


def _line_ends(tokenizer: Any) -> list[int]:
    """The tokens with which a model ends a line or its turn."""
    breaks = [
        ids[0] for ids in tokenizer(["\n", "\n\n", "\n\n\n"], add_special_tokens=False)["input_ids"]
    ]
    return sorted({*breaks, tokenizer.eos_token_id} - {None})
