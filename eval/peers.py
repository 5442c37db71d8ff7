"""What else measures which sentence an answer used, on the same model, chat, cuts and reply.

Each takes the chat, what to cut so that a source is gone (`Chat.removals`) and the reply, and
answers with one score a source. What is timed is all but the import of the package.
"""

import io
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from numpy.typing import NDArray

from ragattr.errors import ConfigError, MissingExtra
from ragattr.models.divergence import divergence
from ragattr.models.hf import HFModel
from ragattr.models.loading import readable
from ragattr.models.prompted import Prompted
from ragattr.models.protocols import Reply
from ragattr.prompt import Chat
from ragattr.types import FloatArray, Span

Removals = Sequence[Sequence[Span]]


@dataclass(frozen=True, eq=False)
class Peer:
    """What a peer found, and what it took.

    Attributes:
        scores: [sources], in the peer's own unit.
        passes: tokens pushed through the layers / tokens of prompt and reply.
    """

    scores: FloatArray
    seconds: float
    passes: float


def plain_loop(model: HFModel, chat: Chat, removals: Removals, reply: Reply) -> Peer:
    """ARC-JSD as published (section 1.1): one full pass, and one more without each source.

    Its JSD in nats, summed over the reply's tokens; tokens are cut as ragattr cuts them. There is
    no key-value cache, but only the reply's rows of logits are computed.
    """

    def score() -> FloatArray:
        prompted = Prompted(chat, model.tokenizer, model.control_tokens)
        reply_ids = _reply_ids(model, reply)

        def log_probs(prompt_ids: list[int]) -> torch.Tensor:
            ids = torch.tensor([[*prompt_ids, *reply_ids[:-1]]], device=model.model.device)
            found = model.model(input_ids=ids, use_cache=False, logits_to_keep=len(reply_ids))
            return torch.log_softmax(found.logits[0].float(), -1)

        with torch.inference_mode():
            full = log_probs(prompted.ids)
            p = full.exp()
            ablated = (log_probs(prompted.without(removal)[0]) for removal in removals)
            scores = torch.stack([divergence(p, full, log_q).sum() for log_q in ablated])
            return _numbers(scores)

    return _metered(model, chat, reply, score)


def context_cite(
    model: HFModel, chat: Chat, removals: Removals, reply: Reply, *, n_ablations: int = 64
) -> Peer:
    """The package context-cite as it is, on our prompt, our sentences and a given reply.

    A source's weight is in units of the reply's logit-probability. The reply is handed over as
    the package's author advises (MadryLab/context-cite, issue 4).
    """
    citer_class = _context_citer()
    if len(chat.messages) != 1 or len(chat.blocks) != 1:
        raise ConfigError(
            "context-cite writes one user message with one context, got "
            f"{len(chat.messages)} messages with {len(chat.blocks)}"
        )
    (block,) = chat.blocks
    sentences = _Sentences(block, chat.text, removals)

    def score() -> FloatArray:
        citer = citer_class(
            model.model,
            model.tokenizer,
            sentences.context,
            chat.text[block.end :],
            num_ablations=n_ablations,
            prompt_template=_literal(chat.text[: block.start]) + "{context}{query}",
            partitioner=sentences,
        )
        _, prompt = citer._get_prompt_ids(return_prompt=True)
        citer._cache["output"] = prompt + reply.text
        return np.asarray(citer.get_attributions(verbose=False), dtype=np.float64)

    with _quietly():
        return _metered(model, chat, reply, score)


def captum_ablation(model: HFModel, chat: Chat, removals: Removals, reply: Reply) -> Peer:
    """Captum's `LLMAttribution` with `FeatureAblation`, a pass for each source.

    The drop of the reply's log-probability in nats, in the model's own precision. Prompt and
    reply are read together (`forward_in_tokens=False`): captum 0.9's default, token by token over
    a key-value cache, is slower and gives other, wrong scores under transformers 5.23.
    """
    try:
        from captum.attr import FeatureAblation, LLMAttribution, TextTemplateInput
    except ImportError as error:
        raise MissingExtra("bench") from error

    def prompt(*values: str) -> str:
        gone = [cut for cut, value in zip(removals, values, strict=True) if not value]
        return _rendered(model, chat, gone)

    def score() -> FloatArray:
        values = ["".join(span.of(chat.text) for span in removal) for removal in removals]
        found = LLMAttribution(FeatureAblation(model.model), model.tokenizer).attribute(
            TextTemplateInput(prompt, values),
            target=torch.tensor(_reply_ids(model, reply)),
            forward_in_tokens=False,
        )
        return _numbers(found.seq_attr)

    return _metered(model, chat, reply, score)


@dataclass(frozen=True)
class _Sentences:
    """Our sources, with what `ContextCiter` asks of a `BaseContextPartitioner`."""

    block: Span
    text: str
    removals: Removals

    @property
    def context(self) -> str:
        return self.block.of(self.text)

    @property
    def num_sources(self) -> int:
        return len(self.removals)

    def get_context(self, mask: NDArray[np.bool_] | None = None) -> str:
        """The context without the sources whose mask is False."""
        kept = np.ones(self.num_sources, dtype=bool) if mask is None else mask
        gone = [cut for cut, keep in zip(self.removals, kept, strict=True) if not keep]
        return _without(self.text, gone, self.block)


def _metered(model: HFModel, chat: Chat, reply: Reply, score: Callable[[], FloatArray]) -> Peer:
    """Run `score` once, under a clock and with every token counted that enters the layers."""
    n_pushed = 0

    def count(_module: object, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        nonlocal n_pushed
        n_pushed += (args[0] if args else kwargs["input_ids"]).numel()

    # captum calls `model.forward`, which passes by the hooks of the model, not of what is inside
    hook = model.model.base_model.register_forward_pre_hook(count, with_kwargs=True)
    started = time.perf_counter()
    try:
        scores = score()
    finally:
        hook.remove()
    seconds = time.perf_counter() - started
    return Peer(scores, seconds, n_pushed / model.count_tokens(chat, reply))


def _context_citer() -> Any:
    """The class; at import its package would download a sentence splitter, not needed here."""
    try:
        import nltk

        with patch.object(nltk, "download"):
            from context_cite import ContextCiter
    except ImportError as error:
        raise MissingExtra("bench") from error
    return ContextCiter


@contextmanager
def _quietly() -> Iterator[None]:
    """Without context-cite's progress bar and the warnings of its `torch.cuda.amp.autocast`."""
    with warnings.catch_warnings(), redirect_stderr(io.StringIO()):
        warnings.filterwarnings("ignore", message=".*torch.cuda.amp.autocast")
        warnings.filterwarnings("ignore", message=".*CUDA is not available")
        yield


def _reply_ids(model: HFModel, reply: Reply) -> list[int]:
    if reply.token_ids is not None:
        return list(reply.token_ids)
    return list(model.tokenizer(readable(reply.text), add_special_tokens=False)["input_ids"])


def _rendered(model: HFModel, chat: Chat, removals: Removals) -> str:
    """The prompt as the model's template writes it, without the removals."""
    messages, start = [], 0
    for message in chat.messages:
        place = Span(start, start + len(message["content"]))
        messages.append({**message, "content": _without(chat.text, removals, place)})
        start = place.end
    text: str = model.tokenizer.apply_chat_template(
        messages, tokenize=False, add_generation_prompt=True
    )
    return text


def _without(text: str, removals: Removals, within: Span) -> str:
    """The part `within` of the text without the removals, which may overlap."""
    pieces, cursor = [], within.start
    for span in sorted((span for removal in removals for span in removal), key=_start):
        pieces.append(text[cursor : min(span.start, within.end)])
        cursor = max(cursor, span.end)
    return "".join([*pieces, text[cursor : within.end]])


def _start(span: Span) -> int:
    return span.start


def _literal(text: str) -> str:
    """The text as a template of `str.format` that has no fields."""
    return text.replace("{", "{{").replace("}", "}}")


def _numbers(values: torch.Tensor) -> FloatArray:
    found: FloatArray = values.double().cpu().numpy()
    return found
