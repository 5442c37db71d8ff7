"""Judging passages first beside holding every claim against every sentence: verdicts and cost.

    python -m eval.passages_first --cases 100 --data FILE...    # labelled claims with evidence

The audit reads passages first; `cite` reads every sentence. Both with the embedded verifier.
"""

import argparse
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from eval.audit_cases import audit_cases
from eval.results import write_result
from ragattr.attribution.unmeasured import Unmeasured
from ragattr.citation.join import Cite
from ragattr.metrics.audit import count
from ragattr.metrics.tally import Figure, Tally, compare
from ragattr.models import embedded
from ragattr.record import Row, read_case, to_answer, to_record
from ragattr.stage import Stage
from ragattr.types import Attribution, Judgement
from ragattr.verification.entailment import VerifyEntailment
from ragattr.verification.passages import VerifyPassages


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=100)
    parser.add_argument("--data", type=Path, nargs="*", default=[])
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    verifier = embedded.verifier()
    cases = [*audit_cases(options.cases, options.data, seed=options.seed)]
    ways: dict[str, Stage[Attribution, Judgement]] = {
        "passages first": VerifyPassages(verifier),
        "every sentence": VerifyEntailment(verifier, embedded.encoder()),
    }
    records, seconds = dict[str, list[Row]](), dict[str, float]()
    for name, verify in ways.items():
        started = time.perf_counter()
        records[name] = _records(cases, verify)
        seconds[name] = round(time.perf_counter() - started, 1)
    tallies = {name: _tally(found) for name, found in records.items()}
    figures = {
        "cases": len(cases),
        "of": [path.name for path in options.data] or "the shipped facts",
        "seconds": seconds,
        "verdicts": _pairs(records, lambda claim: claim["verdict"]),
        "classes_of_support": _pairs(records, _supported_markers),
        "figures": {name: _values(tally.figures()) for name, tally in tallies.items()},
        "differences": {
            name: [round(d.value, 4), round(d.low, 4), round(d.high, 4)]
            for name, d in compare(*tallies.values()).items()
        },
    }
    for name in ("seconds", "verdicts", "classes_of_support"):
        print(name, figures[name])
    write_result("passages_first", figures, seed=options.seed)


def _records(cases: Sequence[Row], verify: Stage[Attribution, Judgement]) -> list[Row]:
    work = Unmeasured() >> verify >> Cite()
    read = [read_case(case, default_id="1", answered=True) for case in cases]
    return [
        to_record(case, cited)
        for case, cited in zip(read, work([to_answer(case) for case in read]), strict=True)
    ]


def _tally(records: Sequence[Row]) -> Tally:
    tally = Tally()
    for record in records:
        tally.add(count(record), record["question"])
    return tally


def _pairs(records: dict[str, list[Row]], of: Callable[[Row], str]) -> dict[str, int]:
    """How often each pair of answers was given to one statement, the passages' way first."""
    said = [
        [of(claim) for record in found for claim in record["claims"]] for found in records.values()
    ]
    return {f"{a} / {b}": n for (a, b), n in sorted(Counter(zip(*said, strict=True)).items())}


def _supported_markers(claim: Row) -> str:
    """Which of a statement's own citations support it, as plus and minus."""
    rows = [row for row in claim["citations"] if row["origin"] == "answer"]
    return "".join("+" if (row["supports"] or 0) >= 0.5 or row["jointly"] else "-" for row in rows)


def _values(figures: dict[str, Figure]) -> dict[str, float]:
    return {name: round(figure.value, 4) for name, figure in figures.items()}


if __name__ == "__main__":
    main()
