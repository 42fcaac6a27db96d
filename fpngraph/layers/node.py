"""What runs for one node of a graph: its edges, their fusion, then its layers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from torch import Tensor, nn
from torch.nn import functional as F

from fpngraph.feature import Size
from fpngraph.layers.fusion.sources import OfMaps
from fpngraph.layers.fusion.weighted import Enlarged, FastNormalized, Softmax, Unbounded
from fpngraph.layers.layout import Layers, contiguous, inside, takes_any
from fpngraph.layers.named import Named
from fpngraph.layers.resample.adaptive import AdaptiveAvgPool, AdaptiveMaxPool
from fpngraph.layers.resample.interpolate import Interpolate, has_size
from fpngraph.layers.tracing import all_are_hooked, is_traced

_EXACT = (Interpolate, AdaptiveAvgPool, AdaptiveMaxPool)
"""Resamplers that give any size wanted; what others give, an edge resizes to it."""
_WEIGHTED = (Unbounded, Softmax, FastNormalized)
"""Exact classes of fusions that take a map before its pixels are repeated."""


class Edge(Named):
    """Brings a map to its node: the steps one after the other, those of a projection together in ``project``.

    ``resampler`` is the name of the step that is called with the size wanted too (None: no step is).
    On a CPU a map is laid out anew before the first step, or after it if that is a convolution. A step that is not
    known to take any layout gets contiguous maps, on every device.

    Shape: [B, C, H, W] to [B, C', height, width].
    """

    def __init__(
        self, steps: Mapping[str, nn.Module] | Iterable[nn.Module] = (), *, resampler: str | None = None
    ) -> None:
        super().__init__(steps)
        self.resampler = resampler

    def forward(self, x: Tensor, size: Size) -> Tensor:  # type: ignore[override]  # a list of layers takes no size
        first = True
        for name, step in self._modules.items():
            assert step is not None
            projects = type(step) is Layers  # which lays maps out as its layers take them
            if not (projects or takes_any(step)):
                x = contiguous(x)
            elif not (first and (projects or isinstance(step, nn.Conv2d))):
                x = inside(x)
            first = False
            if name != self.resampler:
                x = step(x)
                continue
            x = step(x, size)
            # the level's size may be an input's, and that was rounded in another way
            if type(step) not in _EXACT and not has_size(x, size):
                x = F.interpolate(x, (size.height, size.width), mode="nearest")
        return inside(x)


class Node(nn.Module):
    """Fuses what its edges bring, then applies its layers. An edge is called by the name of its source.

    Called with the size of its level and one map per edge, in the order of the graph file.
    """

    def __init__(
        self,
        edges: Mapping[str, Edge] | Iterable[Edge],
        fusion: nn.Module,
        op: Mapping[str, nn.Module] | Iterable[nn.Module] = (),
    ) -> None:
        super().__init__()
        self.edges = Named(edges)
        self.fusion = fusion
        self.op = Layers(op)
        if isinstance(fusion, OfMaps):
            fusion.sources = tuple(self.edges._modules)

    def forward(self, size: Size, *maps: Tensor) -> Tensor:
        bring = _way_to(self.fusion, learns=self.training)
        # A generator, so that a fusion holds one resampled map at a time; written here, as older compilers want it.
        fused: Tensor = self.fusion(bring(edge, x, size) for edge, x in zip(self.edges, maps, strict=True))
        # somebody may have put other modules in the place of ours
        y: Tensor = self.op(fused if type(self.op) is Layers else contiguous(fused))
        return y


def _way_to(fusion: nn.Module, *, learns: bool) -> Callable[[nn.Module, Tensor, Size], Tensor | Enlarged]:
    """How ``fusion`` takes what an edge brings; to learn, a small map, for which it takes one operator more."""
    if not takes_any(fusion):
        return _brought_contiguous
    weighs = learns and type(fusion) in _WEIGHTED and not (is_traced() or all_are_hooked() or _is_touched(fusion))
    return _brought_small if weighs else _brought


def _brought(edge: nn.Module, x: Tensor, size: Size) -> Tensor:
    """What an edge brings, which somebody may have put in the place of ours."""
    y: Tensor = edge(x if isinstance(edge, Edge) else contiguous(x), size)
    return y


def _brought_contiguous(edge: nn.Module, x: Tensor, size: Size) -> Tensor:
    return contiguous(_brought(edge, x, size))


def _brought_small(edge: nn.Module, x: Tensor, size: Size) -> Tensor | Enlarged:
    """The map itself, where all that is to be done is to repeat its pixels, and nobody looks at that."""
    if type(edge) is not Edge or len(edge) != 1 or x.shape[-2] > size.height or x.shape[-1] > size.width:
        return _brought(edge, x, size)
    (step,) = edge
    repeats = type(step) is Interpolate and step.mode == "nearest" and not (_is_touched(edge) or _is_touched(step))
    return Enlarged(x, partial(edge, size=size)) if repeats else _brought(edge, x, size)


def _is_touched(module: nn.Module) -> bool:
    """Whether somebody has hooked ``module``, or has changed what it does."""
    hooks = (module._forward_hooks, module._forward_pre_hooks, module._backward_hooks, module._backward_pre_hooks)
    return any(hooks) or "forward" in vars(module)
