"""Whether a text is English: by script first, then by its common words.

A verifier that knows English must not guess about other languages. Of the words that start in
lower case (names are no hint) at least two fifths are common English ones, and no other language's
function words are more. Under four words only the script decides.
"""

import re
from collections.abc import Iterator
from importlib.resources import files

_FEWEST_WORDS = 4
_ENGLISH_SHARE = 0.4
_LATIN = re.compile(
    r"[A-Za-z\u00aa\u00ba\u00c0-\u024f\u1e00-\u1eff\ufb00-\ufb06\uff21-\uff3a\uff41-\uff5a]"
)
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_NAME_PARTICLES = frozenset("van von de der den del di da du dos la le el al bin ibn".split())

# English: the 4,000 words that start in lower case in most claims of labelled English data
# (`common_words.txt`); the other languages: their function words.
_COMMON = {
    language: frozenset(listed.split())
    for language, _, listed in (
        line.partition(": ")
        for line in (files("ragattr.text") / "common_words.txt").read_text("utf-8").splitlines()
    )
}
_ENGLISH = _COMMON.pop("English")


def is_english(text: str) -> bool:
    """Whether a verifier that reads English may judge this text."""
    letters = [] if text.isascii() else [char for char in text if char.isalpha()]
    if sum(1 for char in letters if _LATIN.match(char)) * 2 < len(letters):
        return False
    found = list(_telling_words(text))
    if len(_WORD.findall(text)) < _FEWEST_WORDS or not found:
        return True
    english = sum(word.removesuffix("'s") in _ENGLISH for word in found)
    other = max(sum(word in listed for word in found) for listed in _COMMON.values())
    if english == other:  # only words that both have: nothing else may look foreign
        return english * 2 > len(found) and all(word.isascii() for word in found)
    return english > other and english >= _ENGLISH_SHARE * len(found)


def _telling_words(text: str) -> Iterator[str]:
    """The words that start in lower case, without the "van" and "de" of names."""
    words = [match.group().replace("’", "'") for match in _WORD.finditer(text)]
    for word, following in zip(words, [*words, ""][1:], strict=True):
        if word[0].islower() and not (word in _NAME_PARTICLES and following[:1].isupper()):
            yield word.lower()
