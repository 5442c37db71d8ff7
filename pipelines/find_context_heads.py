"""Which heads carry what a text says, and which what the model remembers.

    python pipelines/find_context_heads.py probes.jsonl

Each line of the file is a statement against common knowledge and a prompt that asks for it again:
counterfactual_context, base_prompt, target_context, target_true and subject. Without a file a few
shipped ones are taken. Effects are in logits: what the context answer loses to the memorised one
when only this head, at the last position, reads a statement with another answer.
"""

import sys
from pathlib import Path

from ragattr.mechanism.counterfactual import (
    SHIPPED,
    Counterfactual,
    fair,
    read_counterfactuals,
)
from ragattr.mechanism.locate import concentrations, locate
from ragattr.models import embedded

N_PROBES = 12  # some seconds each


def build(path: Path = SHIPPED) -> list[Counterfactual]:
    """Probes whose memorised answer stands nowhere in the text, spread over the file."""
    usable = fair(read_counterfactuals(path))
    return usable[:: max(1, len(usable) // N_PROBES)]


def main(path: str = str(SHIPPED)) -> None:
    """Print the heads, how stable they are, and the one that looks hardest at the answer."""
    model, probes = embedded.language_model(), build(Path(path))
    found = locate(model, probes)
    print(f"{found.n_probes} probes; {found.stability}\n\nhead    estimated  patched")
    for row in found.verified:
        role = "context" if row.patched > 0 else "memory"
        print(f"{row.head!s:8}{row.estimated:+9.2f}{row.patched:+9.2f}  {role}")
    print("\nContext heads, the one first whose attention is most concentrated on the answer")
    for look in concentrations(model, probes, found.context_heads):
        print(
            f"{look.head!s:8} finds it in {look.finds:.0%} of the probes, "
            f"{look.on_answer:.0%} of its attention is there, entropy {look.entropy:.2f} nats"
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
