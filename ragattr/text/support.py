"""Which statements of an answer need support: not courtesy, questions, talk and refusals."""

import re

_YES = r"(?:sure|certainly|of course|absolutely|ok|okay)"
_GLAD = r"(?:i(?:['’]m| am|['’]d be| would be|['’]ll be)? )?(?:glad|happy)"
_COURTESY = re.compile(
    rf"(?:{_YES}[,.!]* )?(?:(?:{_YES}|hello|hi|hey|greetings|welcome)(?: there)?"
    r"(?:,? (?:and )?(?:thanks|thank you)(?: for asking)?)?"
    r"|good (?:morning|afternoon|evening|day)"
    r"|thank(?:s| you)(?: (?:so|very) much| a lot)?(?: for (?:your|the|this|that|asking)\b.*)?"
    r"|(?:i )?hope (?:this|that|it) (?:helps?|clears|answers|clarifies|was|is)\b.*"
    r"|i hope you (?:find|found|enjoy|have)\b.*"
    r"|(?:if you (?:have|need|want|would like|['’]d like)\b[^,]*, )?"
    r"(?:please )?(?:let me know|feel free to|do(?:n['’]t| not) hesitate to)\b.*"
    rf"|{_GLAD} to (?:help|assist|provide|explain|answer|share|elaborate)\b.*"
    r"|i can (?:also )?\w+ .*\bif you(?:['’]d)? (?:like|want|wish|need|prefer)\b.*"
    r"|you(?:['’]re| are) welcome\b.*|(?:have|enjoy) (?:a|your) (?:\w+ )?\w+"
    r"|(?:that(?:['’]s| is) |what )?an? (?:very |really )?"
    r"(?:great|good|interesting|excellent) question\b.*"
    r"|(?:great|good|interesting|excellent) question"
    r"|would you like\b.*|(?:please|could you|can you) (?:provide|clarify|specify|share|tell)\b.*)"
    r"[\s.!,]*",
    re.IGNORECASE,
)
_SOURCE = (
    r"(?:(?:the |these |this |those |your )?(?:(?:provided|given|available|retrieved|supplied|"
    r"above|cited) )?(?:passages?|context|documents?|sources?|texts?|information|excerpts?|"
    r"articles?|snippets?|search results)(?: (?:provided|given|above|alone|here))?)"
)
# An announcement ends with a colon: what it announces is another statement.
_ANNOUNCEMENT = re.compile(
    rf"[*_\s]*(?:{_YES}[,.!]* )?(?:(?:based on|according to|from) [^,:]*, )?"
    r"(?:(?:here (?:is|are)|here['’]s|(?:below|the following) (?:is|are)|these are) [^:]*"
    rf"|(?:according to|based on|from) {_SOURCE}"
    r"|in (?:summary|short|conclusion|brief)|to (?:summari[sz]e|conclude|sum up)|summary|answer"
    r"|(?:short|final|direct) answer|conclusion|note|explanation|overview|key points):[*_\s]*"
    r"|let['’]s (?:break|look|take|go|start|see|walk)\b.*"
    r"|let me (?:explain|summari[sz]e|break|start|clarify|elaborate)\b.*"
    r"|i(?:['’]ll| will) (?:answer|explain|summari[sz]e|provide|list|describe|go through)\b.*",
    re.IGNORECASE,
)
_SOURCES = (
    r"(?:the |these )?(?:(?:provided|given|available|retrieved|supplied) )?"
    r"(?:passages|context|documents|sources|excerpts|information)(?: provided| given)?"
)
_SAYS = (
    r"(?:say|mention|provide|include|state|specify|answer|give|tell|discuss|address|indicate|"
    r"describe|explain|identify|clarify|reveal|list|contain|offer|make (?:it )?clear)"
)
_TOLD = (
    r"(?:mentioned|specified|stated|provided|given|discussed|addressed|described|explained|"
    r"indicated|included|clear|answered|determined|found|known|listed|clarified)"
)
_MATTER = (
    r"(?:(?:any|enough|sufficient|further|more|specific|direct|explicit) )*"
    r"(?:information|details?|mention|answer|data|evidence|figures?|dates?)"
)
# Only at the start of a sentence: "Einstein wrote: we do not know" is a statement.
_REFUSAL = re.compile(
    r"(?:(?:unfortunately|sorry|however|therefore|honestly|but|apologies|"
    rf"(?:based on|from|according to) {_SOURCE}|without (?:more|further|additional) \w+),? )*(?:"
    r"(?:i|we)(?:['’]m| am| are|['’]re| was| were)? (?:sorry|unable to|not able to|not sure|"
    r"afraid)\b"
    r"|i(?:['’]m| am) (?:just |only )?an ai\b|as an ai(?: (?:language )?(?:model|assistant))?, i\b"
    r"|i (?:(?:do|did|could|can)(?: not|n['’]t)|cannot|can['’]t) "
    r"(?:\w+ )?(?:know|answer|find|provide|determine|tell|say|see|have|help|confirm|browse|"
    r"remember)\b"
    r"|we (?:(?:do|did|could|can)(?: not|n['’]t)|cannot|can['’]t) (?:answer|find|provide|"
    r"determine|tell|say|confirm|have enough)\b"
    rf"|(?:none of )?{_SOURCE} (?:(?:does|do|did)(?: not|n['’]t) )(?:\w+ )?{_SAYS}\b"
    rf"|{_SOURCE} (?:does|do|did)(?: not|n['’]t) have {_MATTER}\b"
    rf"|none of {_SOURCE} {_SAYS}s?\b"
    rf"|{_SOURCE} {_SAYS}s? (?:no|little) {_MATTER}\b|{_SOURCE} (?:is|are) silent\b"
    rf"|(?:there is|there['’]s) (?:no|not enough|not any|insufficient) {_MATTER}\b"
    rf".*\b(?:in|from) {_SOURCE}\b"
    r"|(?:there is|there['’]s) (?:not enough|insufficient) information\b"
    r"|there is no (?:\w+ )?(?:information|details?) (?:\w+ )?(?:about|on|regarding)\b"
    rf"|there (?:isn['’]t|is not) (?:any|enough) {_MATTER}\b.*\bin {_SOURCE}\b"
    r"|i have no (?:\w+ )?(?:information|idea|knowledge)\b"
    rf"|(?:no|not enough|insufficient) {_MATTER}\b.*\b(?:in|by|from) {_SOURCE}\b"
    r"|(?:not enough|insufficient) information\b"
    rf"|(?:more|further|additional) information (?:is|would be) (?:needed|required)\b"
    rf"|it(?:['’]s| is| was)? (?:not {_TOLD}|unclear|impossible to \w+|not possible to \w+|"
    rf"cannot be {_TOLD})(?: (?:in|from|by) {_SOURCE}\b)"
    rf"|it(?:['’]s| is)? not (?:specified|stated|mentioned) (?:whether|who|what|when|where|how)\b"
    rf"|(?:this|the|that) question (?:cannot|can ?not|can['’]t) be answered\b"
    rf"|[^,.;:]*\b(?:is|are|was|were) not (?:\w+ )?{_TOLD} (?:in|by|within) {_SOURCES}[\s.]*$)",
    re.IGNORECASE,
)
# What is unclear when the sources have been named before.
_UNCLEAR = re.compile(
    rf"(?:(?:but|however),? )?(?:(?:based on|from|according to) {_SOURCE}|without (?:more|further|"
    r"additional) \w+), (?:it is|it['’]s|it) (?:not |un|im|cannot )",
    re.IGNORECASE,
)
_IMPOSSIBLE = re.compile(
    rf"it (?:is|was) (?:not possible|impossible) to \w+ .*\bfrom {_SOURCE}\b", re.IGNORECASE
)
# "I am not sure, but it was built in 1889" says something after all.
_YET = re.compile(r"(?<!sorry)(?<!sorry,)(?<!^) but (?!i\b|we\b|not\b|do\b|no\b)", re.IGNORECASE)


def needs_support(statement: str) -> bool:
    """False for greetings, questions, announcements, refusals, headings and bare signs.

    Example: "It is unclear from the passages who painted it." is a refusal; "It is unclear who
    painted it." is a statement of fact.
    """
    if not any(char.isalnum() for char in statement) or statement.startswith("#"):
        return False
    if statement.rstrip("*_ ").endswith(("?", "？", "؟")):
        return False
    if _COURTESY.fullmatch(statement) or _ANNOUNCEMENT.fullmatch(statement):
        return False
    if _YET.search(statement):
        return True
    return not any(rule.match(statement) for rule in (_REFUSAL, _UNCLEAR, _IMPOSSIBLE))
