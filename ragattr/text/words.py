"""Words, numbers, names and negation, as plain sets: what a statement is made of."""

import re
import unicodedata
from functools import lru_cache

import snowballstemmer

# Scripts that write no spaces between words: Han, kana, Thai, Lao, Myanmar, Khmer, Tibetan.
_UNSPACED = (
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3005-\u3007\u3040-\u30ff"
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u0f00-\u0fff\U00020000-\U0002fa1f"
)
# Marks that stand on letters: accents, Hebrew and Arabic points, the vowel signs of Indic scripts.
_MARKS = "\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u0900-\u0963\u0966-\u0dff"
UNSPACED = re.compile(f"[{_UNSPACED}]")
_WORD = re.compile(rf"[^\W_](?:[^\W_]|[{_MARKS}]|[.,](?=\d)|['’-](?=\w))*")
_TERM = re.compile(
    rf"[{_UNSPACED}]+|[^\W_{_UNSPACED}](?:[^\W_{_UNSPACED}]|[{_MARKS}]|[.,](?=\d)|['’](?=\w))*"
)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_CAPITALISED = re.compile(r"[A-ZÀ-ÖØ-Þ][\w'’-]*")
_STOP_WORDS = frozenset(
    "a an the of in on at to for from by with as and or but if is are was were be been being has "
    "have had do does did it its this that these those he she they his her their him them we you i "
    "not no which who whom what when where than then so such also can could will would may might "
    "must should there about into over after before between during".split()
)
_NEGATIONS = frozenset(
    "not no never none neither nor cannot without nobody nothing hardly fail failed false".split()
)

_STEMMER = snowballstemmer.stemmer("english")


def words(text: str) -> list[str]:
    """Lower-case words in order; numbers keep their inner points and commas."""
    return _WORD.findall(text.lower())


def search_terms(text: str) -> list[str]:
    """What a search engine indexes: stems, and pairs of characters where a script has no spaces.

    Example: `search_terms("The towers of 東京都")` is `["tower", "東京", "京都"]`.
    """
    terms = []
    for run in _TERM.findall(unicodedata.normalize("NFKC", text).lower()):
        if UNSPACED.match(run):
            terms += [run[i : i + 2] for i in range(max(len(run) - 1, 1))]
        elif run not in _STOP_WORDS:
            terms.append(stem(run))
    return terms


def content_words(text: str) -> list[str]:
    """The stems of the words that are not function words, in order."""
    return [stem(word) for word in words(text) if word not in _STOP_WORDS]


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """The word without its English endings (Porter's second stemmer), in lower case."""
    found: str = _STEMMER.stemWord(word.lower().replace("’", "'"))
    return found


def numbers(text: str) -> set[str]:
    """The numbers of the text, without thousands separators."""
    return {number.replace(",", "") for number in _NUMBER.findall(text)}


def names(text: str) -> set[str]:
    """Stems of the capitalised words, the first word of the text apart."""
    return {
        stem(match.group())
        for match in _CAPITALISED.finditer(text)
        if match.start() > 0 and match.group().lower() not in _STOP_WORDS
    }


def is_negated(text: str) -> bool:
    """Whether the text holds a word of negation."""
    return any(word in _NEGATIONS or word.endswith(("n't", "n’t")) for word in words(text))
