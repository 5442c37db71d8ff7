"""Recall of `ragattr lint` on planted faults, false alarms on clean twins, and its speed.

    python -m eval.lint [-n 500] [--show]

Speed is in answers per second of processor time on one core (`time.process_time`), so that other
programs on the machine do not count.
"""

import argparse
import random
import time
from collections import Counter
from collections.abc import Sequence

from eval.lint_answers import KINDS, Planted, make_answers, plain_answer
from eval.results import write_result
from ragattr.text.lint import lint_answer, mend_answer

N_TIMED = 2_000


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("-n", type=int, default=500, help="answers with a fault, evenly over kinds")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", action="store_true", help="print what is missed and false alarms")
    options = parser.parse_args()
    answers = make_answers(options.n, options.seed)
    missed = [answer for answer in answers if not _is_found(answer)]
    alarmed = [answer for answer in answers if lint_answer(answer.clean, answer.passages)]
    if options.show:
        _show(missed, alarmed)
    figures = {
        "answers": len(answers),
        "recall": _recall(answers, missed),
        "clean_answers": len(answers),
        "false_alarm_rate": round(len(alarmed) / len(answers), 4),
        "mended": _mended(answers),
        "speed": _speed(random.Random(options.seed)),
    }
    print(write_result("lint", figures, seed=options.seed).read_text())


def _is_found(answer: Planted) -> bool:
    """Whether there is a finding of the planted kind where the fault stands."""
    where = {i for i in range(len(answer.text)) if answer.text.startswith(answer.place, i)}
    reach = max(len(answer.place), 1)
    return any(
        found.rule == answer.kind
        and any(found.span.start < i + reach and i < found.span.end for i in where)
        for found in lint_answer(answer.text, answer.passages)
    )


def _recall(answers: Sequence[Planted], missed: Sequence[Planted]) -> dict[str, float]:
    n, n_missed = Counter(a.kind for a in answers), Counter(a.kind for a in missed)
    return {kind: round(1 - n_missed[kind] / n[kind], 4) for kind in KINDS}


def _mended(answers: Sequence[Planted]) -> dict[str, float]:
    """How many of each kind a fix changes, and leaves without any finding."""
    changed, quiet, n = Counter[str](), Counter[str](), Counter(a.kind for a in answers)
    for answer in answers:
        mended = mend_answer(answer.text, answer.passages)
        changed[answer.kind] += mended != answer.text
        quiet[answer.kind] += mended != answer.text and not lint_answer(mended, answer.passages)
    return {
        kind: {
            "changed": round(changed[kind] / n[kind], 4),
            "clean": round(quiet[kind] / n[kind], 4),
        }
        for kind in KINDS
        if changed[kind]
    }


def _speed(rng: random.Random) -> dict[str, float]:
    timed = [plain_answer(rng) for _ in range(N_TIMED)]
    lint_answer(*timed[0])  # what is loaded once is loaded
    started = time.process_time()
    for text, passages in timed:
        lint_answer(text, passages)
    seconds = time.process_time() - started
    return {
        "answers": N_TIMED,
        "mean_words": round(sum(len(text.split()) for text, _ in timed) / N_TIMED, 1),
        "answers_per_cpu_s": round(N_TIMED / seconds),
    }


def _show(missed: Sequence[Planted], alarmed: Sequence[Planted]) -> None:
    for answer in missed:
        found = [
            (f.rule, f.span.of(answer.text)) for f in lint_answer(answer.text, answer.passages)
        ]
        print(f"\nMISSED {answer.kind} at {answer.place!r}\n{answer.text}\n  {found}")
    for answer in alarmed:
        found = [
            (f.rule, f.span.of(answer.clean)) for f in lint_answer(answer.clean, answer.passages)
        ]
        print(f"\nFALSE ALARM\n{answer.clean}\n  {found}")


if __name__ == "__main__":
    main()
