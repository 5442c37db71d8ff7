"""Encoder-decoder models that judge a pair with the first token they would write.

Three input formats: that of T5-XXL-TRUE (ALCE), that of MiniCheck-Flan-T5, and for any
other model a question in plain words (Document Attribution).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ragattr.errors import MissingExtra
from ragattr.models.checkpoint import Checkpoint
from ragattr.models.chunks import Encoding
from ragattr.models.hf import default_dtype
from ragattr.models.label_words import (
    DIGITS,
    NO,
    YES,
    LabelWords,
    YesNo,
    support_rows,
)  # fmt: skip
from ragattr.models.protocols import Pair
from ragattr.prompt import Prompt
from ragattr.types import FloatArray

try:
    import torch
    from transformers import AutoModelForSeq2SeqLM
except ImportError as error:
    raise MissingExtra("local") from error

Format = Callable[[str, str], str]  # premise and hypothesis to what the model reads


def true_format(premise: str, hypothesis: str) -> str:
    """What T5-XXL-TRUE was trained on; it writes 1 or 0."""
    return f"premise: {premise} hypothesis: {hypothesis}"


def minicheck_format(premise: str, hypothesis: str) -> str:
    """What MiniCheck-Flan-T5 was trained on; it writes 1 or 0."""
    return f"predict: {premise}</s>{hypothesis}"


@dataclass(frozen=True)
class Seq2SeqScorer:
    """An encoder-decoder model that writes one of two labels."""

    reader: Checkpoint
    format: Format = field(repr=False)
    words: LabelWords = field(repr=False)

    @classmethod
    def load(cls, name: str, prompt: Prompt) -> "Seq2SeqScorer":
        """Read a folder or a hub model: float32, on a GPU the dtype that it multiplies fastest."""
        dtype = default_dtype() if torch.cuda.is_available() else torch.float32
        return cls.wrap(Checkpoint.load(AutoModelForSeq2SeqLM, name, dtype=dtype), prompt)

    @classmethod
    def wrap(cls, reader: Checkpoint, prompt: Prompt) -> "Seq2SeqScorer":
        """Use a loaded model, its format chosen by its name.

        Args:
            reader: "true" as a word of its name is T5-XXL-TRUE, "minicheck" MiniCheck.
            prompt: the question to any other model, with `ENTAIL_FIELDS`.
        """
        name = reader.name.lower()
        words = name.replace("-", "_").split("_")
        if "minicheck" in name or "true" in words:
            digits = LabelWords.of(reader.tokenizer, yes=DIGITS[:1], no=DIGITS[1:])
            return cls(reader, minicheck_format if "minicheck" in name else true_format, digits)
        return cls(reader, _asking(prompt), LabelWords.of(reader.tokenizer, yes=YES, no=NO))

    def encode(self, pairs: Sequence[Pair]) -> list[Encoding]:
        """Token ids of what the encoder reads."""
        plain = self.reader.plain
        texts = [self.format(plain(pair.premise), plain(pair.hypothesis)) for pair in pairs]
        return [
            {"input_ids": ids} for ids in self.reader.tokenizer(texts, verbose=False)["input_ids"]
        ]

    def ask(self, batch: Sequence[Encoding]) -> YesNo:
        """Scores and attentiveness, from the first step of the decoder."""
        rows = self.reader.padded(batch, names=["input_ids"])
        start = torch.full(
            (len(batch), 1),
            self.reader.model.config.decoder_start_token_id,
            device=self.reader.model.device,
        )
        with torch.inference_mode():
            logits = self.reader.model(**rows, decoder_input_ids=start).logits[:, -1]
        logprobs = torch.log_softmax(logits.double(), dim=-1).cpu().numpy()
        return self.words.weigh(logprobs)

    def score(self, batch: Sequence[Encoding]) -> FloatArray:
        """[pairs, 3]; supported is p(yes) / (p(yes) + p(no))."""
        found = self.ask(batch)
        found.log(self.reader.name)
        return support_rows(found.score)


def _asking(prompt: Prompt) -> Format:
    def question(premise: str, hypothesis: str) -> str:
        return prompt.fill({"premise": premise, "hypothesis": hypothesis})[0]

    return question
