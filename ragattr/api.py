"""The defaults, composed: the functions of the three doors, and the work on rows behind each."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from ragattr import __version__
from ragattr.attribution.subject import find_subject
from ragattr.errors import ConfigError, InputError
from ragattr.generation.extract import SPAN_FIELDS, Extract
from ragattr.generation.generate import Generate
from ragattr.models.protocols import Encoder, EntailmentModel, WhiteBoxModel, scores_spans
from ragattr.models.rehearsal import Cost, Rehearsal
from ragattr.models.truncated import TOP_LOGPROBS
from ragattr.prompt import Prompt, prompts_folder
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
from ragattr.revising import ReviseMethod, Revising, revise_rows
from ragattr.revision.recite import Unsupported
from ragattr.setup import DEFAULT_METHOD, EMBEDDED, ClaimsName, Setup, TierName, answer_prompt
from ragattr.stage import Stage
from ragattr.text.offsets import OffsetUnit
from ragattr.types import Answer, Attribution, Context, Passage, Query, Source
from ragattr.verification.calibrate import guarantee_from
from ragattr.verification.evidence import PairVerdict, judge_pairs
from ragattr.verification.guarantee import Guarantee

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


logger = logging.getLogger(__name__)

AnswerForm = Literal["sentence", "span"]
PASSAGES_READ = 3  # by a small model; of 3 and 5 the better on the sample questions
N_PROBES = 16  # counterfactual, some seconds each
FUSED_DEPTH = 50  # how deep each retriever's ranking is read before ranks are fused


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
    precision: float | None = None,
    calibration: str | Path | None = None,
    offsets: OffsetUnit = "codepoints",
    max_passes: float | None = None,
    max_seconds: float | None = None,
    fidelity: bool = False,
    top_logprobs: int = TOP_LOGPROBS,
    claims: ClaimsName = "sentences",
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
        precision: guarantee, on the labelled rows of the file `calibration`, how many of the
            statements that are called supported are; those that may not be are "unclear".
        max_passes, max_seconds: a budget for the measurement of one answer; what it reached is
            the result, and the record says `partial`.
        fidelity: check on random ablations how well the scores predict the model.
        top_logprobs: how many log-probabilities are asked of a server or vLLM; 0 asks for all.
        claims: "sentences"; "atomic" takes clauses, predicates and items apart by rules; "model"
            asks the language model to, and keeps what stands in the answer.

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
        precision=precision,
        calibration=calibration,
        offsets=offsets,
        max_passes=max_passes,
        max_seconds=max_seconds,
        fidelity=fidelity,
        top_logprobs=top_logprobs,
        claims=claims,
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
    claims: ClaimsName = "sentences",
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
        claims=claims,
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
    claims: ClaimsName = "sentences",
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
        claims=claims,
    )
    if bool(docs) + bool(index) + bool(passages) != 1:
        raise ConfigError("give docs, an index or passages to answer from: one of them")
    corpus = _searched(docs, index)
    if corpus is None:
        case = read_case(
            {"question": question, "passages": _listed(passages)}, default_id=id, answered=False
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
    precision: float | None = None,
    calibration: str | Path | None = None,
) -> Row:
    """Judge whether the evidence supports a claim.

    Args:
        precision: guarantee, on the labelled rows of the file `calibration`, how many of the
            claims that are called attributable are. The file is judged in every call: for many
            claims make one function with `ragattr.api.verify_rows`.

    Returns:
        The pair with "predicted" ("attributable", "not_attributable" or None), "probability", and
        "decided_by", the parts of the evidence that it comes from. None stands for claims that
        were not judged, or that a guarantee leaves unclear.
    """
    row = {"claim": claim, "evidence": _listed(evidence)}
    setup = Setup(
        verifier=verifier, threshold=threshold, precision=precision, calibration=calibration
    )
    return verify_rows(setup)(row)


def revise(
    *,
    question: str,
    passages: Sequence[str | Mapping[str, Any]],
    answer: str,
    messages: Sequence[Mapping[str, str]] | None = None,
    generator: str | None = None,
    id: str = "1",
    docs: Sequence[str | Path] = (),
    index: str | Path | None = None,
    k: int = PASSAGES_READ,
    method: ReviseMethod = "spans",
    unsupported: Unsupported = "mark",
    renumber: bool = False,
    used: bool = False,
    model: "str | PreTrainedModel | WhiteBoxModel" = EMBEDDED,
    tokenizer: "PreTrainedTokenizerBase | None" = None,
    encoder: str = EMBEDDED,
    verifier: str = EMBEDDED,
    tier: TierName = "auto",
    threshold: float | None = None,
    offsets: OffsetUnit = "codepoints",
) -> Row:
    """Correct what the evidence contradicts, and the citations; nothing else changes.

    Args:
        docs, index: with "rarr", where evidence is looked for; without them, in the passages.
        method: "spans" puts what the evidence has in place of single details that it contradicts;
            "rarr" asks the language model for questions, gates and edits (RARR, Gao et al. 2023);
            "citations" leaves the words and corrects the markers.
        unsupported: "mark" names statements that nothing supports in `revision.unsupported`,
            "remove" takes them out, "keep" says nothing of them.
        renumber: count passages in the order in which the new text cites them.
        used: measure what the model used, as `cite` does.

    Returns:
        The record that `cite` returns, with "revision": the new text, its claims, and the edits
        that lead from the answer to it, each with its reason and its evidence.
    """
    setup = Setup(
        model=model,
        tokenizer=tokenizer,
        encoder=encoder,
        verifier=verifier,
        tier=tier,
        threshold=threshold,
        offsets=offsets,
    )
    if docs and index:
        raise ConfigError("give docs or an index to look for evidence in, not both")
    if (docs or index) and method != "rarr":
        raise ConfigError('docs and an index are for method="rarr", which looks for evidence')
    corpus = _searched(docs, index)
    retrieve = None if corpus is None else retriever(corpus, setup.sentence_encoder(), k=k)
    revising = Revising(method, unsupported, used, renumber, retrieve)
    case = _case(id, question, passages, answer, messages, generator)
    return revise_rows(setup, revising)(case)


Work = Callable[[Row], Row]


def cite_rows(setup: Setup) -> Work:
    """A function from a case to its record, models loaded once."""
    guarantee = guarantee_of(setup)
    examine = setup.examine(guarantee)

    def work(row: Row) -> Row:
        case = read_case(row, default_id="1", answered=True)
        (cited,) = examine([to_answer(case)])
        record = to_record(case, cited, offsets=setup.offsets)
        if guarantee is not None:
            record["settings"]["guarantee"] = asdict(guarantee)
        return record

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
        best = _most_used(found, subject.sources)
        seen = see(model, subject.chat, subject.reply, subject.removals[best])
        source = subject.sources[best]
        return {
            **case,
            "ragattr": __version__,
            "warnings": [*found.warnings, *_below_floor(found, best)],
            "model": asdict(model.card),
            "proxy": subject.proxy,
            "settings": dict(found.settings),
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


def _most_used(found: Attribution, sources: Sequence[Source]) -> int:
    """The best of the sources that the model read; a baseline may have scored others."""
    assert found.scores is not None
    totals = dict(zip(found.sources, found.scores.sum(axis=1).tolist(), strict=True))
    return max(range(len(sources)), key=lambda i: totals.get(sources[i], -np.inf))


def _below_floor(found: Attribution, best: int) -> list[str]:
    if (
        found.floors is None
        or found.scores is None
        or found.scores[best].mean() > found.floors.noise
    ):
        return []
    return ["no sentence stands above the noise floor: what the heads show is no use of it"]


def find_heads(
    setup: Setup, probes: Path | None = None, *, n: int = N_PROBES, seed: int = 0
) -> Row:
    """Context heads and memory heads of a model, by patching on counterfactual probes.

    Args:
        probes: JSON Lines, as `mechanism.counterfactual` reads them; the shipped ones without.
        n: how many of those that can be used, drawn by `seed`.
    """
    from ragattr.mechanism.counterfactual import SHIPPED, fair, read_counterfactuals
    from ragattr.mechanism.locate import locate

    model, usable = setup.inside_model(), fair(read_counterfactuals(probes or SHIPPED))
    order = np.random.default_rng(seed).permutation(len(usable))[:n]
    found = locate(model, [usable[i] for i in order])
    return {
        "model": asdict(model.card),
        "said": f"{found.n_probes} of {len(usable)} probes: {found.stability}",
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
    """The same work; the record says how claims were made and what was spent on a server."""
    noted = setup.claim_settings()
    is_served = not isinstance(setup.model, str) or setup.model.startswith("openai:")
    ledger = getattr(setup.language_model(), "ledger", None) if is_served else None
    if ledger is None and not noted:
        return work

    def counted(row: Row) -> Row:
        before = replace(ledger) if ledger else None
        record = work(row)
        record["settings"].update(noted)
        if ledger:
            record["settings"]["ledger"] = ledger.since(before)
        return record

    return counted


@dataclass(frozen=True)
class VerifyRows:
    """From a claim with evidence to the same with "predicted" and "probability".

    Attributes:
        threshold: below it a claim is "not_attributable".
        accepted_from: from it on a claim is "attributable".
    """

    model: EntailmentModel
    threshold: float
    accepted_from: float
    guarantee: Guarantee | None

    def __call__(self, row: Row) -> Row:
        (done,) = self.together([row])
        return done

    def together(self, rows: Sequence[Row]) -> list[Row]:
        """All rows in one question to the model."""
        pairs = [read_pair(row, default_id="1") for row in rows]
        found = judge_pairs(self.model, [(pair["claim"], pair["evidence"]) for pair in pairs])
        return [self._done(pair, verdict) for pair, verdict in zip(pairs, found, strict=True)]

    def _done(self, pair: Row, verdict: PairVerdict) -> Row:
        p = None if verdict.probability is None else round(verdict.probability, 6)
        return {
            **pair,
            "predicted": self._predicted(p),
            "probability": p,
            "decided_by": [
                {"evidence": source.passage, "start": source.span.start, "end": source.span.end}
                for source in verdict.decided_by
            ],
            "warnings": list(verdict.warnings),
            **({} if self.guarantee is None else {"guarantee": asdict(self.guarantee)}),
        }

    def _predicted(self, p: float | None) -> str | None:
        """None: not judged, or more likely attributable and not surely enough."""
        if p is not None and p >= self.accepted_from:
            return "attributable"
        return None if p is None or p >= self.threshold else "not_attributable"


def verify_rows(setup: Setup) -> VerifyRows:
    """The verifier of `setup` on rows, models loaded once."""
    model = setup.entailment_model()
    threshold = model.threshold if setup.threshold is None else setup.threshold
    guarantee = guarantee_of(setup)
    accepted_from = threshold if guarantee is None else guarantee.threshold
    return VerifyRows(model, threshold, accepted_from, guarantee)


def guarantee_of(setup: Setup) -> Guarantee | None:
    """What the calibration file allows, judged as the rows to come will be; None without one."""
    if setup.precision is None or setup.calibration is None:
        return None
    judge = verify_rows(replace(setup, precision=None, calibration=None))
    found = guarantee_from(Path(setup.calibration), judge.together, precision=setup.precision)
    logger.info(
        "precision %g with confidence %g: supported from probability %.6f on, which %d of %d "
        "calibration rows reach",
        found.precision,
        found.confidence,
        found.threshold,
        found.accepted,
        found.calibration_rows,
    )
    return found


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


def _searched(
    docs: Sequence[str | Path], index: str | Path | None
) -> Sequence[Passage] | Index | None:
    """The passages of files and folders, or an index; None when neither is given."""
    if docs:
        return read_corpus([Path(path) for path in docs]).passages
    return open_index(Path(index)) if index else None


def _case(
    id: str,
    question: str,
    passages: Sequence[str | Mapping[str, Any]],
    answer: str,
    messages: Sequence[Mapping[str, str]] | None,
    generator: str | None,
) -> Row:
    case: Row = {"id": id, "question": question, "passages": _listed(passages), "answer": answer}
    if generator is not None:
        case["generator"] = generator
    if messages is not None:
        case["messages"] = _listed(messages)
    return loads(dumps(case))  # as it would be read from a file


def _listed(given: object) -> object:
    """A collection as a list, its mappings as plain ones; what is no collection stays itself."""
    if isinstance(given, str | Mapping) or not isinstance(given, Iterable):
        return given
    return [dict(one) if isinstance(one, Mapping) else one for one in given]
