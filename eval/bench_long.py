"""Memory and time of one long case: about 300 sentences and 8,000 tokens, attributed quickly.

python -m eval.bench_long
"""

import argparse
import resource
from typing import Any

from eval.results import write_result
from ragattr.attribution.fast import AttributeFast
from ragattr.learn.floors import read_facts
from ragattr.models import embedded
from ragattr.models.protocols import Reply
from ragattr.prompt import answer_chat
from ragattr.setup import answer_prompt
from ragattr.text.claims import read_claims
from ragattr.types import Answer, Context, Passage, Query

_ROOM = 64  # tokens of the window that are left


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    answer = _answer()
    (found,) = AttributeFast(
        embedded.language_model(), answer_prompt(), encoder=embedded.encoder()
    )([answer])
    if found.scores is None:
        raise SystemExit(f"not measured: {found.warnings}")
    chat = answer_chat(answer_prompt(), answer.context)
    best = found.sources[int(found.scores.sum(axis=1).argmax())]
    figures: dict[str, Any] = {
        "tokens": embedded.language_model().count_tokens(chat, Reply(answer.text)),
        "sentences": len(found.sources),
        "verified": len(found.verified),
        "passes": found.passes,
        "seconds": found.seconds,
        "best": best.span.of(answer.context.passages[best.passage].text),
        "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
    }
    print(write_result("bench_long", figures, seed=options.seed).read_text("utf-8"))


def _answer() -> Answer:
    """The shipped facts one after another, as many as the window holds, asked about the middle."""
    model, facts = embedded.language_model(), read_facts()
    texts = [fact["passage"] for fact in facts] + [fact["paraphrase"] for fact in facts]
    asked = facts[len(facts) // 2]
    claims, markers = read_claims(asked["answer"], len(texts))
    for n in range(len(texts), 0, -1):
        passages = tuple(Passage(text, str(i)) for i, text in enumerate(texts[:n], start=1))
        context = Context(Query(asked["question"], "long"), passages)
        chat = answer_chat(answer_prompt(), context)
        if model.count_tokens(chat, Reply(asked["answer"])) <= model.window - _ROOM:
            return Answer(context, asked["answer"], claims, markers)
    raise SystemExit("nothing fits")


if __name__ == "__main__":
    main()
