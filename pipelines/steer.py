"""Turn a head up, down or round while the model writes: does it follow the text, or its memory?

    python pipelines/steer.py L23H3 probes.jsonl

`find_context_heads.py` finds heads. Beside the head stands a random one: the control. Without
arguments, a memory head of the embedded model and a few shipped probes are taken.
"""

import sys
from pathlib import Path

from ragattr.errors import ConfigError
from ragattr.mechanism.counterfactual import (
    SHIPPED,
    Counterfactual,
    fair,
    read_counterfactuals,
)
from ragattr.mechanism.steer import curve, random_heads
from ragattr.models import embedded
from ragattr.models.patching import Head

HEAD, FACTORS = "L23H3", (-3.0, 0.0, 1.0, 2.0, 5.0)


def build(path: Path = SHIPPED) -> list[Counterfactual]:
    """Probes whose memorised answer stands nowhere in the text."""
    return fair(read_counterfactuals(path))


def main(name: str = HEAD, path: str = str(SHIPPED)) -> None:
    """Print the rates of context answers and memorised answers at each factor."""
    model, probes, head = embedded.language_model(), build(Path(path)), _head(name)
    (other,) = random_heads(model, 1, seed=0, without=[head])
    for role, chosen in (("chosen", head), ("random", other)):
        print(f"\n{role} head {chosen}\nfactor  context  memory  neither")
        for row in curve(model, probes, [chosen], FACTORS):
            neither = 1 - row.context - row.memory
            print(f"{row.factor:6.1f}{row.context:9.0%}{row.memory:8.0%}{neither:9.0%}")


def _head(name: str) -> Head:
    layer, _, head = name.removeprefix("L").partition("H")
    if not (layer.isdecimal() and head.isdecimal()):
        raise ConfigError(f"a head is written L10H7, got {name!r}")
    return Head(int(layer), int(head))


if __name__ == "__main__":
    main(*sys.argv[1:])
