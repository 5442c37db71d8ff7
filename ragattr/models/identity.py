"""Which weights a model has: names and folders may repeat."""

import hashlib
from typing import Any

_VALUES_HASHED = 64  # of each parameter, spread over it


def weights_digest(model: Any, *settings: str) -> str:
    """SHA-256 of values of every parameter, and of whatever else must be the same.

    Values are rounded to bfloat16: a copy in another precision is the same model.
    """
    digest = hashlib.sha256("\0".join(settings).encode())
    for name, values in model.named_parameters():
        flat = values.detach().flatten()
        step = max(1, len(flat) // _VALUES_HASHED)
        sample = flat[::step].bfloat16().float().cpu().numpy()
        digest.update(f"{name} {tuple(values.shape)}".encode() + sample.tobytes())
    return digest.hexdigest()
