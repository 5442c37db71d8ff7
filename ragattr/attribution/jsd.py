"""ARC-JSD: how far the answer's distribution moves when a sentence goes."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from ragattr.attribution.unmeasured import unmeasured
from ragattr.models.protocols import Reply, WhiteBoxModel
from ragattr.models.window import control_warnings, dropped_warnings, fit_context
from ragattr.prompt import Chat, Prompt, answer_chat, sent_chat
from ragattr.stage import Stage
from ragattr.text.sentences import sources_of
from ragattr.types import Answer, Attribution, Context


@dataclass(frozen=True)
class AttributeJSD(Stage[Answer, Attribution]):
    """Exact leave-one-sentence-out Jensen-Shannon divergence, token by token.

    Measured on the chat that was really sent when the answer brings it, else on the same
    passages and question under `prompt`. One more removal takes all passages away.
    """

    model: WhiteBoxModel
    prompt: Prompt = field(repr=False)

    def __call__(self, batch: Sequence[Answer]) -> list[Attribution]:
        return [self._attribute(answer) for answer in batch]

    def _attribute(self, answer: Answer) -> Attribution:
        started, card = time.perf_counter(), self.model.card
        own = answer.generator == card.name
        reply = Reply(answer.text, answer.token_ids if own else None)
        chat, n_passages, is_sent, warnings = self._chat(answer, reply)
        if chat is None or not answer.text.strip():
            return unmeasured(
                answer,
                *warnings,
                "" if answer.text.strip() else "the answer is empty: not measured",
            )
        sources = sources_of(answer.context.passages[:n_passages])
        run = self.model.diverge(chat, [*chat.removals(sources), chat.blocks], reply)
        warnings += control_warnings(
            answer.context.passages[:n_passages], self.model.control_tokens
        )
        return Attribution(
            answer=answer,
            tokens=run.tokens,
            sources=sources,
            scores=run.jsd[:-1],
            unit="nats",
            method="jsd",
            drops=run.drops[:-1],
            context_scores=run.jsd[-1],
            logprobs=run.logprobs,
            model=card,
            floors=self.model.floors,
            proxy=not (own and is_sent),
            passes=run.passes,
            seconds=time.perf_counter() - started,
            settings={
                "prompt_sha256": None
                if is_sent and not self._is_ours(answer)
                else self.prompt.sha256
            },
            warnings=tuple(warnings),
        )

    def _chat(self, answer: Answer, reply: Reply) -> tuple[Chat | None, int, bool, list[str]]:
        """The chat to measure, its number of passages, whether it was really sent, and warnings."""
        context, warnings = answer.context, list[str]()
        if answer.messages is not None and not self._is_ours(answer):
            found = sent_chat(answer.messages, context.passages)
            if isinstance(found, Chat):
                if self.model.count_tokens(found, reply) > self.model.window:
                    return (
                        None,
                        0,
                        True,
                        ["the messages do not fit the model's window: not measured"],
                    )
                return found, len(context.passages), True, _repeated(found, context)
            warnings.append(
                f"passage {found!r} does not stand in the messages, in order: "
                "ragattr's own prompt was measured"
            )
        kept = fit_context(self.model, self.prompt, context, reply, room=0)
        warnings += dropped_warnings(context.passages[len(kept.passages) :])
        if not kept.passages:
            return (
                None,
                0,
                False,
                [*warnings, "no passage fits the model's window beside the answer: not measured"],
            )
        return answer_chat(self.prompt, kept), len(kept.passages), self._is_ours(answer), warnings

    def _is_ours(self, answer: Answer) -> bool:
        return answer.messages == answer_chat(self.prompt, answer.context).messages


def _repeated(chat: Chat, context: Context) -> list[str]:
    return [
        f"passage {passage.id!r} stands in the messages more than once: "
        "the first place in order was taken"
        for passage in context.passages
        if context.passages.count(passage) == 1 and chat.text.count(passage.text) > 1
    ]
