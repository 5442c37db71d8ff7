"""A chat and a reply as a transformers model reads them: read once, ablated as often as needed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from ragattr.errors import ConfigError, MissingExtra, ModelReplyError
from ragattr.models.direct import direct_effects
from ragattr.models.divergence import divergence
from ragattr.models.gates import gate_gradients
from ragattr.models.interface import Interface
from ragattr.models.looks import attention, attention_by_value, peaks
from ragattr.models.probe import Copies, Memory, Recording, Run, probing
from ragattr.models.prompted import Prompted
from ragattr.models.protocols import Effects
from ragattr.types import FloatArray, Span

try:
    import torch
except ImportError as error:
    raise MissingExtra("local") from error

_ROWS_REDUCED = 16  # rows of [rows, vocab] fp32 that are reduced together: they stay in the cache


class _Limits(NamedTuple):
    """Of one batch: tokens pushed, entries of [copies, reply tokens, vocab], share of padding."""

    tokens: int
    logits: int
    padded: float


_ON_CPU = _Limits(tokens=1024, logits=50_000_000, padded=0.0)  # more rows at once are no quicker
_ON_GPU = _Limits(tokens=16384, logits=500_000_000, padded=0.2)


@dataclass(frozen=True)
class _Copy:
    """The end of an ablated prompt with the reply, and what it sees of the full prompt's memory.

    Attributes:
        ids: of the prompt's end and the reply.
        start: the position of the first.
        runs: the memory tokens that it sees.
    """

    ids: list[int]
    start: int
    runs: tuple[Run, ...] = ()


class HFReading:
    """One pass over prompt and reply, whose keys and values every ablation reads again.

    A model without the attention interface keeps nothing: it deletes by full passes, and cannot
    knock out.
    """

    def __init__(
        self,
        model: Any,
        prompted: Prompted,
        context: Sequence[Span],
        reply_ids: list[int],
        tokens: tuple[Span, ...],
        *,
        interface: Interface | None,
    ) -> None:
        self.tokens = tokens
        self.can_knock_out = interface is not None
        self._model, self._prompted, self._reply_ids = model, prompted, reply_ids
        self._rotary = interface.rotary if interface else None
        self._context_end = min(
            max(prompted.tokens_of(context), default=-1) + 1, len(prompted.ids) - 1
        )
        self._memory, self._pushed = Memory(n_asking=len(reply_ids)), 0
        whole = _Copy([*prompted.ids, *reply_ids[:-1]], 0)
        with torch.no_grad():  # not inference mode: gradients may run over the memory later
            (rows,) = self._rows([whole], Recording(self._memory) if interface else None)
            self._full = torch.log_softmax(rows.float(), -1)
            self._p = self._full.exp()

    @property
    def passes(self) -> float:
        """Tokens pushed through the layers so far / tokens of prompt and reply."""
        return self._pushed / (len(self._prompted.ids) + len(self._reply_ids))

    @property
    def settings(self) -> Mapping[str, object]:
        """Nothing: all of it was read."""
        return {}

    @cached_property
    def logprobs(self) -> FloatArray:
        """[tokens], log-probability of each token of the reply under the full prompt, nats."""
        ids = torch.tensor(self._reply_ids, device=self._full.device)[:, None]
        return self._numbers(self._full.gather(1, ids)[:, 0])

    def delete(self, removals: Sequence[Sequence[Span]]) -> Effects:
        """Each removal's tokens are taken out and all that follows is read again: exact."""
        return self._effects([self._deleted(removal) for removal in removals])

    def knock_out(self, removals: Sequence[Sequence[Span]]) -> Effects:
        """Each removal's tokens are hidden from what follows the context: question and reply.

        The rest of the context keeps what it took from them: an approximation of `delete`, all
        copies over one memory (handbook section 29.3). Where positions turn, the gap is closed,
        as deletion closes it: what stands before comes nearer.
        """
        self._check_interface()
        return self._effects([self._knocked_out(removal) for removal in removals])

    def attention(self, sources: Sequence[Sequence[Span]], *, by_value: bool = False) -> FloatArray:
        """[layers, heads, sources, tokens]: the share of attention that goes to each source.

        Each token's row is that of the position which predicts it. No token is pushed again.

        Args:
            by_value: weigh each token by the length of what its value adds to the residual.
        """
        members = self._members(sources, len(self._prompted.ids) + len(self._reply_ids) - 1)
        with torch.inference_mode():
            if by_value:
                return self._numbers(attention_by_value(self._model, self._memory, members))
            return self._numbers(attention(self._memory, members))

    def peaks(self, sources: Sequence[Sequence[Span]], *, layer: int, head: int) -> FloatArray:
        """[sources, tokens]: the most attention that one head gives to a token of each source."""
        self._check_interface()
        calls = self._memory.calls
        if layer not in calls or not 0 <= head < calls[layer].query.shape[1]:
            n_heads = calls[0].query.shape[1]
            raise ConfigError(
                f"no head {head} in layer {layer}: the model has {len(calls)} layers of {n_heads}"
            )
        members = self._members(sources, len(self._prompted.ids) + len(self._reply_ids) - 1)
        with torch.inference_mode():
            return self._numbers(peaks(self._memory, members, layer=layer, head=head))

    def direct(self, sources: Sequence[Sequence[Span]]) -> FloatArray:
        """[layers, heads, sources, tokens]: direct contributions to each token's logit."""
        n_prompt, n_reply = len(self._prompted.ids), len(self._reply_ids)
        members = self._members(sources, n_prompt + n_reply - 1)
        whole = [*self._prompted.ids, *self._reply_ids[:-1]]
        copy = _Copy(whole[n_prompt - 1 :], n_prompt - 1, (Run(0, n_prompt - 1),))
        self._pushed += 3 * len(copy.ids)
        ids, reply = self._ids(copy.ids), self._ids(self._reply_ids)
        return self._numbers(
            direct_effects(self._model, self._one_copy(copy), ids, reply, members).detach()
        )

    def gradient(
        self,
        sources: Sequence[Sequence[Span]],
        claims: Sequence[Sequence[int]],
        *,
        n_steps: int,
    ) -> FloatArray:
        """[sources, claims], nats: integrated gradients by gates on the sources.

        Args:
            claims: each one's token columns.
        """
        if n_steps < 1:
            raise ConfigError(f"a gradient needs at least one step, got {n_steps}")
        members = self._members(sources, self._context_end)
        copy = self._knocked_out(())
        self._pushed += n_steps * (1 + 2 * len(claims)) * len(copy.ids)
        ids, reply = self._ids(copy.ids), self._ids(self._reply_ids)
        return self._numbers(
            gate_gradients(
                self._model, self._one_copy(copy), ids, reply, members, claims, n_steps=n_steps
            )
        )

    def _one_copy(self, copy: _Copy) -> Copies:
        return Copies(self._memory, [copy.runs], self._positions([copy]), self._rotary)

    def _ids(self, ids: Sequence[int]) -> "torch.Tensor":
        return torch.tensor(ids, device=self._model.device)

    def _members(self, sources: Sequence[Sequence[Span]], n_columns: int) -> "torch.Tensor":
        """[columns, sources], 1 where one of the first tokens belongs to a source."""
        self._check_interface()
        members = torch.zeros(n_columns, len(sources), device=self._model.device)
        for i, spans in enumerate(sources):
            tokens = [token for token in self._prompted.tokens_of(spans) if token < n_columns]
            members[tokens, i] = 1.0
        return members

    def _check_interface(self) -> None:
        if not self.can_knock_out:
            raise ConfigError(f"{type(self._model).__name__} has no attention interface")

    def _deleted(self, removal: Sequence[Span]) -> _Copy:
        kept, first = self._prompted.without(removal)
        start = min(first, len(kept) - 1) if self.can_knock_out else 0
        ids = [*kept[start:], *self._reply_ids[:-1]]
        return _Copy(ids, start, (Run(0, start),) if start else ())

    def _knocked_out(self, removal: Sequence[Span]) -> _Copy:
        end = self._context_end
        hidden = sorted(i for i in self._prompted.tokens_of(removal) if i < end)
        edges = [-1, *hidden, end]
        runs = [
            Run(before + 1, after, nearer=len(hidden) - i if self._rotary else 0)
            for i, (before, after) in enumerate(pairwise(edges))
            if before + 1 < after
        ]
        return _Copy([*self._prompted.ids[end:], *self._reply_ids[:-1]], end, tuple(runs))

    def _effects(self, copies: Sequence[_Copy]) -> Effects:
        """[copies, tokens] each; the device is waited for once, at the end."""
        n_tokens = len(self._reply_ids)
        found: list[torch.Tensor | None] = [None] * len(copies)
        with torch.inference_mode():
            for batch in self._batches(copies):
                chosen = [copies[i] for i in batch]
                for i, rows in zip(batch, self._rows(chosen, self._probe(chosen)), strict=True):
                    found[i] = self._compare(rows)
            measured = [pair for pair in found if pair is not None]
            if not measured:
                return Effects(np.zeros((0, n_tokens)), np.zeros((0, n_tokens)))
            numbers = self._numbers(torch.stack(measured))
        return Effects(jsd=numbers[:, 0], drops=numbers[:, 1])

    def _batches(self, copies: Sequence[_Copy]) -> Iterator[list[int]]:
        """Copies of about the same length together, within what one batch may hold."""
        batch = list[int]()
        for i in sorted(range(len(copies)), key=lambda i: len(copies[i].ids)):
            if batch and not self._fit([copies[k] for k in batch], copies[i]):
                yield batch
                batch = []
            batch.append(i)
        if batch:
            yield batch

    def _fit(self, batch: Sequence[_Copy], longest: _Copy) -> bool:
        """Whether a copy, longer than those in the batch, may join them."""
        limits = _ON_CPU if self._full.device.type == "cpu" else _ON_GPU
        n_tokens = len(longest.ids)
        return (
            self.can_knock_out
            and (len(batch) + 1) * n_tokens <= limits.tokens
            and (len(batch) + 1) * self._full.numel() <= limits.logits
            and len(batch[0].ids) >= (1 - limits.padded) * n_tokens
        )

    def _probe(self, copies: Sequence[_Copy]) -> Copies | None:
        if not self.can_knock_out:
            return None
        runs = [copy.runs for copy in copies]
        return Copies(self._memory, runs, self._positions(copies), self._rotary)

    def _positions(self, copies: Sequence[_Copy]) -> "torch.Tensor":
        longest = max(len(copy.ids) for copy in copies)
        return torch.tensor(
            [[copy.start + min(i, len(copy.ids) - 1) for i in range(longest)] for copy in copies],
            device=self._model.device,
        )

    def _rows(
        self, copies: Sequence[_Copy], probe: Recording | Copies | None
    ) -> Iterator["torch.Tensor"]:
        """For each copy [reply tokens, vocab], the logits that predict the reply."""
        n_rows, lengths = len(self._reply_ids), [len(copy.ids) for copy in copies]
        ids = torch.tensor(
            [[*copy.ids, *[0] * (max(lengths) - len(copy.ids))] for copy in copies],
            device=self._model.device,
        )
        self._pushed += ids.numel()
        kept = n_rows + max(lengths) - min(lengths)
        arguments = {"input_ids": ids, "use_cache": False, "logits_to_keep": kept}
        if probe is None:
            logits = self._model(**arguments).logits
        else:
            with probing(self._model, probe):
                logits = self._model(**arguments, position_ids=self._positions(copies)).logits
        for row, length in zip(logits, lengths, strict=True):
            end = kept - (max(lengths) - length)
            yield row[end - n_rows : end]

    def _compare(self, rows: "torch.Tensor") -> "torch.Tensor":
        """[2, tokens]: JSD and log-probability drop; `metrics.divergence` is the definition."""
        pieces = []
        ids = torch.tensor(self._reply_ids, device=rows.device)[:, None]
        for p, log_p, logits, at in zip(
            self._p.split(_ROWS_REDUCED),
            self._full.split(_ROWS_REDUCED),
            rows.split(_ROWS_REDUCED),
            ids.split(_ROWS_REDUCED),
            strict=True,
        ):
            log_q = torch.log_softmax(logits.float(), -1)
            drop = (log_p.gather(1, at) - log_q.gather(1, at))[:, 0]
            pieces.append(torch.stack([divergence(p, log_p, log_q), drop]))
        return torch.cat(pieces, 1)

    def _numbers(self, values: "torch.Tensor") -> FloatArray:
        found: FloatArray = values.double().cpu().numpy()
        if not np.isfinite(found).all():
            raise ModelReplyError(f"{type(self._model).__name__} gave logits that are not finite")
        return found
