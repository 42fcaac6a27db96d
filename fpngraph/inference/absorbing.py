"""Linear modules taken into each other. All is computed in float64."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fpngraph.inference.classes import is_one_of
from fpngraph.inference.parts import Part
from fpngraph.layers.conv import is_pointwise, pointwise

_CONVS = ("torch.nn.Conv2d", "fpngraph.layers.conv.Pointwise")


def absorb(module: nn.Module, scale: Tensor, shift: Tensor) -> None:
    """Have ``module`` give ``scale * y + shift``, channel by channel, where it gave y."""
    own = getattr(module, "absorb", None)
    if own is not None:
        own(scale, shift)
        return
    weight: Tensor = module.get_parameter("weight")
    bias = module.bias
    axis = int(isinstance(module, nn.ConvTranspose2d))  # that of the result's channels
    scale, shift = (value.expand(weight.shape[axis]) for value in (scale, shift))
    if isinstance(bias, Tensor):
        shift = shift + bias.double() * scale
    scaled = weight.double() * scale.view(-1, *[1] * (weight.dim() - 1 - axis))
    module.weight = nn.Parameter(scaled.to(weight.dtype), requires_grad=False)
    module.bias = nn.Parameter(shift.to(weight.dtype), requires_grad=False)


def added(branches: Sequence[Sequence[Part]]) -> tuple[list[int], nn.Module] | None:
    """The branches of which one convolution is the sum, and that; None if there are not two, one a convolution.

    A branch is a convolution that keeps the size, a scale and shift alone, or nothing, which is the map itself
    (RepVGG, arXiv:2101.03697 Sec. 3.3).
    """
    convs = {index: conv for index, parts in enumerate(branches) if (conv := _conv(parts)) is not None}
    if not convs:
        return None
    widest = max(convs.values(), key=lambda conv: conv.kernel_size[0])
    chosen = [index for index, parts in enumerate(branches) if _fits(parts, convs.get(index), widest)]
    if len(chosen) < 2:
        return None
    result = nn.Conv2d(
        widest.in_channels,
        widest.out_channels,
        widest.kernel_size[0],
        padding=widest.padding[0],
        dilation=widest.dilation[0],
        groups=widest.groups,
        device="meta",
    )
    kernels = [_kernel(branches[index], convs.get(index), widest) for index in chosen]
    weight, bias = (sum(values[1:], values[0]) for values in zip(*kernels, strict=True))
    result.weight = nn.Parameter(weight.to(widest.weight.dtype), requires_grad=False)
    result.bias = nn.Parameter(bias.to(widest.weight.dtype), requires_grad=False)
    return chosen, pointwise(result) if is_pointwise(result) else result


def _conv(parts: Sequence[Part]) -> nn.Conv2d | None:
    """The convolution that a branch is, if it is one that keeps the size, with as many pixels on each side."""
    if len(parts) != 1 or not parts[0].absorbs or not is_one_of(parts[0].module, _CONVS):
        return None
    conv = parts[0].module
    assert isinstance(conv, nn.Conv2d)
    (kernel, other), (dilation, _), padding = conv.kernel_size, conv.dilation, conv.padding
    keeps = kernel == other and kernel % 2 == 1 and padding == (dilation * (kernel - 1) // 2,) * 2
    return conv if keeps and conv.stride == (1, 1) and conv.padding_mode == "zeros" else None


def _fits(parts: Sequence[Part], conv: nn.Conv2d | None, widest: nn.Conv2d) -> bool:
    """Whether a branch is a convolution of the widest one's kind, or no more than a scale and a shift."""
    if conv is None:
        alone = len(parts) == 0 or (len(parts) == 1 and parts[0].affine is not None)
        return alone and widest.in_channels == widest.out_channels
    alike = (conv.in_channels, conv.out_channels, conv.groups) == (
        widest.in_channels,
        widest.out_channels,
        widest.groups,
    )
    return alike and (conv.kernel_size == (1, 1) or conv.dilation == widest.dilation)


def _kernel(parts: Sequence[Part], conv: nn.Conv2d | None, widest: nn.Conv2d) -> tuple[Tensor, Tensor]:
    """The weight and bias of a branch as those of a convolution with the widest one's kernel."""
    channels = widest.out_channels
    zeros = torch.zeros(channels, dtype=torch.float64, device=widest.weight.device)
    if conv is not None:
        weight = conv.weight.double()
        bias = zeros if conv.bias is None else conv.bias.double()
    else:
        scale, bias = parts[0].affine if parts and parts[0].affine is not None else (zeros + 1, zeros)
        inside = torch.arange(channels, device=zeros.device) % (channels // widest.groups)
        weight = F.one_hot(inside, channels // widest.groups)[..., None, None] * scale.double().view(-1, 1, 1, 1)
    margin = (widest.kernel_size[0] - weight.shape[-1]) // 2
    return F.pad(weight, [margin] * 4), bias.double()
