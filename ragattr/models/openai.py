"""Any OpenAI-compatible server as a language model: vLLM, SGLang, llama.cpp, a provider."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from ragattr.errors import AlignmentError, ConfigError, ModelReplyError, NoLogprobs
from ragattr.models.endpoint import Endpoint, Json, Ledger, Refusal
from ragattr.models.loading import readable
from ragattr.models.prompted import disarmed
from ragattr.models.protocols import Reply
from ragattr.models.scored import Removal, Scored, ScoredReading
from ragattr.models.truncated import TOP_LOGPROBS, Shown
from ragattr.prompt import Chat
from ragattr.text.align import token_spans
from ragattr.types import FilterError, Floors, Message, ModelCard, Span, Tier

SCHEME = "openai:"
_FEWER = (20, 5, 1)
UNKNOWN_WINDOW = 2**20
# A server does not say which strings end a turn: those of the common chat templates.
CONTROL_TOKENS = (
    *("<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|start_header_id|>"),
    *("<|end_header_id|>", "<|begin_of_text|>", "<|end_of_text|>", "<|system|>", "<|user|>"),
    *("<|assistant|>", "<|end|>", "<start_of_turn>", "<end_of_turn>", "<bos>", "<eos>"),
    *("[INST]", "[/INST]", "<s>", "</s>", "<<SYS>>", "<</SYS>>"),
)
Ids = list[int]


@dataclass(frozen=True)
class ServedModel:
    """One model of a server. What the server can do is asked once, when it is first needed.

    Attributes:
        top_logprobs: how many of the likeliest tokens to ask for; 0 asks for the whole vocabulary,
            one call for each token of the reply.
        seed: sent along; of replies that are drawn, added to theirs.
    """

    endpoint: Endpoint
    top_logprobs: int = TOP_LOGPROBS
    seed: int = 0
    tier: Tier = "logprobs"
    floors: Floors | None = None
    filter_error: FilterError | None = None
    control_tokens: tuple[str, ...] = field(default=CONTROL_TOKENS, repr=False)

    @classmethod
    def named(cls, name: str, *, top_logprobs: int = TOP_LOGPROBS) -> "ServedModel":
        """From openai:URL#NAME."""
        url, _, model = name.removeprefix(SCHEME).partition("#")
        return cls(Endpoint(url.rstrip("/"), model), top_logprobs)

    @property
    def ledger(self) -> Ledger:
        """What was spent on the server so far."""
        return self.endpoint.ledger

    @property
    def card(self) -> ModelCard:
        """Its name; the server's address is the revision."""
        return ModelCard(self._name, self.endpoint.shown_url, "unknown")

    @cached_property
    def window(self) -> int:
        """As the server says; where it says nothing, so large that the server has to object."""
        lengths = {model["id"]: model.get("max_model_len") for model in self._listed}
        return int(lengths.get(self._name) or UNKNOWN_WINDOW)

    @cached_property
    def can_tokenise(self) -> bool:
        """Whether the server turns chats into its own token ids."""
        try:
            return bool(self._tokens({"prompt": "a b"}))
        except Refusal:
            return False

    @property
    def can_chat(self) -> bool:
        """Whether it replies to messages; else it is sent their plain text to go on with."""
        return self._chat_options is not None

    @cached_property
    def _chat_options(self) -> tuple[str, Json] | None:
        """What a chat calls its limit on new tokens, and what else may be set; None without chat.

        Reasoning models of providers know another name and no temperature.
        """
        message = {"role": "user", "content": "Hi"}
        forms: list[tuple[str, Json]] = [
            ("max_tokens", {"temperature": 0, "seed": self.seed}),
            ("max_completion_tokens", {}),
        ]
        for limit, others in forms:
            body = self._body(messages=[message], **{limit: 1}, **others)
            try:
                self.endpoint.ask("/chat/completions", body, lambda _: None)
            except Refusal:
                continue
            return limit, others
        return None

    @cached_property
    def shown_logprobs(self) -> int:
        """How many log-probabilities of each prompt token it shows; 0 when it shows none."""
        most = self.top_logprobs or TOP_LOGPROBS
        for wanted in (most, *(fewer for fewer in _FEWER if fewer < most)):
            body = self._scoring("One two", wanted)
            try:
                rows = self.endpoint.ask("/completions", body, _read_rows)
            except (Refusal, ModelReplyError):
                continue
            if len(rows) >= 2:
                return wanted
        return 0

    @cached_property
    def shows_vocabulary(self) -> bool:
        """Whether it shows the log-probabilities of the whole vocabulary."""
        body = self._body(prompt="One two", max_tokens=1, logprobs=-1)
        try:
            ((_, logprobs),) = self.endpoint.ask("/completions", body, _read_rows)
        except (Refusal, ModelReplyError, ValueError):
            return False
        return sum(Shown.of(next(iter(logprobs)), logprobs).probabilities.values()) > 1 - 1e-3

    def count_tokens(self, chat: Chat, reply: Reply) -> int:
        """Exact where the server tokenises; else a cautious guess of three characters each."""
        if not self.can_tokenise:
            return (len(chat.text) + len(reply.text)) // 3 + 16 * len(chat.messages)
        prompt = self._prompt(chat, ())
        return len(prompt) + len(self._reply_ids(reply))

    def write(
        self,
        chats: Sequence[Chat],
        *,
        max_new_tokens: int,
        stop: Sequence[str] = (),
        temperature: float = 0.0,
        seed: int = 0,
    ) -> list[Reply]:
        """One reply to each chat, several calls at a time; some servers know no temperature."""
        ends: Json = {"stop": list(stop)} if stop else {}
        drawn: Json = {"temperature": temperature, "seed": self.seed + seed}
        if self._chat_options is not None:
            limit, others = self._chat_options
            ends |= {limit: max_new_tokens, **(drawn if others else {})}
            bodies = [self._body(messages=_messages(chat, ()), **ends) for chat in chats]
            return self.endpoint.ask_all("/chat/completions", bodies, _read_chat)
        options: Json = {"max_tokens": max_new_tokens, **drawn, **ends}
        bodies = [self._body(prompt=_plain(_messages(chat, ())), **options) for chat in chats]
        return self.endpoint.ask_all("/completions", bodies, _read_completion)

    def read(self, chat: Chat, reply: Reply) -> ScoredReading:
        """Score the reply under the chat, and under every removal that is asked for."""
        if not reply.text and not reply.token_ids:
            raise ConfigError("an empty reply cannot be measured")
        self.check_readable()
        if self.can_tokenise:
            ids = self._reply_ids(reply)
            tokens = self._reply_spans(ids, reply.text)
            return ScoredReading(
                tokens,
                lambda removals: self._score_ids([self._prompt(chat, r) for r in removals], ids),
            )
        ((_, rows),) = self._score_texts([_plain(_messages(chat, ()))], reply.text)
        if not rows or rows[0][0] != 0:
            raise AlignmentError("the server has a token across the end of the prompt")
        return ScoredReading(
            token_spans([start for start, _ in rows], len(reply.text)),
            lambda removals: [
                Scored([shown for _, shown in rows], n_tokens)
                for n_tokens, rows in self._score_texts(
                    [_plain(_messages(chat, removal)) for removal in removals], reply.text
                )
            ],
        )

    def check_readable(self) -> None:
        """A NoLogprobs error when the server does not show what measuring needs."""
        if self.top_logprobs == 0 and not (self.can_tokenise and self.shows_vocabulary):
            raise NoLogprobs(f"{self.endpoint.shown_url} does not show its whole vocabulary")
        if self.top_logprobs and not self.shown_logprobs:
            raise NoLogprobs(
                f"{self.endpoint.shown_url} shows no log-probabilities of a prompt: "
                "nothing can be measured there"
            )

    @cached_property
    def _name(self) -> str:
        return self.endpoint.model_name()

    @cached_property
    def _listed(self) -> tuple[Json, ...]:
        try:
            return self.endpoint.models
        except Refusal:
            return ()

    def _body(self, **fields: Any) -> Json:
        return {"model": self._name, **fields}

    def _scoring(self, prompt: Ids | str, n_logprobs: int) -> Json:
        as_ids = {"return_tokens_as_token_ids": True} if self.can_tokenise else {}
        return self._body(
            prompt=prompt, max_tokens=1, echo=True, logprobs=n_logprobs, temperature=0, **as_ids
        )

    def _tokens(self, fields: Json) -> Ids:
        parts = urlsplit(self.endpoint.url)
        root = urlunsplit(parts._replace(path=parts.path.rstrip("/").removesuffix("/v1")))
        return self.endpoint.ask(f"{root}/tokenize", self._body(**fields), _read_tokens)

    def _prompt(self, chat: Chat, removal: Removal) -> Ids:
        messages = _messages(chat, removal)
        if self._has_template:
            return self._tokens({"messages": messages, "add_generation_prompt": True})
        return self._tokens({"prompt": _plain(messages)})

    @cached_property
    def _has_template(self) -> bool:
        message = {"role": "user", "content": "Hi"}
        try:
            return bool(self._tokens({"messages": [message], "add_generation_prompt": True}))
        except Refusal:
            return False

    def _reply_ids(self, reply: Reply) -> Ids:
        if reply.token_ids is not None:
            return [*reply.token_ids]
        if not reply.text:
            return []
        return self._tokens({"prompt": readable(reply.text), "add_special_tokens": False})

    def _reply_spans(self, ids: Ids, text: str) -> tuple[Span, ...]:
        """Where the tokens stand in the reply: each is asked for as text."""
        body = self._body(prompt=ids, max_tokens=1, echo=True, logprobs=1, temperature=0)
        strings = [token for token, _ in self.endpoint.ask("/completions", body, _read_rows)]
        return token_spans(_starts(strings[: len(ids)], text), len(text))

    def _score_ids(self, prompts: Sequence[Ids], reply: Ids) -> list[Scored]:
        if self.top_logprobs == 0:
            return [self._score_vocabulary(prompt, reply) for prompt in prompts]
        bodies = [self._scoring([*prompt, *reply], self.shown_logprobs) for prompt in prompts]
        found = self.endpoint.ask_all("/completions", bodies, _read_rows)
        return [
            Scored(
                [_shown(row) for row in rows[len(prompt) : len(prompt) + len(reply)]],
                len(prompt) + len(reply),
            )
            for prompt, rows in zip(prompts, found, strict=True)
        ]

    def _score_vocabulary(self, prompt: Ids, reply: Ids) -> Scored:
        """One call for each token of the reply; they share their prefix, in order."""
        bodies = [
            self._body(
                prompt=[*prompt, *reply[:n]],
                max_tokens=1,
                logprobs=-1,
                temperature=0,
                return_tokens_as_token_ids=True,
            )
            for n in range(len(reply))
        ]
        found = self.endpoint.ask_all("/completions", bodies, _read_rows)
        rows = [
            Shown.of(f"token_id:{token}", rows[0][1])
            for token, rows in zip(reply, found, strict=True)
        ]
        return Scored(rows, sum(len(body["prompt"]) for body in bodies))

    def _score_texts(
        self, prompts: Sequence[str], reply: str
    ) -> list[tuple[int, list[tuple[int, Shown]]]]:
        """Tokens in all, and for each token of the reply where it starts, and what was shown."""
        bodies = [self._scoring(f"{prompt}{reply}", self.shown_logprobs) for prompt in prompts]
        found = self.endpoint.ask_all("/completions", bodies, _read_offset_rows)
        return [
            (
                len(rows),
                [
                    (start - len(prompt), _shown(row))
                    for start, row in rows
                    if len(prompt) <= start < len(prompt) + len(reply)
                ],
            )
            for prompt, rows in zip(prompts, found, strict=True)
        ]


Row = tuple[str, dict[Hashable, float]]


def _messages(chat: Chat, removal: Removal) -> list[Message]:
    """The messages without what is removed; strings that would end a turn end none."""
    messages, start = list[Message](), 0
    for message in chat.messages:
        content, end = message["content"], start + len(message["content"])
        kept, cursor = list[str](), start
        for span in sorted(removal):
            if span.start < end and span.end > start:
                kept.append(content[cursor - start : max(span.start, start) - start])
                cursor = max(cursor, min(span.end, end))
        kept.append(content[cursor - start :])
        text = disarmed(readable("".join(kept)), CONTROL_TOKENS)
        messages.append({**message, "content": text})
        start = end
    return messages


def _plain(messages: Sequence[Message]) -> str:
    return "".join(message["content"] + "\n\n" for message in messages)


def _read_tokens(answer: Json) -> Ids:
    return [int(token) for token in answer["tokens"]]


def _read_chat(answer: Json) -> Reply:
    choice = answer["choices"][0]
    text = choice["message"]["content"]
    if not isinstance(text, str):
        raise ModelReplyError("the server gave a reply without text")
    return Reply(text, None, finished=choice.get("finish_reason") != "length")


def _read_completion(answer: Json) -> Reply:
    choice = answer["choices"][0]
    if not isinstance(choice["text"], str):
        raise ModelReplyError("the server gave a reply without text")
    return Reply(choice["text"], None, finished=choice.get("finish_reason") != "length")


def _read_rows(answer: Json) -> list[Row]:
    """Each token of a prompt with what was shown there; nothing is shown of the first one."""
    return [row for _, row in _read_offset_rows(answer)]


def _read_offset_rows(answer: Json) -> list[tuple[int, Row]]:
    shown = answer["choices"][0]["logprobs"]
    if shown is None:
        raise ModelReplyError("the server gave no log-probabilities")
    n_tokens = len(shown["tokens"])
    tops = shown.get("top_logprobs") or [None] * n_tokens
    offsets = shown.get("text_offset") or [0] * n_tokens
    rows = list[tuple[int, Row]]()
    for token, logprob, top, offset in zip(
        shown["tokens"], shown["token_logprobs"], tops, offsets, strict=True
    ):
        entries: dict[Hashable, float] = dict(top or {})
        if logprob is not None:
            entries[token] = float(logprob)
        rows.append((int(offset), (token, entries)))
    return rows


def _shown(row: Row) -> Shown:
    token, logprobs = row
    return Shown.of(token, logprobs)


def _starts(tokens: Sequence[str], text: str) -> list[int]:
    """Where each token starts: those that hold a part of a character where it does.

    Some servers give a token without the space in front of it.
    """
    starts, cursor, is_split = list[int](), 0, False
    for token in tokens:
        if not token or "\ufffd" in token:
            starts.append(cursor)
            is_split = True
            continue
        at = text.find(token, cursor)
        if at < 0 or (text[cursor:at].strip() and not is_split):
            raise AlignmentError(f"the server's token {token!r} does not stand in the reply")
        starts.append(at if is_split else cursor)
        cursor, is_split = at + len(token), False
    return starts
