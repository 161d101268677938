"""A start for codes on a line: a block's fields read as one number, in place-value notation.

A block of fields with c1, c2, ... classes has c1 c2 ... combinations. Spread evenly over
(-pi, pi), first field first, they can all be told apart before the first step of training; a
model then learns how far each moves inside its own interval. From a random start a network has
to sort thousands of codes on one line first, which takes it longer than all the rest.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from pipeline.compress.fields import Group


class PlaceValue(nn.Module):
    """Encoder outputs and fields -> the same outputs around each combination's own place.

    The first latent dimension of a block carries the number; the block's others are free.
    """

    weights: Tensor
    offset: Tensor
    step: Tensor

    def __init__(self, group: Group) -> None:
        super().__init__()
        share = group.dimensions // len(group.parts)
        weights = torch.zeros(len(group.cardinalities), group.dimensions, dtype=torch.float64)
        offset, step = torch.zeros(group.dimensions), torch.ones(group.dimensions)
        for block, part in enumerate(group.parts):
            levels = math.prod(group.cardinalities[f] for f in part)
            unit, axis = 2 * math.pi / levels, block * share
            offset[axis], step[axis] = unit / 2 - math.pi, unit / 2
            for field in reversed(part):
                weights[field, axis] = unit
                unit *= group.cardinalities[field]
        self.register_buffer("weights", weights, persistent=False)
        self.register_buffer("offset", offset, persistent=False)
        self.register_buffer("step", step, persistent=False)

    def forward(self, outputs: Tensor, fields: Tensor) -> Tensor:
        places = (fields.clamp(min=0).double() @ self.weights).float() + self.offset
        mean = places + self.step * outputs[..., 0].tanh()  # (n, dimensions)
        others = outputs[..., 1:] + self.step.log()[:, None]  # log deviations, in steps
        return torch.cat([mean[..., None], others], -1)
