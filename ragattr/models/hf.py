"""Any causal language model of transformers, in process: it writes and shows its probabilities."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np

from ragattr.errors import ConfigError, MissingExtra, ModelNotFound, ModelReplyError
from ragattr.models.loading import first_line, readable, without_progress
from ragattr.models.prompted import Prompted
from ragattr.models.protocols import Divergence, Reply
from ragattr.prompt import Chat
from ragattr.text.align import token_spans
from ragattr.types import Floors, ModelCard, Span

try:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, DynamicCache, GenerationConfig
    from transformers.cache_utils import DynamicLayer
except ImportError as error:
    raise MissingExtra("local") from error

logger = logging.getLogger(__name__)

_LN2 = float(np.log(2))
_ROWS_AT_ONCE = 64  # rows of [rows, vocab] fp32 that are reduced together


def default_dtype() -> "torch.dtype":
    """bfloat16 where the hardware multiplies it natively, else float32."""
    if torch.cuda.is_available():
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    return torch.bfloat16 if torch.cpu.get_capabilities().get("avx512_bf16") else torch.float32


@dataclass(frozen=True)
class HFModel:
    """A transformers model and its tokenizer.

    Attributes:
        card: its name, revision and dtype, as records name it.
        floors: what it shows when nothing is there, None when nobody measured that.
    """

    card: ModelCard
    model: Any = field(repr=False)
    tokenizer: Any = field(repr=False)
    floors: Floors | None = None

    @classmethod
    def load(cls, name: str) -> "HFModel":
        """Read a folder, or a hub model by name (which needs the network unless it is cached)."""
        options = {"trust_remote_code": False}
        try:
            with without_progress():
                tokenizer = AutoTokenizer.from_pretrained(name, **options)
                model = AutoModelForCausalLM.from_pretrained(
                    name,
                    dtype=default_dtype(),
                    use_safetensors=True,
                    attn_implementation="sdpa",
                    **options,
                )
        except (OSError, ValueError) as error:
            where = (
                "in that folder"
                if Path(name).exists()
                else "in this folder, the hub cache or on the hub"
            )
            raise ModelNotFound(
                f"no causal language model {name!r} {where}: {first_line(error)}"
            ) from error
        device = "cuda" if torch.cuda.is_available() else "cpu"
        return cls.wrap(cast("torch.nn.Module", model).to(device), tokenizer)

    @classmethod
    def wrap(cls, model: Any, tokenizer: Any) -> "HFModel":
        """Use a model and a tokenizer that the caller already has."""
        if not getattr(tokenizer, "is_fast", False):
            raise ConfigError(
                "the tokenizer has no offset mapping: load it with AutoTokenizer (a fast one)"
            )
        name = (
            Path(str(model.config._name_or_path)).name
            if Path(str(model.config._name_or_path)).exists()
            else ""
        )
        card = ModelCard(
            name=name or str(model.config._name_or_path) or type(model).__name__,
            revision=str(getattr(model.config, "_commit_hash", None) or "local"),
            dtype=str(model.dtype).removeprefix("torch."),
        )
        return cls(card, model.eval(), tokenizer)

    @property
    def window(self) -> int:
        """How many tokens prompt and reply may have together."""
        return int(getattr(self.model.config.get_text_config(), "max_position_embeddings", 2**20))

    @cached_property
    def control_tokens(self) -> tuple[str, ...]:
        """Strings that the tokenizer reads as one special token."""
        added = self.tokenizer.added_tokens_decoder.values()
        return tuple(
            sorted({token.content for token in added if token.special}, key=len, reverse=True)
        )

    def count_tokens(self, chat: Chat, reply: Reply) -> int:
        """How many tokens chat and reply have together."""
        return len(self._prompted(chat).ids) + len(self._reply_tokens(reply)[0])

    def write(self, chats: Sequence[Chat], *, max_new_tokens: int) -> list[Reply]:
        """One greedy reply to each chat, each on its own: none depends on its neighbours."""
        return [self._write(self._prompted(chat).ids, max_new_tokens) for chat in chats]

    def diverge(self, chat: Chat, removals: Sequence[Sequence[Span]], reply: Reply) -> Divergence:
        """Jensen-Shannon divergence and log-probability drop of the reply, removal by removal.

        Exact: the tokens of a removal are deleted and everything after them is read again; what
        stands before is kept from the full run (methods of ARC-JSD, section 1.1 of the paper, with
        the definition of the divergence). Only the reply's rows of logits are computed.
        """
        prompted, (reply_ids, tokens) = self._prompted(chat), self._reply_tokens(reply)
        if not reply_ids:
            raise ConfigError("an empty reply cannot be measured")
        if len(prompted.ids) + len(reply_ids) > self.window:
            raise ConfigError(
                f"prompt and reply are longer than the window of {self.window} tokens"
            )
        with torch.inference_mode():
            full, cache = self._logprobs(
                prompted.ids, reply_ids, cache=DynamicCache(config=self.model.config)
            )
            pushed, rows = len(prompted.ids) + len(reply_ids), []
            for removal in removals:
                kept, first = prompted.without(removal)
                reused = min(first, len(kept) - 1) if _keeps_prefixes(cache) else 0
                ablated, _ = self._logprobs(
                    kept[reused:], reply_ids, cache=_prefix(cache, reused, self.model.config)
                )
                pushed += len(kept) - reused + len(reply_ids)
                rows.append(_compare(full, ablated, reply_ids))
            reading = _at(full, reply_ids)
            # One wait for the device, at the end.
            numbers = (
                torch.stack([reading, *(row for pair in rows for row in pair)])
                .double()
                .cpu()
                .numpy()
            )
        return Divergence(
            tokens=tokens,
            jsd=numbers[1::2].reshape(len(removals), len(tokens)),
            drops=numbers[2::2].reshape(len(removals), len(tokens)),
            logprobs=numbers[0],
            passes=pushed / (len(prompted.ids) + len(reply_ids)),
        )

    def _write(self, ids: list[int], max_new_tokens: int) -> Reply:
        ends = _end_tokens(self.model, self.tokenizer)
        config = GenerationConfig(
            do_sample=False,
            max_new_tokens=max_new_tokens,
            eos_token_id=ends or None,
            pad_token_id=ends[0] if ends else 0,
        )
        prompt = torch.tensor([ids], device=self.model.device)
        with torch.inference_mode():
            output = self.model.generate(
                prompt, attention_mask=torch.ones_like(prompt), generation_config=config
            )
        new: list[int] = output[0, len(ids) :].tolist()
        finished = bool(new) and new[-1] in ends
        kept = tuple(new[:-1] if finished else new)
        return Reply(self._decode(kept), kept, finished)

    def _prompted(self, chat: Chat) -> Prompted:
        return Prompted(chat, self.tokenizer, self.control_tokens)

    def _reply_tokens(self, reply: Reply) -> tuple[list[int], tuple[Span, ...]]:
        """The reply's ids and where each stands in its text; kept ids are never tokenised again."""
        if reply.token_ids is None:
            found = self.tokenizer(
                readable(reply.text), add_special_tokens=False, return_offsets_mapping=True
            )
            starts = [start for start, _ in found["offset_mapping"]]
            return list(found["input_ids"]), token_spans(starts, len(reply.text))
        prefixes = [self._decode(reply.token_ids[:n]) for n in range(len(reply.token_ids))]
        starts = [min(len(prefix.rstrip("\ufffd")), len(reply.text)) for prefix in prefixes]
        return list(reply.token_ids), token_spans(
            np.maximum.accumulate([0, *starts])[1:].tolist(), len(reply.text)
        )

    def _decode(self, ids: Sequence[int]) -> str:
        text: str = self.tokenizer.decode(
            list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return text

    def _logprobs(
        self, ids: list[int], reply_ids: list[int], *, cache: Any
    ) -> tuple["torch.Tensor", Any]:
        """[reply tokens, vocab] log-probabilities in fp32, and the filled cache."""
        tokens = torch.tensor([[*ids, *reply_ids[:-1]]], device=self.model.device)
        output = self.model(
            tokens, past_key_values=cache, use_cache=True, logits_to_keep=len(reply_ids)
        )
        logits = output.logits[0].float()
        if not torch.isfinite(logits).all():
            raise ModelReplyError(f"{self.card.name} gave logits that are not finite")
        return torch.log_softmax(logits, dim=-1), output.past_key_values


def _end_tokens(model: Any, tokenizer: Any) -> list[int]:
    ends = model.generation_config.eos_token_id
    ends = ends if isinstance(ends, list) else [ends]
    return [end for end in dict.fromkeys([*ends, tokenizer.eos_token_id]) if end is not None]


def _keeps_prefixes(cache: Any) -> bool:
    return all(type(layer) is DynamicLayer for layer in cache.layers)


def _prefix(cache: Any, length: int, config: Any) -> Any:
    """A cache of the first `length` tokens: views of the full run's, nothing is cloned."""
    if length == 0:
        return DynamicCache(config=config)
    return DynamicCache(
        [(layer.keys[..., :length, :], layer.values[..., :length, :]) for layer in cache.layers]
    )


def _at(logprobs: "torch.Tensor", ids: Sequence[int]) -> "torch.Tensor":
    return logprobs.gather(1, torch.tensor(ids, device=logprobs.device)[:, None])[:, 0]


def _compare(
    full: "torch.Tensor", ablated: "torch.Tensor", ids: Sequence[int]
) -> tuple["torch.Tensor", "torch.Tensor"]:
    """JSD and log-probability drop per token; `metrics.divergence` is the plain definition."""
    jsd = torch.cat(
        [
            _jsd(p, q)
            for p, q in zip(full.split(_ROWS_AT_ONCE), ablated.split(_ROWS_AT_ONCE), strict=True)
        ]
    )
    return jsd, _at(full, ids) - _at(ablated, ids)


def _jsd(log_p: "torch.Tensor", log_q: "torch.Tensor") -> "torch.Tensor":
    log_middle = torch.logaddexp(log_p, log_q) - _LN2
    from_p = (log_p.exp() * (log_p - log_middle)).sum(-1)
    from_q = (log_q.exp() * (log_q - log_middle)).sum(-1)
    return ((from_p + from_q) / 2).clamp(0.0, _LN2)
