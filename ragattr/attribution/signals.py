"""What is known of each sentence before any is deleted: the raw figures of a learned explainer."""

from dataclasses import dataclass

import numpy as np

from ragattr.attribution.subject import Subject, measured_claims
from ragattr.models.protocols import Effects, Encoder, InsideReading
from ragattr.types import FloatArray


@dataclass(frozen=True, eq=False)
class Signals:
    """Of one claim; figures are means over its tokens.

    Attributes:
        attention: [layers, heads, sources], the share that each head gives to a source.
        direct: [sources], contribution to the logits that takes no detour.
        similarity: [sources], cosine of sentence and question with reply.
        places: [sources], where in the prompt it begins, 0..1.
        lengths: [sources], characters.
    """

    attention: FloatArray
    direct: FloatArray
    similarity: FloatArray
    places: FloatArray
    lengths: FloatArray


@dataclass(frozen=True, eq=False)
class Hidden:
    """What hiding a source does to one claim (`Reading.knock_out`), nats per token.

    Attributes:
        jsd, drops: [sources]; NaN where nobody hid it.
    """

    jsd: FloatArray
    drops: FloatArray

    @classmethod
    def of(cls, effects: Effects, claim: list[int], sources: list[int], n_sources: int) -> "Hidden":
        """From the effects of hiding some of the sources."""
        jsd, drops = np.full((2, n_sources), np.nan)
        jsd[sources] = effects.jsd[:, claim].mean(axis=1)
        drops[sources] = effects.drops[:, claim].mean(axis=1)
        return cls(jsd, drops)


def read_signals(subject: Subject, reading: InsideReading, encoder: Encoder) -> list[Signals]:
    """The signals of each measured claim, from the reading that is there."""
    attention = reading.attention(subject.removals)
    direct = reading.direct(subject.removals).sum(axis=(0, 1))
    question, n_chars = subject.answer.context.query.text, len(subject.chat.text)
    vectors = encoder.encode([f"{question} {subject.reply.text}", *subject.texts])
    return [
        Signals(
            attention=attention[..., claim].mean(axis=-1),
            direct=direct[:, claim].mean(axis=1),
            similarity=(vectors[1:] @ vectors[0]).astype(np.float64),
            places=np.array([removal[0].start / n_chars for removal in subject.removals]),
            lengths=np.array([float(len(text)) for text in subject.texts]),
        )
        for claim in measured_claims(subject.answer, reading.tokens)
    ]
