"""An answer and a long document: which of its sentences the answer used.

    python pipelines/attribute_long_context.py report.pdf "What did it find?" "It found ..."

The document is cut into passages, as many as the model's window holds. Blocks of sentences are
hidden first, then the sentences of the best blocks, and those that matter are deleted exactly.
Without an answer the model writes one.
"""

import sys
from pathlib import Path

from ragattr import Answer, AttributeFast, Attribution, Context, Generate, Prompt, Query, Stage
from ragattr.metrics.usage import claim_use
from ragattr.models import embedded
from ragattr.prompt import ANSWER_FIELDS, prompts_folder
from ragattr.retrieval.documents import read_corpus
from ragattr.text.claims import read_claims


def build() -> Stage[Answer, Attribution]:
    """The quick filter and exact measurement of the best, on one small model."""
    prompt = Prompt.load(prompts_folder() / "answer.txt", fields=ANSWER_FIELDS)
    return AttributeFast(embedded.language_model(), prompt, encoder=embedded.encoder())


def main(path: str, question: str, text: str | None = None) -> None:
    """Print each statement with the sentences that it used, best first."""
    context = Context(Query(question, "1"), tuple(read_corpus([Path(path)]).passages))
    if text is None:
        prompt = Prompt.load(prompts_folder() / "answer.txt", fields=ANSWER_FIELDS)
        (answer,) = Generate(embedded.language_model(), prompt)([context])
    else:
        claims, markers = read_claims(text, len(context.passages))
        answer = Answer(context, text, claims, markers)
    (found,) = build()([answer])
    for line in found.warnings:
        print(line, file=sys.stderr)
    print(
        f"{len(found.sources)} sentences, {len(found.verified)} of them measured exactly, "
        f"{found.passes:.1f} passes, {found.seconds:.1f} s"
    )
    for claim in found.answer.claims:
        use = claim_use(found, claim)
        print(f"\n{claim.text}")
        if use is None or use.shares is None or use.counts is None:
            continue
        for i in sorted(range(len(use.shares)), key=lambda i: -use.scores[i]):
            if use.counts[i]:
                source = found.sources[i]
                passage = found.answer.context.passages[source.passage].text
                print(f"  {use.shares[i]:4.0%}  {source.span.of(passage)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
