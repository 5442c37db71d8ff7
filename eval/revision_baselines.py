"""What revising has to be better than."""

from collections.abc import Callable, Sequence

from ragattr.prompt import Chat
from ragattr.setup import Setup
from ragattr.text.sentences import sentence_spans

Rewrite = Callable[[str, Sequence[str]], str]
_INSTRUCTION = (
    "Correct the statement so that it agrees with the evidence. Change as little as you can. "
    "Write the corrected statement and nothing else.\n\nEvidence: {evidence}\n\n"
    "Statement: {said}"
)
_READ = 3  # sentences of evidence
_NEW_TOKENS = 80


def _copy(setup: Setup) -> Rewrite:
    """The sentence of the evidence that is most like the text."""

    def copied(said: str, evidence: Sequence[str]) -> str:
        return _nearest(setup, said, evidence, 1)[0]

    return copied


def _rewrite(setup: Setup) -> Rewrite:
    """What the language model writes when it is asked to correct the text."""
    model = setup.language_model()

    def rewritten(said: str, evidence: Sequence[str]) -> str:
        shown = " ".join(_nearest(setup, said, evidence, _READ))
        text = _INSTRUCTION.format(evidence=shown, said=said)
        (reply,) = model.write(
            [Chat(({"role": "user", "content": text},), (), ())], max_new_tokens=_NEW_TOKENS
        )
        return reply.text.strip().partition("\n")[0]

    return rewritten


def _nearest(setup: Setup, said: str, evidence: Sequence[str], n: int) -> list[str]:
    encoder = setup.sentence_encoder()
    sentences = [span.of(piece) for piece in evidence for span in sentence_spans(piece)]
    likeness = encoder.encode(sentences) @ encoder.encode([said])[0]
    return [sentences[i] for i in likeness.argsort()[::-1][:n]]


BASELINES: dict[str, Callable[[Setup], Rewrite]] = {
    "none": lambda setup: lambda said, evidence: said,
    "delete": lambda setup: lambda said, evidence: "",
    "copy": _copy,
    "rewrite": _rewrite,
}
