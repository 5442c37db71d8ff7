"""Agreement of a short answer with gold answers (SQuAD's measures)."""

import re
import string
from collections import Counter

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")


def exact_match(answer: str, gold: str) -> float:
    """1 when both are the same but for case, punctuation, articles and spaces, else 0."""
    return float(_normalised(answer) == _normalised(gold))


def token_f1(answer: str, gold: str) -> float:
    """Harmonic mean of word precision and recall, 0..1 (Rajpurkar et al. 2016, section 6.1)."""
    given, wanted = _normalised(answer).split(), _normalised(gold).split()
    common = sum((Counter(given) & Counter(wanted)).values())
    return 2 * common / (len(given) + len(wanted)) if common else float(given == wanted)


def contains_answer(answer: str, gold: str) -> float:
    """1 when the words of `gold` stand in `answer` one after the other, else 0."""
    return float(f" {_normalised(gold)} " in f" {_normalised(answer)} ")


def _normalised(text: str) -> str:
    kept = "".join(char for char in text.lower() if char not in string.punctuation)
    return " ".join(_ARTICLES.sub(" ", kept).split())
