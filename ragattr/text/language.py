"""Whether a text is English: by script first, then by its function words.

A verifier that knows English must not guess about other languages. The function words of the
commonest languages in Latin script are counted: an English text holds some, and no fewer than of
any other language. Under four words only the script decides; up to six, a text with no function
word of any language ("Alexander Fleming discovered penicillin") passes when its letters are ASCII.
"""

import re
from importlib.resources import files

_FEWEST_WORDS = 4
_TELEGRAPHIC = 6
_LATIN = re.compile(
    r"[A-Za-z\u00aa\u00ba\u00c0-\u024f\u1e00-\u1eff\ufb00-\ufb06\uff21-\uff3a\uff41-\uff5a]"
)
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")

_FUNCTION_WORDS = {
    language: frozenset(listed.split())
    for language, _, listed in (
        line.partition(": ")
        for line in (files("ragattr.text") / "function_words.txt").read_text("utf-8").splitlines()
    )
}
_ENGLISH = _FUNCTION_WORDS.pop("English")


def is_english(text: str) -> bool:
    """Whether a verifier that reads English may judge this text."""
    letters = [char for char in text if char.isalpha()]
    if sum(1 for char in letters if _LATIN.match(char)) * 2 < len(letters):
        return False
    found = _WORD.findall(text.lower())
    if len(found) < _FEWEST_WORDS:
        return True
    english = sum(word in _ENGLISH for word in found)
    other = max(sum(word in listed for word in found) for listed in _FUNCTION_WORDS.values())
    if english == other == 0:
        return len(found) <= _TELEGRAPHIC and all(word.isascii() for word in found)
    return english > 0 and english >= other
