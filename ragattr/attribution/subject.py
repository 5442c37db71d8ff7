"""What is measured: an answer, in the chat that a model is to read it in."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from ragattr.attribution.unmeasured import unmeasured
from ragattr.models.protocols import LanguageModel, Reply
from ragattr.models.window import control_warnings, dropped_warnings, fit_context
from ragattr.prompt import Chat, Prompt, answer_chat, sent_chat
from ragattr.text.align import claim_columns
from ragattr.text.sentences import sources_of
from ragattr.text.words import content_words
from ragattr.types import Answer, Attribution, Context, Source, Span


@dataclass(frozen=True)
class Subject:
    """An answer, the chat it is measured in, and the sentences of that chat's passages.

    Attributes:
        proxy: False only when the model wrote the answer itself, in this very chat.
        prompt_sha256: of ragattr's own prompt, None when the chat that was sent is another.
    """

    answer: Answer
    chat: Chat
    sources: tuple[Source, ...]
    reply: Reply
    proxy: bool
    prompt_sha256: str | None
    warnings: tuple[str, ...] = ()

    @cached_property
    def texts(self) -> list[str]:
        """The sources' own words."""
        passages = self.answer.context.passages
        return [source.span.of(passages[source.passage].text) for source in self.sources]

    @cached_property
    def by_overlap(self) -> list[int]:
        """The sources, by index, those first that share the most words with the answer."""
        wanted = set(content_words(self.answer.text))
        shared = [len(wanted & set(content_words(text))) for text in self.texts]
        return sorted(range(len(shared)), key=lambda i: -shared[i])

    @cached_property
    def removals(self) -> list[tuple[Span, ...]]:
        """What to take out of the chat so that a source is gone, for each source."""
        return self.chat.removals(self.sources)

    def together(self, sources: Sequence[int]) -> tuple[Span, ...]:
        """What to take out so that several sources are gone."""
        return tuple(span for i in sources for span in self.removals[i])

    def deletion_passes(self, removal: Sequence[Span]) -> float:
        """About how many passes it costs to delete a removal: the part of the text behind it."""
        n_chars = len(self.chat.text) + len(self.reply.text)
        return 1 - min((span.start for span in removal), default=n_chars) / n_chars

    @cached_property
    def knock_out_passes(self) -> float:
        """About how many passes it costs to knock a removal out: the part behind the context."""
        n_chars = len(self.chat.text) + len(self.reply.text)
        return 1 - max(span.end for span in self.chat.blocks) / n_chars


def measured_claims(answer: Answer, tokens: Sequence[Span]) -> list[list[int]]:
    """The token columns of each claim that says something; of the whole answer when none does."""
    found = [
        claim_columns(claim.span, tokens, answer.text, answer.markers) for claim in answer.claims
    ]
    return [columns for columns in found if columns] or [list(range(len(tokens)))]


def find_subject(model: LanguageModel, prompt: Prompt, answer: Answer) -> Subject | Attribution:
    """The subject, or an attribution that says why there is nothing to measure.

    It is the chat that was really sent when the answer brings it, else the same passages and
    question under `prompt`, as many of the first passages as the window holds.
    """
    own = answer.generator == model.card.name
    reply = Reply(answer.text, answer.token_ids if own else None)
    if not answer.text.strip():
        return unmeasured(answer, "the answer is empty: not measured")
    if not sources_of(answer.context.passages):
        return unmeasured(answer, "no sentence in the context: not measured")
    chat, n_passages, is_sent, warnings = _chat(model, prompt, answer, reply)
    if chat is None:
        return unmeasured(answer, *warnings)
    passages = answer.context.passages[:n_passages]
    sources = sources_of(passages)
    if not sources:
        return unmeasured(answer, *warnings, "no sentence in the passages that fit: not measured")
    return Subject(
        answer=answer,
        chat=chat,
        sources=sources,
        reply=reply,
        proxy=not (own and is_sent),
        prompt_sha256=None if is_sent and not _is_ours(prompt, answer) else prompt.sha256,
        warnings=(*warnings, *control_warnings(passages, model.control_tokens)),
    )


def _chat(
    model: LanguageModel, prompt: Prompt, answer: Answer, reply: Reply
) -> tuple[Chat | None, int, bool, list[str]]:
    """The chat to measure, its number of passages, whether it was really sent, and warnings."""
    context, warnings = answer.context, list[str]()
    if answer.messages is not None and not _is_ours(prompt, answer):
        found = sent_chat(answer.messages, context.passages)
        if isinstance(found, Chat):
            if model.count_tokens(found, reply) > model.window:
                warning = "the messages do not fit the model's window: not measured"
                return None, 0, True, [warning]
            return found, len(context.passages), True, _repeated(found, context)
        warnings.append(
            f"passage {found!r} does not stand in the messages, in order: "
            "ragattr's own prompt was measured"
        )
    kept = fit_context(model, prompt, context, reply, room=0)
    warnings += dropped_warnings(context.passages[len(kept.passages) :])
    if not kept.passages:
        warnings.append("no passage fits the model's window beside the answer: not measured")
        return None, 0, False, warnings
    return answer_chat(prompt, kept), len(kept.passages), _is_ours(prompt, answer), warnings


def _is_ours(prompt: Prompt, answer: Answer) -> bool:
    return answer.messages == answer_chat(prompt, answer.context).messages


def _repeated(chat: Chat, context: Context) -> list[str]:
    return [
        f"passage {passage.id!r} stands in the messages more than once: "
        "the first place in order was taken"
        for passage in context.passages
        if context.passages.count(passage) == 1 and chat.text.count(passage.text) > 1
    ]
