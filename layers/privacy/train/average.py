"""Averages what was trained on with what it was trained from.

Training on moves a network towards what it reads then, and away from some of what it had learnt
before. Between both ends lie networks that keep the better part of either, as long as training
began at the one and ended at the other (Wortsman et al., "Robust fine-tuning of zero-shot models",
2022).
"""

from collections.abc import Mapping

import torch
from torch import Tensor


def averaged(
    before: Mapping[str, Tensor], after: Mapping[str, Tensor], *, share: float
) -> dict[str, Tensor]:
    """Weights that have gone ``share`` of the way from ``before`` to ``after``.

    Raises:
        ValueError: the share is not within 0 to 1, or they are weights of different networks.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"the share is {share:g}; it has to be within 0 to 1")
    shapes = [{name: each.shape for name, each in weights.items()} for weights in (before, after)]
    if shapes[0] != shapes[1]:
        raise ValueError("the weights to average are of different networks")
    return {name: torch.lerp(weights, after[name], share) for name, weights in before.items()}
