"""The defaults, composed: the functions of the three doors, and the table of methods by name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
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
from ragattr.attribution.subject import find_subject
from ragattr.attribution.subset import AttributeSubset
from ragattr.attribution.unmeasured import Unmeasured
from ragattr.citation.join import Cite
from ragattr.errors import ConfigError, InputError, ModelNotFound, NoLogprobs, ProbeError
from ragattr.generation.extract import SPAN_FIELDS, Extract
from ragattr.generation.generate import Generate
from ragattr.models import embedded
from ragattr.models.protocols import (
    Encoder,
    EntailmentModel,
    WhiteBoxModel,
    is_white_box,
    scores_spans,
)
from ragattr.models.rehearsal import Cost, Rehearsal
from ragattr.models.truncated import TOP_LOGPROBS
from ragattr.prompt import ANSWER_FIELDS, Prompt, prompts_folder
from ragattr.record import (
    Row,
    answered_case,
    dumps,
    loads,
    read_case,
    read_pair,
    read_question,
    retrieved,
    to_answer,
    to_attribution_record,
    to_query,
    to_record,
)
from ragattr.retrieval.bm25 import RetrieveBM25
from ragattr.retrieval.dense import RetrieveDense
from ragattr.retrieval.documents import read_corpus
from ragattr.retrieval.duplicates import MergeDuplicates
from ragattr.retrieval.fusion import FuseRanks
from ragattr.retrieval.index import Index, open_index
from ragattr.stage import Stage
from ragattr.text.offsets import OffsetUnit
from ragattr.types import Answer, Attribution, CitedAnswer, Context, FloatArray, Passage, Query
from ragattr.verification.entailment import VerifyEntailment
from ragattr.verification.evidence import judge_pair

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from ragattr.models.hf import HFModel

Measuring = Stage[Answer, Attribution]
TierName = Literal["auto", "logits", "logprobs", "text"]
AnswerForm = Literal["sentence", "span"]
EMBEDDED = "embedded"
DEFAULT_METHOD = "jsd-fast"
FIDELITY_MASKS = 16  # at each keep rate
PASSAGES_READ = 3  # by a small model; of 3 and 5 the better on the sample questions
N_PROBES = 16  # counterfactual, some seconds each
FUSED_DEPTH = 50  # how deep each retriever's ranking is read before ranks are fused


@dataclass(frozen=True)
class Setup:
    """Which models and methods the functions and commands use; the same defaults everywhere.

    `model`, `encoder` and `verifier` are "embedded", a folder or a hub name; `model` may also be
    a server's, openai:URL#NAME, one that vLLM loads, vllm:NAME, a loaded transformers model with
    its `tokenizer`, or any `WhiteBoxModel`. `top_logprobs` is how many log-probabilities are asked
    of a server or vLLM, 0 for all.
    """

    model: "str | PreTrainedModel | WhiteBoxModel" = EMBEDDED
    tokenizer: "PreTrainedTokenizerBase | None" = None
    encoder: str = EMBEDDED
    verifier: str = EMBEDDED
    method: str = DEFAULT_METHOD
    tier: TierName = "auto"
    threshold: float | None = None
    offsets: OffsetUnit = "codepoints"
    max_passes: float | None = None
    max_seconds: float | None = None
    fidelity: bool = False
    top_logprobs: int = TOP_LOGPROBS

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ConfigError(
                f"no attribution method {self.method!r}: there is {', '.join(METHODS)}"
            )
        for name, value, choices in (
            ("tier", self.tier, get_args(TierName)),
            ("offsets", self.offsets, get_args(OffsetUnit)),
        ):
            if value not in choices:
                raise ConfigError(f"{name} is one of {', '.join(choices)}, not {value!r}")
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            raise ConfigError(f"threshold lies between 0 and 1, got {self.threshold}")
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
        return _named_verifier(self.verifier)

    def examine(self) -> Stage[Answer, CitedAnswer]:
        """Answer to cited answer: measure, judge, join."""
        return (
            self.measure()
            >> VerifyEntailment(self.entailment_model(), embedded.encoder(), self.threshold)
            >> Cite()
        )

    def measure(self, *, insist: bool = False) -> Stage[Answer, Attribution]:
        """Answer to attribution.

        Where the embedded model is not here, or a server shows too little, nothing is measured
        and the record says so; it is an error when a tier was asked for, or `insist` is set.
        """
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
        """As it was trained for the model."""
        return Explainer.of(self._learned("explainer"), self.head_weights())

    def inside_model(self) -> "HFModel":
        """The model, when it can be looked into; a ProbeError when not."""
        from ragattr.models.hf import HFModel

        model = self.language_model()
        if not isinstance(model, HFModel):
            raise ProbeError(f"{model.card.name} does not show its attention")
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
        "about 10",
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
        "2",
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


def cite(
    *,
    question: str,
    passages: Sequence[str | Mapping[str, Any]],
    answer: str,
    messages: Sequence[Mapping[str, str]] | None = None,
    generator: str | None = None,
    id: str = "1",
    model: "str | PreTrainedModel" = EMBEDDED,
    tokenizer: "PreTrainedTokenizerBase | None" = None,
    encoder: str = EMBEDDED,
    verifier: str = EMBEDDED,
    method: str = DEFAULT_METHOD,
    tier: TierName = "auto",
    threshold: float | None = None,
    offsets: OffsetUnit = "codepoints",
    max_passes: float | None = None,
    max_seconds: float | None = None,
    fidelity: bool = False,
    top_logprobs: int = TOP_LOGPROBS,
) -> Row:
    """Examine the citations of an answer that was written elsewhere.

    Args:
        passages: texts, or objects with "text" and, if you like, "id", "title", "source", "page".
        answer: may hold markers such as [1]; number n means the n-th passage, from 1.
        messages: the chat that was really sent, if you have it; the passages are found in it.
        generator: the name of the model that wrote the answer, if you know it.
        model: "embedded", a folder, a hub name, openai:URL#NAME, vllm:NAME, or a loaded
            transformers model with `tokenizer`.
        method: how use is measured; a name of `METHODS`.
        tier: "text" measures nothing and is quick; "logits" and "logprobs" insist on measuring.
        threshold: the probability from which on a statement counts as supported.
        max_passes, max_seconds: a budget for the measurement of one answer; what it reached is
            the result, and the record says `partial`.
        fidelity: check on random ablations how well the scores predict the model.
        top_logprobs: how many log-probabilities are asked of a server or vLLM; 0 asks for all.

    Returns:
        A record: for each claim its verdict, its probability and its citations with their class.

    Raises:
        RagattrError: something in the case or the settings is wrong; the message says what.
    """
    setup = Setup(
        model=model,
        tokenizer=tokenizer,
        encoder=encoder,
        verifier=verifier,
        method=method,
        tier=tier,
        threshold=threshold,
        offsets=offsets,
        max_passes=max_passes,
        max_seconds=max_seconds,
        fidelity=fidelity,
        top_logprobs=top_logprobs,
    )
    return cite_rows(setup)(_case(id, question, passages, answer, messages, generator))


def attribute(
    *,
    question: str,
    passages: Sequence[str | Mapping[str, Any]],
    answer: str,
    messages: Sequence[Mapping[str, str]] | None = None,
    generator: str | None = None,
    id: str = "1",
    model: "str | PreTrainedModel" = EMBEDDED,
    tokenizer: "PreTrainedTokenizerBase | None" = None,
    encoder: str = EMBEDDED,
    method: str = DEFAULT_METHOD,
    offsets: OffsetUnit = "codepoints",
    max_passes: float | None = None,
    max_seconds: float | None = None,
    fidelity: bool = False,
    top_logprobs: int = TOP_LOGPROBS,
) -> Row:
    """Measure which sentences an answer used, without judging support; arguments as for `cite`."""
    setup = Setup(
        model=model,
        tokenizer=tokenizer,
        encoder=encoder,
        method=method,
        offsets=offsets,
        max_passes=max_passes,
        max_seconds=max_seconds,
        fidelity=fidelity,
        top_logprobs=top_logprobs,
    )
    return attribute_rows(setup)(_case(id, question, passages, answer, messages, generator))


def answer(
    *,
    question: str,
    docs: Sequence[str | Path] = (),
    index: str | Path | None = None,
    passages: Sequence[str | Mapping[str, Any]] = (),
    k: int = PASSAGES_READ,
    form: AnswerForm = "sentence",
    inline_citations: bool = False,
    id: str = "1",
    model: "str | PreTrainedModel" = EMBEDDED,
    tokenizer: "PreTrainedTokenizerBase | None" = None,
    encoder: str = EMBEDDED,
    verifier: str = EMBEDDED,
    method: str = DEFAULT_METHOD,
    tier: TierName = "auto",
    threshold: float | None = None,
    offsets: OffsetUnit = "codepoints",
    max_passes: float | None = None,
    max_seconds: float | None = None,
    fidelity: bool = False,
    top_logprobs: int = TOP_LOGPROBS,
) -> Row:
    """Answer a question from documents (files and folders) or passages, and examine the answer.

    Args:
        docs: files and folders; or give an `index` folder, or `passages` as for `cite`.
        k: how many passages the model reads.
        form: "sentence" lets the model write; with "span" the answer is a few words that stand in
            a passage, found by a model in this process.
        inline_citations: ask the model for markers; the embedded one is too small for it.
    """
    setup = Setup(
        model=model,
        tokenizer=tokenizer,
        encoder=encoder,
        verifier=verifier,
        method=method,
        tier=tier,
        threshold=threshold,
        offsets=offsets,
        max_passes=max_passes,
        max_seconds=max_seconds,
        fidelity=fidelity,
        top_logprobs=top_logprobs,
    )
    if bool(docs) + bool(index) + bool(passages) != 1:
        raise ConfigError("give docs, an index or passages to answer from: one of them")
    corpus: Sequence[Passage] | Index
    if docs:
        corpus = read_corpus([Path(path) for path in docs]).passages
    elif index:
        corpus = open_index(Path(index))
    else:
        case = read_case(
            {"question": question, "passages": list(passages)}, default_id=id, answered=False
        )
        corpus = to_answer({**case, "answer": ""}).context.passages
    work = answer_rows(setup, corpus, k=k, form=form, inline_citations=inline_citations)
    return work({"id": id, "question": question})


def verify(
    *,
    claim: str,
    evidence: Sequence[str],
    verifier: str = EMBEDDED,
    threshold: float | None = None,
) -> Row:
    """Judge whether the evidence supports a claim.

    Returns:
        The pair with "predicted" ("attributable", "not_attributable" or None) and "probability".
    """
    row = {"claim": claim, "evidence": list(evidence)}
    return verify_rows(Setup(verifier=verifier, threshold=threshold))(row)


Work = Callable[[Row], Row]


def cite_rows(setup: Setup) -> Work:
    """A function from a case to its record, models loaded once."""
    examine = setup.examine()

    def work(row: Row) -> Row:
        case = read_case(row, default_id="1", answered=True)
        (cited,) = examine([to_answer(case)])
        return to_record(case, cited, offsets=setup.offsets)

    return _counted(setup, work)


def attribute_rows(setup: Setup) -> Work:
    """A function from a case to its record with the attribution alone."""
    measure = setup.measure(insist=True)

    def work(row: Row) -> Row:
        case = read_case(row, default_id="1", answered=True)
        (attribution,) = measure([to_answer(case)])
        return to_attribution_record(case, attribution, offsets=setup.offsets)

    return _counted(setup, work)


def mechanism_rows(setup: Setup) -> Work:
    """A function from a case to what heads, MLPs and layers do with its most used sentence."""
    from ragattr.mechanism.lens import see

    model, measure = setup.inside_model(), setup.measure(insist=True)

    def work(row: Row) -> Row:
        case = read_case(row, default_id="1", answered=True)
        answer = to_answer(case)
        subject = find_subject(model, answer_prompt(), answer)
        (found,) = measure([answer])
        if found.scores is None or isinstance(subject, Attribution):
            raise InputError("; ".join(found.warnings))
        best = int(found.scores.sum(axis=1).argmax())
        seen = see(model, subject.chat, subject.reply, subject.removals[best])
        source = subject.sources[best]
        return {
            "id": case["id"],
            "question": case["question"],
            "answer": case["answer"],
            "model": asdict(model.card),
            "source": {
                "passage": answer.context.passages[source.passage].id,
                "text": subject.texts[best],
                "method": found.method,
            },
            "heads": np.round(seen.heads, 6).tolist(),
            "mlps": np.round(seen.mlps, 6).tolist(),
            "attention_gain": np.round(seen.attention_gain, 6).tolist(),
            "mlp_gain": np.round(seen.mlp_gain, 6).tolist(),
            "agreement": {part: seen.agreement(part) for part in ("attention", "mlp")},
            "top": [{"name": row.name, "jsd": round(row.score, 6)} for row in seen.table[:10]],
        }

    return work


def find_heads(setup: Setup, probes: Path | None = None, *, n: int = N_PROBES) -> Row:
    """Context heads and memory heads of a model, by patching on counterfactual probes.

    Args:
        probes: JSON Lines, as `mechanism.counterfactual` reads them; the shipped ones without.
        n: how many of those that can be used.
    """
    from ragattr.mechanism.counterfactual import SHIPPED, fair, read_counterfactuals
    from ragattr.mechanism.locate import locate

    model = setup.inside_model()
    found = locate(model, fair(read_counterfactuals(probes or SHIPPED))[:n])
    return {
        "model": asdict(model.card),
        "said": f"{found.n_probes} probes: {found.stability}",
        "stability": asdict(found.stability),
        "effects": np.round(found.effects, 6).tolist(),
        "verified": [
            {
                "head": str(row.head),
                "estimated": round(row.estimated, 6),
                "patched": round(row.patched, 6),
            }
            for row in found.verified
        ],
    }


def answer_rows(
    setup: Setup,
    passages: Sequence[Passage] | Index,
    *,
    k: int = PASSAGES_READ,
    form: AnswerForm = "sentence",
    inline_citations: bool = False,
) -> Work:
    """A function from a question to the record of its answer."""
    write = writer(setup, form=form, inline_citations=inline_citations)
    respond = retriever(passages, setup.sentence_encoder(), k=k) >> write
    examine = setup.examine()

    def work(row: Row) -> Row:
        question = read_question(row, default_id="1")
        (written,) = respond([to_query(question)])
        (cited,) = examine([written])
        return to_record(answered_case(question, written), cited, offsets=setup.offsets)

    return _counted(setup, work)


def rehearse_rows(
    setup: Setup, passages: Sequence[Passage] | Index | None = None, *, k: int = PASSAGES_READ
) -> Work:
    """A function from a case, or a question about `passages`, to what measuring it would cost.

    No language model is asked anything; lengths are guessed from characters. Questions are
    answered from passages that their words find.
    """
    served = isinstance(setup.model, str) and setup.model.startswith(("openai:", "vllm:"))

    def work(row: Row) -> Row:
        cost = Cost()
        model = Rehearsal(cost, can_knock_out=not served)
        like = replace(setup, **_COSTS_LIKE.get(setup.method, {}))
        measure = replace(like, model=model, tier="auto").measure()
        if passages is None:
            written = to_answer(read_case(row, default_id="1", answered=True))
        else:
            by_words = (
                passages.by_words(k) if isinstance(passages, Index) else RetrieveBM25(passages, k)
            )
            respond = by_words >> Generate(model, answer_prompt())
            (written,) = respond([to_query(read_question(row, default_id="1"))])
        (attribution,) = measure([written])
        return {
            "id": row.get("id"),
            "sentences": len(attribution.sources),
            "calls": cost.calls,
            "tokens": cost.tokens,
            "passes": round(cost.passes, 1),
        }

    return work


# Methods that need what was trained for a model, and others that cost the same.
_COSTS_LIKE: dict[str, dict[str, Any]] = {
    "heads": {"method": "attention"},
    "head": {"method": "attention"},
    "explainer": {"method": "jsd-fast", "max_passes": 3.0},
}


def _counted(setup: Setup, work: Work) -> Work:
    """The same work; what a row spent on a server is in its record."""
    is_served = not isinstance(setup.model, str) or setup.model.startswith("openai:")
    ledger = getattr(setup.language_model(), "ledger", None) if is_served else None
    if ledger is None:
        return work

    def counted(row: Row) -> Row:
        before = replace(ledger)
        record = work(row)
        record["settings"]["ledger"] = ledger.since(before)
        return record

    return counted


def verify_rows(setup: Setup) -> Work:
    """A function from a claim with evidence to the same with "predicted" and "probability"."""
    model = setup.entailment_model()
    threshold = model.threshold if setup.threshold is None else setup.threshold

    def work(row: Row) -> Row:
        pair = read_pair(row, default_id="1")
        verdict = judge_pair(model, pair["claim"], pair["evidence"])
        p = verdict.probability
        predicted = None if p is None else "attributable" if p >= threshold else "not_attributable"
        return {
            **pair,
            "predicted": predicted,
            "probability": None if p is None else round(p, 6),
            "warnings": list(verdict.warnings),
        }

    return work


def retrieve_rows(
    setup: Setup, passages: Sequence[Passage] | Index, *, k: int = PASSAGES_READ
) -> Work:
    """A function from a question to the same with "passages", best first."""
    retrieve = retriever(passages, setup.sentence_encoder(), k=k)

    def work(row: Row) -> Row:
        question = read_question(row, default_id="1")
        (context,) = retrieve([to_query(question)])
        return retrieved(question, context)

    return work


def retriever(
    passages: Sequence[Passage] | Index, encoder: Encoder, *, k: int
) -> Stage[Query, Context]:
    """Words and meaning, their ranks fused; passages that say nearly the same count once."""
    if k < 1:
        raise ConfigError(f"k is the number of passages to read, at least 1, got {k}")
    depth = max(2 * k, FUSED_DEPTH)
    both: tuple[Stage[Query, Context], ...]
    if isinstance(passages, Index):
        both = (passages.by_words(depth), passages.by_meaning(encoder, depth))
    else:
        both = (RetrieveBM25(passages, depth), RetrieveDense(passages, encoder, depth))
    return FuseRanks(both, depth) >> MergeDuplicates(k)


def writer(
    setup: Setup, *, form: AnswerForm = "sentence", inline_citations: bool = False
) -> Stage[Context, Answer]:
    """What turns passages into an answer: free sentences, or a span of the passages.

    Raises:
        ConfigError: no such form, a model that scores no spans, or markers asked of spans.
    """
    model = setup.language_model()
    if form == "sentence":
        return Generate(model, answer_prompt(inline_citations=inline_citations))
    if form != "span":
        raise ConfigError(f"form is one of {', '.join(get_args(AnswerForm))}, not {form!r}")
    if inline_citations:
        raise ConfigError("an answer that is a span holds no markers: leave out inline_citations")
    if not scores_spans(model):
        raise ConfigError(
            f"{model.card.name} scores no spans: that takes a transformers model in this process"
        )
    prompt = Prompt.load(prompts_folder() / "span.txt", SPAN_FIELDS)
    return Extract(model, setup.sentence_encoder(), prompt)


def answer_prompt(*, inline_citations: bool = False) -> Prompt:
    """The prompt that asks for an answer."""
    name = "answer_cited.txt" if inline_citations else "answer.txt"
    return Prompt.load(prompts_folder() / name, ANSWER_FIELDS)


def _case(
    id: str,
    question: str,
    passages: Sequence[str | Mapping[str, Any]],
    answer: str,
    messages: Sequence[Mapping[str, str]] | None,
    generator: str | None,
) -> Row:
    case: Row = {"id": id, "question": question, "passages": list(passages), "answer": answer}
    if generator is not None:
        case["generator"] = generator
    if messages is not None:
        case["messages"] = [dict(message) for message in messages]
    return loads(dumps(case))  # as it would be read from a file


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
    if name != EMBEDDED:
        raise ModelNotFound(f"no verifier {name!r}: this version has 'embedded'")
    from ragattr.models.entailment import FeatureVerifier

    return FeatureVerifier.embedded(embedded.encoder())
