"""Which weights a model has: names and folders may repeat."""

import hashlib
from typing import Any

_VALUES_HASHED = 16  # of each parameter: enough to tell two sets of weights apart


def weights_digest(model: Any, *settings: str) -> str:
    """SHA-256 of the first values of every parameter, and of whatever else must be the same."""
    digest = hashlib.sha256("\0".join(settings).encode())
    for name, values in model.named_parameters():
        first = values.detach().flatten()[:_VALUES_HASHED].float().cpu().numpy()
        digest.update(f"{name} {tuple(values.shape)}".encode() + first.tobytes())
    return digest.hexdigest()
