"""Models that are loaded when they are first asked something: what is remembered needs none."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ragattr.models.entailment import CrossReader, CrossReading
from ragattr.models.protocols import Encoder, Pair


@dataclass(frozen=True, eq=False)
class LateEncoder:
    """An encoder whose name is known before it is there."""

    name: str
    load: Callable[[], Encoder] = field(repr=False)

    @cached_property
    def _encoder(self) -> Encoder:
        return self.load()

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """As the encoder."""
        return self._encoder.encode(texts)


@dataclass(frozen=True, eq=False)
class LateReader:
    """A cross-encoder."""

    load: Callable[[], CrossReader] = field(repr=False)

    @cached_property
    def _reader(self) -> CrossReader:
        return self.load()

    def read(self, pairs: Sequence[Pair]) -> CrossReading:
        """As the cross-encoder."""
        return self._reader.read(pairs)
