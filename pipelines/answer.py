"""Documents and a question in, a cited and checked answer out.

    python pipelines/answer.py "When was the Eiffel Tower completed?" pipelines/sample

This is what `ragattr answer` does, written out: each line is a stage, and each stage can be
replaced by another that takes and gives the same.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from ragattr import (
    AttributeFast,
    Cite,
    CitedAnswer,
    FuseRanks,
    Generate,
    Passage,
    Prompt,
    Query,
    RetrieveBM25,
    RetrieveDense,
    Stage,
    VerifyEntailment,
)
from ragattr.models import embedded
from ragattr.prompt import ANSWER_FIELDS, prompts_folder
from ragattr.retrieval.documents import read_corpus


def build(passages: Sequence[Passage]) -> Stage[Query, CitedAnswer]:
    """Words and meaning find passages, a small model writes and is measured, a verifier judges."""
    model, encoder = embedded.language_model(), embedded.encoder()
    prompt = Prompt.load(prompts_folder() / "answer.txt", fields=ANSWER_FIELDS)
    return (
        FuseRanks((RetrieveBM25(passages, k=50), RetrieveDense(passages, encoder, k=50)), k=3)
        >> Generate(model, prompt)
        >> AttributeFast(model, prompt, encoder=encoder)
        >> VerifyEntailment(embedded.verifier(), encoder)
        >> Cite()
    )


def main(question: str, *paths: str) -> None:
    """Answer one question and print each statement with its evidence."""
    pipeline = build(read_corpus([Path(path) for path in paths]).passages)
    (cited,) = pipeline([Query(question, "1")])
    answer, verdicts = cited.judgement.attribution.answer, cited.judgement.verdicts
    for verdict, rows in zip(verdicts, cited.citations, strict=True):
        print(f"{verdict.claim.text}  ({verdict.label})")
        for row in rows:
            if row.source:
                evidence = row.source.span.of(answer.context.passages[row.source.passage].text)
                print(f"    {row.cls}: {evidence}")


if __name__ == "__main__":
    main(*sys.argv[1:])
