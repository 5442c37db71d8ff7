"""Orders to a model in other languages: leave what you were told, and say only this.

Imperatives at the start of a sentence; infinitives and reports ("bat, die Anweisungen zu
ignorieren") are not among them.
"""

from ragattr.text.orders import in_words

_FEW = r"(?:[^\s.;:!?]{1,30} ){0,4}?"
_OVERRIDE = {
    "de": rf"(?:ignoriere?(?:n Sie)?|missachte(?:n Sie)?|vergiss|vergessen Sie) {_FEW}"
    r"(?:Anweisung|Instruktion|Vorgabe|Befehl|Regel|Kontext|Prompt|alles)\w{0,4}\b",
    "fr": rf"(?:ignore[zs]?|oublie[zs]?|ne t(?:iens|enez) (?:pas|aucun) compte) {_FEW}"
    r"(?:instructions?|consignes?|directives?|ordres?|r[eè]gles?|contexte|tout|pr[eé]c[eè]de)\b",
    "es": rf"(?:ignor[ae]n?|olvid[ae]n?|omit[ae]n?|descart[ae]n?|no sigas) {_FEW}"
    r"(?:instrucciones|indicaciones|[oó]rdenes|reglas|contexto|todo)\b",
    "it": rf"(?:ignora(?:te)?|dimentica(?:te)?|trascura(?:te)?|non seguire) {_FEW}"
    r"(?:istruzioni|indicazioni|ordini|regole|contesto|tutto)\b",
    "pt": rf"(?:ignor[ae]m?|esque[cç][ae]m?|desconsider[ae]m?|n[aã]o siga) {_FEW}"
    r"(?:instru[cç][oõ]es|orienta[cç][oõ]es|ordens|regras|contexto|tudo)\b",
    "nl": rf"(?:negeer|vergeet) {_FEW}"
    r"(?:instructies|aanwijzingen|opdrachten|regels|context|alles)\b",
    "pl": rf"(?:zignoruj|ignoruj|zapomnij|pomi[nń])(?:cie)? {_FEW}"
    r"(?:instrukcj|polece[nń]|wskazów|reguł|kontekst|wszystk)\w{0,5}\b",
    "ru": rf"(?:(?:про)?игнорируй|забудь|не следуй)(?:те)? {_FEW}"
    r"(?:инструкци|указани|команд|правил|контекст|вс[её])\w{0,4}\b",
    "zh": r"(?:请|請)?(?:忽略|无视|無視|忘记|忘記|忘掉|不要理会)[^。！？，\n]{0,12}?"
    r"(?:指令|指示|提示|说明|說明|规则|規則|上下文|要求|命令)",
}
_ONLY = {
    "de": r"antworte(?:n Sie)? (?:nur|ausschließlich|immer|stets|genau)\b",
    "fr": r"r[eé]pond(?:s|ez) (?:uniquement|seulement|toujours|simplement|exactement)\b",
    "es": r"respond[ea]n? (?:solo|sólo|únicamente|siempre|solamente|exactamente)\b",
    "it": r"rispond[ie](?:te)? (?:solo|soltanto|sempre|unicamente|esclusivamente)\b",
    "pt": r"respond[ae]m? (?:apenas|somente|só|sempre|unicamente)\b",
    "nl": r"antwoord (?:alleen|altijd|uitsluitend|enkel)\b",
    "pl": r"odpowi(?:adaj|edz)(?:cie)? (?:tylko|wyłącznie|zawsze)\b",
    "ru": r"(?:отвечай|ответь)(?:те)? (?:только|всегда|лишь)\b",
    "zh": r"(?:只|仅|僅|必须|必須)(?:能|可以)?(?:回答|回复|回覆|输出|輸出)[“「『\"：:A-Za-z\d]",
}
_ANYWHERE = {  # the verb comes last, so that the ending alone tells an order from a report
    "ja": r"(?:指示|命令|指令|プロンプト|文脈|ルール)[^。！？\n]{0,12}?(?:無視|破棄)(?:"
    r"し(?:てください|て下さい|なさい|ろ)|せよ|して[、。][^。\n]{0,60}?(?:ください|下さい|なさい))",
    "ko": r"(?:지시|명령|지침|프롬프트|규칙)[^.。\n]{0,12}?무시(?:하세요|하십시오|해라|하라"
    r"|하고[^.\n]{0,60}?(?:하세요|하십시오|해라|하라))",
}
ABROAD = (
    *(in_words("override", text, "sentence") for text in _OVERRIDE.values()),
    *(in_words("order", text, "sentence") for text in _ONLY.values()),
    *(in_words("override", text, "anywhere") for text in _ANYWHERE.values()),
)
