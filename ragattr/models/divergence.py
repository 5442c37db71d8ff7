"""Divergence of distributions over the vocabulary, on the device where they are."""

import numpy as np

from ragattr.errors import MissingExtra

try:
    import torch
except ImportError as error:
    raise MissingExtra("local") from error

_LEAST = -1e4  # a logarithm that times a probability of 0 is 0, where -inf would make it NaN


def divergence(p: "torch.Tensor", log_p: "torch.Tensor", log_q: "torch.Tensor") -> "torch.Tensor":
    """[rows], Jensen-Shannon divergence in nats; `metrics.divergence` is the definition.

    Args:
        p: [rows, vocab], probabilities, whose logarithms are `log_p`.
    """
    q = log_q.exp()
    log_middle = (p + q).mul_(0.5).clamp_min_(torch.finfo(p.dtype).tiny).log_()
    from_p = (log_p - log_middle).clamp_min_(_LEAST).mul_(p).sum(-1)
    from_q = (log_q - log_middle).clamp_min_(_LEAST).mul_(q).sum(-1)
    return ((from_p + from_q) / 2).clamp(0.0, float(np.log(2)))
