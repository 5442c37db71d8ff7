"""How a revision is measured (RARR, "Researching and Revising", section 3)."""

from rapidfuzz.distance import Levenshtein


def preservation(before: str, after: str) -> float:
    """Pres_Lev: 1 - Levenshtein distance in characters / length of the text before, 0..1."""
    if not before:
        return float(not after)
    return max(1 - Levenshtein.distance(before, after) / len(before), 0.0)


def f1_attributed_preserved(attributed: float, preserved: float) -> float:
    """F1_AP: the harmonic mean of attribution after and preservation, both means over texts."""
    total = attributed + preserved
    return 2 * attributed * preserved / total if total else 0.0
