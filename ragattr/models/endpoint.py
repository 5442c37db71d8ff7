"""One OpenAI-compatible server over HTTP: bounded calls, time-outs, retries, and a ledger.

A call here asks for text or numbers and changes nothing on the server, so it is safe to repeat.
"""

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

from ragattr.errors import ConfigError, MissingExtra, ModelNotFound, ModelReplyError, ServerError
from ragattr.models.loading import first_line

try:
    import openai
    import tenacity
except ImportError as error:
    raise MissingExtra("openai") from error

KEY_VARIABLE = "OPENAI_API_KEY"
_LONGEST_WAIT_S = 30.0
_REFUSALS = (400, 404, 405, 413, 415, 422, 501)
Parsed = TypeVar("Parsed")
Json = dict[str, Any]


class Refusal(ServerError):
    """The server understood the call and will not do it."""


class _Passing(Exception):
    """A fault that may be gone next time; it carries the error to raise when it is not."""

    def __init__(self, error: Exception, wait_s: float | None = None) -> None:
        super().__init__(str(error))
        self.error, self.wait_s = error, wait_s


@dataclass
class Ledger:
    """What was spent on a server.

    Attributes:
        calls: requests that were sent, repeated ones too.
        repeated: how many of them were repeats.
        prompt_tokens, completion_tokens: as the server counted them.
    """

    calls: int = 0
    repeated: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def since(self, before: "Ledger") -> dict[str, int]:
        """What was spent since then."""
        earlier = asdict(before)
        return {name: count - earlier[name] for name, count in asdict(self).items()}


@dataclass(frozen=True)
class Endpoint:
    """A server's address and one model of it.

    Attributes:
        url: up to and with the version, such as http://127.0.0.1:8000/v1.
        name: of the model; empty when the server has only one.
        concurrency: calls under way at a time.
        timeout_s: of one call.
        attempts: of one call, the first one counted.
        wait_s: before the first repeat; it doubles from then on.
    """

    url: str = field(repr=False)
    name: str = ""
    concurrency: int = 8
    timeout_s: float = 120.0
    attempts: int = 5
    wait_s: float = 0.5
    ledger: Ledger = field(default_factory=Ledger, compare=False)
    _lock: Any = field(default_factory=threading.Lock, repr=False, compare=False)

    def __post_init__(self) -> None:
        if urlsplit(self.url).scheme not in ("http", "https") or not urlsplit(self.url).hostname:
            raise ConfigError(f"wanted openai:http://HOST:PORT/v1#NAME, got {self.shown_url!r}")

    @property
    def shown_url(self) -> str:
        """The address without user, password, query."""
        parts = urlsplit(self.url)
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))

    def ask(self, path: str, body: Json | None, read: Callable[[Json], Parsed]) -> Parsed:
        """Send one call and read its answer; faults that may pass are tried again.

        Args:
            path: below the address, or an absolute URL.
            body: of a POST; None sends a GET.
            read: takes the answer apart; its ModelReplyError counts as a fault that may pass.

        Raises:
            Refusal: the server will not do it, whatever the number of attempts.
            ModelNotFound: it does not have the model.
            ServerError: it cannot be reached, or kept failing.
            ModelReplyError: its answers could not be read.
        """
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_Passing),
            stop=tenacity.stop_after_attempt(self.attempts),
            wait=self._wait,
            reraise=True,
        )
        try:
            for attempt in retrying:
                with attempt:
                    return self._try(path, body, read, attempt.retry_state.attempt_number > 1)
        except _Passing as fault:
            raise fault.error from fault
        raise AssertionError("tenacity ended without a result or an error")

    def ask_all(
        self, path: str, bodies: Sequence[Json], read: Callable[[Json], Parsed]
    ) -> list[Parsed]:
        """`ask` each in the order given, a bounded number at a time; the first error is raised."""
        if len(bodies) < 2:
            return [self.ask(path, body, read) for body in bodies]
        with ThreadPoolExecutor(min(self.concurrency, len(bodies))) as pool:
            futures = [pool.submit(self.ask, path, body, read) for body in bodies]
            try:
                return [future.result() for future in futures]
            finally:
                for future in futures:
                    future.cancel()

    @cached_property
    def models(self) -> tuple[Json, ...]:
        """What the server says of its models."""
        return self.ask("/models", None, _read_models)

    def model_name(self) -> str:
        """The name that was given, or the server's only one."""
        if self.name:
            return self.name
        names = [str(model["id"]) for model in self.models]
        if len(names) != 1:
            known = ", ".join(names) or "none"
            raise ConfigError(f"say which model: openai:{self.shown_url}#NAME, one of {known}")
        return names[0]

    @cached_property
    def _client(self) -> "openai.OpenAI":
        return openai.OpenAI(
            base_url=self.url,
            api_key=os.environ.get(KEY_VARIABLE) or "none",
            timeout=self.timeout_s,
            max_retries=0,
        )

    def _try(
        self, path: str, body: Json | None, read: Callable[[Json], Parsed], is_repeat: bool
    ) -> Parsed:
        with self._lock:
            self.ledger.calls += 1
            self.ledger.repeated += is_repeat
        try:
            if body is None:
                answer = self._client.get(path, cast_to=object)
            else:
                answer = self._client.post(path, body=body, cast_to=object)
        except openai.APIStatusError as error:
            raise self._status_error(error) from error
        except (openai.APITimeoutError, openai.APIConnectionError) as error:
            raise _Passing(
                ServerError(f"no answer from {self.shown_url}: {self._clean(error)}")
            ) from error
        except (openai.APIError, ValueError) as error:
            raise _Passing(
                ModelReplyError(f"{self.shown_url} gave an answer that is no JSON")
            ) from error
        if not isinstance(answer, dict):
            raise Refusal(
                f"{self.shown_url} does not answer with JSON: is it the address of an "
                "OpenAI-compatible API, such as http://HOST:PORT/v1?"
            )
        self._count(answer)
        try:
            return read(answer)
        except ModelReplyError as error:
            raise _Passing(error) from error
        except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
            raise _Passing(
                ModelReplyError(f"an answer of {self.shown_url} lacks what was asked for: {path}")
            ) from error

    def _status_error(self, error: "openai.APIStatusError") -> Exception:
        status, said = error.status_code, self._clean(error)
        if status in (401, 403):
            return ServerError(f"{self.shown_url} refuses the key in {KEY_VARIABLE} ({status})")
        if status == 404 and self.name and "model" in said.lower():
            return ModelNotFound(f"{self.shown_url} has no model {self.name!r}: {said}")
        if status in _REFUSALS:
            return Refusal(f"{self.shown_url} refuses ({status}): {said}")
        return _Passing(
            ServerError(f"{self.shown_url} keeps failing ({status}): {said}"),
            _seconds(error.response.headers.get("retry-after")),
        )

    def _wait(self, state: "tenacity.RetryCallState") -> float:
        fault = state.outcome.exception() if state.outcome else None
        asked = fault.wait_s if isinstance(fault, _Passing) else None
        doubled = self.wait_s * 2 ** (state.attempt_number - 1)
        return min(_LONGEST_WAIT_S, doubled if asked is None else asked)

    def _count(self, answer: Json) -> None:
        usage = answer.get("usage")
        if isinstance(usage, Mapping):
            with self._lock:
                self.ledger.prompt_tokens += int(usage.get("prompt_tokens") or 0)
                self.ledger.completion_tokens += int(usage.get("completion_tokens") or 0)

    def _clean(self, error: Exception) -> str:
        """The first line of what an error says, without the key."""
        said, key = first_line(error)[:300], os.environ.get(KEY_VARIABLE)
        return said.replace(key, "***") if key else said


def _read_models(answer: Json) -> tuple[Json, ...]:
    return tuple({**model, "id": str(model["id"])} for model in answer["data"])


def _seconds(header: str | None) -> float | None:
    try:
        return None if header is None else max(0.0, float(header))
    except ValueError:
        return None  # a date: the usual wait will do
