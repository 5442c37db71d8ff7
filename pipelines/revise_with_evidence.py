"""An answer and documents: what the documents contradict is corrected, and citations follow.

    python pipelines/revise_with_evidence.py pipelines/sample "How tall is it?" "It is 300 m tall."

The passages that speak of the question are the evidence. Each statement is held against them; a
detail in conflict takes what the evidence has. Nothing is asked of a language model but how likely
words are.
"""

import sys
from pathlib import Path

from ragattr import Answer, Cite, Query, Stage, VerifyEntailment
from ragattr.api import retriever
from ragattr.attribution.unmeasured import Unmeasured
from ragattr.models import embedded
from ragattr.models.remembered import Remembered
from ragattr.prompt import ANSWER_FIELDS, Prompt, prompts_folder
from ragattr.retrieval.documents import read_corpus
from ragattr.revision.accept import shipped
from ragattr.revision.recite import Recite
from ragattr.revision.spans import ReviseSpans
from ragattr.revision.weigh import Scale
from ragattr.text.claims import read_claims
from ragattr.types import Revision


def build() -> Stage[Answer, Revision]:
    """Judge, decide what to change, let the citations follow."""
    verifier, encoder = Remembered(embedded.verifier()), embedded.encoder()
    judge = Unmeasured() >> VerifyEntailment(verifier, encoder) >> Cite()
    prompt = Prompt.load(prompts_folder() / "answer.txt", fields=ANSWER_FIELDS)
    scale = Scale(verifier, encoder, embedded.language_model(), prompt)
    return judge >> ReviseSpans(scale, shipped(with_reader=True)) >> Recite(judge)


def main(documents: str, question: str, text: str) -> None:
    """Print the new text, and each edit with the sentence that it comes from."""
    corpus = read_corpus([Path(documents)]).passages
    (context,) = retriever(corpus, embedded.encoder(), k=3)([Query(question, "1")])
    claims, markers = read_claims(text, len(context.passages))
    (revision,) = build()([Answer(context, text, claims, markers)])
    print(revision.revised.judgement.attribution.answer.text)
    for edit in revision.edits:
        print(f"\n{edit.before!r} -> {edit.after!r}: {edit.reason}")
        if edit.evidence:
            passage = context.passages[edit.evidence.passage]
            print(f"  {passage.title or passage.id}: {edit.evidence.span.of(passage.text)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
