"""Any sequence-classification model that judges a premise and a hypothesis, by its own labels."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ragattr.errors import ConfigError, MissingExtra
from ragattr.models.checkpoint import Checkpoint
from ragattr.models.chunks import Encoding
from ragattr.models.protocols import Pair
from ragattr.types import FloatArray

try:
    import torch
    from transformers import AutoModelForSequenceClassification
except ImportError as error:
    raise MissingExtra("local") from error

SUPPORTED, CONTRADICTED, NEITHER = 0, 1, 2
_NAMES = (
    "entailment entails entailed entail supported supports support attributable consistent "
    "faithful factual grounded",
    "contradiction contradicts contradicted contradict contradictory refuted refutes refute",
    "neutral nei not_enough_info not_enough_information neither not_entailment non_entailment "
    "not_entailed not_supported unsupported not_attributable extrapolatory inconsistent "
    "not_consistent unfaithful hallucination hallucinated not_grounded ungrounded unverifiable",
)
_CLASSES = {name: cls for cls, names in enumerate(_NAMES) for name in names.split()}
# Two known families whose configs do not name their labels: class 1, or the one logit, is support.
_UNNAMED = re.compile(r"minicheck|hallucination_evaluation_model|hhem", re.IGNORECASE)
_MINICHECK = re.compile("minicheck", re.IGNORECASE)


def label_classes(id2label: Mapping[int, str], *, model: str) -> tuple[int, ...]:
    """For each of a model's labels, in order: 0 supported, 1 contradicted, 2 neither.

    Labels are read by their names, whatever their order and case: `{0: "CONTRADICTION",
    1: "NEUTRAL", 2: "ENTAILMENT"}` gives `(1, 2, 0)`. Of two labels one is support and the other
    not; a single label is the one whose probability is the logistic function of the logit.

    Raises:
        ConfigError: a label cannot be mapped, or none or all of several mean support.
    """
    labels = [id2label[i] for i in sorted(id2label)]
    if all(re.fullmatch(r"LABEL_\d+", label) for label in labels) and _UNNAMED.search(model):
        labels = {1: ["supported"], 2: ["unsupported", "supported"]}.get(len(labels), labels)
    named = [re.sub(r"\W+", "_", label.strip().lower()) for label in labels]
    found = [_CLASSES[name] for name in named if name in _CLASSES]
    tells = found != [CONTRADICTED] if len(labels) == 1 else {SUPPORTED} < set(found)
    if len(found) < len(labels) or not tells:
        raise ConfigError(
            f"the labels of {model} cannot be mapped: wanted entailment, contradiction and "
            f"neutral, or supported and not supported, in any order; got {labels}"
        )
    return tuple(found)


@dataclass(frozen=True)
class NLIScorer:
    """A classifier of pairs.

    Attributes:
        classes: what each of its labels says, see `label_classes`.
        between: what stands between premise and hypothesis when both are read as one text; None
            for a tokenizer's own way to read pairs.
    """

    reader: Checkpoint
    classes: tuple[int, ...]
    between: str | None = field(default=None)

    @classmethod
    def load(cls, name: str) -> "NLIScorer":
        """Read a folder or a hub model; MiniCheck's are read in the form they were trained on."""
        reader = Checkpoint.load(AutoModelForSequenceClassification, name)
        between = reader.tokenizer.eos_token if _MINICHECK.search(name) else None
        return cls.wrap(reader, between=between)

    @classmethod
    def wrap(cls, reader: Checkpoint, *, between: str | None = None) -> "NLIScorer":
        """Use a loaded model; its labels are read from its config."""
        return cls(reader, label_classes(reader.model.config.id2label, model=reader.name), between)

    def encode(self, pairs: Sequence[Pair]) -> list[Encoding]:
        """Token ids, and segments where the model has them."""
        premises = [self.reader.plain(pair.premise) for pair in pairs]
        hypotheses = [self.reader.plain(pair.hypothesis) for pair in pairs]
        if self.between is None:
            found = self.reader.tokenizer(premises, hypotheses, verbose=False)
        else:
            both = zip(premises, hypotheses, strict=True)
            found = self.reader.tokenizer(
                [self.between.join(texts) for texts in both], verbose=False
            )
        names = [name for name in ("input_ids", "token_type_ids") if name in found]
        return [{name: found[name][i] for name in names} for i in range(len(pairs))]

    def score(self, batch: Sequence[Encoding]) -> FloatArray:
        """[pairs, 3]; labels that say the same are summed."""
        rows = self.reader.padded(batch, names=list(batch[0]))
        with torch.inference_mode():
            logits = self.reader.model(**rows).logits.double()
        classes = self.classes
        if len(classes) == 1:
            logits = torch.cat([logits, torch.zeros_like(logits)], dim=1)
            classes = (*classes, NEITHER if classes[0] == SUPPORTED else SUPPORTED)
        probabilities = torch.softmax(logits, dim=1).cpu().numpy()
        judged = np.zeros((len(batch), 3))
        np.add.at(judged.T, list(classes), probabilities.T)
        return judged
