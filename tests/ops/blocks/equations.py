"""A block beside its equation, which a test writes in plain torch: equal numbers, gradients, counts, folding."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from fpngraph.feature import Feature, Size
from fpngraph.inference.folding import Held, chain
from fpngraph.inference.parts import running
from fpngraph.layers.layout import Layers
from fpngraph.ops import Operator, Site
from fpngraph.ops.act import Silu
from fpngraph.ops.norm import BatchNorm
from fpngraph.ops.steps import step
from tests.traces import trace

SITE = Site(norm=BatchNorm(), act=Silu())
SIZE = Size(7, 6)


@dataclass(frozen=True)
class Weights:
    """The weights of a module by name, and what is made of them by hand."""

    tensors: Mapping[str, Tensor]
    training: bool = False

    def cna(self, name: str, x: Tensor, groups: int = 1, number: int = 1) -> Tensor:
        """A convolution, a batch norm, SiLU."""
        return act(self.cn(name, x, groups, number))

    def cn(self, name: str, x: Tensor, groups: int = 1, number: int = 1) -> Tensor:
        """A convolution that keeps the size, a batch norm: the first of a list of layers, or the one of this number."""
        which = "" if number == 1 else f"_{number}"
        weight = self.tensors[f"{name}.conv{which}.weight"]
        return self.norm(f"{name}.norm{which}", F.conv2d(x, weight, padding=weight.shape[-1] // 2, groups=groups))

    def norm(self, name: str, x: Tensor) -> Tensor:
        """A batch norm."""
        mean, var = self.tensors[f"{name}.running_mean"], self.tensors[f"{name}.running_var"]
        if self.training:
            mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
        scale, shift = self.tensors[f"{name}.weight"], self.tensors[f"{name}.bias"]
        return _wide(scale) * (x - _wide(mean)) / (_wide(var) + 1e-5).sqrt() + _wide(shift)


Equation = Callable[[Weights, Tensor], Tensor]


class Block(NamedTuple):
    """A block and what is expected of it."""

    op: Operator
    equation: Equation
    convolutions: int
    """Those of its inference form."""
    in_channels: int = 12


def act(x: Tensor) -> Tensor:
    """SiLU."""
    return x * torch.sigmoid(x)


def _wide(values: Tensor) -> Tensor:
    return values.view(1, -1, 1, 1)


def trained(op: Operator, in_channels: int, site: Site) -> nn.Module:
    """The module of a block, in float64, with weights and statistics that are no defaults."""
    torch.manual_seed(0)
    module = op.made((Feature(3, in_channels),), site).double()
    with torch.no_grad():
        for name, value in (*module.named_parameters(), *module.named_buffers()):
            if value.dim() > 1:
                value.normal_(std=value[0].numel() ** -0.5)
            elif value.is_floating_point():
                value.uniform_(0.5, 2) if "var" in name else value.normal_()
    return module


def assert_equals(op: Operator, in_channels: int, out_channels: int, equation: Equation) -> None:
    """In both modes the block gives what the equation gives, with the same gradients of its map and its weights."""
    site = replace(SITE, channels=out_channels)
    module = trained(op, in_channels, site)
    x = torch.randn(2, in_channels, *SIZE, dtype=torch.float64)
    weights = dict(module.named_parameters())
    for training in (False, True):
        buffers = {name: buffer.clone() for name, buffer in module.named_buffers()}
        mine, by_hand = x.clone().requires_grad_(), x.clone().requires_grad_()

        got = module.train(training)(mine)
        expected = equation(Weights({**weights, **buffers}, training), by_hand)

        assert_close(got, expected)
        assert op.infer((Feature(3, in_channels),), site) == Feature(3, got.shape[1])
        weighed = torch.randn_like(got)
        grads = torch.autograd.grad((got * weighed).sum(), [mine, *weights.values()])
        wanted = torch.autograd.grad((expected * weighed).sum(), [by_hand, *weights.values()])
        for grad, want in zip(grads, wanted, strict=True):
            assert_close(grad, want)


def assert_counted(op: Operator, in_channels: int, out_channels: int) -> None:
    """Parameters and multiply-accumulates are those of the module."""
    site = replace(SITE, channels=out_channels)
    module = trained(op, in_channels, site).eval()
    with FlopCounterMode(display=False) as counter:
        module(torch.randn(1, in_channels, *SIZE, dtype=torch.float64))

    cost = op.cost((Feature(3, in_channels),), site, SIZE, SIZE)

    assert cost == (sum(value.numel() for value in module.parameters()), counter.get_total_flops() / 2)


def assert_folds(op: Operator, in_channels: int, out_channels: int, convolutions: int) -> nn.Module:
    """The inference form gives the same and has only convolutions, so many of them, and activations that write."""
    site = replace(SITE, channels=out_channels)
    module = trained(op, in_channels, site).eval()
    x = torch.randn(2, in_channels, *SIZE, dtype=torch.float64)
    place = step(op, (Feature(3, in_channels),), site, "block")

    found = chain({"block": place}, [Held("block", "block", module)])
    fused = Layers(running(found.parts, owned=False)[0])

    assert found.unfolded == {}
    with torch.no_grad():
        assert_close(fused(x), module(x))
    assert [name for name, part in fused.named_modules() if isinstance(part, nn.BatchNorm2d)] == []
    assert sum(isinstance(part, nn.Conv2d) for part in fused.modules()) == convolutions
    return fused


def assert_traces(op: Operator, in_channels: int, out_channels: int) -> None:
    """A trace gives what the module gives for maps of another size."""
    module = trained(op, in_channels, replace(SITE, channels=out_channels)).eval()
    traced = trace(module, torch.randn(1, in_channels, *SIZE, dtype=torch.float64))
    x = torch.randn(2, in_channels, 5, 9, dtype=torch.float64)

    assert_close(traced(x), module(x))


def assert_close(got: Tensor, expected: Tensor) -> None:
    """Equal but for rounding, as a share of the largest number, or of 1."""
    got, expected = got.detach(), expected.detach()
    scale = expected.abs().max().clamp(min=1)
    assert got.shape == expected.shape
    assert float((got - expected).abs().max() / scale) < 1e-12
