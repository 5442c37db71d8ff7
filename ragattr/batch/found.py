"""What an audit has seen so far, in little: the records themselves are on the disk."""

import heapq
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ragattr.metrics.audit import count
from ragattr.metrics.tally import Questions, Tally
from ragattr.record import Row

WORST = 12  # cases shown
BINS = 20  # of the histogram of probabilities
GROUPS, OTHERS = 200, "(others)"  # names of a kind that are counted apart
DRAWS_OF_GROUP = 200
_ASKED = (
    "how many",
    "how much",
    "how",
    "who",
    "whom",
    "whose",
    "when",
    "where",
    "which",
    "what",
    "why",
)


@dataclass(eq=False)
class Found:
    """What an audit has seen so far.

    Attributes:
        by: the field that tells where a record comes from.
        labels: whether people call a statement supported, by record and claim.
        compared: the questions of another audit; `shared` is of those alone.
    """

    by: str
    labels: Mapping[tuple[str, str], bool] = field(default_factory=dict)
    compared: Questions | None = None
    tally: Tally = field(default_factory=Tally)
    shared: Tally = field(default_factory=Tally)
    groups: dict[str, dict[str, Tally]] = field(default_factory=dict)
    histogram: list[int] = field(default_factory=lambda: [0] * BINS)
    labelled: list[tuple[bool, float]] = field(default_factory=list)
    worst: list[tuple[float, int, Row]] = field(default_factory=list)
    verifier: Row | None = None
    readers: set[str] = field(default_factory=set)
    n_warnings: int = 0

    def add(self, record: Row) -> None:
        """One record."""
        counts, question = count(record), str(record["question"])
        self.tally.add(counts, question)
        if self.compared is not None and question in self.compared:
            self.shared.add(counts, question)
        for kind, name in (("source", self._source(record)), ("question", question_type(question))):
            if name:
                self._group(kind, name).add(counts, question)
        self.verifier = record["verifier"] or self.verifier
        if record["attribution"]:
            self.readers.add(str((record["model"] or {}).get("name")))
        self.n_warnings += bool(record["warnings"])
        for number, claim in enumerate(record["claims"], start=1):
            p = claim["probability"]
            if p is None:
                continue
            self.histogram[min(int(p * BINS), BINS - 1)] += 1
            for name in (str(number), claim["text"]):
                if (record["id"], name) in self.labels:
                    self.labelled.append((self.labels[record["id"], name], p))
                    break
        badness = _badness(record)
        if badness > 0:
            heapq.heappush(self.worst, (badness, -len(self.tally), record))
            if len(self.worst) > WORST:
                heapq.heappop(self.worst)

    def _group(self, kind: str, name: str) -> Tally:
        groups = self.groups.setdefault(kind, {})
        if name not in groups and len(groups) >= GROUPS:
            name = OTHERS
        return groups.setdefault(name, Tally(n_draws=DRAWS_OF_GROUP))

    def _source(self, record: Row) -> str | None:
        value = record.get(self.by)
        return str(value) if isinstance(value, str | int) else None


def question_type(question: str) -> str:
    """Example: "In what year was it built?" is a "what" question, "Is it old?" a "yes or no"."""
    words = question.lower()
    found = [
        (match.start(), -len(word), word)
        for word in _ASKED
        if (match := re.search(rf"\b{word}\b", words))
    ]
    if found:
        return min(found)[2]
    is_choice = re.match(
        r"\W*(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should)\b", words
    )
    return "yes or no" if is_choice else "other"


def _badness(record: Row) -> float:
    """How much there is to look at: contradicted and unsupported statements, false citations."""
    verdicts = [claim["verdict"] for claim in record["claims"]]
    threshold = (record["verifier"] or {}).get("threshold", 1.0)
    false = sum(
        row["problem"] == "dangling"
        or (row["supports"] is not None and row["supports"] < threshold and not row["jointly"])
        for claim in record["claims"]
        for row in claim["citations"]
        if row["origin"] == "answer"
    )
    return float(
        2 * verdicts.count("contradicted") + verdicts.count("not_enough_information") + false
    )
