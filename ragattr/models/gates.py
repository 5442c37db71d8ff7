"""Gates on sources: how the reply hangs on each of them, from a backward pass for all at once."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ragattr.errors import MissingExtra
from ragattr.models.probe import Copies, probing

try:
    import torch
except ImportError as error:
    raise MissingExtra("local") from error


def gate_gradients(
    model: Any,
    copies: Copies,
    ids: "torch.Tensor",
    reply_ids: "torch.Tensor",
    members: "torch.Tensor",
    claims: Sequence[Sequence[int]],
    *,
    n_steps: int,
) -> "torch.Tensor":
    """[sources, claims], nats: integrated gradients of each claim's log-probability by the gates.

    A gate in [0, 1] multiplies the unnormalised attention that question and reply pay to a source.
    All gates go from 0 to 1 together (handbook section 21; Sundararajan et al. 2017, "Axiomatic
    Attribution", equation 3). Most of the change lies where they are almost closed, so steps are
    even in their cube root; the gradient is taken at the middle of each.

    Args:
        copies: one copy, of question and reply; what it sees of the memory is gated.
        ids: [tokens], of the copy; the last ones predict `reply_ids`.
        members: [tokens of the memory, sources], 1 where a token belongs to a source.
        claims: each one's columns of the reply.
    """
    found = torch.zeros(members.shape[1], len(claims), device=members.device)
    for step in range(n_steps):
        root = (step + 0.5) / n_steps
        gates = torch.full((members.shape[1],), root**3, device=members.device, requires_grad=True)
        with torch.enable_grad():
            gated = replace(copies, log_gates=members @ gates.log())
            with probing(model, gated):
                logits = model(
                    input_ids=ids[None],
                    position_ids=copies.positions,
                    use_cache=False,
                    logits_to_keep=len(reply_ids),
                ).logits[0]
            logprobs = torch.log_softmax(logits.float(), -1).gather(1, reply_ids[:, None])[:, 0]
            for i, columns in enumerate(claims):
                (slope,) = torch.autograd.grad(
                    logprobs[list(columns)].sum(), gates, retain_graph=i + 1 < len(claims)
                )
                found[:, i] += 3 * root**2 * slope / n_steps
    return found
