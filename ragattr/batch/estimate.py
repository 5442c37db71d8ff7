"""What an audit of these rows would take, before any of them is judged."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice

from ragattr.errors import RagattrError
from ragattr.record import Row, loads, read_case, to_answer

LOOKED_AT = 200  # rows
PAIRS_PER_PAIR = 1.3  # with sentences and joined pieces, of every claim and passage
PAIRS_PER_SECOND = 50.0  # the embedded verifier on two cores, passages of about 60 words
MEMORY_GB = 2.7  # with the embedded verifier, whatever the number of rows


@dataclass(frozen=True)
class Estimate:
    """Of an audit without `--used`, by the embedded verifier.

    Attributes:
        rows: None where their number is not quickly known.
        claims, passages: means of a row, of the rows looked at.
        unreadable: how many of the rows looked at cannot be read.
    """

    rows: int | None
    looked_at: int
    unreadable: int
    claims: float
    passages: float

    @property
    def seconds_per_row(self) -> float:
        return self.claims * self.passages * PAIRS_PER_PAIR / PAIRS_PER_SECOND

    def __str__(self) -> str:
        rows = "rows of unknown number" if self.rows is None else f"{self.rows:,} rows"
        each = f"{self.claims:.1f} statements and {self.passages:.1f} passages each"
        pairs = self.claims * self.passages * PAIRS_PER_PAIR
        time = f"{self.seconds_per_row:.2f} s a row"
        if self.rows is not None:
            time = f"{self.rows * self.seconds_per_row / 60:,.1f} min"
        bad = f"; {self.unreadable} of the first {self.looked_at} cannot be read"
        return (
            f"{rows}, {each}: about {pairs:.0f} pairs a row, {time} on two cores, "
            f"{MEMORY_GB} GB of memory{bad if self.unreadable else ''}"
        )


def estimate(
    lines: Iterable[tuple[int, str]], read: Callable[[Row], Row], total: int | None
) -> Estimate:
    """From the first rows; no model is loaded."""
    n_claims, n_passages, n_bad, n = 0, 0, 0, 0
    for _, line in islice(lines, LOOKED_AT):
        n += 1
        try:
            answer = to_answer(read_case(read(loads(line)), default_id="1", answered=True))
        except RagattrError:
            n_bad += 1
            continue
        n_claims += sum(claim.needs_support for claim in answer.claims)
        n_passages += len(answer.context.passages)
    good = max(n - n_bad, 1)
    return Estimate(total, n, n_bad, n_claims / good, n_passages / good)
