"""What a model shows when nothing is there: the three floors under `used`.

Each case is a question with its own paragraph among unrelated ones of other questions. The model
answers; then sentences are ablated one by one.

- noise: JSD per answer token of sentences from unrelated paragraphs, in claims of right answers
  only (a wrong one may really come from an unrelated paragraph); a high quantile.
- context: mean JSD / ln 2 of the claims of right answers when all passages go; a low quantile, for
  the same figure of answers that were written without any passage, under unrelated paragraphs,
  overlaps with it too much to be the floor ("context" in the distributions).
- reader: mean log-probability of the annotators' short answers, right context; a low quantile.

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
from ragattr.metrics.answers import contains_answer
from ragattr.metrics.usage import ClaimUse, claim_use, reader_logprob
from ragattr.models import embedded
from ragattr.models.hf import HFModel
from ragattr.models.protocols import Reply
from ragattr.prompt import answer_chat
from ragattr.text.claims import read_claims
from ragattr.types import Answer, Attribution, Context, FloatArray, Passage, Query

N_UNRELATED = 3
NOISE_QUANTILE, CONTEXT_QUANTILE, READER_QUANTILE = 0.98, 0.05, 0.1
FIGURES = (
    "noise",
    "noise_wrong",
    "gold",
    "gold_wrong",
    "context",
    "context_right",
    "reader",
    "reader_foreign",
)


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
    found = {name: list[float]() for name in FIGURES}
    cases = _cases(read_jsonl(options.data), options.n, options.seed)
    for number, case in enumerate(cases, start=1):
        _measure(model, case, found)
        print(
            f"{number}/{options.n}",
            {name: len(listed) for name, listed in found.items()},
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
    attribute, generate = AttributeJSD(model, prompt), Generate(model, prompt)
    texts = case["unrelated"][:N_UNRELATED]
    texts.insert(case["place"], case["paragraph"])
    context = _context(case["question"], texts)
    (answer,) = generate([context])
    (measured,) = attribute([answer])
    is_right = contains_answer(answer.text, case["answer"]) > 0
    for claim in answer.claims:
        _add_claim(found, measured, claim_use(measured, claim), case, "" if is_right else "_wrong")
    (closed_book,) = generate([replace(context, passages=(), scores=())])
    unrelated = _context(case["question"], case["unrelated"][: N_UNRELATED + 1])
    without = _only_context(attribute, _answered(unrelated, closed_book.text))
    uses = [claim_use(without, claim) for claim in without.answer.claims]
    found["context"] += [use.context_use for use in uses if use and use.context_use is not None]
    for name, text in (("reader", case["answer"]), ("reader_foreign", case["foreign_answer"])):
        logprob = reader_logprob(_only_context(attribute, _answered(context, text)))
        found[name] += [logprob] if logprob is not None else []


def _add_claim(
    found: dict[str, list[float]],
    measured: Attribution,
    use: ClaimUse | None,
    case: dict[str, Any],
    suffix: str,
) -> None:
    if use is None or not use.columns:
        return
    per_token = zip(measured.sources, (use.scores / use.n_tokens).tolist(), strict=True)
    gold = []
    for source, score in per_token:
        if source.passage != case["place"]:
            found[f"noise{suffix}"].append(score)
        elif _is_gold(source.span.of(case["paragraph"]), case["gold"]):
            gold.append(score)
    found[f"gold{suffix}"] += [max(gold)] if gold else []
    if not suffix and use.context_use is not None:
        found["context_right"].append(use.context_use)


def _is_gold(sentence: str, gold: list[str]) -> bool:
    return any(sentence.strip() in text or text.strip() in sentence for text in gold)


def _only_context(attribute: AttributeJSD, answer: Answer) -> Attribution:
    """The answer under its context and without any: two runs instead of one per sentence."""
    chat = answer_chat(attribute.prompt, answer.context)
    reading = attribute.model.read(chat, Reply(answer.text))
    effects = reading.delete([chat.blocks])
    return Attribution(
        answer,
        reading.tokens,
        (),
        effects.jsd[:0],
        "nats",
        context_scores=effects.jsd[0],
        context_drops=effects.drops[0],
        logprobs=reading.logprobs,
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
    values = {name: np.array(listed) for name, listed in found.items()}
    noise = float(np.quantile(values["noise"], NOISE_QUANTILE))
    context = float(np.quantile(values["context_right"], CONTEXT_QUANTILE))
    reader = float(np.quantile(values["reader"], READER_QUANTILE))
    return {
        "floors": {"noise": noise, "context": context, "reader": reader},
        "quantiles": {
            "noise": NOISE_QUANTILE,
            "context": CONTEXT_QUANTILE,
            "reader": READER_QUANTILE,
        },
        "gold_sentences_above_noise_in_right_answers": float((values["gold"] > noise).mean()),
        "foreign_answers_below_reader": float((values["reader_foreign"] < reader).mean()),
        "distributions": {name: _quantiles(array) for name, array in values.items()},
    }


def _quantiles(values: FloatArray) -> dict[str, float]:
    levels = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99)
    return {"count": len(values), **{str(q): float(np.quantile(values, q)) for q in levels}}


if __name__ == "__main__":
    main()
