"""Any causal language model of transformers, in process: it writes and shows its probabilities."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np

from ragattr.errors import ConfigError, MissingExtra, ModelNotFound
from ragattr.models.floors import kept_floors
from ragattr.models.interface import Interface, find_interface
from ragattr.models.loading import first_line, readable, without_progress
from ragattr.models.prompted import Prompted, disarmed
from ragattr.models.protocols import Reply, ScoredSpan
from ragattr.models.reading import HFReading
from ragattr.models.spans import score_spans
from ragattr.prompt import Chat
from ragattr.text.align import token_spans
from ragattr.types import FilterError, Floors, ModelCard, Span, Tier

try:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig
except ImportError as error:
    raise MissingExtra("local") from error

logger = logging.getLogger(__name__)


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
        interface: its attention interface, checked when it was loaded; None when it has none.
        floors: what it shows when nothing is there, None when nobody measured that.
        filter_error: how far its knock-outs are from its deletions; None likewise.
    """

    card: ModelCard
    model: Any = field(repr=False)
    tokenizer: Any = field(repr=False)
    interface: Interface | None = None
    floors: Floors | None = None
    filter_error: FilterError | None = None

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
        interface = find_interface(model.eval())
        return cls(card, model, tokenizer, interface, *(kept_floors(card, model) or ()))

    @property
    def tier(self) -> Tier:
        """All of its probabilities."""
        return "logits"

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
        return len(self.prompted(chat).ids) + len(self.reply_tokens(reply)[0])

    def write(
        self,
        chats: Sequence[Chat],
        *,
        max_new_tokens: int,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> list[Reply]:
        """One reply to each chat, each on its own: none depends on its neighbours."""
        return [
            self._write(self.prompted(chat).ids, max_new_tokens, temperature, seed)
            for chat in chats
        ]

    def score_spans(self, prompts: Sequence[str], texts: Sequence[str]) -> list[list[ScoredSpan]]:
        """For each prompt, spans of whole words of its text, likeliest continuation first."""
        shown = [disarmed(readable(prompt), self.control_tokens) for prompt in prompts]
        return score_spans(self.model, self.tokenizer, shown, [readable(text) for text in texts])

    def check_readable(self) -> None:
        """It shows everything."""

    def read(self, chat: Chat, reply: Reply) -> HFReading:
        """Read chat and reply once, and keep what every ablation of it reads again."""
        prompted, (reply_ids, tokens) = self.prompted(chat), self.reply_tokens(reply)
        if not reply_ids:
            raise ConfigError("an empty reply cannot be measured")
        if len(prompted.ids) + len(reply_ids) > self.window:
            raise ConfigError(
                f"prompt and reply are longer than the window of {self.window} tokens"
            )
        return HFReading(
            self.model, prompted, chat.blocks, reply_ids, tokens, interface=self.interface
        )

    def _write(self, ids: list[int], max_new_tokens: int, temperature: float, seed: int) -> Reply:
        ends = _end_tokens(self.model, self.tokenizer)
        drawn = {"temperature": temperature, "top_k": 0, "top_p": 1.0} if temperature else {}
        config = GenerationConfig(
            do_sample=temperature > 0,
            **drawn,
            max_new_tokens=max_new_tokens,
            eos_token_id=ends or None,
            pad_token_id=ends[0] if ends else 0,
        )
        prompt = torch.tensor([ids], device=self.model.device)
        cards = [self.model.device] if self.model.device.type == "cuda" else []
        with torch.inference_mode(), torch.random.fork_rng(devices=cards):
            torch.manual_seed(seed)
            output = self.model.generate(
                prompt, attention_mask=torch.ones_like(prompt), generation_config=config
            )
        new: list[int] = output[0, len(ids) :].tolist()
        finished = bool(new) and new[-1] in ends
        kept = tuple(new[:-1] if finished else new)
        return Reply(self._decode(kept), kept, finished)

    def prompted(self, chat: Chat) -> Prompted:
        """The chat as the model's tokens."""
        return Prompted(chat, self.tokenizer, self.control_tokens)

    def reply_tokens(self, reply: Reply) -> tuple[list[int], tuple[Span, ...]]:
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


def _end_tokens(model: Any, tokenizer: Any) -> list[int]:
    ends = model.generation_config.eos_token_id
    ends = ends if isinstance(ends, list) else [ends]
    return [end for end in dict.fromkeys([*ends, tokenizer.eos_token_id]) if end is not None]
