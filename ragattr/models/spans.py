"""Which span of a text a model would go on with: spans are scored, nothing is written freely."""

import re
from collections.abc import Sequence
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
N_STARTS = 8  # words at which a span may start: those that the model finds likeliest
_START = re.compile(r"(?<!\w)[\w$£€]")
_REST = re.compile(rf"\S+(?:\s+\S+){{0,{MOST_WORDS - 1}}}")
_CLOSING = ")%°\"'”’"


class _Start(NamedTuple):
    """The tokens from one word on, and at which of them a span may end: place, then end."""

    ids: list[int]
    ends: list[tuple[int, int]]
    at: int


def score_spans(model: Any, tokenizer: Any, prompt: str, text: str) -> list[ScoredSpan]:
    """Spans of whole words of `text`, at most 12 each, likeliest continuation of `prompt` first.

    Two forward passes: one reads the prompt and finds the eight words at which the model would
    most likely start, the other reads what follows each of them, side by side.
    """
    starts = _starts(tokenizer, text)
    if not starts:
        return []
    prompt_ids = torch.tensor([tokenizer(prompt)["input_ids"]], device=model.device)
    with torch.inference_mode():
        read = model(prompt_ids, use_cache=True, logits_to_keep=1)
        first = torch.log_softmax(read.logits[0, -1].float(), dim=-1)
        chances = first[[start.ids[0] for start in starts]].tolist()
        likeliest = np.argsort(-np.array(chances), kind="stable")[:N_STARTS].tolist()
        chosen = [starts[i] for i in likeliest]
        rows = _padded([start.ids for start in chosen], prompt_ids.device)
        read.past_key_values.batch_repeat_interleave(len(chosen))
        mask = torch.ones(
            (len(chosen), prompt_ids.shape[1] + rows.shape[1]), device=rows.device, dtype=torch.long
        )
        logits = model(rows, past_key_values=read.past_key_values, attention_mask=mask).logits
        after = torch.log_softmax(logits.float(), dim=-1)
        said = after[:, :-1].gather(2, rows[:, 1:, None])[..., 0]
        opened = first[rows[:, 0]][:, None]
        so_far = torch.cat([opened, opened + said.cumsum(dim=1)], dim=1)
        ended = so_far + torch.logsumexp(after[..., _line_ends(tokenizer)], dim=-1)
        scores = ended.cpu().numpy()
    found = [
        ScoredSpan(Span(start.at, end), float(scores[row, place]))
        for row, start in enumerate(chosen)
        for place, end in start.ends
    ]
    return sorted(found, key=lambda scored: -scored.logprob)


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


def _padded(rows: Sequence[list[int]], device: Any) -> "torch.Tensor":
    """[rows, longest]; zeros behind, which no token before them sees."""
    width = max(map(len, rows))
    return torch.tensor([[*row, *[0] * (width - len(row))] for row in rows], device=device)


def _line_ends(tokenizer: Any) -> list[int]:
    """The tokens with which a model ends a line or its turn."""
    breaks = [
        ids[0] for ids in tokenizer(["\n", "\n\n", "\n\n\n"], add_special_tokens=False)["input_ids"]
    ]
    return sorted({*breaks, tokenizer.eos_token_id} - {None})
