"""Fine-tuning of the cross-encoder: batches of one width, bfloat16, checkpoints, early stopping.

The word embeddings stay as they are: a third of the weights learns, and the file that ships
holds the difference alone.
"""

import hashlib
import io
import logging
import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

from ragattr.errors import ConfigError, MissingExtra
from ragattr.learn.rows import Label
from ragattr.models.cross import CrossEncoder, TokenPair, Vocabulary, padded_width
from ragattr.written import whole_file

try:
    import torch
    from torch import Tensor
    from torch.nn.functional import log_softmax
except ImportError as error:
    raise MissingExtra("local") from error

logger = logging.getLogger(__name__)

BATCH_TOKENS = 4096
HEAD_RATE = 1e-3  # of what starts at nothing: head and match embedding
WARM_UP = 0.06  # share of the steps
DECAY = 0.01
CHECKPOINT = 100  # steps
PATIENCE = 3  # checkpoints without a lower loss on the watched examples
_COUNTS = ("done", "best", "lowest", "worse")
_CLASS: dict[Label, int] = {"supported": 0, "contradicted": 1, "neither": 2, "not_supported": 3}


class Example(NamedTuple):
    """A pair to learn from, and how much it weighs; 1 in the mean."""

    pair: TokenPair
    label: Label
    weight: float = 1.0


def fine_tune(
    model: CrossEncoder,
    vocabulary: Vocabulary,
    examples: Sequence[Example],
    *,
    watched: Sequence[Example] = (),
    passes: int,
    rate: float,
    checkpoint: Path,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda step, total: None,
) -> CrossEncoder:
    """Train in place, from the checkpoint on where there is one; the file holds the end result.

    Args:
        watched: not learnt from; training stops when their loss has not fallen for `PATIENCE`
            checkpoints, and the model is the one of the lowest. Without them the last one.
        passes: over all examples.
        rate: the highest learning rate of the encoder, reached after `WARM_UP`, then falling to 0.

    Raises:
        ConfigError: the checkpoint is of another training.
    """
    rng = random.Random(seed)
    plan = [batch for _ in range(passes) for batch in batches(examples, rng)]
    identity = _identity([*examples, *watched], plan, rate)
    training = _Training.of(model, len(plan), rate, identity=identity)
    training.resume(checkpoint)
    model.train()
    while training.done < len(plan) and training.worse < PATIENCE:
        step = training.done
        chosen = [examples[i] for i in plan[step]]
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = model(vocabulary.batch([example.pair for example in chosen]))
        loss(logits.float(), chosen).backward()
        training.step()
        progress(step + 1, len(plan))
        if training.done % CHECKPOINT == 0 or training.done == len(plan):
            training.compare(mean_loss(model, vocabulary, watched) if watched else -training.done)
            training.keep(checkpoint)
    model.load_state_dict(training.best)
    return model.eval()


@dataclass
class _Training:
    """What changes while a model learns, and what of it a checkpoint holds.

    Attributes:
        done: steps.
        best: the weights of the checkpoint with the lowest loss on what is watched.
        worse: checkpoints since then.
    """

    model: CrossEncoder
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler
    identity: str
    done: int = 0
    best: dict[str, Tensor] = field(default_factory=dict)
    lowest: float = inf
    worse: int = 0

    @classmethod
    def of(cls, model: CrossEncoder, n_steps: int, rate: float, *, identity: str) -> "_Training":
        model.encoder.embeddings.requires_grad_(False)
        encoder = [p for p in model.encoder.parameters() if p.requires_grad]
        fresh = [*model.match.parameters(), *model.head.parameters()]
        optimizer = torch.optim.AdamW(
            [{"params": encoder, "lr": rate}, {"params": fresh, "lr": HEAD_RATE}],
            weight_decay=DECAY,
            fused=True,
        )
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: min((step + 1) / (WARM_UP * n_steps), 1 - step / n_steps)
        )
        return cls(model, optimizer, schedule, identity)

    def step(self) -> None:
        encoder, _ = self.optimizer.param_groups
        torch.nn.utils.clip_grad_norm_(encoder["params"], 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.schedule.step()
        self.done += 1

    def compare(self, watched: float) -> None:
        """Keep the weights if this loss is the lowest yet."""
        self.worse += 1
        if watched < self.lowest:
            self.lowest, self.worse = watched, 0
            self.best = {name: w.detach().clone() for name, w in self.model.state_dict().items()}
        logger.info("step %d: loss of the watched %.4f", self.done, watched)

    def keep(self, checkpoint: Path) -> None:
        state = {name: part.state_dict() for name, part in self._parts().items()}
        counts = {name: getattr(self, name) for name in ("identity", *_COUNTS)}
        raw = io.BytesIO()  # torch has errors of its own for a disk that is full
        torch.save({**state, **counts}, raw)
        with whole_file(checkpoint) as unfinished:
            unfinished.write_bytes(raw.getbuffer())

    def resume(self, checkpoint: Path) -> None:
        if not checkpoint.is_file():
            return
        try:
            kept = torch.load(checkpoint, weights_only=True)
        except Exception as error:  # whatever torch says of a file that is none of its own
            raise ConfigError(f"{checkpoint} is no checkpoint of a training: delete it") from error
        if kept["identity"] != self.identity:
            raise ConfigError(
                f"{checkpoint} is of a training on other data or with other settings: "
                "name another work folder, or delete it"
            )
        for name, part in self._parts().items():
            part.load_state_dict(kept[name])
        for name in _COUNTS:
            setattr(self, name, kept[name])

    def _parts(self) -> dict[str, Any]:
        return {"model": self.model, "optimizer": self.optimizer, "schedule": self.schedule}


def _identity(examples: Sequence[Example], plan: Sequence[Sequence[int]], rate: float) -> str:
    """What is learnt, in which order and how fast."""
    return hashlib.sha256(repr((list(examples), plan, rate)).encode()).hexdigest()


def mean_loss(model: CrossEncoder, vocabulary: Vocabulary, examples: Sequence[Example]) -> float:
    """Weighted mean of the loss over examples that are only read."""
    total = 0.0
    model.eval()
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        for batch in batches(examples, random.Random(0)):
            chosen = [examples[i] for i in batch]
            logits = model(vocabulary.batch([example.pair for example in chosen]))
            total += loss(logits.float(), chosen).item() * len(chosen)
    model.train()
    return total / len(examples)


def loss(logits: Tensor, examples: Sequence[Example]) -> Tensor:
    """Weighted cross-entropy; "not_supported" asks only that the two other classes have the mass.

    Args:
        logits: [examples, 3], supported, contradicted, neither.
    """
    labels = torch.tensor([_CLASS[example.label] for example in examples])
    weights = torch.tensor([example.weight for example in examples])
    logs = log_softmax(logits, dim=-1)
    exact = logs.gather(1, labels.clamp(max=2).unsqueeze(1)).squeeze(1)
    either = torch.logsumexp(logs[:, 1:], dim=1)
    found = -torch.where(labels == _CLASS["not_supported"], either, exact)
    return (found * weights).mean()


def batches(examples: Sequence[Example], rng: random.Random) -> list[list[int]]:
    """One pass: indices in batches of about `BATCH_TOKENS` tokens, each of pairs of one width.

    So nothing is padded beyond a width's step, and there are few shapes to prepare kernels for.
    """
    of_width = defaultdict[int, list[int]](list)
    for i in rng.sample(range(len(examples)), len(examples)):
        of_width[padded_width(examples[i].pair.n_tokens)].append(i)
    found = [
        of_width[width][start : start + BATCH_TOKENS // width]
        for width in sorted(of_width)
        for start in range(0, len(of_width[width]), BATCH_TOKENS // width)
    ]
    rng.shuffle(found)
    return found
