"""A model that vLLM runs in this process: it writes, and shows the likeliest tokens."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ragattr.errors import ConfigError, MissingExtra, ModelNotFound, ModelReplyError
from ragattr.models.loading import first_line, readable
from ragattr.models.prompted import Prompted
from ragattr.models.protocols import Reply
from ragattr.models.scored import Scored, ScoredReading
from ragattr.models.truncated import Shown
from ragattr.prompt import Chat
from ragattr.text.align import token_spans
from ragattr.types import FilterError, Floors, ModelCard, Tier

try:
    from vllm import LLM, SamplingParams
except ImportError as error:
    raise MissingExtra("vllm") from error

WHOLE_VOCABULARY = -1


@dataclass(frozen=True)
class VLLMModel:
    """An engine of vLLM and its tokenizer.

    Attributes:
        top_logprobs: how many of the likeliest tokens it shows; 0 shows the whole vocabulary.
    """

    card: ModelCard
    engine: Any = field(repr=False)
    tokenizer: Any = field(repr=False)
    window: int
    top_logprobs: int
    tier: Tier = "logprobs"
    floors: Floors | None = None
    filter_error: FilterError | None = None

    @classmethod
    def load(cls, name: str, *, top_logprobs: int) -> "VLLMModel":
        """A folder or a hub name, as vLLM reads it."""
        shown = top_logprobs or WHOLE_VOCABULARY
        try:
            engine = LLM(model=name, max_logprobs=shown, enable_prefix_caching=True)
        except (OSError, ValueError) as error:
            raise ModelNotFound(f"vLLM loads no model {name!r}: {first_line(error)}") from error
        config = engine.llm_engine.model_config
        dtype = str(config.dtype).removeprefix("torch.")
        card = ModelCard(name.rstrip("/").rpartition("/")[2], "local", dtype)
        window = int(config.max_model_len)
        return cls(card, engine, engine.get_tokenizer(), window, top_logprobs)

    @cached_property
    def control_tokens(self) -> tuple[str, ...]:
        """Strings that the tokenizer reads as one special token."""
        return tuple(sorted(self.tokenizer.all_special_tokens, key=len, reverse=True))

    def count_tokens(self, chat: Chat, reply: Reply) -> int:
        """How many tokens chat and reply have together."""
        return len(self._prompted(chat).ids) + len(self._reply_tokens(reply)[0])

    def write(
        self,
        chats: Sequence[Chat],
        *,
        max_new_tokens: int,
        stop: Sequence[str] = (),
        temperature: float = 0.0,
        seed: int = 0,
    ) -> list[Reply]:
        """One reply to each chat, batched by the engine."""
        sampling = SamplingParams(
            temperature=temperature,
            seed=seed if temperature else None,
            max_tokens=max_new_tokens,
            stop=list(stop),
        )
        outputs = self._generate([self._prompted(chat).ids for chat in chats], sampling)
        return [
            Reply(output.outputs[0].text, None, output.outputs[0].finish_reason != "length")
            for output in outputs
        ]

    def check_readable(self) -> None:
        """It shows what was asked for when it was loaded."""

    def read(self, chat: Chat, reply: Reply) -> ScoredReading:
        """Score the reply under the chat, and under every removal that is asked for."""
        prompted, (reply_ids, starts) = self._prompted(chat), self._reply_tokens(reply)
        if not reply_ids:
            raise ConfigError("an empty reply cannot be measured")
        if len(prompted.ids) + len(reply_ids) > self.window:
            raise ConfigError(
                f"prompt and reply are longer than the window of {self.window} tokens"
            )
        return ScoredReading(
            token_spans(starts, len(reply.text)),
            lambda removals: self._score([prompted.without(r)[0] for r in removals], reply_ids),
        )

    def _score(self, prompts: Sequence[list[int]], reply: list[int]) -> list[Scored]:
        shown = self.top_logprobs or WHOLE_VOCABULARY
        sampling = SamplingParams(temperature=0.0, max_tokens=1, prompt_logprobs=shown)
        outputs = self._generate([[*prompt, *reply] for prompt in prompts], sampling)
        scored = []
        for prompt, output in zip(prompts, outputs, strict=True):
            rows = output.prompt_logprobs[len(prompt) :]
            if len(rows) != len(reply):
                raise ModelReplyError("vLLM left out log-probabilities of the reply")
            shown_rows = [
                Shown.of(token, _numbers(row)) for token, row in zip(reply, rows, strict=True)
            ]
            scored.append(Scored(shown_rows, len(prompt) + len(reply)))
        return scored

    def _generate(self, prompts: Sequence[list[int]], sampling: Any) -> list[Any]:
        inputs = [{"prompt_token_ids": ids} for ids in prompts]
        return list(self.engine.generate(inputs, sampling, use_tqdm=False))

    def _prompted(self, chat: Chat) -> Prompted:
        return Prompted(chat, self.tokenizer, self.control_tokens)

    def _reply_tokens(self, reply: Reply) -> tuple[list[int], list[int]]:
        """The reply's ids and where each starts in its text."""
        found = self.tokenizer(
            readable(reply.text), add_special_tokens=False, return_offsets_mapping=True
        )
        return list(found["input_ids"]), [start for start, _ in found["offset_mapping"]]


def _numbers(row: Mapping[int, Any]) -> dict[Hashable, float]:
    return {token: float(entry.logprob) for token, entry in row.items()}
