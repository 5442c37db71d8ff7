"""Large input: a passage of 10 MB, 10,000 passages, a megabyte without a full stop, deep JSON.

Either a limit is named within two seconds, or the time grows no faster than the input; times are
of the processor. Memory is measured in a process of its own.
"""

import gc
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

import ragattr
from ragattr.cli import app
from ragattr.errors import InputError
from ragattr.record import dumps, loads
from ragattr.retrieval.documents import read_corpus
from ragattr.text.claims import read_claims
from ragattr.text.lint import lint_answer
from ragattr.text.sentences import sentence_spans
from tests.reliability.figures import SEED, Shown, sizes

LIMIT_S = 2.0
MEMORY_GB = 2.0
WORDS = "bees make honey in the hive and iron rusts in rain while towers stand".split()
ANSWER = "Bees make honey [1]. Iron rusts [2]."


def no_stop(n: int) -> str:
    """So many characters of words, without a full stop or a line end."""
    rng = random.Random(SEED)
    return " ".join(rng.choice(WORDS) for _ in range(n // 3))[:n]


def repeated(piece: str, n: int) -> str:
    return (piece * (n // len(piece) + 1))[:n]


TEXTS: dict[str, Callable[[int], str]] = {
    "no full stop": no_stop,
    **{
        name: lambda n, piece=piece: repeated(piece, n)
        for name, piece in {
            "one letter": "a",
            "cited sentences": "Bees make honey [1]. ",
            "markers behind the stop": "Bees make honey.[1] ",
            "markers alone": "[1]",
            "round brackets": "(1) ",
            "open brackets": "[1",
            "quotation marks": '"a b c d ',
            "notes": "[^1]: a\n",
            "references": "a [^1] ",
            "fences": "```\n",
            "list": "- a\n",
            "table": "| a | b |\n",
            "initials": "A. ",
            "empty lines": " \n",
            "ideographs": "蜂蜜。",
            "lone surrogates": "\ud800",
        }.items()
    },
}


def seconds(work: Callable[[], object]) -> float:
    """Of the processor; what other tests have left in memory is not searched meanwhile."""
    gc.disable()
    started = time.process_time()
    work()
    taken = time.process_time() - started
    gc.enable()
    return taken


def growth(work: Callable[[int], object], n: int) -> tuple[float, float]:
    """Seconds for half of `n` and for `n`."""
    work(min(n, 1_000))  # what is loaded once is loaded
    return seconds(lambda: work(n // 2)), seconds(lambda: work(n))


def is_linear(half: float, whole: float) -> bool:
    return whole < 3 * half + 0.2


def read_all(text: str) -> None:
    """What any answer and passage goes through."""
    sentence_spans.cache_clear()
    sentence_spans(text)
    read_claims(text, 9)
    lint_answer(text, ["Bees make honey.", "Iron rusts."])


@sizes(quick=30_000, full=1_000_000)
@pytest.mark.parametrize("name", TEXTS)
def test_reading_a_text_takes_time_in_proportion(name: str, n: int, shown: Shown) -> None:
    half, whole = growth(lambda size: read_all(TEXTS[name](size)), n)
    shown(
        1,
        int(not is_linear(half, whole)),
        characters=n,
        half_s=round(half, 2),
        whole_s=round(whole, 2),
    )
    assert is_linear(half, whole), (half, whole)


@sizes(quick=1_000, full=10_000)
@pytest.mark.usefixtures("fakes")
def test_citing_takes_time_in_proportion_to_the_passages(n: int, shown: Shown) -> None:
    passages = [f"Bees make honey in hive {i}. Iron rusts in rain {i}." for i in range(n)]

    def cite(n: int) -> None:
        ragattr.cite(question="?", passages=passages[:n], answer=ANSWER, tier="text")

    half, whole = growth(cite, n)
    shown(
        1,
        int(not is_linear(half, whole)),
        passages=n,
        half_s=round(half, 2),
        whole_s=round(whole, 2),
    )
    assert is_linear(half, whole), (half, whole)


@sizes(quick=50_000, full=1_000_000)
@pytest.mark.parametrize("name", ["no full stop", "sentences that say the same"])
@pytest.mark.usefixtures("fakes")
def test_citing_takes_time_in_proportion_to_a_passage(name: str, n: int, shown: Shown) -> None:
    text = no_stop(n) if name == "no full stop" else repeated("Bees make honey. ", n)

    def cite(n: int) -> None:
        ragattr.cite(question="?", passages=[text[:n]], answer=ANSWER, tier="text")

    half, whole = growth(cite, n)
    shown(
        1,
        int(not is_linear(half, whole)),
        characters=n,
        half_s=round(half, 2),
        whole_s=round(whole, 2),
    )
    assert is_linear(half, whole), (half, whole)


@sizes(quick=300_000, full=10_000_000)
def test_documents_are_cut_in_proportion(n: int, tmp_path: Path, shown: Shown) -> None:
    def cut(n: int) -> None:
        (tmp_path / "a.txt").write_text(no_stop(n))
        read_corpus([tmp_path / "a.txt"])

    half, whole = growth(cut, n)
    shown(
        1,
        int(not is_linear(half, whole)),
        characters=n,
        half_s=round(half, 2),
        whole_s=round(whole, 2),
    )
    assert is_linear(half, whole), (half, whole)


@pytest.mark.usefixtures("fakes")
def test_a_passage_of_10_mb_meets_a_limit_that_is_named(tmp_path: Path) -> None:
    row = {"question": "?", "passages": [repeated("a ", 10_000_000)], "answer": ANSWER}
    (tmp_path / "in.jsonl").write_text(dumps(row))
    given = ["cite", "--input", str(tmp_path / "in.jsonl"), "--tier", "text"]
    started = time.process_time()
    done = CliRunner().invoke(app, given)
    assert time.process_time() - started < LIMIT_S
    assert done.exit_code == 2
    assert "10,000,000 characters, at most 1,000,000 are read" in done.output


@pytest.mark.parametrize("deep", ["[" * 1_000_000, '{"a":' * 1_000_000])
def test_json_that_is_too_deep_is_said_to_be(deep: str) -> None:
    started = time.process_time()
    with pytest.raises(InputError, match="nested too deeply"):
        loads(f'{{"passages": {deep}')
    assert time.process_time() - started < LIMIT_S


MEASURED = """
import sys
from ragattr import cite, setup
from ragattr.models import embedded
from ragattr.models.fake import FakeEncoder, FakeVerifier
from tests.reliability.test_r10_large_input import ANSWER, no_stop
if sys.argv[2] == "fake":
    setup._named_verifier, embedded.encoder = lambda name: FakeVerifier(), FakeEncoder
n = int(sys.argv[1])
cite(question="?", passages=[no_stop(n)], answer=ANSWER, tier="text")
if sys.argv[2] == "fake":
    many = [f"Bees make honey in hive {i}. Iron rusts in rain {i}." for i in range(n // 100)]
    cite(question="?", passages=many, answer=ANSWER, tier="text")
# Not ru_maxrss: that begins with what the process that started this one took.
print(next(row.split()[1] for row in open("/proc/self/status") if row.startswith("VmHWM")))
"""


def peak_gb(n: int, verifier: str) -> float:
    run = [sys.executable, "-c", MEASURED, str(n), verifier]
    done = subprocess.run(run, check=True, capture_output=True, text=True)
    return int(done.stdout) / 1024**2


@sizes(quick=100_000, full=1_000_000)
def test_memory_stays_below_2_gb(n: int, shown: Shown) -> None:
    """A passage without a full stop, then many passages."""
    peak = peak_gb(n, "fake")
    shown(2, int(peak >= MEMORY_GB), characters=n, passages=n // 100, peak_gb=round(peak, 2))
    assert peak < MEMORY_GB


@pytest.mark.model
@pytest.mark.hard
def test_memory_of_the_embedded_verifier_stays_below_2_gb(shown: Shown) -> None:
    peak = peak_gb(1_000_000, "embedded")
    shown(1, int(peak >= MEMORY_GB), characters=1_000_000, peak_gb=round(peak, 2))
    assert peak < MEMORY_GB


def test_a_long_answer_is_read_as_a_short_one_is() -> None:
    """Every marker belongs to its own sentence, whichever of thousands it is."""
    text = "".join(f"Bees make honey {i} [{i % 9 + 1}]. " for i in range(3_000))
    claims, markers = read_claims(text, 9)
    assert len(claims) == len(markers) == 3_000
    assert all(c.span.holds(m.span.start) for c, m in zip(claims, markers, strict=True))
