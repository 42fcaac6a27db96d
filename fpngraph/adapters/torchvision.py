"""The parts of torchvision's detectors that have to match their backbone, made from a :class:`FeaturePyramid`.

A pyramid is such a backbone as it is. What is made here follows its levels, their strides and their channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from torch import nn

# torchvision has no hints
from torchvision.models.detection.anchor_utils import (  # type: ignore[import-untyped]  # torchvision has no hints
    AnchorGenerator,
    DefaultBoxGenerator,
)
from torchvision.models.detection.ssd import SSDHead  # type: ignore[import-untyped]  # torchvision has no hints
from torchvision.ops import MultiScaleRoIAlign  # type: ignore[import-untyped]  # torchvision has no hints

from fpngraph.adapters.host import HostError
from fpngraph.pyramid.plugged import Plugged
from fpngraph.pyramid.pyramid import Pyramid

OCTAVE = (4.0, 4.0 * 2 ** (1 / 3), 4.0 * 2 ** (2 / 3))
"""Three sizes per level, as in arXiv:1708.02002 Sec. 4."""
GROUPS = 32
"""Groups of channels that are normalised together in torchvision's head for anchor points."""
COARSEST_POOLED = 32
"""Stride of the coarsest map that torchvision pools from; what lies above it is for proposals alone."""


def anchor_generator(
    pyramid: Pyramid,
    *,
    scales: Sequence[float] = OCTAVE,
    aspect_ratios: Sequence[float] = (0.5, 1.0, 2.0),
) -> AnchorGenerator:
    """Anchors of every aspect ratio (height / width) and scale at every pixel of every map of the pyramid.

    ``scales`` are sides in pixels of the map, so that anchors grow with the stride.
    Raises HostError unless all maps have equally many channels, since heads share their convolutions between levels.
    """
    _width(pyramid)
    strides = pyramid.out_strides.values()
    sizes = tuple(tuple(int(scale * stride) for scale in scales) for stride in strides)
    return AnchorGenerator(sizes, (tuple(aspect_ratios),) * len(sizes))


def point_generator(pyramid: Pyramid) -> AnchorGenerator:
    """One square anchor of the stride's side at every pixel of every map, for FCOS.

    Raises HostError unless all maps have equally many channels, a multiple of the 32 groups of FCOS's head.
    """
    width = _width(pyramid)
    if width % GROUPS:
        below = width - width % GROUPS
        near = " or ".join(str(channels) for channels in (below, below + GROUPS) if channels)
        raise HostError(
            f"the maps have {width} channels, but a multiple of {GROUPS} is required: torchvision's head normalises "
            f"{GROUPS} groups of them\n  hint: make the pyramid with {near} channels, or pass a head of your own"
        )
    return anchor_generator(pyramid, scales=(1,), aspect_ratios=(1.0,))


def box_generator(pyramid: Pyramid, *, aspect_ratios: Sequence[int] = (2, 3)) -> DefaultBoxGenerator:
    """SSD's default boxes, 2 + 2 per aspect ratio, centred on every pixel of every map of the pyramid."""
    strides = list(pyramid.out_strides.values())
    return DefaultBoxGenerator([list(aspect_ratios) for _ in strides], steps=strides)


def ssd_head(pyramid: Pyramid, boxes: DefaultBoxGenerator, num_classes: int) -> SSDHead:
    """SSD's head, with convolutions of their own for every map, whether or not they have equally many channels.

    ``num_classes`` counts the background. Raises HostError unless ``boxes`` are for as many maps.
    """
    _check_levels(pyramid, boxes)
    return SSDHead(list(pyramid.neck.out_channels.values()), boxes.num_anchors_per_location(), num_classes)


def roi_align(pyramid: Pyramid, *, output_size: int = 7, sampling_ratio: int = 2) -> MultiScaleRoIAlign:
    """Pools regions to ``output_size`` from the maps up to stride 32 (all maps if there are none), each by its size.

    Raises HostError unless all maps have equally many channels, and each stride is twice the one before.
    """
    _width(pyramid)
    strides = pyramid.out_strides
    names = [name for name, stride in strides.items() if stride <= COARSEST_POOLED] or list(strides)
    pool = MultiScaleRoIAlign(names, output_size, sampling_ratio)
    _check_pool(pyramid, pool)
    return pool


def check(detector: nn.Module) -> None:
    """Raises HostError unless anchors and pooling of a detector fit its :class:`FeaturePyramid`, or plugged neck.

    The first is its backbone, the second the ``fpn`` of torchvision's ``BackboneWithFPN``.
    torchvision itself finds out only when the first image has passed the backbone.
    """
    pyramid = _pyramid(detector.backbone)
    for module in detector.modules():
        if isinstance(module, AnchorGenerator | DefaultBoxGenerator):
            _check_levels(pyramid, module)
        elif isinstance(module, MultiScaleRoIAlign):
            _check_pool(pyramid, module)


@dataclass(frozen=True)
class _Swapped:
    """The maps of a neck that stands in the place of torchvision's own, by the names that it gives them."""

    out_channels: int | list[int]
    out_strides: dict[str, int]


_Maps = Pyramid | _Swapped
"""What detectors are told of the maps of their backbone."""


def _pyramid(backbone: object) -> _Maps:
    if isinstance(backbone, Pyramid):
        return backbone
    neck = getattr(backbone, "fpn", None)
    if not isinstance(neck, Plugged):
        raise HostError(
            f"the backbone is a {type(backbone).__name__}, but a FeaturePyramid is required, or one of torchvision "
            "with a neck of fpngraph.plug as its 'fpn'"
        )
    said: int = backbone.out_channels  # type: ignore[attr-defined]  # torchvision's backbones have one
    if set(neck.out_channels) != {said}:
        found = ", ".join(map(str, neck.out_channels))
        raise HostError(
            f"the maps of the neck have {found} channels, but the backbone's out_channels is {said}\n"
            "  hint: set it before heads are made"
        )
    return _Swapped(said, dict(zip(neck.names, neck.out_strides, strict=True)))


def _width(pyramid: _Maps) -> int:
    width = pyramid.out_channels
    if isinstance(width, list):
        found = ", ".join(map(str, width))
        raise HostError(
            f"the maps have {found} channels, but the same number is required: the head is one for all levels"
        )
    return width


def _check_levels(pyramid: _Maps, generator: AnchorGenerator | DefaultBoxGenerator) -> None:
    if isinstance(generator, AnchorGenerator):
        _width(pyramid)
    levels, names = len(generator.aspect_ratios), list(pyramid.out_strides)
    if levels != len(names):
        raise HostError(f"the anchors are for {levels} maps, but the pyramid gives {len(names)}: {', '.join(names)}")


def _check_pool(pyramid: _Maps, pool: MultiScaleRoIAlign) -> None:
    strides, names = pyramid.out_strides, pool.featmap_names
    unknown = [name for name in names if name not in strides]
    if unknown:
        raise HostError(
            f"the pooling reads {', '.join(map(repr, unknown))}, but the maps of the pyramid are {', '.join(strides)}"
        )
    pooled = [strides[name] for name in strides if name in names]
    if any(coarse != 2 * fine for fine, coarse in pairwise(pooled)):
        found = ", ".join(map(str, pooled))
        raise HostError(f"the pooled maps have the strides {found}, but each has to be twice the one before")
