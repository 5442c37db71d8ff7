"""What `ragattr evaluate` takes: time and memory of an audit, and of one with another threshold.

    python -m eval.bench_audit --cases 2000
    python -m eval.bench_audit --cases 2000 --data FILE...    # labelled claims with evidence

The command runs as a user runs it, in a process of its own.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from eval.audit_cases import audit_cases
from eval.results import write_result
from ragattr.record import dumps

OTHER_THRESHOLD = "0.7"


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--data", type=Path, nargs="*", default=[])
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        log, audit = Path(folder) / "log.jsonl", Path(folder) / "audit"
        cases = audit_cases(options.cases, options.data, seed=options.seed)
        log.write_text("".join(dumps(case) + "\n" for case in cases), encoding="utf-8")
        command = ["evaluate", "--input", str(log), "-o", str(audit)]
        first = _seconds(command)
        again = [_seconds([*command, "--resume"]) for _ in range(2)]
        other = _seconds([*command, "--resume", "--threshold", OTHER_THRESHOLD])
        state = (audit / "run.sqlite").stat().st_size
    figures = {
        "cases": options.cases,
        "of": [path.name for path in options.data] or "the shipped facts",
        "seconds": round(first, 1),
        "cases_a_second": round(options.cases / first, 2),
        "seconds_again": [round(seconds, 1) for seconds in again],
        "seconds_with_another_threshold": round(other, 1),
        "state_bytes_a_case": round(state / options.cases),
        "peak_gb": round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20, 2),
    }
    for name, value in figures.items():
        print(f"{name:32} {value}")
    write_result("bench_audit", figures, seed=options.seed)


def _seconds(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "ragattr.cli", *command],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
