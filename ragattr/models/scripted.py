"""A model server on loopback that says what it is told to, with faults on demand.

For tests, and for trying out what talks to a server without one. Its language model expects the
next word of its reply, as that of `models.fake` does: with 0.9 when the prompt holds the word, else
with 0.1. What is left is spread evenly over words that never occur; any other word has that much.
"""

import json
import math
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from threading import Lock, Thread
from types import TracebackType
from typing import Any, Literal, get_args

from ragattr.models.fake import SEEN, UNSEEN
from ragattr.text.words import content_words

Fault = Literal["timeout", "429", "500", "cut", "bad json", "nan", "fewer", "empty", "html"]
FAULTS: tuple[Fault, ...] = get_args(Fault)
N_OTHERS = 40  # words that never occur
_WORD = re.compile(r"\n+|[^\S\n]*\S+|\s+")
Json = dict[str, Any]


@dataclass(frozen=True)
class Script:
    """What the server says and can do.

    Attributes:
        replies: by a part of the prompt; the longest that stands in it answers.
        share: of calls that fail.
        faults: how they fail; drawn by `seed`.
        slow_s: how long a time-out takes.
        top_logprobs: the most it shows; 0 shows none, -1 all.
        tokenises, chats: whether it has these calls.
    """

    replies: Mapping[str, str] = field(default_factory=dict)
    name: str = "scripted"
    window: int = 4096
    share: float = 0.0
    faults: Sequence[Fault] = FAULTS
    seed: int = 0
    slow_s: float = 1.0
    top_logprobs: int = 20
    tokenises: bool = True
    chats: bool = True


class ScriptedServer:
    """Serves a script while it is entered.

    Example:
        with ScriptedServer(Script({"Who?": "Ada."})) as server:
            model = ServedModel.named(f"openai:{server.url}#scripted")
    """

    def __init__(self, script: Script) -> None:
        self.script = script
        self.calls, self.failed = list[str](), 0
        self._random, self._lock = Random(script.seed), Lock()
        self._ids, self._words = dict[str, int](), list[str]()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True

    @property
    def url(self) -> str:
        """The address of its API."""
        return f"http://127.0.0.1:{self._http.server_port}/v1"

    def __enter__(self) -> "ScriptedServer":
        Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._http.shutdown()
        self._http.server_close()

    def fault(self, path: str) -> Fault | None:
        """Note a call, and say how it is to fail."""
        with self._lock:
            self.calls.append(path)
            if self._random.random() >= self.script.share:
                return None
            self.failed += 1
            return self._random.choice(self.script.faults)

    def answer(self, path: str, body: Json) -> tuple[int, Json]:
        """Status and answer of a call."""
        if path == "/v1/models":
            listed = {"id": self.script.name, "max_model_len": self.script.window}
            return 200, {"object": "list", "data": [listed]}
        if body.get("model") != self.script.name:
            return 404, _error(f"the model {body.get('model')!r} does not exist")
        if path == "/tokenize" and self.script.tokenises:
            text = _rendered(body["messages"]) if "messages" in body else body["prompt"]
            return 200, {"tokens": self._tokenised(text), "max_model_len": self.script.window}
        if path == "/v1/chat/completions" and self.script.chats:
            return self._complete(_rendered(body["messages"]), body, is_chat=True)
        if path == "/v1/completions":
            return self._complete(body["prompt"], body, is_chat=False)
        return 404, _error(f"no call {path}")

    def _complete(self, prompt: str | list[int], body: Json, *, is_chat: bool) -> tuple[int, Json]:
        words = (
            _WORD.findall(prompt) if isinstance(prompt, str) else [self._words[i] for i in prompt]
        )
        text, limit = "".join(words), int(body.get("max_tokens", 16))
        if len(words) + limit > self.script.window:
            return 400, _error(f"the maximum context length is {self.script.window} tokens")
        rest = self._rest(text)
        new = rest[:limit]
        choice: Json = {
            "index": 0,
            "finish_reason": "stop" if len(new) == len(rest) else "length",
        }
        said = _before("".join(new), body.get("stop") or [])
        wanted = body.get("logprobs")
        if is_chat:
            choice["message"] = {"role": "assistant", "content": said}
        else:
            choice["text"] = f"{text if body.get('echo') else ''}{said}"
            if wanted is not None and wanted is not False:
                most = self.script.top_logprobs
                if most == 0 or (most > 0 and not 0 <= wanted <= most):
                    return 400, _error(f"logprobs={wanted}: at most {most} are shown")
                shown = [*words, *new] if body.get("echo") else new
                n_first = 0 if body.get("echo") else len(words)
                choice["logprobs"] = self._logprobs(
                    [*words, *new], n_first, len(shown), wanted, body
                )
        usage = {"prompt_tokens": len(words), "completion_tokens": len(new)}
        return 200, {"model": self.script.name, "choices": [choice], "usage": usage}

    def _logprobs(
        self, words: list[str], first: int, n_shown: int, n_wanted: int, body: Json
    ) -> Json:
        """Each word with the likeliest ones in its place; the first word of all has none."""
        name = self._named if body.get("return_tokens_as_token_ids") else str
        others = [f" other{i}" for i in range(N_OTHERS)]
        tokens, logprobs, tops, offsets = list[str](), list[Any](), list[Any](), list[int]()
        before = "".join(words[:first])
        for i in range(first, first + n_shown):
            word, expected = words[i], self._rest(before)[0]
            p = SEEN if {*content_words(expected)} <= {*content_words(before)} else UNSEEN
            entries = dict.fromkeys([*others, word], math.log((1 - p) / N_OTHERS))
            entries[expected] = math.log(p)
            likeliest = sorted(entries, key=lambda w: -entries[w])
            kept = likeliest if n_wanted < 0 else likeliest[:n_wanted]
            tokens.append(name(word))
            logprobs.append(entries[word] if i else None)
            tops.append({name(w): entries[w] for w in [*kept, word]} if i else None)
            offsets.append(len(before))
            before += word
        return {
            "tokens": tokens, "token_logprobs": logprobs, "top_logprobs": tops,
            "text_offset": offsets,
        }  # fmt: skip

    def _rest(self, text: str) -> list[str]:
        """The words of the reply that are still to come, after what was said of it so far."""
        words: list[str] = _WORD.findall(self._reply(text))
        said = (n for n in range(len(words) - 1, 0, -1) if text.endswith("".join(words[:n])))
        return words[next(said, 0) :]

    def _reply(self, text: str) -> str:
        known = [part for part in self.script.replies if part in text]
        return self.script.replies[max(known, key=len)] if known else "I do not know."

    def _tokenised(self, text: str) -> list[int]:
        return [self._id(word) for word in _WORD.findall(text)]

    def _id(self, word: str) -> int:
        with self._lock:
            if word not in self._ids:
                self._ids[word] = len(self._words)
                self._words.append(word)
            return self._ids[word]

    def _named(self, word: str) -> str:
        return f"token_id:{self._id(word)}"


def _handler(server: ScriptedServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:  # noqa: N802
            self._respond({})

        def do_POST(self) -> None:  # noqa: N802
            length = int(self.headers.get("content-length") or 0)
            self._respond(json.loads(self.rfile.read(length)))

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing is printed."""

        def _respond(self, body: Json) -> None:
            path = self.path
            fault = server.fault(path)
            if fault == "timeout":
                time.sleep(server.script.slow_s)
            if fault in ("429", "500"):
                return self._send(int(fault), json.dumps(_error("try again")), again=True)
            status, answer = server.answer(path, body)
            text = json.dumps(_spoiled(answer, fault))
            if fault == "bad json":
                text = text[: len(text) // 2]
            if fault == "html":
                return self._send(502, "<html>Bad gateway</html>", kind="text/html")
            self._send(status, text, cut=fault == "cut")

        def _send(
            self,
            status: int,
            text: str,
            *,
            kind: str = "application/json",
            again: bool = False,
            cut: bool = False,
        ) -> None:
            raw = text.encode()
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(raw)))
            if again:
                self.send_header("retry-after", "0")
            self.end_headers()
            try:
                self.wfile.write(raw[: len(raw) // 2] if cut else raw)
            except OSError:
                self.close_connection = True  # the client has given up
            if cut:
                self.close_connection = True

    return Handler


def _spoiled(answer: Json, fault: Fault | None) -> Json:
    if fault == "empty" and "choices" in answer:
        return {**answer, "choices": []}
    shown = answer["choices"][0].get("logprobs") if answer.get("choices") else None
    if fault == "nan" and shown:
        shown["token_logprobs"] = [math.nan] * len(shown["tokens"])
    if fault == "fewer" and shown:
        shown["top_logprobs"] = [None] * len(shown["tokens"])
    return answer


def _rendered(messages: Sequence[Mapping[str, str]]) -> str:
    turns = [f"<|{message['role']}|> {message['content']}\n" for message in messages]
    return "".join([*turns, "<|assistant|>\n"])


def _before(text: str, stops: Sequence[str]) -> str:
    for stop in stops:
        text = text.partition(stop)[0]
    return text


def _error(message: str) -> Json:
    return {"error": {"message": message, "type": "scripted"}}
