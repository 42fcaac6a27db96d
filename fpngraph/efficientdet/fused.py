"""The inference form of the detector."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Self

import torch
from timm.layers.conv2d_same import Conv2dSame
from torch import Tensor, fx, nn

from fpngraph.compiler.neck import Neck
from fpngraph.detection.boxes import Predictions
from fpngraph.efficientdet.heads import Head
from fpngraph.efficientdet.parts import Parts
from fpngraph.inference.absorbing import absorb
from fpngraph.inference.classes import is_one_of, no_rule
from fpngraph.inference.folding import ALONE, Held, chain, changed, changed_inside, different, inference_copy
from fpngraph.layers.conv import UncopiedConv2d, is_pointwise, pointwise
from fpngraph.layers.layout import Layers, channels_last
from fpngraph.ops import Operator
from fpngraph.ops.norm import BatchNorm, GroupNorm, LayerNorm

_CONVS = ("torch.nn.Conv2d", "timm.layers.conv2d_same.Conv2dSame")
_NORMS = (nn.BatchNorm2d, nn.SyncBatchNorm, nn.GroupNorm, nn.LayerNorm)


class FusedEfficientDet(Parts):
    """A detector for inference only. Made by ``fuse`` of a detector, whose weights it has a copy of.

    Called as the detector is, and equal to it in eval mode but for rounding; ``train()`` is refused.
    """

    unfolded: dict[str, str]
    """What runs as it did, where others are folded, as ``FusedNeck`` has it: path in the detector to reason."""

    def __init__(self, detector: Parts, neck: Neck, heads: tuple[Head, Head], dtype: torch.dtype | None) -> None:
        backbone, of_backbone = in_inference(inference_copy(detector.backbone, "backbone"))
        (class_head, of_classes), (box_head, of_boxes) = map(fused_head, heads)
        own = neck.fuse(dtype)
        super().__init__(detector.config, backbone.to(memory_format=torch.channels_last), own, class_head, box_head)
        reason = changed(detector)
        self.unfolded = {"": f"{reason}, which stays behind"} if reason else {}
        found = {"backbone": of_backbone, "neck": own.unfolded, "class_head": of_classes, "box_head": of_boxes}
        for name, unfolded in found.items():
            self.unfolded |= {f"{name}.{path}" if path else name: reason for path, reason in unfolded.items()}
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

    def __init__(self, levels: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.levels = nn.ModuleDict(levels)

    def forward(self, maps: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {level: self.levels[level](x) for level, x in maps.items()}


def fused_head(head: Head) -> tuple[nn.Module, Mapping[str, str]]:
    """The head in inference, and what is not folded in it."""
    if reason := different(head, ("fpngraph.efficientdet.heads.Head",)):
        return inference_copy(head).to(memory_format=torch.channels_last), {"": reason}
    paths = {module: path for path, module in head.named_modules()}
    levels: dict[str, nn.Module] = {}
    unfolded: dict[str, str] = {}
    for level in head.levels:
        steps = [(paths[module], operator, module) for operator, module in head.steps(level)]
        modules = [Held(path, path, module) for path, _, module in steps]
        found = chain({path: operator for path, operator, _ in steps}, modules)
        # what the neck gives is the caller's own where it gives an input, so that nothing may be written to it
        edge, _ = found.run(owned=False)
        levels[level] = Layers(edge).to(memory_format=torch.channels_last)
        unfolded |= found.unfolded
    return FusedHead(levels), unfolded


def in_inference(backbone: nn.Module) -> tuple[nn.Module, Mapping[str, str]]:
    """The backbone, which is changed: norms folded, and no padded copies for TensorFlow's padding; and what remains."""
    unfolded = _fold_norms(backbone)
    for name, part in list(backbone.named_modules()):
        if not is_one_of(part, _CONVS) or changed(part):
            continue
        assert isinstance(part, nn.Conv2d)
        # only where they are cheap: a kernel with zeros in it costs more than the copy where channels are mixed
        if isinstance(part, Conv2dSame) and part.groups > 1 and part.stride[0] > 1 and part.dilation[0] == 1:
            backbone.set_submodule(name, UncopiedConv2d(part))
        elif is_pointwise(part):
            backbone.set_submodule(name, pointwise(part))
    return backbone, unfolded


def _fold_norms(backbone: nn.Module) -> Mapping[str, str]:
    """Take each batch norm into the convolution that it alone reads; the norms that remain, with the reason."""
    modules = dict(backbone.named_modules())
    norms = {name: part for name, part in modules.items() if isinstance(part, _NORMS) or _rule(part)}
    graph = _followed(backbone)
    pairs = dict(_pairs(graph, modules, norms)) if graph else {}
    unfolded = {}
    for name, norm in norms.items():
        rule = _rule(norm)
        reason = changed_inside(norm) if rule else no_rule(norm)
        parts = rule.parts(norm) if rule and not reason else ()
        if parts and (affine := parts[0].affine) is not None and name in pairs:
            absorb(modules[pairs[name]], *affine)
            backbone.set_submodule(name, nn.Sequential(*(part.module for part in parts[1:])))
        else:
            remains = parts[0].remains if parts else reason
            unfolded[name] = remains or (ALONE if graph else "is in a backbone that torch.fx cannot follow")
    return unfolded


def _rule(norm: nn.Module) -> Operator | None:
    return next((rule for rule in (BatchNorm(), GroupNorm(), LayerNorm()) if is_one_of(norm, rule.modules)), None)


def _followed(backbone: nn.Module) -> fx.Graph | None:
    """The calls in a backbone; None if torch.fx cannot follow it, or not what somebody has made of its forward."""
    if changed(backbone):
        return None
    try:
        graph: fx.Graph = _Tracer().trace(backbone)
    except Exception:  # whatever a model does that cannot be followed: it runs as it is
        return None
    return graph


class _Tracer(fx.Tracer):
    """Follows a model down to its convolutions and norms, those of timm included, and to what somebody has hooked."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        leaf = isinstance(m, nn.Conv2d) or is_one_of(m, BatchNorm.modules) or bool(changed(m))
        return leaf or bool(super().is_leaf_module(m, module_qualified_name))


def _pairs(
    graph: fx.Graph, modules: Mapping[str, nn.Module], norms: Mapping[str, nn.Module]
) -> Iterator[tuple[str, str]]:
    """Norms with the convolutions that they alone read, of those that are called once."""
    calls = Counter(node.target for node in graph.nodes if node.op == "call_module")
    for node in graph.nodes:
        if node.op == "call_module" and node.target in norms:
            source = node.args[0]
            if source.op != "call_module" or len(source.users) != 1 or calls[source.target] * calls[node.target] != 1:
                continue
            conv = modules[source.target]
            if is_one_of(conv, _CONVS) and not changed(conv):
                yield node.target, source.target
