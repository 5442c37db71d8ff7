"""Which models and methods the functions and commands use: one table of methods by name."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict, get_args

import numpy as np

from ragattr.attribution.baselines import (
    AttributeBM25,
    AttributeOverlap,
    AttributePosition,
    AttributeRandom,
    AttributeSimilarity,
)
from ragattr.attribution.budget import Budget
from ragattr.attribution.contextcite import AttributeContextCite
from ragattr.attribution.dla import AttributeDirect
from ragattr.attribution.explainer import AttributeExplainer, Explainer
from ragattr.attribution.fast import AttributeFast
from ragattr.attribution.gradient import AttributeGradient
from ragattr.attribution.head import AttributeHead
from ragattr.attribution.heads import AttributeHeads
from ragattr.attribution.jsd import AttributeJSD
from ragattr.attribution.subset import AttributeSubset
from ragattr.attribution.unmeasured import Unmeasured
from ragattr.citation.join import Cite
from ragattr.errors import ConfigError, ModelNotFound, NoAttention, NoLogprobs
from ragattr.models import embedded
from ragattr.models.label_words import ENTAIL_FIELDS
from ragattr.models.protocols import Encoder, EntailmentModel, WhiteBoxModel, is_white_box
from ragattr.models.truncated import TOP_LOGPROBS
from ragattr.prompt import ANSWER_FIELDS, Prompt, prompts_folder
from ragattr.stage import Stage
from ragattr.text.offsets import OffsetUnit
from ragattr.types import Answer, Attribution, CitedAnswer, FloatArray, Judgement
from ragattr.verification.abstain import Abstain
from ragattr.verification.entailment import VerifyEntailment
from ragattr.verification.guarantee import Guarantee
from ragattr.verification.pace import AskModel, PaceVerifier
from ragattr.verification.split import FACT_FIELDS, SplitByModel, SplitByRules

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from ragattr.models.hf import HFModel

Measuring = Stage[Answer, Attribution]
TierName = Literal["auto", "logits", "logprobs", "text"]
ClaimsName = Literal["sentences", "atomic", "model"]
EMBEDDED = "embedded"
DEFAULT_METHOD = "jsd-fast"
FIDELITY_MASKS = 16  # at each keep rate


@dataclass(frozen=True)
class Setup:
    """Which models and methods the functions and commands use; the same defaults everywhere.

    `model`, `encoder` and `verifier` are "embedded", a folder or a hub name; `model` may also be
    a server's, openai:URL#NAME, one that vLLM loads, vllm:NAME, a loaded transformers model with
    its `tokenizer`, or any `WhiteBoxModel`. What a `verifier` is may be said before its name: nli:,
    t5:, spans:, or of language models asked: (yes or no) and pace: (in two stages); it may be any
    `EntailmentModel`.
    `top_logprobs` is how many log-probabilities are asked of a server or vLLM, 0 for all.
    `precision` is guaranteed of what counts as supported, on the labelled rows of `calibration`.
    """

    model: "str | PreTrainedModel | WhiteBoxModel" = EMBEDDED
    tokenizer: "PreTrainedTokenizerBase | None" = None
    encoder: str = EMBEDDED
    verifier: str | EntailmentModel = EMBEDDED
    method: str = DEFAULT_METHOD
    tier: TierName = "auto"
    threshold: float | None = None
    precision: float | None = None
    calibration: str | Path | None = None
    offsets: OffsetUnit = "codepoints"
    max_passes: float | None = None
    max_seconds: float | None = None
    fidelity: bool = False
    top_logprobs: int = TOP_LOGPROBS
    claims: ClaimsName = "sentences"

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ConfigError(
                f"no attribution method {self.method!r}: there is {', '.join(METHODS)}"
            )
        for name, value, choices in (
            ("tier", self.tier, get_args(TierName)),
            ("claims", self.claims, get_args(ClaimsName)),
            ("offsets", self.offsets, get_args(OffsetUnit)),
        ):
            if value not in choices:
                raise ConfigError(f"{name} is one of {', '.join(choices)}, not {value!r}")
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            raise ConfigError(f"threshold lies between 0 and 1, got {self.threshold}")
        if (self.precision is None) != (self.calibration is None):
            raise ConfigError("a precision and a calibration file go together: give both")
        if self.precision is not None and not 0 < self.precision < 1:
            raise ConfigError(
                f"precision lies between 0 and 1, both excluded, got {self.precision}"
            )
        Budget(self.max_passes, self.max_seconds)

    def language_model(self) -> WhiteBoxModel:
        """The model that writes and is measured."""
        if isinstance(self.model, str):
            if self.tokenizer is not None:
                raise ConfigError(
                    "a tokenizer goes with a loaded model; a model named by a string brings its own"
                )
            return _named_model(self.model, self.top_logprobs)
        if is_white_box(self.model):
            return self.model
        if self.tokenizer is None:
            raise ConfigError("a loaded model needs its tokenizer: pass tokenizer= too")
        from ragattr.models.hf import HFModel

        return HFModel.wrap(self.model, self.tokenizer)

    def sentence_encoder(self) -> Encoder:
        """The encoder for retrieval and similarity."""
        return _named_encoder(self.encoder)

    def entailment_model(self) -> EntailmentModel:
        """The verifier; the embedded one keeps its own encoder whatever retrieval uses."""
        return _named_verifier(self.verifier) if isinstance(self.verifier, str) else self.verifier

    def examine(self, guarantee: Guarantee | None = None) -> Stage[Answer, CitedAnswer]:
        """Answer to cited answer: measure, judge, join."""
        return self.measure() >> self.judge(guarantee) >> Cite()

    def judge(self, guarantee: Guarantee | None = None) -> Stage[Attribution, Judgement]:
        """Attribution to judgement; with a guarantee, what falls short of it is unclear."""
        model = self.entailment_model()
        threshold = model.threshold if self.threshold is None else self.threshold
        if guarantee is None:
            return VerifyEntailment(model, embedded.encoder(), threshold)
        threshold = min(threshold, guarantee.threshold)
        verify = VerifyEntailment(model, embedded.encoder(), threshold)
        return verify >> Abstain(guarantee.threshold)

    def measure(self, *, insist: bool = False) -> Stage[Answer, Attribution]:
        """Answer to attribution, of claims as they were asked for.

        Where the embedded model is not here, or a server shows too little, nothing is measured
        and the record says so; it is an error when a tier was asked for, or `insist` is set.
        """
        measuring, splitter = self._measuring(insist), self.splitter()
        return splitter >> measuring if splitter else measuring

    def splitter(self) -> SplitByRules | SplitByModel | None:
        """What takes sentences apart into facts; None leaves them whole."""
        if self.claims == "sentences":
            return None
        if self.claims == "atomic":
            return SplitByRules()
        return SplitByModel(self.language_model(), decompose_prompt())

    def claim_settings(self) -> dict[str, str]:
        """What a record says of how its claims were made, where they are not sentences."""
        if self.claims == "sentences":
            return {}
        sha256 = {"claims_prompt_sha256": decompose_prompt().sha256}
        return {"claims": self.claims, **(sha256 if self.claims == "model" else {})}

    def _measuring(self, insist: bool) -> Measuring:
        if self.tier == "text":
            return Unmeasured()
        try:
            return METHODS[self.method].make(self)
        except (ModelNotFound, NoLogprobs) as error:
            is_expected = isinstance(error, NoLogprobs) or self.model == EMBEDDED
            if insist or self.tier != "auto" or not is_expected:
                raise
            return Unmeasured(f"nothing was measured: {error}")

    def reader(self) -> "Reader":
        """What every stage that reads with the language model is made with."""
        model = self.language_model()
        if self.tier not in ("auto", model.tier):
            raise ConfigError(
                f"tier {self.tier!r} was asked for, and {model.card.name} shows {model.tier}"
            )
        model.check_readable()
        return Reader(
            model=model,
            prompt=answer_prompt(),
            budget=Budget(self.max_passes, self.max_seconds),
            n_fidelity_masks=FIDELITY_MASKS if self.fidelity else 0,
        )

    def head_weights(self) -> FloatArray:
        """[layers, heads], as they were trained for the model."""
        return np.array(self._learned("heads")["weights"], dtype=np.float64)

    def head(self) -> tuple[int, int]:
        """Layer and number of the one head that reads answers out of the context."""
        layer, head = self._learned("heads")["head"]
        return int(layer), int(head)

    def explainer(self) -> Explainer:
        """As it was trained for the model, on the heads that are used with it."""
        heads = self._learned("heads")
        kept = self._learned("explainer")
        if kept["heads"] != heads["trained"]:
            raise ConfigError("the explainer was trained with other heads: train it again")
        return Explainer.of(kept, np.array(heads["weights"], dtype=np.float64))

    def inside_model(self) -> "HFModel":
        """The model, when it can be looked into; a NoAttention error when not."""
        from ragattr.models.hf import HFModel

        model = self.language_model()
        if not isinstance(model, HFModel) or model.interface is None:
            raise NoAttention(model.card.name)
        return model

    def _learned(self, kind: Literal["heads", "explainer"]) -> dict[str, Any]:
        from ragattr.models.learned import find_learned

        return find_learned(kind, self.inside_model())


class Reader(TypedDict):
    """The arguments that all measuring stages share."""

    model: WhiteBoxModel
    prompt: Prompt
    budget: Budget
    n_fidelity_masks: int


@dataclass(frozen=True)
class Method:
    """A way to attribute.

    Attributes:
        make: its stage.
        cost: passes of one answer, a pass being one reading of prompt and answer.
        intervenes: whether its scores come from taking sentences away.
        what: in a few words.
    """

    make: Callable[[Setup], Measuring] = field(repr=False)
    cost: str
    intervenes: bool
    what: str


METHODS: dict[str, Method] = {
    "jsd-fast": Method(
        lambda setup: AttributeFast(**setup.reader(), encoder=setup.sentence_encoder()),
        "a handful",
        True,
        "hides every sentence, then deletes the best",
    ),
    "jsd": Method(
        lambda setup: AttributeJSD(**setup.reader(), encoder=setup.sentence_encoder()),
        "half the sentences",
        True,
        "deletes every sentence: exact divergence",
    ),
    "drop": Method(
        lambda setup: AttributeJSD(
            **setup.reader(), encoder=setup.sentence_encoder(), score="drop"
        ),
        "half the sentences",
        True,
        "deletes every sentence: exact log-probability drop",
    ),
    "contextcite": Method(
        lambda setup: AttributeContextCite(**setup.reader()),
        "32",
        True,
        "random halves, a sparse linear model",
    ),
    "subset": Method(
        lambda setup: AttributeSubset(**setup.reader()),
        "about 9",
        True,
        "the fewest sentences that alone give the same answer",
    ),
    "explainer": Method(
        lambda setup: AttributeExplainer(
            **setup.reader(), encoder=setup.sentence_encoder(), explainer=setup.explainer()
        ),
        "2 to 3",
        False,
        "predicts exact divergence, deletes the best",
    ),
    "heads": Method(
        lambda setup: AttributeHeads(**setup.reader(), weights=setup.head_weights()),
        "1",
        False,
        "a learned mixture of attention heads",
    ),
    "head": Method(
        lambda setup: AttributeHead(**setup.reader(), head=setup.head()),
        "1",
        False,
        "the one head that reads answers out of the context",
    ),
    "attention": Method(
        lambda setup: AttributeHeads(**setup.reader()),
        "1",
        False,
        "all attention heads alike, a baseline",
    ),
    "gradient": Method(
        lambda setup: AttributeGradient(**setup.reader()),
        "1 to 2 a claim",
        False,
        "integrated gradients by gates on the sentences",
    ),
    "dla": Method(
        lambda setup: AttributeDirect(**setup.reader()),
        "1",
        False,
        "what heads carry from a sentence straight into the logits",
    ),
    "similarity": Method(
        lambda setup: AttributeSimilarity(setup.sentence_encoder()),
        "0",
        False,
        "sentence vectors, a baseline",
    ),
    "bm25": Method(lambda setup: AttributeBM25(), "0", False, "words, a baseline"),
    "overlap": Method(lambda setup: AttributeOverlap(), "0", False, "words held, a baseline"),
    "position": Method(lambda setup: AttributePosition(), "0", False, "the first first"),
    "random": Method(lambda setup: AttributeRandom(), "0", False, "chance"),
}


def answer_prompt(*, inline_citations: bool = False) -> Prompt:
    """The prompt that asks for an answer."""
    name = "answer_cited.txt" if inline_citations else "answer.txt"
    return Prompt.load(prompts_folder() / name, ANSWER_FIELDS)


def decompose_prompt() -> Prompt:
    """The prompt that asks for the facts of a sentence."""
    return Prompt.load(prompts_folder() / "decompose.txt", FACT_FIELDS)


@lru_cache(maxsize=2)
def _named_model(name: str, top_logprobs: int) -> WhiteBoxModel:
    if name == EMBEDDED:
        return embedded.language_model()
    if name.startswith("openai:"):
        from ragattr.models.openai import ServedModel

        return ServedModel.named(name, top_logprobs=top_logprobs)
    if name.startswith("vllm:"):
        from ragattr.models.vllm import VLLMModel

        return VLLMModel.load(name.removeprefix("vllm:"), top_logprobs=top_logprobs)
    from ragattr.models.hf import HFModel

    return HFModel.load(name)


@lru_cache(maxsize=2)
def _named_encoder(name: str) -> Encoder:
    if name == EMBEDDED:
        return embedded.encoder()
    from ragattr.models.encoder import NamedEncoder

    return NamedEncoder.load(name)


@lru_cache(maxsize=2)
def _named_verifier(name: str) -> EntailmentModel:
    if name == EMBEDDED:
        return embedded.verifier()
    if name.startswith("pace:"):
        model = _named_model(name.removeprefix("pace:"), TOP_LOGPROBS)
        return PaceVerifier(AskModel.with_own_prompts(model))
    from ragattr.models.entailment import LAYER, EmbeddedVerifier

    if (Path(name) / LAYER).is_file():
        return EmbeddedVerifier.load(Path(name), embedded.encoder())
    from ragattr.models.verifiers import named_verifier

    return named_verifier(name, Prompt.load(prompts_folder() / "entail.txt", ENTAIL_FIELDS))
