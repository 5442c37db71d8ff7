"""What a model shows when nothing is there: the three floors under `used`.

Each case is a question with its own paragraph and unrelated ones of other questions. The model
answers; then sentences are ablated one by one.

- noise: JSD per answer token of sentences from unrelated paragraphs (99th percentile).
- context: mean JSD / ln 2 of the same answer when a context of unrelated paragraphs alone goes
  (95th percentile).
- reader: mean log-probability of the annotators' short answers, right context (1st percentile).

    python -m eval.noise_floor --data ../shared/data/context_attribution/squad2_dev_train.jsonl
"""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from eval.results import read_jsonl, write_result
from ragattr.api import answer_prompt
from ragattr.attribution.jsd import AttributeJSD
from ragattr.generation.generate import Generate
from ragattr.metrics.usage import claim_use, reader_logprob
from ragattr.models import embedded
from ragattr.models.hf import HFModel
from ragattr.text.claims import read_claims
from ragattr.types import Answer, Attribution, Context, FloatArray, Passage, Query

N_UNRELATED = 3


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, required=True, help="JSON Lines: question, context_sentences, answer"
    )
    parser.add_argument("-n", type=int, default=60, help="how many questions")
    parser.add_argument("--dtype", choices=["bfloat16", "float32"], default="bfloat16")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    model = _in_dtype(embedded.language_model(), options.dtype)
    found: dict[str, list[float]] = {
        "noise": [],
        "gold": [],
        "context": [],
        "context_gold": [],
        "reader": [],
        "reader_foreign": [],
    }
    for number, case in enumerate(
        _cases(read_jsonl(options.data), options.n, options.seed), start=1
    ):
        _measure(model, case, found)
        print(
            f"{number}/{options.n}",
            {name: len(values) for name, values in found.items()},
            flush=True,
        )
    path = write_result(f"noise_floor_{options.dtype}", _figures(found), seed=options.seed)
    print(path.read_text())


def _cases(rows: list[dict[str, Any]], n: int, seed: int) -> list[dict[str, Any]]:
    """Questions of different paragraphs, each with unrelated paragraphs and a foreign answer."""
    rng = np.random.default_rng(seed)
    by_paragraph = {" ".join(row["context_sentences"]): row for row in rows}
    kept = [list(by_paragraph.values())[i] for i in rng.permutation(len(by_paragraph))]
    paragraphs = [" ".join(row["context_sentences"]) for row in kept]
    return [
        {
            "question": row["question"],
            "paragraph": paragraphs[i],
            "gold": [row["context_sentences"][j] for j in row["gold_sentence_idx"]],
            "answer": row["answer"],
            "foreign_answer": kept[(i + 7) % len(kept)]["answer"],
            "unrelated": [
                paragraphs[(i + 11 * (j + 1)) % len(kept)] for j in range(2 * N_UNRELATED)
            ],
            "place": int(rng.integers(N_UNRELATED + 1)),
        }
        for i, row in enumerate(kept[:n])
    ]


def _measure(model: HFModel, case: dict[str, Any], found: dict[str, list[float]]) -> None:
    prompt = answer_prompt()
    attribute = AttributeJSD(model, prompt)
    texts = case["unrelated"][:N_UNRELATED]
    texts.insert(case["place"], case["paragraph"])
    (answer,) = Generate(model, prompt)([_context(case["question"], texts)])
    if not answer.claims:
        return
    (measured,) = attribute([answer])
    for claim in answer.claims:
        use = claim_use(measured, claim)
        if use is None or not use.columns:
            continue
        for source, score in zip(measured.sources, use.scores / use.n_tokens, strict=True):
            if source.passage != case["place"]:
                found["noise"].append(float(score))
        gold = [
            score
            for source, score in zip(measured.sources, use.scores / use.n_tokens, strict=True)
            if source.passage == case["place"]
            and any(
                source.span.of(case["paragraph"])[:40] in text
                or text[:40] in source.span.of(case["paragraph"])
                for text in case["gold"]
            )
        ]
        found["gold"] += [float(max(gold))] if gold else []
        found["context_gold"].append(float(use.context_use or 0.0))
    unrelated = _context(case["question"], case["unrelated"][: N_UNRELATED + 1])
    without = _only_context(attribute, replace(answer, context=unrelated, messages=None))
    found["context"] += [
        float(u.context_use)
        for c in answer.claims
        if (u := claim_use(without, c)) and u.context_use
    ]
    for name, text in (("reader", case["answer"]), ("reader_foreign", case["foreign_answer"])):
        written = _answered(_context(case["question"], texts), text)
        logprob = reader_logprob(_only_context(attribute, written))
        found[name] += [logprob] if logprob is not None else []


def _only_context(attribute: AttributeJSD, answer: Answer) -> Attribution:
    """The answer under its context and without any: two runs instead of one per sentence."""
    from ragattr.models.protocols import Reply
    from ragattr.prompt import answer_chat

    chat = answer_chat(attribute.prompt, answer.context)
    run = attribute.model.diverge(chat, [chat.blocks], Reply(answer.text))
    return Attribution(
        answer,
        run.tokens,
        (),
        run.jsd[:0],
        "nats",
        context_scores=run.jsd[0],
        logprobs=run.logprobs,
    )


def _context(question: str, texts: list[str]) -> Context:
    return Context(
        Query(question, "q"), tuple(Passage(text, str(i)) for i, text in enumerate(texts, start=1))
    )


def _answered(context: Context, text: str) -> Answer:
    claims, markers = read_claims(text, len(context.passages))
    return Answer(context, text, claims, markers)


def _in_dtype(model: HFModel, dtype: str) -> HFModel:
    import torch

    return replace(
        model, model=model.model.to(getattr(torch, dtype)), card=replace(model.card, dtype=dtype)
    )


def _figures(found: dict[str, list[float]]) -> dict[str, Any]:
    values = {name: np.array(list_) for name, list_ in found.items()}
    noise, context, reader = (
        float(np.quantile(values["noise"], 0.99)),
        float(np.quantile(values["context"], 0.95)),
        float(np.quantile(values["reader"], 0.01)),
    )
    return {
        "floors": {"noise": noise, "context": context, "reader": reader},
        "gold_sentences_above_noise": float((values["gold"] > noise).mean()),
        "answers_above_context": float((values["context_gold"] > context).mean()),
        "foreign_answers_below_reader": float((values["reader_foreign"] < reader).mean()),
        "distributions": {name: _quantiles(array) for name, array in values.items()},
    }


def _quantiles(values: FloatArray) -> dict[str, float]:
    levels = (0.01, 0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
    return {"count": len(values), **{str(q): float(np.quantile(values, q)) for q in levels}}


if __name__ == "__main__":
    main()
