"""An operator's module against an equation for it, written down on its own: results, and gradients of all it has."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from fpngraph.feature import Feature
from fpngraph.ops import Operator, Site

MODES = {"training": True, "eval": False}


def built(op: Operator, *channels: int) -> nn.Module:
    """The module of ``op`` in float64 with random numbers in all that it has."""
    generator = torch.Generator().manual_seed(0)
    module = op.build(tuple(Feature(3, each) for each in channels), Site()).double()
    with torch.no_grad():
        for value in (*module.parameters(), *module.buffers()):
            if value.is_floating_point():
                value.uniform_(0.3, 1.3, generator=generator)
    return module


def assert_equals(module: nn.Module, equation: Callable[[Tensor], Tensor], x: Tensor) -> None:
    """Both give the same for ``x``, and the same gradients to it and to the parameters."""
    results = []
    for function in (equation, module):  # the equation reads statistics that a call in training mode changes
        leaf = x.clone().requires_grad_()
        y = function(leaf)
        weights = torch.linspace(-1, 1, y.numel(), dtype=y.dtype).view(y.shape)
        results.append([y, *torch.autograd.grad((y * weights).sum(), [leaf, *module.parameters()])])
    torch.testing.assert_close(results[1], results[0], rtol=1e-11, atol=1e-11)
