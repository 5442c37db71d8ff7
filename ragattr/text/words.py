"""Words, numbers, names and negation, as plain sets: what a statement is made of."""

import re
import unicodedata

# Scripts that write no spaces between words: Han, kana, Thai, Lao, Myanmar, Khmer, Tibetan.
_UNSPACED = (
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3040-\u30ff"
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u0f00-\u0fff"
)
UNSPACED = re.compile(rf"[{_UNSPACED}\U00020000-\U0002fa1f]")
_UNSPACED_RUN = re.compile(rf"[{_UNSPACED}\U00020000-\U0002fa1f]+|[^\W_](?:[^\W_]|[.,'’](?=\w))*")
_WORD = re.compile(r"[^\W_](?:[^\W_]|[.,](?=\d)|['’-](?=\w))*")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_CAPITALISED = re.compile(r"[A-ZÀ-ÖØ-Þ][\w'’-]*")
_SUFFIXES = ("ing", "edly", "ed", "es", "s", "ly")
_STOP_WORDS = frozenset(
    "a an the of in on at to for from by with as and or but if is are was were be been being has "
    "have had do does did it its this that these those he she they his her their him them we you i "
    "not no which who whom what when where than then so such also can could will would may might "
    "must should there about into over after before between during".split()
)
_NEGATIONS = frozenset(
    "not no never none neither nor cannot without nobody nothing hardly fail failed false".split()
)


def words(text: str) -> list[str]:
    """Lower-case words in order; numbers keep their inner points and commas."""
    return _WORD.findall(text.lower())


def search_terms(text: str) -> list[str]:
    """What a search engine indexes: stems, and pairs of characters where a script has no spaces.

    Example: `search_terms("The towers of 東京都")` is `["tower", "東京", "京都"]`.
    """
    terms = []
    for run in _UNSPACED_RUN.findall(unicodedata.normalize("NFKC", text).lower()):
        if UNSPACED.match(run):
            terms += [run[i : i + 2] for i in range(max(len(run) - 1, 1))]
        elif run not in _STOP_WORDS:
            terms.append(stem(run))
    return terms


def content_words(text: str) -> list[str]:
    """The stems of the words that are not function words, in order."""
    return [stem(word) for word in words(text) if word not in _STOP_WORDS]


def stem(word: str) -> str:
    """The word without a common English ending: enough to match "towers" with "tower"."""
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            return word[: -len(suffix)]
    return word


def numbers(text: str) -> set[str]:
    """The numbers of the text, without thousands separators."""
    return {number.replace(",", "") for number in _NUMBER.findall(text)}


def names(text: str) -> set[str]:
    """Stems of the capitalised words, the first word of the text apart."""
    return {
        stem(match.group().lower())
        for match in _CAPITALISED.finditer(text)
        if match.start() > 0 and match.group().lower() not in _STOP_WORDS
    }


def is_negated(text: str) -> bool:
    """Whether the text holds a word of negation."""
    return any(word in _NEGATIONS or word.endswith(("n't", "n’t")) for word in words(text))
