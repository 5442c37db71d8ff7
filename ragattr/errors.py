"""Everything ragattr raises on purpose.

RagattrError
  ConfigError      an argument that can never work   (also ValueError)
  InputError       a file or row that cannot be read, or written   (also ValueError)
  MissingExtra     an optional package is absent     (also ImportError)
  ModelNotFound    a model that was named is not here
  PromptError      a prompt's fields are not the stage's
  AlignmentError   characters and tokens do not line up
  ModelReplyError  a model's reply, or its numbers, could not be read
  ServerError      a model server does not answer, or refuses
  NoLogprobs       a model server shows no log-probabilities of a prompt
  ProbeError       the attention interface does not read a model as the model reads
  NoAttention      a model has no attention interface   (also ProbeError)
  StageError       a stage broke its contract
"""


class RagattrError(Exception):
    """The root: catch this to catch everything ragattr raises on purpose."""


class ConfigError(RagattrError, ValueError):
    """An argument that can never work."""


class InputError(RagattrError, ValueError):
    """A file or a row that cannot be read, or an output that cannot be written."""


class MissingExtra(RagattrError, ImportError):
    """An optional package is absent; the message carries the install line."""

    def __init__(self, extra: str) -> None:
        super().__init__(f"this needs an optional package: pip install 'ragattr[{extra}]'")


class ModelNotFound(RagattrError):
    """A model that was named is not here; the message says where it was looked for."""


class PromptError(RagattrError):
    """A prompt's fields are not those that its stage fills."""


class AlignmentError(RagattrError):
    """Characters and tokens do not line up."""


class ModelReplyError(RagattrError):
    """A model's reply, or its numbers, could not be read."""


class ServerError(RagattrError):
    """A model server does not answer, or refuses; the message says which and what it said."""


class NoLogprobs(ServerError):
    """A model server shows no log-probabilities of a prompt: nothing can be measured there."""


class ProbeError(RagattrError):
    """The attention interface does not read a model as the model itself reads."""


class NoAttention(ProbeError):
    """A model has no attention interface: it cannot be looked into."""

    def __init__(self, model: str) -> None:
        super().__init__(
            f"{model} does not show its attention (a transformers model in this process may); "
            "jsd-fast, jsd, drop, contextcite and subset work without"
        )


class StageError(RagattrError):
    """A stage broke its contract."""
