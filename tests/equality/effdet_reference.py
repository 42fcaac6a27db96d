"""effdet's necks and ours from the same options, with equal weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from effdet.config import get_efficientdet_config
from effdet.efficientdet import BiFpn
from torch import Tensor, nn

import fpngraph
from fpngraph.efficientdet import host
from fpngraph.efficientdet.neck_weights import neck_state_from_effdet


@dataclass(frozen=True, kw_only=True)
class Options:
    """What effdet's configuration says of a neck, by effdet's names and with its defaults."""

    fpn_name: str = "bifpn_fa"
    min_level: int = 3
    max_level: int = 7
    fpn_channels: int = 8
    fpn_cell_repeats: int = 1
    pad_type: str = ""
    act_type: str = "swish"
    apply_resample_bn: bool = True
    redundant_bias: bool = False
    conv_bn_relu_pattern: bool = False
    separable_conv: bool = True
    downsample_type: str = "max"
    upsample_type: str = "nearest"


def effdet_config(options: Options, image_size: tuple[int, int] = (512, 512), fpn_config: object = None) -> Any:
    """The configuration of an effdet model with that neck."""
    config = get_efficientdet_config("efficientdet_d0")
    config.update(vars(options))
    config.num_levels = options.max_level - options.min_level + 1
    config.image_size = image_size
    config.fpn_config = fpn_config
    return config


def effdet_neck(
    options: Options, in_channels: Sequence[int], image_size: tuple[int, int], fpn_config: object = None
) -> BiFpn:
    """effdet's neck for images of ``image_size``, (height, width); it has no other size."""
    config = effdet_config(options, image_size, fpn_config)
    return BiFpn(config, [{"num_chs": channels} for channels in in_channels])


def settings(options: Options) -> dict[str, Any]:
    """The parameters of the shipped graphs that ``options`` determine by themselves, whatever the topology."""
    return host.parameters(effdet_config(options))


def graph_of(options: Options) -> fpngraph.Graph:
    """The shipped graph that is effdet's neck of these options."""
    return host.graph_of(effdet_config(options))


def equal_necks(theirs: BiFpn, graph: fpngraph.Graph, maps: Sequence[Tensor]) -> fpngraph.Neck:
    """Give effdet's neck weights as after a training, and our own the same, both in float64.

    Untrained, values and gradients fall by orders of magnitude from cell to cell, and little is compared.
    """
    randomise(theirs.double())
    calibrate(theirs, [torch.cat([x, torch.randn_like(x)]) for x in maps])
    ours = fpngraph.build(graph, in_channels=[x.shape[1] for x in maps]).double()
    ours.load_state_dict(neck_state_from_effdet(theirs.state_dict(), ours))
    return ours


@torch.no_grad()
def randomise(module: nn.Module) -> None:
    """Draw what starts as a constant; some of the fusion weights are negative."""
    norms = {f"{name}.weight" for name, part in module.named_modules() if isinstance(part, nn.BatchNorm2d)}
    for name, tensor in module.named_parameters():
        if name.endswith("edge_weights"):
            tensor.uniform_(-0.3, 1.5)
            tensor[0].uniform_(0.5, 1.5)  # with no positive weight a fusion gives 0
        elif name in norms:
            tensor.uniform_(0.5, 1.5)
        elif name.endswith("bias"):
            tensor.normal_(std=0.5)


@torch.no_grad()
def calibrate(module: nn.Module, maps: list[Tensor] | Tensor) -> None:
    """Set the statistics of every norm to about those of ``maps``, or of images."""
    norms = [part for part in module.modules() if isinstance(part, nn.BatchNorm2d)]
    momentum = {norm: norm.momentum for norm in norms}
    for norm in norms:
        norm.momentum = 1.0
    module.train()(maps)
    for norm in norms:
        norm.momentum = momentum[norm]
        norm.running_mean += 0.1 * torch.randn_like(norm.running_mean)
        norm.running_var *= torch.empty_like(norm.running_var).uniform_(0.5, 1.5)


def feature_maps(
    in_channels: Sequence[int], min_level: int, image_size: tuple[int, int], batch: int = 1
) -> list[Tensor]:
    """Maps as a backbone gives them, whose sizes are halves rounded up, in float64."""
    return [
        torch.randn(batch, channels, *(-(-side // 2**level) for side in image_size), dtype=torch.float64)
        for level, channels in enumerate(in_channels, min_level)
    ]
