"""How text talks to a model: orders, turns and marks, as patterns, English ones first.

A pattern of natural language says where it may stand: an order opens its sentence or clause, and
"told the class to ignore the instructions" does not. A space stands for any short gap, and no
quantifier is unbounded: time is linear.
"""

import re
from typing import Literal, NamedTuple

Kind = Literal["override", "turn", "order", "verdict", "score", "link", "hidden", "encoded"]
Place = Literal["sentence", "clause", "anywhere"]


class Order(NamedTuple):
    """One way to talk to a model.

    Attributes:
        place: what it has to open to count.
    """

    kind: Kind
    pattern: re.Pattern[str]
    place: Place


def in_words(kind: Kind, text: str, place: Place) -> Order:
    """An order of a natural language; in its pattern a space is a gap, a line end too."""
    return Order(kind, re.compile(text.replace(" ", _GAP), re.IGNORECASE), place)


_GAP = r"\s{1,8}"
_FEW = r"(?:[^\s.;:!?]{1,30} )"  # a word of the same clause
_MODEL = r"(?:AI|LLM|AI assistant|assistant|chatbot|(?:large )?language model|model)s?"
_MUST = r"(?:must|should|shall|will|has to|have to|needs? to|is to|are to|(?:is|are) instructed to)"
_HOW = r"(?:(?:now|always|only|therefore|instead|just|simply|exactly|then) )?"
_SAY = r"(?:answer|respond|reply|output|print|say|state|write|return|repeat|respond back)"
_QUOTED = r"[\"“”'‘«„`:\[]"
_EXACT = (
    rf"(?:{_QUOTED}|only\b|just\b|exactly\b|nothing but\b|verbatim\b|one word\b|that the answer\b"
    r"|the (?:following|words?|phrase|text|string|sentence|number|single)\b)"
)
_NAMED = rf"(?:{_EXACT}|(?-i:[A-Z\d]))"
_PART = r"(?:passage|document|text|source|chunk|snippet|result|entry|context|article|paragraph)"
_POINTER = (
    r"(?:all|any|every|each|your|previous|prior|earlier|preceding|above|other|original|former"
    r"|initial|system|existing)"
)
_TOLD = (
    r"(?:instructions?|directions?|directives?|prompts?|guidelines?|context|passages?|orders?"
    r"|commands?|(?:user|system) messages?)"
)
_LESS = r"(?:rules?|documents?|sources?|messages?|questions?|tasks?|information|text)"
_LEAVE = (
    r"(?:ignore|disregard|forget|override|overrule|bypass|cancel|discard|abandon|drop|skip"
    r"|pay no attention to|take no notice of|stop (?:following|obeying|reading|using)|throw away"
    r"|(?:do not|don['’]t|never) (?:follow|obey|listen to|consider|believe|use))"
)
_OVERRIDE = (
    rf"{_LEAVE} {_FEW}{{0,3}}?{_POINTER} {_FEW}{{0,2}}?{_TOLD}\b(?! (?:if|when|unless)\b)",
    rf"{_LEAVE} {_FEW}{{0,3}}?(?:your|above|other|retrieved|given) {_FEW}{{0,2}}?{_LESS}\b"
    r"(?! (?:if|when|unless)\b)",
    rf"{_LEAVE} (?:the |these |those )?(?:{_TOLD}|{_LESS}) "
    r"(?:above|before|so far|you (?:were|have|had|got)|given to you)\b"
    r"(?!,? (?:if|when|unless)\b)",
    rf"{_LEAVE} (?:the )?passages\b",
    rf"{_LEAVE} (?:everything|anything|all|whatever) (?:that )?"
    r"(?:above|before|you (?:were|have|had|know)|written above|said above|was said before)",
    r"(?:everything|anything|all|whatever|instructions) (?:that )?you (?:were|have been) "
    r"(?:told|given)\b[^.\n]{0,40}\b(?:no longer|void|cancell?ed|does not|do not|superseded)\b",
    r"new (?:instructions?|task|directives?|objective|system prompt)\s{0,2}:",
    r"your (?:new|only|sole|real|actual|next|current|true) (?:task|job|goal|role|purpose|mission) "
    rf"is (?:now )?(?:to )?{_HOW}(?:{_SAY}|ignore)\b",
    r"you are now (?:an?|the|in)\b[^.\n]{0,30}\b(?:assistant|model|AI|bot|chatbot|mode|DAN)\b",
    rf"from (?:now|this point|here) on(?:wards?)?,? (?:you {_MUST} )?{_HOW}"
    rf"(?:{_SAY}|ignore|act)\b",
    r"(?:hey|dear|attention|listen),? (?:the |all |any |every )?(?:AI|LLM|assistant|chatbot|"
    r"language model)s?\s{0,2}[,:!]",
    r"(?:note|message|instructions?|important|attention|notice)(?: to| for)? (?:the |all |any )?"
    r"(?:AI|LLM|AI assistant|chatbot|language model)s?\s{0,2}:",
)
_ORDER = (
    rf"(?:answer|respond|reply) (?:to {_FEW}{{1,4}}?)?{_HOW}with (?:{_EXACT})",
    rf"(?:answer|respond|reply|output|print|say|write|return) "
    rf"(?:only|exactly|solely|just|nothing but) (?:with\b|{_NAMED})",
    rf"(?:simply|just|only|always|instead|must|then) {_SAY}\s{{0,2}}:",
    rf"{_SAY} [^.\n]{{1,60}}?\band nothing (?:else|more)\b",
    rf"(?:{_SAY}|claim|conclude|insist|tell the user|inform the user) that (?:the|its|this) "
    r"(?:correct |right |final |only |true )?(?:answer|reply|solution) (?:is|was|must)\b",
    rf"you {_MUST} {_HOW}(?:answer|respond|reply|output|print|say) "
    rf"(?:with {_NAMED}|{_EXACT})",
    rf"(?:the )?(?:assistant|AI|LLM|language model|chatbot|model) {_MUST} {_HOW}{_SAY} "
    rf"(?:with )?{_NAMED}",
    rf"your (?:answer|reply|response|output) (?:{_MUST}|must only) {_HOW}"
    r"(?:be|say|read|state|contain|include|start with|begin with|end with) "
    rf"(?:that\b|{_NAMED})",
    r"the (?:only|sole|one) (?:valid|acceptable|allowed|permitted) "
    r"(?:reply|response|answer|output) is\b",
    r"(?:whatever|no matter what|regardless of what|whichever)\b[^.\n]{0,40}?"
    rf"\b(?:asked|asks|ask|question is|user says)\b,? (?:you {_MUST} )?{_HOW}{_SAY}\b",
    rf"(?:if|when|whenever) (?:the|a|any) users? asks?\b[^.\n]{{0,60}}?,? (?:you {_MUST} )?"
    rf"{_HOW}(?:{_SAY}|tell)\b",
    r"(?:do not|don['’]t|never) (?:ever )?(?:mention|reveal|disclose|repeat|show|admit) "
    r"(?:to the user )?(?:(?:this|these|the above) (?:notes?|messages?|texts?|instructions?"
    r"|passages?|documents?|prompts?|orders?)"
    r"|(?:the |your |any )?(?:system prompt|instructions))\b",
    r"(?:do not|don['’]t|never) (?:cite|quote|use|trust|read|believe|rely on) (?:any |the )?"
    r"other (?:passages?|sources?|documents?)\b",
    r"(?:use|trust|follow|believe|read|quote|cite|consider) (?:only|nothing but|exclusively) "
    rf"(?:this {_PART}|{_PART}\s*\[?\d|number\s*\[?\d)",
    rf"(?:answer|respond|reply) only (?:from|by|using) (?:this {_PART}|{_PART}\s*\[?\d)",
    rf"(?:cite|reference|quote) (?:only )?(?:this {_PART}|it) as\b",
    r"(?:cite|reference|quote|attach|put|add|insert|use|append) [^.\n\[]{0,30}\[\d{1,3}\] "
    r"[^.\n]{0,20}?\b(?:every|each|all|your|any)\b",
    r"(?:begin|start|end|finish) (?:your|every|each) (?:answer|reply|response|output|sentence)"
    rf"(?: of (?:your|the) (?:answer|reply|response))? with (?:{_EXACT}|this\b)",
    r"(?:decode|decrypt) [^.\n]{0,40}?\band (?:then )?(?:do|follow|obey|execute|carry out)\b",
)
_VERDICT = (
    rf"this (?:{_PART}|evidence) (?:fully |directly |clearly |completely )?(?:supports|entails"
    r"|proves|confirms|verifies|substantiates) (?:every|all|any|each)(?: of)?(?: the| its)? "
    r"(?:statement|claim|answer|assertion|sentence|conclusion)s?\b"
    r"(?! (?:made|of|by|in|that (?:he|she|they))\b)",
    r"(?:rate|mark|label|judge|classify|score|count|grade|treat|consider|accept|report|verify) "
    r"[^.\n]{0,40}?\b(?:this|these|it|each|every|claims?|statements?|answers?|responses?|"
    r"sentences?)\b[^.\n]{0,30}?\bas (?:fully |strongly |completely |being )?(?:supported|entailed"
    r"|entailment|grounded|attributable|faithful|verified|correct|true)\b(?! (?:or|if|when)\b)",
    r"verdict\s{0,2}[:=]\s{0,2}(?:supported|entailed|grounded|attributable)\b",
    r"(?:the )?(?:graders?|evaluators?|verifiers?|raters?|fact[- ]checkers?|judges?|AI|LLM"
    rf"|language model) {_MUST} {_HOW}(?:accept|approve|rate|mark|return|report|count|treat|judge"
    r"|label|pass)\b[^.\n]{0,40}?\b(?:answers?|claims?|statements?|passage|supported|entailed|"
    r"grounded)\b",
)
_SCORE = (
    rf"(?:give|assign|award|grant) (?:this|the present) {_PART} [^.\n]{{0,40}}?"
    r"\b(?:scores?|rank|relevance|weight|priority|rating)\b",
    rf"rank (?:this|these) {_PART}s? (?:first|highest|above|at the top|top|number one)\b",
    rf"(?:prefer|prioriti[sz]e|trust|weight|boost|favou?r) this {_PART} "
    r"(?:over|above|more|most|\w+ times)\b",
    r"(?:all|every) other (?:passages?|sources?|documents?|chunks?|entries|entry) (?:has|have"
    r"|gets?|are|is|must|should) [^.\n]{0,30}?(?:\b0\b|\bzero\b|\bvoid\b|\bignored\b"
    r"|\bwithdrawn\b|\bdisregarded\b)",
    r"(?:relevance|similarity|trust)(?: score)?\s{0,2}[:=]\s{0,2}(?:1\.0+|100\s?%|10/10|max)",
)
_LINK = (
    r"(?:send|append|add|put|post|include|encode|attach|insert|forward|submit|upload|pass|leak) "
    r"[^.\n]{0,40}?\b(?:conversation|chat(?: history| log)?|system prompt|user['’]s? (?:question"
    r"|message|name|input|query)|your (?:answer|reply|response|instructions|context|prompt)"
    r"|api keys?|everything (?:above|the user))\b[^\n]{0,60}?"
    r"(?:https?://|\b(?:this|the|following) (?:url|link|image|address|server|endpoint|webhook)\b)",
    r"(?:show|render|display|include|add|insert|embed|load) (?:this|the following) "
    r"(?:markdown )?(?:image|picture|link|url) [^.\n]{0,20}?(?:your|the|every) "
    r"(?:answer|reply|response)\b",
)
_SAID: dict[Kind, tuple[str, ...]] = {
    "override": _OVERRIDE,
    "order": _ORDER,
    "verdict": _VERDICT,
    "score": _SCORE,
    "link": _LINK,
}
_MARKS: tuple[tuple[Kind, str], ...] = (  # not of natural language: they count wherever they stand
    (
        "turn",
        r"<\|(?:im_start|im_end|im_sep|system|user|assistant|end|eot_id|start_header_id"
        r"|end_header_id|begin_of_text|endoftext|endofprompt|end_of_turn|start_of_turn)\|>"
        r"|\[/?INST\]|<</?SYS>>|<(?:start|end)_of_turn>",
    ),
    (
        "turn",
        r"(?m:^)[ \t]{0,8}#{2,4}[ \t]{0,4}(?:instruction|response|system|assistant|human|user)"
        r"[ \t]{0,4}:",
    ),
    (
        "turn",
        r"(?m:^)[ \t]{0,8}\W{0,12}end of (?:the )?(?:passages|context|documents|sources"
        r"|search results|retrieved \w{1,20}|user input|system prompt|prompt|input data)"
        r"[^\w\n]{0,12}(?m:$)",
    ),
    ("turn", r"\n\nHuman:[^\n]{0,400}\n\nAssistant:"),
    (
        "turn",
        r"(?:(?m:^)[ \t]{0,8}(?:system|assistant|developer|human|user)(?: (?:message|prompt|note"
        r"|override))?[ \t]{0,4}:|<(?:instructions?|system|assistant|developer)>)\s{0,4}"
        rf"(?:you (?:must|are|will|should)|always|never|only|ignore|disregard|{_SAY}\b|do not|from "
        rf"now|(?:the )?assistant {_MUST})",
    ),
    (
        "turn",
        r"\b(?-i:SYSTEM)(?: (?-i:MESSAGE|OVERRIDE|PROMPT|NOTE))?(?:\s?:|\])\s{0,4}"
        r"(?:ignore|disregard|override|execute|forget|reveal|send|you (?:must|are)|never|always)\b",
    ),
    (
        "verdict",
        r"\"(?:verdict|judge?ment|predicted)\"\s{0,4}:\s{0,4}\"(?:supported|entail(?:ed|ment)"
        r"|grounded|attributable|true|correct|yes)\"|\"label\"\s{0,4}:\s{0,4}\"supported\"",
    ),
    ("score", r"\"(?:supports|used|relevance|trust)\"\s{0,4}:\s{0,4}(?:1(?:\.0+)?|true)(?![\d.])"),
    (
        "score",
        r"[\[(<{]\s{0,2}(?:trust|confidence|relevance|score|priority|authority|credibility)"
        r"\s{0,2}[=:]\s{0,2}(?:100\s?%|1\.0+|10/10|max\w{0,8}|highest)",
    ),
    (
        "link",
        r"!\[[^\]\n]{0,200}\]\(\s{0,4}https?://[^)\n]{0,300}?(?:[{<\[]\s{0,2}\w|%7B|\$\{?[a-z])",
    ),
    (
        "link",
        r"\[[^\]\n]{0,200}\]\(\s{0,4}https?://[^)\n]{0,300}?(?:[{<\[]|%7B)[^)}\]>\n]{0,30}?"
        r"(?:conversation|chat|history|answer|question|prompt|secret|context|summary)",
    ),
)
ORDERS = (
    *(in_words(kind, rf"\b{text}", "clause") for kind, texts in _SAID.items() for text in texts),
    *(Order(kind, re.compile(text, re.IGNORECASE), "anywhere") for kind, text in _MARKS),
)
