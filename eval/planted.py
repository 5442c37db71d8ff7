"""Texts with planted errors of known kinds, made from supported claims: the right text is known.

    python -m eval.planted --data FILE... --split test -n 500 -o planted.jsonl [--show N]

A repairer is measured by how often it gives back the text as it was. Whoever tunes one looks at
`tune` alone: `test` shares neither rows nor wordings with it, and has kinds of its own.
"""

import argparse
import hashlib
import json
import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from eval.planted_ground import Edit, Ground
from eval.planted_kinds import HELD_OUT, KINDS, Setting, kind_of
from eval.planted_names import pool_of
from eval.planted_words import Split
from ragattr.learn.rows import Row, read_rows
from ragattr.text.words import numbers

_UNFIT = re.compile(
    r"[\n\t?{}<>=|`*_\\]|https?:|:\s|\w ' \w"
    r"|^\W*(?:\d+[.)]|[-•]|no,|not|well|absolutely|oh|wow|true|exactly|that is true|that's"
    r"|place|identify|use|make|keep|avoid|try|consider|check|ensure|start|choose|create|set)[\s.]"
    r"|\b(?:I|you|your|we|our|us|my|me|yes|yeah|yea|lol|haha|sorry|sure|thanks|unfortunately"
    r"|context|document|passage)\b",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"[.!;]\s+(?=\S)")


class Planted(NamedTuple):
    """A claim with one error, and what it was.

    Attributes:
        wrong: the claim with the error.
        right: the claim as it was.
        kind: one of `KINDS`; in `test` also one of `HELD_OUT`.
        start: the changed characters of `wrong` are [start, end), none where something is missing.
    """

    wrong: str
    right: str
    kind: str
    start: int
    end: int
    evidence: tuple[str, ...]
    id: str
    source: str
    question: str


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", nargs="+", type=Path, required=True, help="attribution schema")
    parser.add_argument("--split", choices=("tune", "test"), default="tune")
    parser.add_argument("-n", type=int, default=200, help="cases, evenly over the kinds")
    parser.add_argument("-o", "--output", type=Path, help="JSON Lines")
    parser.add_argument("--per-claim", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", type=int, default=0, metavar="N", help="print N to read")
    options = parser.parse_args()
    found = plant(
        read_rows(options.data), options.split, seed=options.seed, per_claim=options.per_claim
    )
    cases = balanced(found, options.n)
    for field in ("kind", "source"):
        print(field, dict(Counter(getattr(case, field) for case in cases).most_common()))
    for case in cases[: options.show]:
        print(f"\n[{case.kind}, {case.source}] {case.right}\n  -> {case.wrong}")
    if options.output:
        lines = (json.dumps(as_case(case), ensure_ascii=False) + "\n" for case in cases)
        options.output.write_text("".join(lines), encoding="utf-8")


def plant(rows: Sequence[Row], split: Split, *, seed: int = 0, per_claim: int = 1) -> list[Planted]:
    """One local error in each supported claim that is fit for one; the rarest kinds so far first.

    Args:
        rows: of both splits; a row belongs to one of them by its question (or first evidence).
        split: whose rows and wordings to use.
        seed: of all that is drawn.
        per_claim: errors of one claim at most, each of another kind and in a text of its own.
    """
    finders = {**KINDS, **HELD_OUT} if split == "test" else KINDS
    mine = _rows_of(rows, split)
    fit = [row for row in mine if row.attributable and is_fit(row.claim)]
    rng = random.Random(seed)
    rng.shuffle(fit)
    pool = pool_of(row.claim for row in mine)
    so_far = Counter(dict.fromkeys(finders, 0))
    done = set[tuple[str, str]]()  # near copies of a claim get errors of other kinds
    planted = []
    for row in fit:
        setting = Setting(Ground(row.claim, row.evidence), split, pool, rng)
        if not _is_covered(setting.ground):
            continue
        edits = {
            name: found
            for name, find in finders.items()
            if (row.group, name) not in done and (found := _sound(setting.ground, find(setting)))
        }
        rarest = sorted(edits, key=lambda name: (so_far[name], rng.random()))
        for name in list(_of_different_kinds(rarest))[:per_claim]:
            so_far[name] += 1
            done.add((row.group, name))
            planted.append(_planted(row, kind_of(name), rng.choice(edits[name])))
    return planted


def split_of(row: Row) -> Split:
    """The split of all rows with this question, or this first evidence where there is none."""
    return _half(row.group)


def is_fit(claim: str) -> bool:
    """Whether it is one statement or two: 5 to 60 words, no question, list, code or chat."""
    return (
        5 <= len(claim.split()) <= 60
        and len(_SENTENCE_END.findall(claim)) <= 1
        and _UNFIT.search(claim) is None
    )


def balanced(cases: Sequence[Planted], n: int) -> list[Planted]:
    """At most `n` cases, one of each kind in turn for as long as it has any."""
    turns = Counter[str]()
    ranked = []
    for place, case in enumerate(cases):
        ranked.append((turns[case.kind], place, case))
        turns[case.kind] += 1
    return [case for _, _, case in sorted(ranked)[:n]]


def as_case(case: Planted) -> dict[str, object]:
    """A line of the product's case schema, and what was planted."""
    return {
        "id": case.id,
        "question": case.question,
        "passages": list(case.evidence),
        "answer": case.wrong,
        "right": case.right,
        "kind": case.kind,
        "start": case.start,
        "end": case.end,
        "source": case.source,
    }


def _of_different_kinds(names: Iterable[str]) -> Iterator[str]:
    seen = set[str]()
    for name in names:
        if kind_of(name) not in seen:
            yield name
        seen.add(kind_of(name))


def _rows_of(rows: Sequence[Row], split: Split) -> list[Row]:
    """The rows of the split, each once; a text that both splits have is left to one of them."""
    elsewhere = {text for row in rows if split_of(row) != split for text in _texts(row)}
    return [
        row
        for row in dict.fromkeys(rows)
        if split_of(row) == split
        and all(_half(text) == split for text in _texts(row) if text in elsewhere)
    ]


def _texts(row: Row) -> tuple[str, ...]:
    return (row.claim, *row.evidence)


def _half(text: str) -> Split:
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    return "tune" if digest[0] % 2 else "test"


def _is_covered(ground: Ground) -> bool:
    """Whether the evidence has most words and all numbers of the claim: labels alone err."""
    return ground.coverage >= 0.6 and numbers(ground.claim) <= numbers(ground.text)


def _sound(ground: Ground, edits: Iterable[Edit]) -> list[Edit]:
    """Those that change something and leave "a" before a consonant, "an" before a vowel."""
    return [
        edit
        for edit in edits
        if edit.text != ground.claim[edit.start : edit.end] and _has_its_article(ground.claim, edit)
    ]


def _has_its_article(claim: str, edit: Edit) -> bool:
    article = re.search(r"\b(an?) $", claim[: edit.start].lower())
    if not article or not edit.text:
        return True
    before, after = claim[edit.start : edit.end], edit.text
    return _is_vowel(before) == _is_vowel(after)


def _is_vowel(word: str) -> bool:
    return word[:1].lower() in ("a", "e", "i", "o", "8") or word[:2] in ("11", "18", "un", "up")


def _planted(row: Row, kind: str, edit: Edit) -> Planted:
    name = row.id or hashlib.sha256(row.claim.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return Planted(
        wrong=row.claim[: edit.start] + edit.text + row.claim[edit.end :],
        right=row.claim,
        kind=kind,
        start=edit.start,
        end=edit.start + len(edit.text),
        evidence=row.evidence,
        id=f"{name}-{kind}",
        source=row.source,
        question="" if row.group == row.evidence[0] else row.group,
    )


if __name__ == "__main__":
    main()
