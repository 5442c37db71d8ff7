"""A transformers checkpoint that reads pairs: loaded safely, its window known, nothing cut off."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from ragattr.errors import ConfigError, MissingExtra, ModelNotFound
from ragattr.models.chunks import Encoding
from ragattr.models.identity import weights_digest
from ragattr.models.loading import first_line, readable, without_progress
from ragattr.models.prompted import disarmed
from ragattr.text.language import is_english

try:
    import torch
    from torch import Tensor, nn
    from transformers import AutoTokenizer
except ImportError as error:
    raise MissingExtra("local") from error

MULTILINGUAL_FROM = 200_000  # pieces: XLM-R, mDeBERTa and mT5 have 250,000, English models 128,000
UNLIMITED = 2048  # tokens at once for a model that counts distances, not places


@dataclass(frozen=True)
class Checkpoint:
    """A model and its fast tokenizer.

    Attributes:
        name: its hub name, or its folder's.
        revision: its commit on the hub, or a digest of its weights.
        window: how many tokens it reads at once.
    """

    name: str
    revision: str
    model: Any = field(repr=False)
    tokenizer: Any = field(repr=False)
    window: int

    @classmethod
    def load(cls, auto_class: Any, name: str, **options: Any) -> "Checkpoint":
        """Read a folder or a hub model, safetensors only and none of its code.

        Args:
            auto_class: of transformers, such as `AutoModelForSequenceClassification`.
            name: a folder or a hub name (which needs the network unless it is cached).
            options: for `from_pretrained`; float32 unless they name a `dtype`.
        """
        try:
            with without_progress():
                tokenizer = AutoTokenizer.from_pretrained(name, trust_remote_code=False)
                model = auto_class.from_pretrained(
                    name,
                    use_safetensors=True,
                    trust_remote_code=False,
                    **{"dtype": torch.float32, **options},
                )
        except (OSError, ValueError) as error:
            raise ModelNotFound(f"no verifier {name!r}: {first_line(error)}") from error
        device = "cuda" if torch.cuda.is_available() else "cpu"
        return cls.wrap(model.to(device), tokenizer, name=name)

    @classmethod
    def wrap(
        cls, model: Any, tokenizer: Any, *, name: str, window: int | None = None
    ) -> "Checkpoint":
        """Use a model and a tokenizer that are already there."""
        if not getattr(tokenizer, "is_fast", False):
            raise ConfigError(
                f"the tokenizer of {name} has no offset mapping: a fast one is needed"
            )
        commit = getattr(model.config, "_commit_hash", None)
        return cls(
            name=Path(name).name if Path(name).exists() else name,
            revision=str(commit or weights_digest(model)[:12]),
            model=model.eval(),
            tokenizer=tokenizer,
            window=window or window_of(model, tokenizer),
        )

    def reads(self, text: str) -> bool:
        """Whether the text is English; a model with a multilingual vocabulary reads anything."""
        return len(self.tokenizer) >= MULTILINGUAL_FROM or is_english(text)

    def token_starts(self, text: str) -> list[int]:
        """The character at which each token of the text begins."""
        found = self.tokenizer(
            self.plain(text), add_special_tokens=False, return_offsets_mapping=True, verbose=False
        )
        starts, furthest = list[int](), 0
        for start, _ in found["offset_mapping"]:
            furthest = max(furthest, start)
            starts.append(furthest)
        return starts

    def plain(self, text: str) -> str:
        """The text, as long as before, with nothing in it that the tokenizer takes for a token."""
        return disarmed(readable(text), self._special)

    @cached_property
    def _special(self) -> list[str]:
        added = self.tokenizer.added_tokens_decoder.values()
        return sorted({token.content for token in added if token.special}, key=len, reverse=True)

    def padded(self, batch: Sequence[Encoding], *, names: Sequence[str]) -> dict[str, Tensor]:
        """The named lists of every row as [rows, longest], filled up behind; and which are real."""
        device = self.model.device
        fill = {"input_ids": self.tokenizer.pad_token_id or 0}
        tensors = {
            name: nn.utils.rnn.pad_sequence(
                [torch.tensor(row[name]) for row in batch],
                batch_first=True,
                padding_value=fill.get(name, 0),
            ).to(device)
            for name in names
        }
        real = [torch.ones(len(row["input_ids"]), dtype=torch.long) for row in batch]
        mask = nn.utils.rnn.pad_sequence(real, batch_first=True).to(device)
        return {**tensors, "attention_mask": mask}


def window_of(model: Any, tokenizer: Any) -> int:
    """How many tokens a model reads at once.

    Read from its table of places, where it has one: some models leave its first rows free. A
    model without one reads as far as its config or tokenizer says, or 2,048.
    """
    for name, table in model.named_modules():
        if name.endswith("position_embeddings") and isinstance(table, nn.Embedding):
            free = 0 if table.padding_idx is None else table.padding_idx + 1
            return min(table.num_embeddings - free, int(tokenizer.model_max_length))
    config = model.config.get_text_config()
    if hasattr(config, "relative_attention_num_buckets"):  # T5: distances only
        return UNLIMITED
    stated = int(getattr(config, "max_position_embeddings", UNLIMITED))
    return min(stated, int(tokenizer.model_max_length))
