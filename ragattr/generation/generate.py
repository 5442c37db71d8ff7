"""In-context generation: passages and a question in, an answer out."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ragattr.models.protocols import LanguageModel, Reply
from ragattr.models.window import control_warnings, dropped_warnings, fit_context
from ragattr.prompt import Prompt, answer_chat
from ragattr.stage import Stage
from ragattr.text.claims import read_claims
from ragattr.types import Answer, Context

MAX_NEW_TOKENS = 160


@dataclass(frozen=True)
class Generate(Stage[Context, Answer]):
    """Writes one greedy answer to each question from the passages that fit the model's window."""

    model: LanguageModel
    prompt: Prompt = field(repr=False)
    max_new_tokens: int = MAX_NEW_TOKENS

    def __call__(self, batch: Sequence[Context]) -> list[Answer]:
        return [self._answer(context) for context in batch]

    def _answer(self, context: Context) -> Answer:
        kept = fit_context(self.model, self.prompt, context, Reply(""), room=self.max_new_tokens)
        chat = answer_chat(self.prompt, kept)
        (reply,) = self.model.write([chat], max_new_tokens=self.max_new_tokens)
        claims, markers = read_claims(reply.text, len(kept.passages))
        warnings = dropped_warnings(context.passages[len(kept.passages) :])
        warnings += control_warnings(kept.passages, self.model.control_tokens)
        if not reply.finished:
            warnings.append(f"the answer was cut off after {self.max_new_tokens} tokens")
        return Answer(
            context=kept,
            text=reply.text,
            claims=claims,
            markers=markers,
            token_ids=reply.token_ids,
            generator=self.model.card.name,
            messages=chat.messages,
            warnings=tuple(warnings),
        )
