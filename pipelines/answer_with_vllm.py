"""Answers written and measured by a model that a server runs, such as vLLM's.

    vllm serve Qwen/Qwen3-0.6B --port 8000
    python pipelines/answer_with_vllm.py http://127.0.0.1:8000/v1 pipelines/sample \
        "When was the Eiffel Tower completed?"

Any OpenAI-compatible server writes; one that shows the log-probabilities of a prompt, as vLLM
does, is measured, too. A key is read from OPENAI_API_KEY.
"""

import sys
from pathlib import Path

from ragattr import (
    AttributeFast,
    Cite,
    FuseRanks,
    Generate,
    Prompt,
    Query,
    RetrieveBM25,
    RetrieveDense,
    VerifyEntailment,
)
from ragattr.models import embedded
from ragattr.models.endpoint import Endpoint
from ragattr.models.openai import ServedModel
from ragattr.prompt import ANSWER_FIELDS, prompts_folder
from ragattr.retrieval.documents import read_corpus


def main(url: str, docs: str, question: str) -> None:
    """Answer one question and print what each statement rests on."""
    model, encoder = ServedModel(Endpoint(url, concurrency=8)), embedded.encoder()
    prompt = Prompt.load(prompts_folder() / "answer.txt", fields=ANSWER_FIELDS)
    passages = read_corpus([Path(docs)]).passages
    pipeline = (
        FuseRanks((RetrieveBM25(passages, k=50), RetrieveDense(passages, encoder, k=50)), k=3)
        >> Generate(model, prompt)
        >> AttributeFast(model, prompt, encoder=encoder)
        >> VerifyEntailment(embedded.verifier(), encoder)
        >> Cite()
    )
    (cited,) = pipeline([Query(question, "1")])
    measured = cited.judgement.attribution
    texts = [passage.text for passage in measured.answer.context.passages]
    for verdict, rows in zip(cited.judgement.verdicts, cited.citations, strict=True):
        print(f"{verdict.claim.text}  ({verdict.label})")
        for row in rows:
            if row.source:
                print(f"    {row.source.span.of(texts[row.source.passage])}")
    print(f"{measured.model}, {dict(measured.settings)}, {model.ledger}")


if __name__ == "__main__":
    main(*sys.argv[1:])
