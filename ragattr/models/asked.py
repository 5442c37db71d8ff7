"""A causal language model that is asked yes or no.

Scores, attentiveness and what to do where it is low are those of "Attentiveness to Answer Choices
Doesn't Always Entail High QA Accuracy".
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ragattr.errors import ConfigError, MissingExtra
from ragattr.models.checkpoint import Checkpoint
from ragattr.models.chunks import Encoding
from ragattr.models.hf import HFModel
from ragattr.models.label_words import (
    DIGITS,
    NO,
    YES,
    LabelWords,
    YesNo,
    support_rows,
    yes_no,
)  # fmt: skip
from ragattr.models.protocols import Pair
from ragattr.prompt import Chat, Prompt
from ragattr.types import FloatArray

try:
    import torch
except ImportError as error:
    raise MissingExtra("local") from error


_YES, _NO = (*YES, *DIGITS[:1]), (*NO, *DIGITS[1:])


@dataclass(frozen=True)
class AskedScorer:
    """A language model that answers whether a passage supports a statement.

    Where less than half of the mass lies on first tokens of yes and no, whole answers are scored
    instead: the sum over the surface forms of either label of the likelihood of all its tokens.

    Attributes:
        prompt: with `ENTAIL_FIELDS`.
        temperature, bias: calibration: logit(score) / temperature + bias.
    """

    reader: Checkpoint
    model: HFModel = field(repr=False)
    prompt: Prompt = field(repr=False)
    words: LabelWords = field(repr=False)
    temperature: float = 1.0
    bias: float = 0.0

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise ConfigError(f"a temperature lies above 0, got {self.temperature}")

    @classmethod
    def wrap(
        cls, model: HFModel, prompt: Prompt, *, temperature: float = 1.0, bias: float = 0.0
    ) -> "AskedScorer":
        """Use a loaded model."""
        name = f"asked:{model.card.name}"
        reader = Checkpoint(name, model.card.revision, model.model, model.tokenizer, model.window)
        words = LabelWords.of(model.tokenizer, yes=_YES, no=_NO)
        return cls(reader, model, prompt, words, temperature, bias)

    def encode(self, pairs: Sequence[Pair]) -> list[Encoding]:
        """Token ids of the question in the model's own chat form."""
        return [{"input_ids": self._question(pair)} for pair in pairs]

    def ask(self, batch: Sequence[Encoding]) -> YesNo:
        """Scores before calibration, and attentiveness by first tokens."""
        rows = self.reader.padded(batch, names=["input_ids"])
        last = rows["attention_mask"].sum(dim=1) - 1
        places, row_of = torch.unique(last, return_inverse=True)
        with torch.inference_mode():
            logits = self.reader.model(**rows, logits_to_keep=places).logits
        said = logits[torch.arange(len(batch), device=logits.device), row_of]
        logprobs = torch.log_softmax(said.double(), dim=-1).cpu().numpy()
        found = self.words.weigh(logprobs)
        for i in np.flatnonzero(found.is_low).tolist():
            found.score[i] = self._whole(batch[i]["input_ids"]).score[0]
        return found

    def score(self, batch: Sequence[Encoding]) -> FloatArray:
        """[pairs, 3]; supported is the calibrated score."""
        found = self.ask(batch)
        found.log(self.reader.name)
        return support_rows(self._calibrated(found.score))

    def _question(self, pair: Pair) -> list[int]:
        text, _ = self.prompt.fill({"premise": pair.premise, "hypothesis": pair.hypothesis})
        return self.model.prompted(Chat(({"role": "user", "content": text},), (), ())).ids

    def _whole(self, question: list[int]) -> YesNo:
        """The same for one question from whole answers, all read behind it side by side."""
        of_yes, of_no = self._answers(_YES), self._answers(_NO)
        rows = self.reader.padded(
            [{"input_ids": ids} for ids in (*of_yes, *of_no)], names=["input_ids"]
        )
        ids, is_real = rows["input_ids"], rows["attention_mask"]
        model, n_answers = self.reader.model, len(ids)
        with torch.inference_mode():
            read = model(ids.new_tensor([question]), use_cache=True, logits_to_keep=1)
            read.past_key_values.batch_repeat_interleave(n_answers)
            mask = torch.cat([is_real.new_ones((n_answers, len(question))), is_real], dim=1)
            said = model(ids, past_key_values=read.past_key_values, attention_mask=mask).logits
        logits = torch.cat([read.logits.expand(n_answers, -1, -1), said[:, :-1]], dim=1)
        logprobs = torch.log_softmax(logits.double(), dim=-1).gather(2, ids[..., None])[..., 0]
        likelihoods = (logprobs * is_real).sum(dim=1).cpu().numpy()
        both = likelihoods[: len(of_yes)], likelihoods[len(of_yes) :]
        return yes_no(*(np.logaddexp.reduce(one, keepdims=True) for one in both))

    def _answers(self, forms: Sequence[str]) -> list[list[int]]:
        """The distinct token sequences of a label's forms."""
        found = self.reader.tokenizer(list(forms), add_special_tokens=False)["input_ids"]
        return [list(ids) for ids in dict.fromkeys(map(tuple, found)) if ids]

    def _calibrated(self, score: FloatArray) -> FloatArray:
        if (self.temperature, self.bias) == (1.0, 0.0):
            return score
        with np.errstate(divide="ignore"):
            logit = np.log(score) - np.log1p(-score)
        return 1 / (1 + np.exp(-np.clip(logit / self.temperature + self.bias, -700, 700)))
