"""Agreement of a short answer with gold answers (SQuAD's measures)."""

import re
import string
from collections import Counter
from collections.abc import Sequence

from ragattr.errors import ConfigError

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")


def exact_match(answer: str, gold: str) -> float:
    """1 when both are the same but for case, punctuation, articles and spaces, else 0."""
    return float(normalised(answer) == normalised(gold))


def token_f1(answer: str, gold: str) -> float:
    """Harmonic mean of word precision and recall, 0..1 (Rajpurkar et al. 2016, section 6.1)."""
    given, wanted = normalised(answer).split(), normalised(gold).split()
    common = sum((Counter(given) & Counter(wanted)).values())
    return 2 * common / (len(given) + len(wanted)) if common else float(given == wanted)


def contains_answer(answer: str, gold: str) -> float:
    """1 when the words of `gold` stand in `answer` one after the other, else 0."""
    return float(f" {normalised(gold)} " in f" {normalised(answer)} ")


def short_answer_recall(answer: str, gold: Sequence[Sequence[str]]) -> float:
    """Of the short answers, those that stand in `answer` in one of their wordings, 0..1.

    ALCE's exact-match recall, "str_em" (Gao et al. 2023, section 3.2, after ASQA, Stelmakh et al.
    2022). Characters in a row count, not words: "art" stands in "party". What is nothing but
    articles and punctuation stands nowhere, where the released code finds it everywhere.

    Args:
        gold: [short answers][wordings].

    Raises:
        ConfigError: no short answer.
    """
    if not gold:
        raise ConfigError("a recall of short answers needs at least one, got none")
    said = normalised(answer)
    found = [any(normalised(wording) in said for wording in _worded(each)) for each in gold]
    return sum(found) / len(found)


def normalised(text: str) -> str:
    """Lower case, without punctuation, articles and spare spaces: as SQuAD compares answers."""
    kept = "".join(char for char in text.lower() if char not in string.punctuation)
    return " ".join(_ARTICLES.sub(" ", kept).split())


def _worded(wordings: Sequence[str]) -> list[str]:
    return [wording for wording in wordings if normalised(wording)]
