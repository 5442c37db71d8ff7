"""Citation and attribution for RAG: which evidence an answer used, and which supports it.

import ragattr

record = ragattr.cite(question="...", passages=["..."], answer="...")
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_PLACES = {
    "ragattr.types": (
        "Answer",
        "Attribution",
        "Citation",
        "CitedAnswer",
        "Claim",
        "Context",
        "Judgement",
        "Passage",
        "Query",
        "Source",
        "Span",
        "Verdict",
    ),
    "ragattr.stage": ("Pipeline", "Stage"),
    "ragattr.prompt": ("Prompt",),
    "ragattr.errors": ("RagattrError",),
    "ragattr.retrieval.bm25": ("RetrieveBM25",),
    "ragattr.retrieval.dense": ("RetrieveDense",),
    "ragattr.retrieval.fusion": ("FuseRanks",),
    "ragattr.generation.generate": ("Generate",),
    "ragattr.attribution.fast": ("AttributeFast",),
    "ragattr.attribution.jsd": ("AttributeJSD",),
    "ragattr.verification.entailment": ("VerifyEntailment",),
    "ragattr.citation.join": ("Cite",),
    "ragattr.api": ("answer", "attribute", "cite", "revise", "verify"),
}
_HOME = {name: module for module, names in _PLACES.items() for name in names}

if TYPE_CHECKING:
    from ragattr.api import answer, attribute, cite, revise, verify
    from ragattr.attribution.fast import AttributeFast
    from ragattr.attribution.jsd import AttributeJSD
    from ragattr.citation.join import Cite
    from ragattr.errors import RagattrError
    from ragattr.generation.generate import Generate
    from ragattr.prompt import Prompt
    from ragattr.retrieval.bm25 import RetrieveBM25
    from ragattr.retrieval.dense import RetrieveDense
    from ragattr.retrieval.fusion import FuseRanks
    from ragattr.stage import Pipeline, Stage
    from ragattr.types import (
        Answer,
        Attribution,
        Citation,
        CitedAnswer,
        Claim,
        Context,
        Judgement,
        Passage,
        Query,
        Source,
        Span,
        Verdict,
    )
    from ragattr.verification.entailment import VerifyEntailment

__all__ = [
    "Answer",
    "AttributeFast",
    "AttributeJSD",
    "Attribution",
    "Citation",
    "Cite",
    "CitedAnswer",
    "Claim",
    "Context",
    "FuseRanks",
    "Generate",
    "Judgement",
    "Passage",
    "Pipeline",
    "Prompt",
    "Query",
    "RagattrError",
    "RetrieveBM25",
    "RetrieveDense",
    "Source",
    "Span",
    "Stage",
    "Verdict",
    "VerifyEntailment",
    "answer",
    "attribute",
    "cite",
    "revise",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'ragattr' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
