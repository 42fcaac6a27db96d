"""The inference form of the detector."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Self

import torch
from timm.layers.conv2d_same import Conv2dSame
from torch import Tensor, fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from fpngraph.efficientdet.config import Config
from fpngraph.efficientdet.heads import Head
from fpngraph.efficientdet.parts import Parts, Predictions
from fpngraph.feature import Feature
from fpngraph.folding import chain, inference_copy
from fpngraph.layers.conv import UncopiedConv2d, is_pointwise, pointwise
from fpngraph.layers.layout import Layers, channels_last
from fpngraph.neck import Neck
from fpngraph.ops import Site
from fpngraph.steps import Step


class FusedEfficientDet(Parts):
    """A detector for inference only. Made by ``fuse`` of a detector, whose weights it has a copy of.

    Called as the detector is, and equal to it in eval mode but for rounding; ``train()`` is refused.
    """

    def __init__(
        self, config: Config, backbone: nn.Module, neck: Neck, heads: tuple[Head, Head], dtype: torch.dtype | None
    ) -> None:
        class_head, box_head = map(FusedHead, heads)
        own = in_inference(inference_copy(backbone)).to(memory_format=torch.channels_last)
        super().__init__(config, own, neck.fuse(dtype), class_head, box_head)
        self.to(dtype)
        self.eval()

    def forward(self, images: Tensor) -> Predictions:
        dtype = next(self.backbone.parameters()).dtype
        predictions = super().forward(channels_last(images.to(dtype)))
        return Predictions(*([x.to(images.dtype) for x in maps] for maps in predictions))

    def train(self, mode: bool = True) -> Self:
        """Refused, but for ``mode=False``: raises RuntimeError."""
        if mode:
            raise RuntimeError(
                "a fused detector is for inference only\n"
                "  hint: train the detector that it was made from, and fuse that again"
            )
        return super().train(mode)


class FusedHead(nn.Module):
    """A head whose norms are folded into convolutions, so that every level has its own of these."""

    def __init__(self, head: Head) -> None:
        super().__init__()
        self.levels = nn.ModuleDict({level: _of_level(head, level) for level in head.levels})

    def forward(self, maps: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {level: self.levels[level](x) for level, x in maps.items()}


def _of_level(head: Head, level: str) -> nn.Module:
    # what the neck gives is the caller's own where it gives an input, so that nothing may be written to it
    feature = Feature(0, head.channels)
    steps, modules = zip(
        *((Step(op, (feature,), Site(), feature), part) for op, part in head.steps(level)), strict=True
    )
    edge, _ = chain(steps, modules).run(owned=False)
    return Layers(*edge).to(memory_format=torch.channels_last)


def in_inference(backbone: nn.Module) -> nn.Module:
    """The backbone with norms folded, and without the padded copies of TensorFlow's padding."""
    _fold_norms(backbone)
    for name, part in list(backbone.named_modules()):
        # only where they are cheap: a kernel with zeros in it costs more than the copy where channels are mixed
        if isinstance(part, Conv2dSame) and part.groups > 1 and part.stride[0] > 1 and part.dilation[0] == 1:
            backbone.set_submodule(name, UncopiedConv2d(part))
        elif isinstance(part, nn.Conv2d) and is_pointwise(part):
            backbone.set_submodule(name, pointwise(part))
    return backbone


def _fold_norms(backbone: nn.Module) -> nn.Module:
    """Take each batch norm into the convolution that it alone reads; a backbone that torch.fx cannot follow stays."""
    try:
        graph = _Tracer().trace(backbone)
    except Exception:  # whatever a model does that cannot be followed: it runs as it is
        return backbone
    modules = dict(backbone.named_modules())
    calls: dict[object, int] = {}
    for node in graph.nodes:
        calls[node.target] = calls.get(node.target, 0) + (node.op == "call_module")
    for conv, norm in _pairs(graph, modules):
        if calls[conv] == calls[norm] == 1:
            _fold(modules[conv], modules[norm])
            backbone.set_submodule(norm, _without_norm(modules[norm]))
    return backbone


class _Tracer(fx.Tracer):
    """Follows a model down to its convolutions and norms, those of timm included."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        leaf: bool = isinstance(m, (nn.Conv2d, nn.BatchNorm2d)) or super().is_leaf_module(m, module_qualified_name)
        return leaf


def _pairs(graph: fx.Graph, modules: Mapping[str, nn.Module]) -> Iterator[tuple[str, str]]:
    for node in graph.nodes:
        if node.op == "call_module" and isinstance(modules[node.target], nn.BatchNorm2d):
            source = node.args[0]
            if source.op == "call_module" and isinstance(modules[source.target], nn.Conv2d) and len(source.users) == 1:
                yield source.target, node.target


def _fold(conv: nn.Module, norm: nn.Module) -> None:
    assert isinstance(conv, nn.Conv2d)
    assert isinstance(norm, nn.BatchNorm2d)
    mean, var = norm.get_buffer("running_mean"), norm.get_buffer("running_var")
    conv.weight, conv.bias = fuse_conv_bn_weights(conv.weight, conv.bias, mean, var, norm.eps, norm.weight, norm.bias)


def _without_norm(norm: nn.Module) -> nn.Module:
    """What is left of a norm: timm has some with an activation inside."""
    return nn.Sequential(*(part for part in norm.children() if not isinstance(part, nn.Identity)))
