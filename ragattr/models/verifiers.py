"""A verifier by its name: which kind of model it is, and whether its labels are in order."""

import logging
from collections.abc import Callable

from ragattr.errors import ConfigError, MissingExtra, ModelNotFound
from ragattr.models import embedded
from ragattr.models.chunks import Chunked
from ragattr.models.loading import first_line
from ragattr.models.protocols import EntailmentModel, Pair
from ragattr.prompt import Prompt

try:
    from transformers import AutoConfig
except ImportError as error:
    raise MissingExtra("local") from error

logger = logging.getLogger(__name__)
_OPPOSITES = (
    ("The bridge was opened in 1932.", "The bridge was not opened in 1932."),
    ("All of the birds can fly.", "None of the birds can fly."),
    ("The river is longer than the canal.", "The river is shorter than the canal."),
)
_KINDS = {  # what a model's class ends with, and the prefix that says so
    "ForSequenceClassification": "nli",
    "ForConditionalGeneration": "t5",
    "ForTokenClassification": "spans",
    "ForCausalLM": "asked",
    "LMHeadModel": "asked",
}


def named_verifier(name: str, prompt: Prompt) -> EntailmentModel:
    """A verifier by folder or hub name.

    Its kind is read from its config, or said by a prefix: nli:NAME, t5:NAME, spans:NAME,
    asked:NAME; asked:embedded is the embedded language model.

    Args:
        name: "[KIND:]NAME".
        prompt: how models that were not trained to verify are asked, with `ENTAIL_FIELDS`.
    """
    kind, colon, rest = name.partition(":")
    if not (colon and kind in _MAKERS):
        kind, rest = _kind(name), name
    verifier = _MAKERS[kind](rest, prompt)
    check_order(verifier)
    return verifier


def check_order(verifier: EntailmentModel) -> None:
    """A ConfigError when a model plainly takes opposites for support, and repetitions not.

    Three sentences are each judged against themselves and against their opposites; a model that
    merely does not tell them apart is told of in the log.
    """
    pairs = [Pair(said, said) for said, _ in _OPPOSITES] + [Pair(*both) for both in _OPPOSITES]
    supported = verifier.entails(pairs)[:, 0]
    gains = supported[: len(_OPPOSITES)] - supported[len(_OPPOSITES) :]
    if (gains < -0.5).all():
        raise ConfigError(
            f"the labels of {verifier.name} are the wrong way round: "
            "it finds opposites supported and repetitions not"
        )
    if not (gains > 0).all():
        logger.warning("%s does not tell a sentence from its opposite", verifier.name)


def _kind(name: str) -> str:
    try:
        config = AutoConfig.from_pretrained(name, trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise ModelNotFound(
            f"no verifier {name!r}: 'embedded', a folder or a hub name: {first_line(error)}"
        ) from error
    for architecture in config.architectures or []:
        for ending, kind in _KINDS.items():
            if architecture.endswith(ending):
                return kind
    raise ConfigError(
        f"what {name} is cannot be told from its architectures {config.architectures}: "
        f"write {', '.join(f'{kind}:NAME' for kind in _MAKERS)}"
    )


def _nli(name: str, prompt: Prompt) -> EntailmentModel:
    from ragattr.models.nli import NLIScorer

    return Chunked(NLIScorer.load(name))


def _seq2seq(name: str, prompt: Prompt) -> EntailmentModel:
    from ragattr.models.seq2seq import Seq2SeqScorer

    return Chunked(Seq2SeqScorer.load(name, prompt))


def _spans(name: str, prompt: Prompt) -> EntailmentModel:
    from ragattr.models.unsupported import SpanVerifier, TokenScorer

    return SpanVerifier(TokenScorer.load(name))


def _asked(name: str, prompt: Prompt) -> EntailmentModel:
    from ragattr.models.asked import AskedScorer
    from ragattr.models.hf import HFModel

    model = embedded.language_model() if name == "embedded" else HFModel.load(name)
    return Chunked(AskedScorer.wrap(model, prompt))


_MAKERS: dict[str, Callable[[str, Prompt], EntailmentModel]] = {
    "nli": _nli,
    "t5": _seq2seq,
    "spans": _spans,
    "asked": _asked,
}
