"""Answers as people and language models write them, with one fault of a known kind or none.

An answer is drawn as statements with passage numbers, given a shape (running
text, lists, headings, a table of notes) and a way of citing, and written out. The same answer is
written with a fault and without: its clean twin.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from eval.lint_topics import TOPICS, Quote, Topic

KINDS = (
    *("malformed", "out-of-range", "dangling-footnote", "duplicate", "misplaced"),
    *("over-cited", "uncited", "quote-absent", "quote-near", "quote-uncited"),
)


@dataclass(frozen=True)
class Planted:
    """An answer with its twin; `kind` is the fault, and `place` a piece of text that holds it."""

    kind: str
    text: str
    clean: str
    place: str
    passages: tuple[str, ...]


_TALK = (
    "Based on the provided passages, here is what I found:",
    "Sure! Here is a summary:",
    "The main points are:",
    "## Overview",
    "**Short answer**",
)
_GLUE = "\x00"
_CLOSING = (
    "Let me know if you need more detail!",
    "I hope this helps.",
    "The passages do not mention any later changes.",
    "Would you like to know more?",
)


@dataclass(frozen=True)
class _Said:
    """A statement, the numbers it cites and its quotation.

    Attributes:
        quote: what comes before the quoted words, these, and what comes after; no `words` then.
        marker: in place of what the style would write for the numbers.
        end: in place of the marker and the full stop that the style would write.
    """

    words: str
    numbers: tuple[int, ...]
    quote: tuple[str, str, str] | None = None
    marker: str | None = None
    end: str | None = None


@dataclass(frozen=True)
class _Style:
    """How an answer cites.

    Attributes:
        opener: what comes before a number; "[^" are footnotes.
        is_joined: "[1, 2]" and not "[1][2]".
        place: "before" the stop, "tight" before it, "behind" it, "touching" it from behind.
        marks: the pair of quotation marks.
        shape: "running", "paragraphs", "bullets", "numbered" or "headed".
        has_notes: whether a list of notes ends the answer.
    """

    opener: str
    closer: str
    is_joined: bool
    place: str
    marks: str
    shape: str
    has_notes: bool

    def marker(self, numbers: Sequence[int]) -> str:
        """The numbers as this style writes them."""
        opener, between = self.opener, f", {'^' if self.opener == '[^' else ''}"
        if not numbers:
            return ""
        if self.is_joined:
            return f"{opener}{between.join(map(str, numbers))}{self.closer}"
        return "".join(f"{opener}{number}{self.closer}" for number in numbers)

    def ended(self, marker: str) -> str:
        """The marker and the full stop of a sentence."""
        space = "" if self.place in ("tight", "touching") or not marker else " "
        is_before = self.place in ("before", "tight")
        return f"{space}{marker}." if is_before else f".{space}{marker}"

    @property
    def goes_on(self) -> bool:
        """Whether sentences follow one another on a line."""
        return self.shape in ("running", "paragraphs")


_Fault = tuple[list[_Said], str]  # the statements with the fault, and a piece of text that holds it
_Plant = Callable[[list[_Said], int, _Style, Topic, random.Random], _Fault]


def make_answers(n: int, seed: int) -> list[Planted]:
    """`n` answers with one fault each, all kinds alike often."""
    rng = random.Random(seed)
    return [_make(KINDS[i % len(KINDS)], rng) for i in range(n)]


def plain_answer(rng: random.Random) -> tuple[str, tuple[str, ...]]:
    """Some 60 words in three sentences, three markers, one quotation: to measure the speed."""
    topic = rng.choice(TOPICS)
    style = _Style("[", "]", False, "before", "“”", "running", False)
    drawn = rng.sample(topic.statements, 4)
    said = [
        _Said(f"{one}, while {other}", (number,))
        for (one, _), (other, number) in zip(drawn[::2], drawn[1::2], strict=True)
    ]
    return _written([_quoted(topic.quotes[0]), *said], style), topic.passages


def _make(kind: str, rng: random.Random) -> Planted:
    topic, style = rng.choice(TOPICS), _style(kind, rng)
    said = [_Said(words, (n,)) for words, n in rng.sample(topic.statements, rng.randint(3, 5))]
    for i in rng.sample(range(len(said)), rng.randint(0, 2)):
        others = [n for n in range(1, len(topic.passages) + 1) if n not in said[i].numbers]
        said[i] = replace(said[i], numbers=(*said[i].numbers, rng.choice(others)))
    at = rng.randrange(len(said) - 1)
    if kind.startswith("quote"):
        said[at] = _quoted(rng.choice(topic.quotes))
    elif rng.random() < 0.6:
        said.insert(rng.randrange(len(said) + 1), _loosely(_quoted(rng.choice(topic.quotes)), rng))
    faulty, place = _PLANTS[kind]([*said], at, style, topic, rng)
    frame = (rng.choice(("", "", *_TALK)), rng.choice(("", "", *_CLOSING)))
    numbers = sorted({n for one in said for n in one.numbers})
    clean = _written(said, style, frame) + _notes(style, numbers)
    if kind == "dangling-footnote":
        text, place = _with_wrong_notes(_written(said, style, frame), style, numbers, rng)
    else:
        text = _written(faulty, style, frame) + _notes(style, numbers)
    return Planted(kind, text, clean, place, topic.passages)


def _style(kind: str, rng: random.Random) -> _Style:
    brackets = [("[", "]"), ("[", "]"), ("(", ")"), ("[^", "]"), ("【", "】")]
    opener, closer = rng.choice(brackets if kind != "dangling-footnote" else [("[^", "]")])
    places = ["before", "before", "tight", "behind", "touching"]
    if kind == "misplaced":
        places = ["before", "before", "tight"]
    shapes = ["running", "running", "paragraphs", "bullets", "numbered", "headed"]
    return _Style(
        opener=opener,
        closer=closer,
        is_joined=rng.random() < 0.5,
        place=rng.choice(places),
        marks=rng.choice(("“”", '""', "“”", "«»")),
        shape=rng.choice(shapes if kind != "misplaced" else ["running"]),
        has_notes=kind == "dangling-footnote" or (opener == "[^" and rng.random() < 0.5),
    )


def _quoted(quote: Quote) -> _Said:
    return _Said("", (quote.passage,), (quote.before, quote.words, quote.after))


def _loosely(said: _Said, rng: random.Random) -> _Said:
    """A quotation as people copy it: a capital, something left out, the stop inside."""
    before, words, after = said.quote or ("", "", "")
    cut = words.split()
    ways = [
        words,
        words[0].upper() + words[1:],
        words.replace("'", "’"),
        words.replace(" ", "  ", 1),
    ]
    if len(cut) > 5:
        ways.append(f"{' '.join(cut[:2])} … {' '.join(cut[-3:])}")
        ways.append(f"[Here,] {' '.join(cut[:2])} [...] {' '.join(cut[-3:])}")
    if after:
        ways.append(f"{words},")
    return replace(said, quote=(before, rng.choice(ways), after))


def _written(said: Sequence[_Said], style: _Style, frame: tuple[str, str] = ("", "")) -> str:
    """The answer: what opens it, its sentences in their shape, what closes it."""
    lines = [_sentence(one, style) for one in said]
    middle = len(lines) // 2
    if style.shape == "running":
        body = _run_on(lines)
    elif style.shape == "paragraphs":
        body = f"{_run_on(lines[:middle])}\n\n{_run_on(lines[middle:])}"
    elif style.shape == "bullets":
        body = "\n".join(f"- {line}" for line in lines)
    elif style.shape == "numbered":
        body = "\n".join(f"{i}. {line}" for i, line in enumerate(lines, start=1))
    else:
        parts = ("\n\n".join(lines[:middle]), "\n\n".join(lines[middle:]))
        body = f"### What is known\n\n{parts[0]}\n\n**Further details:**\n{parts[1]}"
    return "\n\n".join(part for part in (frame[0], body, frame[1]) if part)


def _run_on(lines: Sequence[str]) -> str:
    """Sentences on one line; a marker that is glued to the next has no space after it."""
    return " ".join(lines).replace(f"{_GLUE} ", "").replace(_GLUE, "")


def _sentence(said: _Said, style: _Style) -> str:
    words = said.words
    if said.quote:
        before, quoted, after = said.quote
        words = f"{before}{style.marks[0]}{quoted}{style.marks[-1]}{after}"
    marker = style.marker(said.numbers) if said.marker is None else said.marker
    return words + (style.ended(marker) if said.end is None else said.end)


def _notes(style: _Style, numbers: Sequence[int]) -> str:
    if not style.has_notes:
        return ""
    return "\n\n" + "\n".join(f"[^{n}]: Passage {n}, as it was retrieved." for n in numbers)


def _with_wrong_notes(
    text: str, style: _Style, numbers: Sequence[int], rng: random.Random
) -> tuple[str, str]:
    """The answer with a note that is missing, or one too many, or one under another name."""
    way, n = rng.choice(("missing", "added", "renamed")), rng.choice(numbers)
    if way == "added":
        more = rng.choice(["7", "12", "source", "note-a"])
        return text + _notes(style, numbers) + f"\n[^{more}]: Not used above.", f"[^{more}]:"
    if len(numbers) == 1 or way == "renamed":
        return text + _notes(style, numbers).replace(f"[^{n}]:", f"[^{n}a]:"), f"[^{n}a]:"
    lines = [line for line in _notes(style, numbers).split("\n") if not line.startswith(f"[^{n}]:")]
    return text + "\n".join(lines), f"^{n}"


def _malformed(
    said: list[_Said], at: int, style: _Style, topic: Topic, rng: random.Random
) -> _Fault:
    n, more = said[at].numbers[0], said[at].numbers[0] % len(topic.passages) + 1
    forms = {
        "[": (
            f"[{n}", f"{n}]", f"[{n},]", f"[,{n}]", f"[a{n}]", f"[{n}.2]", "[ ]", "[]",
            f"[{n},,{more}]", f"[Source {n}]", f"[source {n}, source {more}]", f"(source {n})",
            f"[{n} {more}]",
            f"[{n} and {more}]", f"[doc {n}]", f"[{n})", f"({n}]", f"[#{n}]", f"[{n}, p. 4]",
            f"[ref {n}]", f"[{n};]", f"[{n}b]", f"[Passage {n}, {more}]", f"[{n}.]",
            f"[{n}, {more}", f"[[{n}]", f"[{n}]]", f"[S{n}]", f"[{n}][{more}", f"(see passage {n})",
        ),
        "[^": (f"[^{n}", f"^{n}]", f"[^{n},]", f"[^{n}, ^{more}", f"[^{n})"),
        "【": (f"【{n}", f"{n}】", f"【{n}]", "【】", f"【{n}†source", f"【{n},】", f"[{n}】"),
        "(": (f"({n}", f"{n})", f"(Source {n})", f"(passage {n})", f"({n}]"),
    }  # fmt: skip
    form = rng.choice(forms[style.opener])
    said[at] = replace(said[at], marker=form)
    return said, form


def _out_of_range(
    said: list[_Said], at: int, style: _Style, topic: Topic, rng: random.Random
) -> _Fault:
    n = len(topic.passages) + rng.randint(1, 9)
    numbers = rng.choice(((n,), (0,), (*said[at].numbers, n), (said[at].numbers[0], n)))
    said[at] = replace(said[at], numbers=numbers)
    form = style.marker(numbers)
    if style.opener == "[" and rng.random() < 0.2:
        form = f"[{n - 2}-{n}]"
    said[at] = replace(said[at], marker=form)
    return said, form


def _duplicate(
    said: list[_Said], at: int, style: _Style, topic: Topic, rng: random.Random
) -> _Fault:
    numbers = said[at].numbers
    one, other = style.marker(numbers), style.marker(numbers[:1])
    inside = replace(style, is_joined=True).marker((*numbers, numbers[0]))
    form = rng.choice(
        (one + other, f"{one} {other}", f"{one}, {other}", f"{one} and {other}", inside)
    )
    said[at] = replace(said[at], marker=form)
    if rng.random() < 0.2:
        end = f" {one}. {other}" if style.place == "before" else f"{one}.{other}"
        said[at] = replace(said[at], marker=None, end=end)
        return said, end[-len(other) :]
    elif " " in said[at].words and rng.random() < 0.3:
        head, _, tail = said[at].words.rpartition(", ")
        if head and "[" not in head:
            said[at] = replace(said[at], words=f"{head} {other}, {tail}", marker=None)
            return said, one
    return said, said[at].marker or other


def _misplaced(
    said: list[_Said], at: int, style: _Style, topic: Topic, rng: random.Random
) -> _Fault:
    marker = style.marker(said[at].numbers)
    # "(1) The tower" is the first of a list: nobody can tell it from a citation.
    way = rng.choice(("behind", "glued", "begun", "leading")[: 3 if style.opener == "(" else 4])
    if way == "leading":
        marker, first = style.marker(said[0].numbers), said[0]
        if first.quote:
            before, words, after = first.quote
            said[0] = replace(first, quote=(f"{marker} {before}", words, after), marker="")
        else:
            said[0] = replace(first, words=f"{marker} {first.words}", marker="")
        return said, marker
    if way == "behind":
        said[at] = replace(said[at], end=f".{rng.choice((' ', ''))}{marker}")
    elif way == "glued":
        said[at] = replace(said[at], end=f".{rng.choice((' ', ''))}{marker}{_GLUE}")
    else:
        rest = said[at + 1]
        said[at] = replace(said[at], end=".")
        opener = rng.choice(("The {} same report adds this: ", "It was {} also found that ",
                             "However {}, one should know this: ", "")).format(marker)  # fmt: skip
        first, _, others = (rest.words or (rest.quote or ("",))[0]).partition(" ")
        more = opener or f"{first} {marker} "
        if not opener and rest.quote:
            said[at + 1] = replace(rest, quote=(f"{more}{others}", *rest.quote[1:]))
        elif not opener:
            said[at + 1] = replace(rest, words=f"{more}{others}")
        elif rest.quote:
            before, words, after = rest.quote
            said[at + 1] = replace(rest, quote=(f"{more}{before}", words, after))
        else:
            said[at + 1] = replace(rest, words=f"{more}{rest.words}")
    return said, marker


def _over_cited(
    said: list[_Said], at: int, style: _Style, topic: Topic, rng: random.Random
) -> _Fault:
    numbers = sorted(rng.sample(range(1, len(topic.passages) + 1), rng.randint(4, 5)))
    said[at] = replace(said[at], numbers=tuple(numbers))
    head, _, tail = said[at].words.rpartition(", ")
    if head and "[" not in head and rng.random() < 0.3:
        words = f"{head} {style.marker(numbers[:2])}, {tail}"
        said[at] = replace(said[at], words=words, numbers=tuple(numbers[2:]))
        return said, style.marker(numbers[:2])
    if style.opener == "[" and numbers == [*range(numbers[0], numbers[-1] + 1)]:
        said[at] = replace(said[at], marker=f"[{numbers[0]}–{numbers[-1]}]")
        return said, said[at].marker or ""
    return said, style.marker(numbers)


def _uncited(said: list[_Said], at: int, style: _Style, topic: Topic, rng: random.Random) -> _Fault:
    said[at] = replace(said[at], numbers=())
    return said, said[at].words or (said[at].quote or ("",))[0].strip()


def _other_words(said: list[_Said], at: int, quote: Quote, words: str) -> _Fault:
    said[at] = replace(said[at], quote=(quote.before, words, quote.after))
    return said, words


def _quote_of(said: _Said, topic: Topic) -> Quote:
    return next(quote for quote in topic.quotes if said.quote and quote.words == said.quote[1])


def _quote_absent(
    said: list[_Said], at: int, style: _Style, topic: Topic, rng: random.Random
) -> _Fault:
    quote = _quote_of(said[at], topic)
    return _other_words(said, at, quote, quote.invented)


def _quote_near(
    said: list[_Said], at: int, style: _Style, topic: Topic, rng: random.Random
) -> _Fault:
    quote = _quote_of(said[at], topic)
    words = quote.words.split()
    spot = rng.randrange(1, len(words) - 1)
    without = " ".join(words[:spot] + words[spot + 1 :])
    doubled = " ".join(words[:spot] + ["really"] + words[spot:])
    ways = [quote.near, quote.near, doubled]
    return _other_words(said, at, quote, rng.choice(ways + [without] * (len(words) > 5)))


def _quote_uncited(
    said: list[_Said], at: int, style: _Style, topic: Topic, rng: random.Random
) -> _Fault:
    others = [n for n in range(1, len(topic.passages) + 1) if n not in said[at].numbers]
    said[at] = replace(said[at], numbers=tuple(rng.sample(others, rng.randint(1, 2))))
    return said, (said[at].quote or ("", "", ""))[1]


_PLANTS: dict[str, _Plant] = {
    "malformed": _malformed,
    "out-of-range": _out_of_range,
    "dangling-footnote": lambda said, *_: (said, ""),
    "duplicate": _duplicate,
    "misplaced": _misplaced,
    "over-cited": _over_cited,
    "uncited": _uncited,
    "quote-absent": _quote_absent,
    "quote-near": _quote_near,
    "quote-uncited": _quote_uncited,
}
